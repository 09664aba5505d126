"""Whether answers know how good they are: the whole estimator on the synthetic test set and on real frames.

    python benchmarks/calibration.py WEIGHTS [--confidence FILE] [--detector FILE] [--frames 500] [--data DATA]

An answer is good when its mean joint error is under 20 mm and its handedness right. Calibration counts every answer,
however unsure; missed, false and wrong-handed hands count from `--minimum` on. DATA is as in `real_frames.py`, with
`cases/` beside. Prints a table; `--out FILE` has all figures as JSON, `--chart FILE` is the reliability diagram
(PDF, SVG and PNG).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from real_frames import SETS, stored
from report import print_report

from handkit import Camera, HandPoseEstimator
from handkit.evaluation.calibration import Bin, area_under_curve, expected_calibration_error, reliability
from handkit.hand import HandPose
from handkit.reports.charts import COLUMN_IN, LIGHT, SERIES, charted, save_figure
from handkit.synthetic.testset import FRAMES, testset

GOOD_MM = 20.0
WITHIN_MM = 80.0
"""An answer this near to a hand is that hand's."""
FISTS = {
    "asl_a_depth_0_0118": (108.0, 119.0),
    "asl_n_depth_13_0353": (100.0, 129.5),
    "asl_x_depth_23_0001": (98.0, 128.0),
}
"""Principal points of `cases/collapsed_fist`."""


@dataclass(frozen=True, eq=False)
class TrueHand:
    """One hand: joints in camera mm by number; none where only its side is known."""

    left: bool
    joints: dict[int, np.ndarray]


@dataclass(frozen=True)
class Frame:
    """One depth image in its camera's units, and every hand in it."""

    kind: str
    depth: np.ndarray
    camera: Camera
    hands: list[TrueHand]


@dataclass
class Tally:
    """What adds up over the frames of one kind."""

    frames: int = 0
    hands: int = 0
    missed: int = 0
    false: int = 0
    other_side: int = 0
    confidence: list[float] = field(default_factory=list[float])
    good: list[bool] = field(default_factory=list[bool])
    errors: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Expected and true mean joint error of the hands that are answered, mm."""

    def add(self, answers: list[HandPose], hands: list[TrueHand], *, minimum: float) -> None:
        """The surest answer takes the nearest hand; a hand without labels is taken by any."""
        self.frames += 1
        self.hands += len(hands)
        free, found = list(hands), 0
        for answer in sorted(answers, key=lambda each: -each.confidence):
            hand = min(free, key=lambda each: error_of(answer, each), default=None)
            error = np.inf if hand is None else error_of(answer, hand)
            sure = answer.confidence >= minimum
            if hand is None or error > WITHIN_MM:
                self.false += sure
            else:
                free.remove(hand)
                found += sure
                self.other_side += sure and (answer.handedness == "left") != hand.left
                if hand.joints and sure:
                    self.errors.append((float(answer.uncertainty_mm[list(hand.joints)].mean()), error))
            if hand is None or hand.joints:
                right = hand is not None and (answer.handedness == "left") == hand.left
                self.confidence.append(answer.confidence)
                self.good.append(right and error < GOOD_MM)
        self.missed += len(hands) - found

    def summary(self) -> dict[str, Any]:
        """Counts, and what the confidences are worth."""
        said, true = np.array(self.confidence), np.array(self.good)
        expected, actual = np.array(self.errors or [(np.nan, np.nan)]).T
        figures = {
            "frames": self.frames, "hands": self.hands, "missed": self.missed, "false": self.false,
            "handedness errors": self.other_side, "answers": len(said),
        }  # fmt: skip
        if len(said) == 0:
            return figures
        return figures | {
            "good": round(float(true.mean()), 3), "mean confidence": round(float(said.mean()), 3),
            "ECE": round(expected_calibration_error(said, true), 3),
            "AUC": round(area_under_curve(said, true), 3),
            "expected mm": round(float(expected.mean()), 1), "true mm": round(float(actual.mean()), 1),
        }  # fmt: skip


def error_of(answer: HandPose, hand: TrueHand) -> float:
    """Mean joint error, mm; 0 where nothing is labeled."""
    away = [float(np.linalg.norm(answer.joints_mm[joint] - place)) for joint, place in hand.joints.items()]
    return float(np.mean(away)) if away else 0.0


def synthetic(count: int) -> Iterator[Frame]:
    """Every so many frames of the test set, `count` of them, every kind among them."""
    tens = count // 10
    for index in range(tens * 10):
        ten, place = divmod(index, 10)
        frame = testset(ten * (FRAMES // 10 // tens) * 10 + place)
        sides = zip(frame.hands.numpy(), frame.left.tolist(), strict=True)
        yield Frame(frame.kind, frame.depth, frame.camera, [TrueHand(left, dict(enumerate(j))) for j, left in sides])


def real(data: Path) -> Iterator[Frame]:
    """The sets of `real_frames.py` that are there."""
    for name, read in SETS.items():
        for sample in read(data) if (data / name).is_dir() else ():
            hands = [] if sample.hand is None else [TrueHand(sample.hand == "left", sample.joints)]
            yield Frame(name, sample.depth, sample.camera, hands)


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


def measure(estimator: HandPoseEstimator, frames: Iterable[Frame], *, minimum: float) -> dict[str, Tally]:
    """A tally of every kind of frame."""
    tallies: dict[str, Tally] = {}
    for frame in frames:
        (answer,) = estimator.predict_many([frame.depth], frame.camera, minimum_confidence=0.0)
        tallies.setdefault(frame.kind, Tally()).add(answer.hands, frame.hands, minimum=minimum)
    return tallies


def together(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    total = Tally()
    for each in tallies:
        for name, value in vars(each).items():
            setattr(total, name, getattr(total, name) + value)
    return total


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
    frames: int = 500,
    minimum: float = 0.5,
    data: Path | None = None,
    out: Path | None = None,
    chart: Path | None = None,
) -> None:
    """Measure on the synthetic test set, and on the real sets that are there."""
    torch.set_num_threads(1)
    estimator = HandPoseEstimator.from_pretrained(weights, confidence=confidence, detector=detector)
    tallies = measure(estimator, synthetic(frames), minimum=minimum)
    total = together(tallies.values())
    figures = {"test set": total.summary()} | {name: tally.summary() for name, tally in tallies.items()}
    if data:
        figures |= {name: tally.summary() for name, tally in measure(estimator, real(data), minimum=minimum).items()}
    columns = list(dict.fromkeys(key for row in figures.values() for key in row))
    title = f"{weights}, {confidence or 'its confidence network'}; hands from confidence {minimum:.2f} on"
    print_report(
        title, [{"frames of": name} | {key: str(row.get(key, "")) for key in columns} for name, row in figures.items()]
    )
    bins = reliability(np.array(total.confidence), np.array(total.good))
    if out:
        content = figures | {"reliability": [each._asdict() for each in bins if each.answers]}
        content |= {"cases": cases(estimator, data)} if data else {}
        out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if chart:
        save_figure(diagram(bins, f"Reliability, {total.frames} frames of the test set"), chart)


if __name__ == "__main__":
    tyro.cli(main)
