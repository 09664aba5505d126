"""Marked fingertips: read, and measured against a hand that is known."""

import json

import numpy as np
import pytest

from handkit.errors import HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.evaluation.marked import read_marked_frames, tip_errors
from handkit.hand import HandPose, Prediction
from handkit.sinks import save_depth
from handkit.skeleton import HAND21

INTRINSICS = {"fx": 500, "fy": 500, "cx": 40, "cy": 30, "w": 80, "h": 60, "depth_unit_mm": 0.125}
TIPS = {"T": [0, 0, 500], "I": [10, 0, 500], "M": None, "R": [30, 0, 500], "P": [40, 0, 500]}


def marked(folder, **changes):
    content = {
        "intrinsics": INTRINSICS,
        "hand": "left",
        "frames": {
            name: {mark: tip and {"xyz_surface_mm": tip} for mark, tip in TIPS.items()} | {"W": {"u": 3}}
            for name in ("1", "2")
        },
    }
    for name in ("1", "2"):
        save_depth(folder / f"{name}.png", np.full((60, 80), 4000 if name == "1" else 0, np.float32))
    (folder / "labels.json").write_text(json.dumps(content | changes))
    return folder


class Known(HandPoseEstimator):
    """Answers 3 mm beside and 4 mm above the joints below the skin; nothing for a depth image without valid values."""

    def __init__(self) -> None:
        pass

    def run(self, image, **asked):
        assert asked == {"hands": 1, "handedness": "left", "minimum_confidence": 0.0}
        if not image.depth.any():
            return Prediction([], "nothing", {})
        assert image.depth.max() == 500, "in mm"
        joints = np.zeros((21, 3), np.float32)
        for tip, joint in zip(TIPS.values(), HAND21.fingertips, strict=True):
            joints[joint] = np.array(tip or [9e9, 0, 0]) + np.array([3, -4, 6])
        return Prediction(
            [HandPose(joints, joints[:, :2], "left", 1.0, HAND21, np.zeros(21, np.float32), 1.0)], None, {}
        )


def test_distances_by_hand(tmp_path):
    frames = read_marked_frames(marked(tmp_path))
    assert (frames.name, frames.hand, len(frames.frames)) == (tmp_path.name, "left", 2)
    found = tip_errors(Known(), frames)
    assert found.errors_mm == pytest.approx([5.0] * 4 + [float("inf")] * 4)
    assert found.missed == 1
    assert found.median_mm == float("inf"), "half of the tips are missed"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hand": "both"}, "hand is 'both'"),
        ({"intrinsics": {"fx": 500}}, "KeyError 'fy'"),
        ({"frames": {}}, "lists no frames"),
        ({"frames": {"3": {}}}, "3.png"),
        ({"frames": {"1": {"T": {"u": 1}}}}, "xyz_surface_mm"),
        ({"frames": ["1"]}, "no labels file"),
    ],
)
def test_a_folder_that_is_not_as_it_should_be(tmp_path, changes, sentence):
    with pytest.raises(HandkitError, match=sentence):
        read_marked_frames(marked(tmp_path, **changes))


def test_no_labels(tmp_path):
    with pytest.raises(HandkitError, match="--real takes a folder"):
        read_marked_frames(tmp_path)
    (tmp_path / "labels.json").write_text("{")
    with pytest.raises(HandkitError, match="no labels file"):
        read_marked_frames(tmp_path)


def test_the_shared_frames_are_read(shared_data):
    frames = read_marked_frames(shared_data / "sr305")
    assert len(frames.frames) == 8
    assert sum(len(frame.tips) for frame in frames.frames) == 40
