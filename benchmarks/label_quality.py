"""How far the labels of a real sequence agree with its own depth images, beside how far our answers do.

    python benchmarks/label_quality.py DATA

DATA holds `cvar/`. Looked at: joints that float in front of every surface, which none can; the length of the bone after
each knuckle, which is the same in every frame of one person; the mean error over the frames whose labels float least;
and what is left of the error when each joint is moved by one vector in the palm's frame, the mean difference on the
other half of the sequence: labels put the same joint elsewhere. Prints two tables.
"""

from pathlib import Path

import numpy as np
import tyro
from real_frames import cvar
from report import print_report, run_benchmark

from handkit import HandPoseEstimator
from handkit.depth import DepthImage
from handkit.skeleton import HAND21

LABELED = np.arange(2, 21)
PALM = ("wrist", "index_mcp", "middle_mcp", "pinky_mcp")
FLOATING_MM = 3.0
BEST = 0.5
"""Share of the frames that count as those whose labels float least."""


def main(data: tyro.conf.Positional[Path], *, weights: str = "latent-fusion") -> None:
    """Print the agreement of labels and of answers with the surface."""
    estimator = HandPoseEstimator.from_pretrained(weights)
    labels, answers, palms, offsets = [], [], [], []
    for sample in cvar(data):
        image = DepthImage.of(sample.depth, sample.camera)
        (hand, *_) = estimator.run(image, hands=1, handedness="right", minimum_confidence=0.0).hands
        label = np.array([sample.joints[int(joint)] for joint in LABELED])
        answer = hand.joints_mm[LABELED]
        offsets.append([behind(each, image) for each in (label, answer)])
        labels.append(label)
        answers.append(answer)
        palms.append(palm_axes(hand.joints_mm))
    placed = {"labels": np.array(labels), "answers": np.array(answers)}
    depth = dict(zip(placed, np.moveaxis(np.array(offsets), 1, 0), strict=True))
    rows = [
        {
            "joints of": name,
            f"in front of the surface by {FLOATING_MM:.0f} mm": f"{np.nanmean(depth[name] < -FLOATING_MM):.1%}",
            "behind it, median mm": f"{np.nanmedian(depth[name]):.1f}",
            **{f"{finger} proximal, mm": bones(joints, finger) for finger in ("index", "middle", "ring", "pinky")},
        }
        for name, joints in placed.items()
    ]
    print_report("labels and answers against the depth images", rows)
    errors = np.linalg.norm(placed["labels"] - placed["answers"], axis=2).mean(1)
    floating = np.nanmean(depth["labels"] < -FLOATING_MM, axis=1)
    best = np.argsort(floating, kind="stable")[: int(BEST * len(errors))]
    print_report(
        "mean joint error",
        [
            {"frames": "all", "mm": f"{errors.mean():.2f}"},
            {"frames": "labels float least", "mm": f"{errors[best].mean():.2f}"},
            {
                "frames": "all, each joint moved as on the other half",
                "mm": f"{moved(placed['labels'] - placed['answers'], np.array(palms)):.2f}",
            },
        ],
    )


def palm_axes(joints: np.ndarray) -> np.ndarray:
    """Across the palm, along it and out of it, as rows, for the 21 joints of a hand."""
    wrist, index, middle, pinky = (joints[HAND21.joints.index(name)] for name in PALM)
    along = (middle - wrist) / np.linalg.norm(middle - wrist)
    across = index - pinky - (index - pinky) @ along * along
    across /= np.linalg.norm(across)
    return np.stack([across, along, np.cross(across, along)])


def moved(differences: np.ndarray, palms: np.ndarray) -> float:
    """Mean length, mm, of the differences (F, J, 3) less their mean in the palm's axes (F, 3, 3) on the other half."""
    inside = np.einsum("fab,fjb->fja", palms, differences)
    first, second = inside[: len(inside) // 2], inside[len(inside) // 2 :]
    left = np.concatenate([first - second.mean(0), second - first.mean(0)])
    return float(np.linalg.norm(left, axis=2).mean())


def behind(joints: np.ndarray, image: DepthImage) -> np.ndarray:
    """How far each joint lies behind the surface on its ray, mm (median of 3 x 3 pixels); NaN where there is none."""
    height, width = image.depth.shape
    far = np.full(len(joints), np.nan)
    for row, (u, v) in enumerate(np.rint(image.camera.project(joints.astype(np.float32))).astype(int)):
        if 1 <= u < width - 1 and 1 <= v < height - 1:
            around = image.depth[v - 1 : v + 2, u - 1 : u + 2]
            far[row] = joints[row, 2] - np.median(around[around > 0]) if (around > 0).any() else np.nan
    return far


def bones(joints: np.ndarray, finger: str) -> str:
    """Length from a knuckle to the joint after it, over all frames: median and the middle 80 %."""
    start, end = (HAND21.joints.index(f"{finger}_{part}") - int(LABELED[0]) for part in ("mcp", "pip"))
    lengths = np.linalg.norm(joints[:, end] - joints[:, start], axis=1)
    return "{:.0f} ({:.0f} to {:.0f})".format(*np.percentile(lengths, [50, 10, 90]))


if __name__ == "__main__":
    run_benchmark(main)
