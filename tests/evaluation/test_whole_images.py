"""Whole images by hand: who is matched with whom, what is missed, false or wrong-handed, and what adds up."""

import json
from typing import Literal

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.cli import main
from handkit.estimator import HandPoseEstimator
from handkit.evaluation import Tally, TrueHand, WholeImage, evaluate_images
from handkit.evaluation.matching import WITHIN_MM
from handkit.hand import HandPose, Prediction
from handkit.skeleton import HAND21

Side = Literal["left", "right"]
CAMERA = Camera(fx=100.0, fy=100.0, cx=31.5, cy=23.5, width=64, height=48)
DEPTH = np.full((48, 64), 500.0, np.float32)


def pose(x: float, *, side: Side = "right", confidence: float = 0.9, uncertainty: float = 5.0) -> HandPose:
    joints = np.tile(np.array([x, 0.0, 500.0], np.float32), (21, 1))
    spread = np.full(21, uncertainty, np.float32)
    return HandPose(joints, joints[:, :2], side, confidence, HAND21, spread, 1.0)


def true(x: float, *, left: bool = False) -> TrueHand:
    return TrueHand(left, {joint: np.array([x, 0.0, 500.0], np.float32) for joint in range(21)})


def image(*hands: TrueHand, kind: str = "bare", depth: np.ndarray = DEPTH) -> WholeImage:
    return WholeImage(kind, depth, CAMERA, list(hands))


class Oracle(HandPoseEstimator):
    """Returns what it was given, image by image."""

    def __init__(self, *answers: list[HandPose]):
        self.answers, self.asked = list(answers), []

    def run(self, image, **asked):
        self.asked.append(asked["handedness"])
        return Prediction(self.answers.pop(0), None, {})


def test_the_surest_takes_the_nearest_hand():
    """60 mm is nearer to the second; the next one has the first left; the third has none, and is less than sure."""
    tally = Tally()
    tally.add([pose(30, confidence=0.8), pose(60), pose(50, confidence=0.3)], [true(0), true(100, left=True)])
    assert [errors.mean() for errors in tally.errors_mm] == [40.0, 30.0]
    assert (tally.hands, tally.missed, tally.false, tally.handedness_errors) == (2, 0, 0, 1)
    assert tally.confidence == [0.9, 0.8, 0.3]
    assert tally.good == [False, False, False]


def test_missed_false_and_unsure_by_hand():
    """None, too far, near but unsure, near enough, and one where nobody is."""
    oracle = Oracle([], [pose(WITHIN_MM + 1)], [pose(4, confidence=0.3)], [pose(16)], [pose(0)])
    images = [*[image(true(0))] * 4, image(kind="empty")]
    tallies = evaluate_images(oracle, images)
    assert oracle.asked == ["auto"] * 5
    assert list(tallies) == ["bare", "empty"]
    summary = sum(tallies.values(), Tally()).summary()
    assert (summary["images"], summary["hands"], summary["missed"], summary["false"]) == (5, 4, 3, 2)
    assert (summary["mean_error_mm"], summary["success_20mm"], summary["expected_error_mm"]) == (16.0, 1.0, 5.0)
    assert (summary["answers"], summary["good"]) == (4, 0.5)
    assert summary["ece"] == pytest.approx((3 * (0.9 - 1 / 3) + 1 * (1 - 0.3)) / 4, abs=0.0006)
    assert tallies["empty"].summary()["mean_error_mm"] is None
    json.dumps(summary, allow_nan=False)


def test_handedness_is_given_where_there_is_one_hand():
    both = image(true(0), true(200, left=True))
    oracle = Oracle([], [], [], [])
    evaluate_images(oracle, [image(true(0)), image(true(0, left=True)), both, image()], handedness="given")
    assert oracle.asked == ["right", "left", "auto", "auto"]


def test_a_hand_of_which_only_the_side_is_known():
    tally = Tally()
    tally.add([pose(300)], [TrueHand(True, {})])
    assert (tally.missed, tally.false, tally.handedness_errors) == (0, 0, 1)
    assert tally.summary()["answers"] == 0


def test_few_labeled_joints_are_enough():
    tip = TrueHand(False, {8: np.array([3.0, 4.0, 500.0], np.float32)})
    assert (tip.errors(pose(0)).tolist(), tip.away(pose(0))) == ([5.0], 5.0)


def test_a_refused_image_ends_nothing():
    tallies = evaluate_images(Oracle([pose(0)]), [image(true(0), depth=DEPTH[:5]), image(true(0))])
    assert (tallies["bare"].missed, tallies["bare"].images) == (1, 2)


@pytest.mark.parametrize(("images", "kinds"), [("first", {"bare"}), ("world", {"bare", "held", "two", "empty"})])
def test_both_sets_from_the_command_line(tmp_path, images: str, kinds: set[str], monkeypatch, capsys):
    """By an estimator that sees nothing: as many missed as there are hands."""
    nobody = HandPoseEstimator.__new__(HandPoseEstimator)
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: nobody)
    monkeypatch.setattr(HandPoseEstimator, "skeleton", HAND21)
    monkeypatch.setattr(HandPoseEstimator, "run", lambda *_, **__: Prediction([], "nothing", {}))
    out = tmp_path / "figures.json"
    assert main(["evaluate", "--images", images, "--count", "4", "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    assert written["kinds"].keys() == kinds
    assert written["missed"] == written["hands"] == 4
    assert "from confidence 0.4 on" in written["protocol"]
    assert "missed" in capsys.readouterr().out
    assert main(["evaluate", "--images", images, "--count", "0"]) == 2
    assert "--count 0: the set has 2000 images; give 1 to 2000" in capsys.readouterr().err
