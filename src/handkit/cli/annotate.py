"""`handkit annotate`: millions of frames, labeled into an archive."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tyro.conf import Positional, arg

from handkit.asked import MINIMUM_CONFIDENCE, Asked
from handkit.cli.options import Backend, Count, DepthScale, MaybeCamera, Probability, Weights
from handkit.cli.saying import say


@dataclass(frozen=True, kw_only=True)
class Annotate:
    """Label every frame of a source into a folder of Parquet files: one row a frame; run again, it goes on."""

    source: Annotated[Positional[str], arg(metavar="SOURCE")]
    """A folder, a glob or a file of depth images (stacks as well), or an .mcap recording."""
    out: Annotated[Path, arg(metavar="DIR.parquet")]
    """The archive: pandas opens it, and `handkit convert` makes an .mcap of it."""
    camera: MaybeCamera = None
    """That took the images, where they do not say."""
    depth_scale: DepthScale = None
    """Millimeters per unit of depth."""
    engine: Literal["local", "ray"] = "local"
    """local: this machine, and with RANK and WORLD_SIZE (torchrun) its share; ray: the cluster of RAY_ADDRESS."""
    workers: Count = 1
    """Processes, each with the networks on one thread."""
    handedness: Asked = "auto"
    """Answer only hands of this side; auto: of either, and predict it."""
    weights: Weights = "latent-fusion"
    """A bundled network by name, an .onnx or .xml graph, or a .safetensors file (which needs torch)."""
    hands: Count = 2
    """This many hands at most, the surest first."""
    minimum_confidence: Probability = MINIMUM_CONFIDENCE
    """Probability, 0 to 1, below which a hand is not answered."""
    backend: Backend = None
    """What runs the networks: onnx by default, openvino (bfloat16, faster) or torch."""
    shard_frames: Count = 1000
    """Frames of one file: what a kill costs at most."""

    def run(self) -> int:
        from handkit.archive import Labeling, annotate

        labeling = Labeling(self.weights, self.backend, self.hands, self.handedness, self.minimum_confidence)
        console = Console(stderr=True)
        columns = (TextColumn("frames"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=None)
            done = annotate(
                self.source, self.out, labeling=labeling, camera=self.camera, depth_scale=self.depth_scale,
                engine=self.engine, workers=self.workers, shard_frames=self.shard_frames,
                report=say,
                tell=lambda frames, total: progress.update(task, advance=frames, total=total),
            )  # fmt: skip
        state = f"{done.missing} are still missing" if done.missing else "all are there"
        print(f"{done.done} frames labeled; of the {done.frames} of {self.out} {state}")
        print(f"{done.with_hand} with a hand, {done.refused} refused")
        return 0
