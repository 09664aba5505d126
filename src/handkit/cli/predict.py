"""`handkit predict`: its options; its work is imported when it runs."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from handkit.asked import MINIMUM_CONFIDENCE, Asked
from handkit.cli.options import Backend, CameraText, Count, DepthScale, MaybeFolder, Weights


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
    minimum_confidence: Annotated[float, arg(metavar="P")] = MINIMUM_CONFIDENCE
    """Probability, 0 to 1, below which a hand is not answered."""
    backend: Backend = None
    """What runs the networks: onnx by default, openvino (bfloat16, faster) or torch."""
    threads: Count = 1
    """Of the networks; on a machine that does other work as well, one is the fastest."""
    out: MaybeFolder = None
    """Write poses.jsonl and one overlay picture per frame there, and nothing to stdout."""

    def run(self) -> int:
        from handkit.cli.frames import Request, predict_frames

        asked = Request(
            self.camera, self.depth_scale, self.handedness, self.weights, self.out, self.threads,
            hands=self.hands, minimum_confidence=self.minimum_confidence, backend=self.backend,
        )  # fmt: skip
        return predict_frames(self.frames, asked)
