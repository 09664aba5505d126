"""Whether answers know how good they are: the whole estimator on the synthetic test set and on real frames.

    python benchmarks/calibration.py WEIGHTS [--confidence FILE] [--detector FILE] [--frames 300] [--data DATA]

As `handkit evaluate`, with real frames: an answer is good when its mean joint error is under 20 mm and its handedness
right. Calibration counts every answer; errors, missed, false and wrong-handed hands count from `--minimum` on. DATA
is as in `real_frames.py`, with `cases/` beside. Prints a table; `--out FILE` has all figures as JSON, `--chart FILE`
the reliability diagram (PNG).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import tyro
from real_frames import SETS, stored
from report import print_report

from handkit import Camera, HandPoseEstimator
from handkit.asked import MINIMUM_CONFIDENCE
from handkit.evaluation import Tally, TrueHand, WholeImage, evaluate_images
from handkit.evaluation.calibration import Bin, reliability
from handkit.reports.charts import FAINT, GRID, INK, SERIES, Chart, Dot, Line, Mark, Text, to_picture
from handkit.training.testset import world_images

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


def diagram(bins: list[Bin], title: str) -> Chart:
    """Share of good answers over what was said; the area of a dot is the number of answers."""
    side, left, top = 340, 60, 44

    def place(said: float, true: float) -> tuple[float, float]:
        return left + said * side, top + (1 - true) * side

    marks: list[Mark] = [Text((left, 26), title, INK, 14), Line([place(0, 0), place(1, 1)], FAINT)]
    for step in range(6):
        share = step / 5
        marks += [Line([place(0, share), place(1, share)], GRID), Line([place(share, 0), place(share, 1)], GRID)]
        marks += [
            Text((left - 8, place(0, share)[1] + 4), f"{share:.1f}", FAINT, 12, "end"),
            Text((place(share, 0)[0], top + side + 18), f"{share:.1f}", FAINT, 12, "middle"),
        ]
    filled = [each for each in bins if each.answers]
    marks.append(Line([place(each.said, each.true) for each in filled], SERIES[0], 2.0))
    most = max(each.answers for each in filled)
    marks += [Dot(place(each.said, each.true), 3 + 8 * (each.answers / most) ** 0.5, SERIES[0]) for each in filled]
    marks.append(Text((left + side / 2, top + side + 38), "confidence; up: share of good answers", FAINT, 12, "middle"))
    return Chart(side + left + 24, side + top + 56, marks)


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
    columns = list(figures["test set"])
    title = f"{weights}, {confidence or 'its confidence network'}; hands from confidence {minimum:.2f} on"
    shown = {
        name: {key: "-" if row[key] is None else str(row[key]) for key in columns} for name, row in figures.items()
    }
    print_report(title, [{"images of": name} | row for name, row in shown.items()])
    bins = reliability(np.array(total.confidence), np.array(total.good))
    if out:
        content = figures | {"reliability": [each._asdict() for each in bins if each.answers]}
        content |= {"cases": cases(estimator, data)} if data else {}
        out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if chart:
        cv2.imwrite(str(chart), to_picture(diagram(bins, f"Reliability, {total.images} images of the test set")))


if __name__ == "__main__":
    tyro.cli(main)
