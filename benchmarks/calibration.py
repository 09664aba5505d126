"""Whether answers know how good they are: the whole estimator on the synthetic test set and on real frames.

    python benchmarks/calibration.py WEIGHTS [--confidence FILE] [--detector FILE] [--frames 300] [--data DATA]

As `handkit evaluate`, with real frames: an answer is good when its mean joint error is under 20 mm and its handedness
right. Calibration counts every answer; errors, missed, false and wrong-handed hands count from `--minimum` on. DATA
is as in `real_frames.py`, with `cases/` beside. Prints a table; `--out FILE` has all figures as JSON, `--chart FILE`
is the reliability diagram (PDF, SVG and PNG).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from real_frames import SETS, stored
from report import print_report, run_benchmark

from handkit import Camera, HandPoseEstimator
from handkit.asked import MINIMUM_CONFIDENCE
from handkit.evaluation import Tally, TrueHand, WholeImage, evaluate_images
from handkit.evaluation.calibration import Bin, reliability
from handkit.reports.charts import COLUMN_IN, LIGHT, SERIES, charted, save_figure
from handkit.training.testset import world_images

COLUMNS = {
    "images": "n", "hands": "hands", "missed": "missed", "false": "false", "handedness_errors": "side",
    "answers": "answers",
    "good": "good", "mean_confidence": "conf.", "ece": "ECE", "auc": "AUC", "expected_error_mm": "exp. mm",
    "mean_error_mm": "mm",
}  # fmt: skip
"""Of a summary, those that are printed, and under what; the file of --out has all."""
FISTS = {
    "asl_a_depth_0_0118": (108.0, 119.0),
    "asl_n_depth_13_0353": (100.0, 129.5),
    "asl_x_depth_23_0001": (98.0, 128.0),
}
"""Principal points of `cases/collapsed_fist`."""


def real(data: Path) -> Iterator[WholeImage]:
    """The sets of `real_frames.py` that are there."""
    for name, read in SETS.items():
        for sample in read(data) if (data / name).is_dir() else ():
            hands = [] if sample.hand is None else [TrueHand(sample.hand == "left", sample.joints)]
            yield WholeImage(name, sample.depth, sample.camera, hands)


def cases(estimator: HandPoseEstimator, data: Path) -> dict[str, Any]:
    """What is answered of each fist, and of two hands side by side."""
    found: dict[str, Any] = {}
    for path in sorted((data / "cases").glob("*/*.png")):
        depth = stored(path)
        camera = Camera.named("sr305")
        if path.stem in FISTS:
            cx, cy = FISTS[path.stem]
            camera = Camera(fx=525.0, fy=525.0, cx=cx, cy=cy, width=depth.shape[1], height=depth.shape[0])
        (answer,) = estimator.predict_many([depth], camera, minimum_confidence=0.0)
        found[path.stem] = [
            (hand.handedness, hand.confidence, [round(float(x)) for x in hand.joints_px.mean(0)])
            for hand in answer.hands
        ]
    return found


def diagram(bins: list[Bin], title: str) -> Figure:
    """Share of good answers over what was said; the area of a dot is the number of answers."""
    filled = [each for each in bins if each.answers]
    said, true = [each.said for each in filled], [each.true for each in filled]
    most = max(each.answers for each in filled)
    with charted(COLUMN_IN, COLUMN_IN) as (figure, (axes,)):
        axes.plot([0, 1], [0, 1], color=LIGHT["faint"], linewidth=0.8)
        axes.plot(said, true, color=SERIES[0])
        axes.scatter(
            said, true, s=[60 * each.answers / most for each in filled], color=SERIES[0], zorder=3, clip_on=False
        )
        axes.set(title=title, xlabel="confidence", ylabel="share of good answers", xlim=(0, 1), ylim=(0, 1))
        axes.set_aspect("equal")
    return figure


def main(
    weights: str,
    /,
    *,
    confidence: str | None = None,
    detector: str = "detector",
    frames: int = 300,
    minimum: float = MINIMUM_CONFIDENCE,
    data: Path | None = None,
    out: Path | None = None,
    chart: Path | None = None,
) -> None:
    """Measure on the synthetic test set, and on the real sets that are there."""
    torch.set_num_threads(1)
    estimator = HandPoseEstimator.from_pretrained(weights, confidence=confidence, detector=detector)
    tallies = evaluate_images(estimator, world_images(frames), minimum_confidence=minimum)
    total = sum(tallies.values(), Tally(minimum))
    figures = {"test set": total.summary()} | {name: tally.summary() for name, tally in tallies.items()}
    if data:
        tallies = evaluate_images(estimator, real(data), minimum_confidence=minimum)
        figures |= {name: tally.summary() for name, tally in tallies.items()}
    title = f"{weights}, {confidence or 'its confidence network'}; hands from confidence {minimum:.2f} on"
    print_report(
        title,
        [
            {"images of": name} | {shown: "-" if row[key] is None else str(row[key]) for key, shown in COLUMNS.items()}
            for name, row in figures.items()
        ],
    )
    bins = reliability(np.array(total.confidence), np.array(total.good))
    if out:
        content = figures | {"reliability": [each._asdict() for each in bins if each.answers]}
        content |= {"cases": cases(estimator, data)} if data else {}
        out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if chart:
        save_figure(diagram(bins, f"Reliability, {total.images} images of the test set"), chart)


if __name__ == "__main__":
    run_benchmark(main)
