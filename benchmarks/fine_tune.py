"""What fine-tuning on a few real frames gains: of CVAR's 200 the first 120 are learned from, the last 60 measured on.

    python benchmarks/fine_tune.py DATA --out runs/fine-tune

DATA holds `cvar/` and `sr305/`. The steps between are those of docs/howto/fine-tune.md: a folder with `labels.jsonl`,
`handkit data pack own`, `handkit train --init`. CVAR marks neither the wrist nor the first joint of the thumb: they are
the bundled network's answers. Errors are of the whole way from the image, handedness given, before and after.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tyro
from real_frames import Sample, cvar, errors_of, sr305
from report import print_report, run_benchmark

from handkit import HAND21, HandPoseEstimator
from handkit.camera import camera_to_dict
from handkit.cli import main as handkit
from handkit.hand import HandPose

LEARNED, MEASURED = slice(0, 120), slice(140, 200)
WEIGHTS, CONFIDENCE = "latent-fusion", "latent-fusion-confidence"
TIPS, KNUCKLES = (4, 8, 12, 16, 20), (5, 9, 13, 17)


def estimator_of(weights: str) -> HandPoseEstimator:
    return HandPoseEstimator.from_pretrained(weights, backend="torch", confidence=CONFIDENCE)


def surest(estimator: HandPoseEstimator, sample: Sample) -> HandPose:
    """Raises IndexError where there is none."""
    return estimator.predict(sample.depth, sample.camera, hands=1, handedness="right", minimum_confidence=0.0)[0]


def write_frames(samples: Sequence[Sample], images: Path, out: Path) -> None:
    """Links to the images, and their labels."""
    estimator = estimator_of(WEIGHTS)
    out.mkdir(parents=True)
    lines: list[str] = []
    for sample in samples:
        joints = surest(estimator, sample).joints_mm.copy()
        for joint, place in sample.joints.items():
            joints[joint] = place
        (out / sample.name).symlink_to((images / sample.name).resolve())
        hand = {"handedness": "right", "skeleton": HAND21.name, "joints_mm": joints.tolist()}
        line = {"source": sample.name, "camera": camera_to_dict(sample.camera), "hands": [hand], "subject": "cvar"}
        lines.append(json.dumps(line))
    (out / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def row(weights: str, *, name: str, measured: Sequence[Sample], others: Sequence[Sample]) -> dict[str, str]:
    """Mean joint errors, mm."""
    estimator = estimator_of(weights)
    errors = np.array([errors_of(surest(estimator, sample), sample) for sample in measured])
    tips, knuckles = ([list(measured[0].joints).index(joint) for joint in chosen] for chosen in (TIPS, KNUCKLES))
    elsewhere = np.concatenate([errors_of(surest(estimator, sample), sample) for sample in others])
    return {
        "weights": name,
        "joints 2-20": f"{errors.mean():.1f}",
        "tips": f"{errors[:, tips].mean():.1f}",
        "knuckles": f"{errors[:, knuckles].mean():.1f}",
        "SR305 tips": f"{elsewhere.mean():.1f}",
    }


def main(
    *, data: tyro.conf.Positional[Path], out: Path, samples: int = 4_800, rate: float = 5e-4, seed: int = 1
) -> None:
    """Write, pack, train, measure; `out` is a new folder."""
    frames = list(cvar(data))
    write_frames(frames[LEARNED], data / "cvar", out / "frames")
    store, run = out / "store", out / "run"
    packed = handkit(["data", "pack", "own", "--root", str(out / "frames"), "--out", str(store), "--margin", "2"])
    trained = packed or handkit(
        ["train", "latent-fusion", "--data", str(store), "--init", WEIGHTS, "--model-args", "planes=xy",
         "--samples", str(samples), "--learning-rate", str(rate), "--seed", str(seed),
         "--threads", "1", "--workers", "0", "--out", str(run)]
    )  # fmt: skip
    if trained:
        raise SystemExit(trained)
    measured, others = frames[MEASURED], list(sr305(data))
    rows = [
        row(weights, name=name, measured=measured, others=others)
        for name, weights in {"before": WEIGHTS, "after": str(run / "weights.safetensors")}.items()
    ]
    print_report(f"mean joint errors, mm: {len(measured)} frames of CVAR, {len(others)} of an SR305", rows)


if __name__ == "__main__":
    run_benchmark(main)
