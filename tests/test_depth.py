"""The gate: what is refused as a depth image, what becomes of the rest, and what it says of joints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from handkit.camera import Camera
from handkit.depth import DepthImage, Handless, supported, visible_area
from handkit.errors import FrameError

CAMERA = Camera(fx=50.0, fy=50.0, cx=4.0, cy=3.0, width=8, height=6)


def image(value: float = 500.0) -> np.ndarray:
    return np.full((6, 8), value, np.float32)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((6, 8, 3), np.uint16), r"two axes.*\(6, 8, 3\); if it was read by OpenCV, .*IMREAD_UNCHANGED"),
        (np.zeros((6, 8, 3), np.float32), r"two axes.*\(6, 8, 3\); if these are points \(x, y, z\), give depth"),
        (np.zeros((0, 8), np.uint16), r"two axes.*\(0, 8\)"),
        (np.zeros((5, 6, 8), np.uint16), r"two axes.*\(5, 6, 8\); give its images one by one, or all to predict_many"),
        ("frames/1.png", r"got the path frames/1.png: read it with"),
        (Path("frames/1.png"), r"got the path frames/1.png: read it with"),
        (None, r"an array \(H, W\) of numbers; got None"),
        (torch.zeros(6, 8, dtype=torch.bfloat16), r"one array of numbers; .*BFloat16"),
        (DepthImage(np.ones((6, 8), np.float32), CAMERA), r"a DepthImage already: .*run"),
        (np.zeros((6, 8), np.uint8), "16-bit.*uint8, in which depth is lost"),
        (np.zeros((6, 8), np.complex64), "complex64"),
        (np.zeros((6, 8), bool), "bool"),
        (np.zeros((8, 6), np.uint16), "6x8 but the camera is 8x6"),
        (image(0.5), "look like meters.*--depth-scale 1000"),
        (image(16.0), "look like inches.*--depth-scale 25.4"),
        (image(50_000.0), r"look like tenths of a millimeter.*--depth-scale 0.1"),
        (image(-500.0), "axis points the other way.*times -1"),
    ],
    ids=[
        "color",
        "points",
        "empty",
        "stack",
        "text",
        "path",
        "none",
        "bf16",
        "twice",
        "8-bit",
        "complex",
        "boolean",
        "size",
        "meters",
        "inches",
        "tenths",
        "axis",
    ],
)
def test_refused_in_a_sentence(array: object, words: str):
    with pytest.raises(FrameError, match=words):
        DepthImage.of(array, CAMERA)


def test_what_is_invalid_becomes_zero():
    array = image()
    array[0, :4] = [np.nan, np.inf, -np.inf, -3.0]
    before = array.copy()
    checked = DepthImage.of(array, CAMERA).depth
    assert checked[0].tolist() == [0.0] * 4 + [500.0] * 4
    assert checked.dtype == np.float32
    assert np.array_equal(array, before, equal_nan=True), "the caller's array is left alone"


@pytest.mark.parametrize("fill", [0, np.nan])
def test_an_image_without_valid_values_passes(fill: float):
    assert not DepthImage.of(image(fill), CAMERA).depth.any()


@pytest.mark.parametrize("kind", ["uint16", "int32", "int64", "float16", "float64", ">u2"])
def test_numbers_and_tensors_alike(kind: str):
    assert np.array_equal(DepthImage.of(image().astype(kind), CAMERA).depth, image())
    assert np.array_equal(DepthImage.of(image().astype(kind)[:, :, None], CAMERA).depth, image())
    assert np.array_equal(DepthImage.of(torch.from_numpy(image()), CAMERA).depth, image())


def test_the_camera_s_unit():
    eighths = Camera(fx=50.0, fy=50.0, cx=4.0, cy=3.0, width=8, height=6, unit_mm=0.125)
    assert np.array_equal(DepthImage.of(image(4000), eighths).depth, image())
    with pytest.raises(FrameError, match=r"0.125 mm a unit.*look like meters.*--depth-scale 1000 "):
        DepthImage.of(image(0.5), eighths)


@pytest.mark.parametrize("given", [1e-5, 1e5])
@pytest.mark.parametrize(("stored", "unit"), [(0.5, 1000.0), (16.0, 25.4), (50.0, 10.0), (500.0, 1.0), (40_000.0, 0.1)])
def test_the_unit_that_is_named_is_that_of_the_values_whatever_was_given(given: float, stored: float, unit: float):
    """Whoever follows the hint has an image that is taken."""
    with pytest.raises(FrameError, match=rf"--depth-scale {unit:g} \("):
        DepthImage.of(image(stored), replace(CAMERA, unit_mm=given))
    assert DepthImage.of(image(stored), replace(CAMERA, unit_mm=unit)).depth.any()


def test_values_that_may_be_eighths_say_so():
    with pytest.raises(FrameError, match=r"quarters or eighths: 0\.25 or 0\.125"):
        DepthImage.of(image(4300), replace(CAMERA, unit_mm=1000.0))


def test_distortion_is_undone_with_the_nearest_value():
    """A wall with a step at x / z = 0.3: straight after undistortion, and every value is one that was there."""
    lens = (-0.2, 0.05, 0.0, 0.0, 0.0)
    camera = Camera(fx=150.0, fy=150.0, cx=80.0, cy=60.0, width=160, height=120, distortion=lens)
    v, u = np.indices((120, 160), np.float64)
    ray = camera.unproject(np.stack([u, v], axis=-1), np.ones_like(u))
    taken = np.where(ray[..., 0] < 0.3, 500.0, 700.0).astype(np.float32)
    image_ = DepthImage.of(taken, camera)
    assert set(np.unique(image_.depth)) <= {0.0, 500.0, 700.0}
    step = (image_.depth == 700).argmax(axis=1)
    assert np.ptp(step) <= 1
    assert abs(step[60] - (0.3 * 150 + 80)) <= 1
    assert np.ptp((taken == 700).argmax(axis=1)) > 1, "it was bent"


def test_support_by_hand():
    """On the surface, behind it, floating in front, beside the image: two of four are supported."""
    depth, camera = image(), Camera(fx=100.0, fy=100.0, cx=4.0, cy=3.0, width=8, height=6)
    joints = np.array([[0, 0, 505], [0, 0, 600], [0, 0, 400], [180, 0, 505]], np.float32)
    assert supported(joints, DepthImage(depth, camera)) == 0.5


def test_visible_area_by_hand():
    """A square of 40 by 40 pixels at 500 mm: 4 pixels a cm, so 10 x 10 cm; farther surfaces and holes do not count."""
    camera = Camera(fx=200.0, fy=200.0, cx=100.0, cy=80.0, width=200, height=160)
    depth = np.full((160, 200), 900.0, np.float32)
    depth[60:100, 80:120] = 500
    joints = np.array([[-45, -45, 500], [45, 45, 500]], np.float32)
    assert visible_area(joints, DepthImage(depth, camera)) == pytest.approx(100)
    depth[60:80, 80:120] = 0
    assert visible_area(joints, DepthImage(depth, camera)) == pytest.approx(50)
    assert visible_area(joints + np.array([2000, 0, 0], np.float32), DepthImage(depth, camera)) == 0


def test_values_of_no_unit_get_no_hint_and_micrometers_theirs():
    plane = np.full((CAMERA.height, CAMERA.width), 450_000, np.int64)
    with pytest.raises(FrameError, match=r"look like micrometers: give --depth-scale 0\.001"):
        DepthImage.of(plane, CAMERA)
    with pytest.raises(FrameError, match="no depth in any unit"):
        DepthImage.of(plane * 10**13, CAMERA)


def test_a_lens_that_leaves_nothing_of_the_image_is_refused():
    lens = replace(CAMERA, cx=3.6, cy=2.6, distortion=(1e30, 0.0, 0.0, 0.0))
    with pytest.raises(FrameError, match="undistorted, nothing is left"):
        DepthImage.of(np.full((CAMERA.height, CAMERA.width), 450.0), lens)


def test_what_is_nearer_than_cameras_measure_is_doubted():
    """Eighths of a millimeter taken twice: 750 mm become 94."""
    doubts = DepthImage.of(image(750.0), replace(CAMERA, unit_mm=0.125)).warnings
    assert any("93.75 mm, nearer than cameras measure: is the unit, 0.125 mm, right?" in doubt for doubt in doubts)
    assert not any("nearer" in doubt for doubt in DepthImage.of(image(180.0), CAMERA).warnings)


def test_a_camera_without_a_principal_point():
    with pytest.raises(FrameError, match=r"principal point is \(0, 0\).* near the middle of the image, \(3.5, 2.5\)"):
        DepthImage.of(image(), replace(CAMERA, cx=0.0, cy=0.0))


def test_a_constant_is_no_depth():
    """As a camera gives it that has measured nothing, in any unit."""
    for value in (65535, 32001):
        for unit_mm in (0.1, 0.125, 1.0):
            with pytest.raises(FrameError, match=f"every valid value is {value}: no depth was measured"):
                DepthImage.of(np.full((6, 8), value, np.uint16), replace(CAMERA, unit_mm=unit_mm))


def test_a_few_images_without_a_hand_where_most_have_none() -> None:
    images = [
        DepthImage.of(np.full((60, 80), 600 + i, np.uint16), Camera(fx=90, fy=90, cx=40, cy=30, width=80, height=60))
        for i in range(40)
    ]
    handless = Handless()
    for each in images[:20]:
        handless.add(each, seen=False)
    assert [each.depth[0, 0] for each in handless.doubtful()] == [601, 603, 607, 615]
    for each in images[20:]:
        handless.add(each, seen=True)
    assert handless.doubtful() == (), "a hand in half of them"
