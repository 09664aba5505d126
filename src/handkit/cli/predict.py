"""`handkit predict`: options that become one call of `handkit.predicting.predict_files`, and a summary of it."""

import sys
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from handkit.asked import MINIMUM_CONFIDENCE, Asked
from handkit.cli.options import Backend, CameraText, Count, DepthScale, MaybeFolder, Probability, Weights
from handkit.cli.saying import say

if TYPE_CHECKING:
    from rich.console import Console

    from handkit.predicting import Counts


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Find the hands in depth images: 21 joints in camera millimeters, one line of JSON per image."""

    frames: Annotated[Positional[tuple[str, ...]], arg(metavar="FRAME...", help_behavior_hint="")] = ()
    """16-bit PNG, PGM or TIFF, .npy or .npz files, folders of them, or globs."""
    camera: CameraText
    """A named camera (see `handkit info`), or its intrinsics in pixels (and distortion, in OpenCV's order)."""
    depth_scale: DepthScale = None
    """Millimeters per unit of depth: 1 unless the named camera has another, 1000 for meters."""
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
    threads: Count = 1
    """Of the networks; on a machine that does other work as well, one is the fastest."""
    out: MaybeFolder = None
    """Write poses.jsonl and one overlay picture per frame there, and nothing to stdout."""

    def run(self) -> int:
        """Answers 0 if at least one frame was processed, else 1."""
        from rich.console import Console
        from rich.progress import Progress

        from handkit.estimator import HandPoseEstimator
        from handkit.predicting import predict_files

        estimator = HandPoseEstimator.from_pretrained(self.weights, backend=self.backend, threads=self.threads)
        console = Console(stderr=True)
        quiet = not (self.out and console.is_terminal)
        with Progress(console=console, transient=True, disable=quiet) as progress:
            bar = progress.add_task("frames", total=None)
            counts = predict_files(
                estimator, self.frames, out=self.out or sys.stdout, camera=self.camera, depth_scale=self.depth_scale,
                hands=self.hands, handedness=self.handedness, minimum_confidence=self.minimum_confidence,
                report=say, watch=lambda done, total: progress.update(bar, completed=done, total=total),
            )  # fmt: skip
        if self.out:
            self._summarize(counts, console)
        return 0 if counts.processed else 1

    def _summarize(self, counts: "Counts", console: "Console") -> None:
        from rich.markup import escape

        count, refused = counts.processed + counts.refused, counts.refused
        console.print(
            f"[bold]{count}[/] frame{'s' * (count != 1)}: "
            f"[green]{counts.with_hand} with a hand[/], {counts.processed - counts.with_hand} without, "
            f"{f'[red]{refused} unreadable[/]' if refused else '0 unreadable'}"
            + (f", median {median(counts.totals_ms):.1f} ms" if counts.totals_ms else ""),
            highlight=False,
        )
        for reason, times in counts.reasons.most_common(3):
            console.print(f"  {times} x {escape(reason)}", highlight=False, style="dim")
        console.print(f"  poses and overlays in {escape(str(self.out))}", highlight=False, style="dim")
