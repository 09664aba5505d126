"""What is refused as a depth picture, and what it says of joints."""

import numpy as np
import pytest
import torch

from handkit.depth import check_depth, supported
from handkit.errors import FrameError
from handkit.geometry.camera import Camera

CAMERA = Camera.from_intrinsics(fx=50.0, fy=50.0, cx=4.0, cy=3.0, width=8, height=6)


def picture(value: float = 500.0) -> np.ndarray:
    return np.full((6, 8), value, np.float32)


@pytest.mark.parametrize(
    ("depth", "words"),
    [
        (np.zeros((6, 8, 3), np.uint16), r"two axes.*\(6, 8, 3\)"),
        (np.zeros((6, 8), np.uint8), "16-bit.*uint8"),
        (np.zeros((6, 8), np.complex64), "complex64"),
        (np.zeros((6, 8), bool), "bool"),
        (np.zeros((8, 6), np.uint16), "6x8 but the camera is 8x6"),
        (picture(0.5), "looks like metres.*--depth-scale 1000"),
        (picture(50_000.0), r"50 m.*--depth-scale"),
    ],
    ids=["colour", "8-bit", "complex", "boolean", "size", "metres", "tenths"],
)
def test_refused_in_a_sentence(depth: np.ndarray, words: str):
    with pytest.raises(FrameError, match=words):
        check_depth(depth, CAMERA)


def test_what_is_no_reading_becomes_zero():
    depth = picture()
    depth[0, :4] = [np.nan, np.inf, -np.inf, -3.0]
    checked = check_depth(depth, CAMERA)
    assert checked[0].tolist() == [0.0] * 4 + [500.0] * 4
    assert checked.dtype == np.float32


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float16, np.float64])
def test_numbers_and_tensors_alike(kind: type):
    assert np.array_equal(check_depth(picture().astype(kind), CAMERA), picture())
    assert np.array_equal(check_depth(torch.from_numpy(picture()), CAMERA), picture())


def test_support_by_hand():
    """On the surface, behind it, floating in front, beside the picture: two of four are supported."""
    joints = np.array([[0, 0, 505], [0, 0, 600], [0, 0, 400], [0, 0, 505]], np.float32)
    pixels = np.array([[4, 3], [4, 3], [4, 3], [40, 3]], np.float32)
    assert supported(joints, pixels, picture()) == 0.5
