"""Found hands against true ones, by hand."""

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.evaluation.detections import DetectionScore, find_hands
from handkit.locate.detect import FoundHand, Maps


def found(x: float, *, left: float = 0.9) -> FoundHand:
    return FoundHand(np.array([x, 0.0, 500.0], np.float32), 0.8, left)


TRUE = np.array([[0.0, 0.0, 500.0], [100.0, 0.0, 500.0]], np.float32)
LEFT = np.array([True, False])


def test_hands_are_matched_once():
    """60 mm is nearer to the second; the next one has the first left, 30 mm away; the last has none."""
    score = DetectionScore()
    score.add([found(60.0), found(30.0), found(50.0)], TRUE, LEFT)
    assert score.errors_mm == pytest.approx([40.0, 30.0])
    assert score.sides == [False, True]
    assert score.false == 1


def test_summary():
    score = DetectionScore()
    score.add([found(10.0)], TRUE, LEFT)
    score.add([found(0.0)], TRUE[:0], LEFT[:0])
    score.add([found(700.0)], TRUE[:1], LEFT[:1])
    figures = score.summary()
    assert (figures["frames"], figures["hands"], figures["false hands"]) == (3, 3, 2)
    assert figures["recall"] == pytest.approx(0.3333)
    assert figures["precision"] == pytest.approx(0.3333)
    assert figures["center mm, median"] == 10.0
    assert figures["handedness error"] == 0.0


def test_nothing_found():
    figures = DetectionScore().summary()
    assert figures["recall"] is None
    assert figures["handedness error"] is None


@pytest.mark.parametrize("name", ["sr305", "kinect2", "d435"])
def test_a_hand_stands_where_the_camera_s_own_pixel_looks(name: str):
    """A peak in one cell, for cameras of several sizes: its center is seen in that part of the original image."""
    camera = Camera.named(name)

    def answer(image: np.ndarray) -> Maps:
        height, width = (side // 4 for side in image.shape)
        heat = np.full((height, width), -9.0, np.float32)
        heat[height // 3, width // 4] = 4.0
        zero = np.zeros((height, width), np.float32)
        return Maps(heat, np.zeros((2, height, width), np.float32), zero + 600, zero)

    depth = np.zeros((camera.height, camera.width), np.float32)
    scale = 160 / camera.fx
    (hand,) = find_hands(answer, depth, camera)
    u, v = (hand.center[:2] / 600 * camera.fx + np.array([camera.cx, camera.cy])).tolist()
    # Zeros stand on both sides of what the camera saw, fewer than 16 pixels.
    down, across = camera.height * scale, camera.width * scale
    padded = [-(-round(side) // 32) * 32 for side in (down, across)]
    row, column = padded[0] // 4 // 3, padded[1] // 4 // 4
    expected = ((column + 0.5) * 4 - (padded[1] - across) / 2, (row + 0.5) * 4 - (padded[0] - down) / 2)
    assert u * scale == pytest.approx(expected[0], abs=1.5)
    assert v * scale == pytest.approx(expected[1], abs=1.5)
