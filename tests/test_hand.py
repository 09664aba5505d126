"""Hands and predictions: read by name, compared, written; and what the package shows of itself."""

import dataclasses
import json
from dataclasses import replace

import numpy as np
import pytest

import handkit
from handkit.cli import main
from handkit.hand import HandPose, Prediction, TrackedHand
from handkit.skeleton import HAND21

JOINTS = np.arange(63, dtype=np.float32).reshape(21, 3)
HAND = HandPose(JOINTS, JOINTS[:, :2], "right", 0.98765, HAND21, np.full(21, 4.25, np.float32), 0.9)


def test_joints_by_name():
    assert HAND["index_tip"].tolist() == JOINTS[8].tolist()
    with pytest.raises(KeyError, match="no joint 'index tip'; did you mean index_tip"):
        HAND["index tip"]


def test_hands_compare():
    assert replace(HAND, joints_mm=JOINTS.copy()) == HAND
    assert replace(HAND, joints_mm=JOINTS + 1) != HAND
    assert replace(HAND, uncertainty_mm=HAND.uncertainty_mm + 1) != HAND
    assert replace(HAND, handedness_probability=0.8) != HAND
    assert HAND != "right"
    assert len({HAND, replace(HAND, joints_mm=JOINTS.copy())}) == 1
    assert Prediction([HAND], None, {}) == Prediction([HAND], None, {})
    assert repr(HAND) == "HandPose(right, confidence 0.89, around (30, 31, 32) mm)"


def test_dicts_are_json():
    prediction = Prediction([replace(HAND, pose_confidence=float("nan"))], None, {"total": 1.0}, ("odd",))
    record = json.loads(json.dumps(prediction.to_dict(), allow_nan=False))
    assert record["hands"][0]["confidence"] is None
    assert record["hands"][0]["joints_mm"][1] == [3.0, 4.0, 5.0]
    assert record["hands"][0]["uncertainty_mm"] == [4.2] * 21
    assert record["hands"][0]["handedness_probability"] == 0.9
    assert record["warnings"] == ["odd"]


def test_the_package_shows_its_names_and_version(capsys):
    assert {"HandPoseEstimator", "Camera", "DepthImage", "__version__"} <= set(dir(handkit))
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"handkit {handkit.__version__}\n"


def test_a_tracked_hand_is_a_hand_with_more():
    fields = {field.name: getattr(HAND, field.name) for field in dataclasses.fields(HAND)}
    motion = np.full((21, 3), 2.0, np.float32)
    hand = TrackedHand(**fields, id=3, time_s=1.5, tracked=True, raw_mm=JOINTS + 1, velocity_mm_s=motion, seen_s=0.5)
    assert hand["index_tip"].tolist() == JOINTS[8].tolist()
    record = json.loads(json.dumps(hand.to_dict(), allow_nan=False))
    assert record.items() >= HAND.to_dict().items()
    assert (record["id"], record["tracked"], record["seen_s"]) == (3, True, 0.5)
    assert (record["raw_mm"][0], record["velocity_mm_s"][20]) == ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    assert repr(hand) == "TrackedHand(#3, right, confidence 0.89, around (30, 31, 32) mm)"
    assert hand == replace(hand, raw_mm=JOINTS + 1)
    assert hand != replace(hand, id=4)
    assert hand != replace(hand, tracked=False)


def test_a_hand_for_other_software():
    assert HAND.to("ros") == pytest.approx(JOINTS / 1000)
    assert HAND.to("openxr26").shape == (26, 3)
    assert set(HAND.angles()) >= {"index_mcp", "index_spread", "thumb_ip"}
