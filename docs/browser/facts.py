"""What the page in the browser needs of the package, beside its script: graphs, frames to try, and every number."""

import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any, cast

import handkit
from handkit import HAND21, anatomy, asked, cleaning, depth, estimator, hypotheses, locate
from handkit.drawing import FINGER_COLORS
from handkit.named_cameras import CAMERAS
from handkit.skeleton import FINGERS

HERE, PACKAGE = Path(__file__).parent, Path(handkit.__file__).parent
BUILT = HERE / "build"
"""Where `npm run build` puts the script and ONNX Runtime."""
GRAPHS = ("detector.onnx", "latent-fusion.onnx")
CAMERA = ("fx", "fy", "cx", "cy", "width", "height", "unit_mm")


def assemble(out: Path) -> None:
    """Everything the page loads, into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for name in GRAPHS:
        shutil.copyfile(PACKAGE / "weights" / name, out / name)
    for file in BUILT.glob("*"):
        shutil.copyfile(file, out / file.name)
    samples = [_recording(out), *_images(out)]
    (out / "facts.json").write_text(json.dumps(facts() | {"samples": samples}), encoding="utf-8")


def facts() -> dict[str, Any]:
    """As docs/browser/src/facts.ts declares them, without the samples."""
    names = [HAND21.joints[end] for _, end in HAND21.bones]
    rgb = {finger: FINGER_COLORS[finger][::-1] for finger in FINGERS}
    return {
        "version": version("handkit"),
        "cameras": {name: sheet._asdict() for name, sheet in CAMERAS.items()},
        "skeleton": {
            "joints": HAND21.joints,
            "bones": HAND21.bones,
            "typical_mm": [anatomy.TYPICAL_MM[name] for name in names],
            "colors": ["#{:02x}{:02x}{:02x}".format(*rgb[name.partition("_")[0]]) for name in names],
        },
        "anatomy": {"small": anatomy.SMALL, "large": anatomy.LARGE, "uneven": anatomy.UNEVEN},
        "depth": {
            "meters": depth.METERS, "units": depth.UNITS, "farthest": depth.FARTHEST,
            "far_share": cleaning.FAR_SHARE, "far_mm": cleaning.FAR_MM, "far_ratio": cleaning.FAR_RATIO,
            "around": depth.AROUND_MM, "support": depth.SUPPORT_MM,
        },
        "detector": {
            "focal": locate.FOCAL, "stride": locate.STRIDE, "multiple": locate.MULTIPLE,
            "threshold": locate.THRESHOLD, "weak": locate.WEAK, "sure": locate.SURE,
            "apart": locate.APART_MM, "other": locate.OTHER_MM,
        },
        "surfaces": {
            "near": locate.NEAR, "far": locate.FAR, "reach": locate.REACH_MM, "apart": locate.SURFACES_APART_MM,
            "limit": _default(locate.propose, "limit"),
        },
        "estimator": {
            "rotations": _default(estimator.HandPoseEstimator.__init__, "rotations"),
            "minimum_confidence": asked.MINIMUM_CONFIDENCE,
            "extra": estimator.EXTRA, "enough": estimator.ENOUGH, "hopeless": estimator.HOPELESS,
            "still_mm": estimator.STILL_MM,
            "clear": estimator.CLEAR, "contradicted": hypotheses.CONTRADICTED, "least_cm2": hypotheses.LEAST_CM2,
        },
    }  # fmt: skip


def _default(function: Callable[..., object], name: str) -> Any:  # noqa: ANN401
    return (cast(FunctionType, function).__kwdefaults__ or {})[name]


def _recording(out: Path) -> dict[str, Any]:
    """The recording that comes with the package."""
    folder = PACKAGE / "recording"
    first = json.loads((folder / "labels.jsonl").read_text(encoding="utf-8").partition("\n")[0])
    frames = sorted(folder.glob("*.png"))
    for frame in frames:
        shutil.copyfile(frame, out / f"recording-{frame.name}")
    return {
        "title": f"One hand, {len(frames)} frames",
        "frames": [f"recording-{frame.name}" for frame in frames],
        "camera": {"unit_mm": 1.0, **{name: first["camera"][name] for name in CAMERA if name in first["camera"]}},
    }


def _images(out: Path) -> list[dict[str, Any]]:
    """Images of the synthetic world that `make pictures` wrote."""
    listed: list[dict[str, Any]] = json.loads((HERE / "samples/samples.json").read_text(encoding="utf-8"))
    for sample in listed:
        for name in sample["frames"]:
            shutil.copyfile(HERE / "samples" / name, out / name)
    return listed
