"""Before and after the detector's network: views of one focal length, and hands decoded from maps by hand; surfaces."""

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.locate import SURFACES_APART_MM, Maps, canonical, decode, find_hands, propose

CAMERA = Camera(fx=480.0, fy=480.0, cx=319.5, cy=239.5, width=640, height=480)
INTRINSICS = (160.0, 160.0, 63.5, 47.5)


def maps(*, height: int = 24, width: int = 32) -> Maps:
    """Nothing anywhere."""
    return Maps(
        np.full((height, width), -9.0, np.float32),
        np.zeros((2, height, width), np.float32),
        np.full((height, width), 640.0, np.float32),
        np.zeros((height, width), np.float32),
    )


def put(into: Maps, row: int, column: int, *, heat: float = 3.0, z: float = 640.0, left: float = -4.0) -> None:
    into.heat[row, column] = heat
    into.depth[row, column] = z
    into.left[row, column] = left


def test_one_hand_by_hand():
    """Row 10, column 20 is centered on pixel (81.5, 41.5); the offset adds 2 and -1 pixels; 4 mm a pixel at 640 mm."""
    answer = maps()
    put(answer, 10, 20, heat=0.0, left=np.log(3.0))
    answer.offset[:, 10, 20] = 0.5, -0.25
    (hand,) = decode(answer, INTRINSICS)
    np.testing.assert_allclose(hand.center, [(83.5 - 63.5) * 4, (40.5 - 47.5) * 4, 640.0], rtol=1e-5)
    assert hand.score == pytest.approx(0.5)
    assert hand.left == pytest.approx(0.75)


def test_nothing_and_too_little():
    answer = maps()
    assert decode(answer, INTRINSICS) == []
    put(answer, 3, 3, heat=-1.0)
    assert decode(answer, INTRINSICS) == []
    assert len(decode(answer, INTRINSICS, threshold=0.2)) == 1


def test_the_surest_first_and_no_more_than_asked_for():
    answer = maps()
    for column, heat in ((2, 1.0), (12, 3.0), (22, 2.0)):
        put(answer, 5, column, heat=heat)
    scores = [hand.score for hand in decode(answer, INTRINSICS, limit=3)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert [hand.score for hand in decode(answer, INTRINSICS)] == scores[:2]


def test_a_slope_is_no_peak():
    answer = maps()
    answer.heat[8] = -np.abs(np.arange(32) - 16).astype(np.float32)
    assert [hand.score for hand in decode(answer, INTRINSICS)] == [0.5]


@pytest.mark.parametrize(
    ("apart", "lefts", "found"),
    [(3, (-4.0, -4.0), 2), (2, (-4.0, -4.0), 1), (2, (-4.0, 4.0), 2), (2, (-4.0, 0.0), 1)],
)
def test_hands_that_touch(apart: int, lefts: tuple[float, float], found: int):
    """16 mm a cell: 48 mm apart they are one hand... unless one is surely left and one surely right."""
    answer = maps()
    put(answer, 10, 10, left=lefts[0], z=720.0)
    put(answer, 10, 10 + apart, left=lefts[1], heat=2.0, z=720.0)
    assert len(decode(answer, INTRINSICS)) == found


def test_hands_behind_one_another():
    answer = maps()
    put(answer, 10, 10, z=500.0)
    put(answer, 10, 12, z=700.0)
    assert len(decode(answer, INTRINSICS)) == 2


@pytest.mark.parametrize(
    "intrinsics",
    [
        (475.0, 475.0, 315.9, 245.3),
        (585.0, 585.0, 300.0, 260.0),
        (240.0, 260.0, 320.0, 250.0),
        (150.0, 150.0, 320.0, 240.0),
    ],
)
def test_a_point_s_millimeters_are_right_for_every_camera(intrinsics: tuple[float, float, float, float]):
    """A bright square 40 mm wide stays where it was, to a pixel of the canonical image (4 mm at 640 mm)."""
    fx, fy, cx, cy = intrinsics
    center = np.array([-60.0, 35.0, 640.0])
    v, u = np.mgrid[:480, :640]
    there = (np.abs((u - cx) / fx * 640 - center[0]) < 20) & (np.abs((v - cy) / fy * 640 - center[1]) < 20)
    view = canonical(np.where(there, 640.0, 0.0).astype(np.float32), intrinsics)
    assert view.depth.shape[0] % 32 == 0
    assert view.depth.shape[1] % 32 == 0
    assert view.intrinsics[0] == pytest.approx(160, rel=0.01)
    assert view.intrinsics[1] == pytest.approx(160, rel=0.01)
    row, column = np.nonzero(view.depth)
    x = (column.mean() - view.intrinsics[2]) / view.intrinsics[0] * 640
    y = (row.mean() - view.intrinsics[3]) / view.intrinsics[1] * 640
    np.testing.assert_allclose([x, y], center[:2], atol=4.0)


def test_depth_values_are_not_mixed():
    depth = np.random.default_rng(0).choice([0.0, 500.0, 900.0], (480, 640)).astype(np.float32)
    view = canonical(depth, (475.0, 475.0, 320.0, 240.0))
    assert set(np.unique(view.depth)) == {0.0, 500.0, 900.0}


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
    (hand,) = find_hands(answer, depth, (camera.fx, camera.fy, camera.cx, camera.cy))
    u, v = (hand.center[:2] / 600 * camera.fx + np.array([camera.cx, camera.cy])).tolist()
    # Zeros stand on both sides of what the camera saw, fewer than 16 pixels.
    down, across = camera.height * scale, camera.width * scale
    padded = [-(-round(side) // 32) * 32 for side in (down, across)]
    row, column = padded[0] // 4 // 3, padded[1] // 4 // 4
    expected = ((column + 0.5) * 4 - (padded[1] - across) / 2, (row + 0.5) * 4 - (padded[0] - down) / 2)
    assert u * scale == pytest.approx(expected[0], abs=1.5)
    assert v * scale == pytest.approx(expected[1], abs=1.5)


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
    assert np.linalg.norm(centers[0] - centers[1]) > SURFACES_APART_MM
    assert len(propose(depth, CAMERA, limit=2)) == 2


def test_single_pixels_and_what_is_out_of_range_are_no_surface():
    depth = shown((0, 480, 0, 640, 1600.0), (0, 40, 0, 40, 100.0))
    depth[240, 320] = 300
    assert propose(depth, CAMERA).shape == (0, 3)
    assert propose(np.zeros((480, 640), np.float32), CAMERA).shape == (0, 3)
