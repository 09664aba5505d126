"""Coarse centers of the nearest surfaces, by hand."""

import numpy as np

from handkit.camera import Camera
from handkit.locate.surfaces import APART_MM, propose

CAMERA = Camera(fx=480.0, fy=480.0, cx=319.5, cy=239.5, width=640, height=480)


def shown(*boxes: tuple[int, int, int, int, float]) -> np.ndarray:
    """Rows, columns and depth of flat patches before nothing."""
    depth = np.zeros((480, 640), np.float32)
    for top, bottom, left, right, value in boxes:
        depth[top:bottom, left:right] = value
    return depth


def test_the_center_of_a_fist():
    """80 x 80 mm at 480 mm: as many pixels."""
    (center,) = propose(shown((200, 280, 280, 360, 480.0)), CAMERA)
    assert np.allclose(center, (0, 0, 480), atol=2)
    assert center.dtype == np.float32


def test_the_nearest_first_and_apart():
    depth = shown((20, 100, 20, 100, 700.0), (200, 280, 280, 360, 480.0), (300, 380, 500, 580, 600.0))
    centers = propose(depth, CAMERA)
    assert centers[:, 2].round().tolist() == [480, 600, 700]
    assert np.linalg.norm(centers[0] - centers[1]) > APART_MM
    assert len(propose(depth, CAMERA, limit=2)) == 2


def test_single_pixels_and_what_is_out_of_range_are_no_surface():
    depth = shown((0, 480, 0, 640, 1600.0), (0, 40, 0, 40, 100.0))
    depth[240, 320] = 300
    assert propose(depth, CAMERA).shape == (0, 3)
    assert propose(np.zeros((480, 640), np.float32), CAMERA).shape == (0, 3)
