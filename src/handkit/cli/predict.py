"""`handkit predict`: its options; its work is imported when it runs."""

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from handkit.cli.options import CameraText, Count, MaybeFolder, Weights


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Find the hand in depth images: 21 joints in camera millimeters, one line of JSON per image."""

    frames: Annotated[Positional[tuple[str, ...]], arg(metavar="FRAME...", help_behavior_hint="")] = ()
    """16-bit PNG, PGM or TIFF, .npy or .npz files, folders of them, or globs."""
    camera: CameraText
    """A named camera (see `handkit info`), or its intrinsics in pixels (and distortion, in OpenCV's order)."""
    depth_scale: Annotated[float | None, arg(metavar="MM_PER_UNIT")] = None
    """Millimeters per unit of depth: 1 unless the named camera has another, 1000 for meters."""
    handedness: Literal["right", "left", "auto"] = "auto"
    """Which hand it is; auto predicts it."""
    weights: Weights = "latent-fusion"
    """Bundled weights by name, or a .safetensors file."""
    threads: Count = 1
    """Of the networks; on a machine that does other work as well, one is the fastest."""
    out: MaybeFolder = None
    """Write poses.jsonl and one overlay picture per frame there, and nothing to stdout."""

    def run(self) -> int:
        from handkit.cli.frames import Request, predict_frames

        asked = Request(self.camera, self.depth_scale, self.handedness, self.weights, self.out, self.threads)
        return predict_frames(self.frames, asked)
