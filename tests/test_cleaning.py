"""What becomes of images that were changed on their way: made by hand, and real ones where they are."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from handkit.camera import Camera
from handkit.cleaning import clean, look_at_edges, settle_mixed
from handkit.depth import DepthImage
from handkit.errors import FrameError
from handkit.estimator import HandPoseEstimator

NEAR, FAR = 500.0, 900.0


def scene() -> np.ndarray:
    """Fingers, 10 pixels wide, 500 mm away in front of a wall; a hole that begins within the last one."""
    depth = np.full((120, 160), FAR, np.float32)
    for left in (20, 50, 80, 110):
        depth[20:100, left : left + 10] = NEAR
    depth[:, 115:130] = 0
    return depth


def enlarged(depth: np.ndarray, how: int) -> np.ndarray:
    return cv2.resize(depth, None, fx=2, fy=2, interpolation=how)


def halved(depth: np.ndarray) -> np.ndarray:
    """Shifted by a pixel first, so that edges fall between the pixels that are joined."""
    return cv2.resize(np.roll(depth, 1, axis=(0, 1)), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def test_a_good_image_is_returned_itself():
    depth = scene()
    before = depth.copy()
    cleaned = clean(depth)
    assert cleaned.depth is depth
    assert cleaned.notes == ()
    assert np.array_equal(depth, before)
    assert look_at_edges(depth) == (1.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize("value", [8191.0, 32001.0, 65535.0])
def test_a_far_constant_is_invalid(value: float):
    depth, notes = clean(np.where(scene() == 0, np.float32(value), scene()))
    assert np.array_equal(depth, scene())
    assert len(notes) == 1
    assert f"{value:g} mm" in notes[0]


@pytest.mark.parametrize("value", [8191, 32001, 65535])
@pytest.mark.parametrize("how", [cv2.INTER_LINEAR, cv2.INTER_AREA])
def test_a_far_constant_that_was_resized_is_invalid(shared_data: Path, value: int, how: int):
    """Most of the image, so that among the other pixels those that are mixed with it are many."""
    for path, taken, _ in real_frames(shared_data):
        if path.parent.name == "cvar" and path.stem.endswith("0"):
            size = [round(0.6 * length) for length in taken.shape[::-1]]
            resized = cv2.resize(np.where(taken > 0, taken, value).astype(np.uint16), size, interpolation=how)
            depth, notes = clean(resized.astype(np.float32))
            assert f"{value} mm, far beyond everything else, is taken as invalid" in notes[0]
            assert depth.max() < value / 2


@pytest.mark.parametrize("value", [32001.0, 65535.0])
@pytest.mark.parametrize("pitch", [2, 3])
def test_a_far_constant_in_a_grid_is_invalid(value: float, pitch: int):
    """Every valid pixel is beside one."""
    sparse = np.zeros((120 * pitch, 160 * pitch), np.float32)
    sparse[pitch // 2 :: pitch, pitch // 2 :: pitch] = scene()
    depth, notes = clean(np.where(sparse == 0, np.float32(value), sparse))
    expected, also = clean(sparse)
    assert np.array_equal(depth, expected)
    assert notes == (f"{value:g} mm, far beyond everything else, is taken as invalid", *also)


def test_a_far_wall_is_no_constant():
    depth = scene()
    depth[depth == FAR] = np.linspace(3000, 4000, int((depth == FAR).sum()), dtype=np.float32)
    assert clean(depth).depth is depth


@pytest.mark.parametrize("pitch", [2, 3])
def test_a_grid_is_filled(pitch: int):
    small = scene()
    sparse = np.zeros((120 * pitch, 160 * pitch), np.float32)
    sparse[pitch // 2 :: pitch, pitch // 2 :: pitch] = small
    depth, notes = clean(sparse)
    whole = cv2.resize(small, None, fx=pitch, fy=pitch, interpolation=cv2.INTER_NEAREST)
    assert (depth != whole).mean() < 0.05, "but for half a cell along outlines"
    assert set(np.unique(depth)) == {0.0, NEAR, FAR}, "no new depths"
    assert len(notes) == 1
    assert "grid" in notes[0]


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_speckles_are_filled_and_holes_stay(share: float):
    """A slope comes back to a millimeter; a hole keeps its size, and nothing is filled between two surfaces."""
    whole = scene() + np.linspace(0, 30, 160, dtype=np.float32) * (scene() > 0)
    lost = np.random.default_rng(1).random(whole.shape) < share
    depth, notes = clean(np.where(lost, np.float32(0), whole))
    assert notes == (
        "single invalid pixels are scattered over surfaces: they are filled with the mean of their neighbors",
    )
    filled = lost & (depth > 0)
    assert filled.sum() > 0.8 * (lost & (whole > 0)).sum()
    assert np.abs(depth - whole)[filled & (whole > 0)].max() < 1.0
    assert (depth[:, 117:128] == 0).all()


@pytest.mark.parametrize(
    ("resized", "whole"),
    [
        (enlarged(scene(), cv2.INTER_LINEAR), enlarged(scene(), cv2.INTER_NEAREST)),
        (halved(scene()), np.roll(scene(), 1, axis=(0, 1))[::2, ::2]),
    ],
    ids=["enlarged", "halved"],
)
def test_edges_that_were_interpolated_are_sharpened(resized: np.ndarray, whole: np.ndarray):
    assert len(np.unique(resized)) > 3
    depth, notes = clean(resized)
    assert np.abs(depth[..., None] - np.array([0, NEAR, FAR])).min(-1).max() < 30, "no depths between"
    assert (np.abs(depth - whole) > 30).mean() < 0.04
    assert len(notes) == 1
    assert "nearest-neighbor" in notes[0]


def test_a_mixed_pixel_becomes_the_nearer_of_two_surfaces():
    """A ramp between two surfaces, and one between a surface and a hole."""
    depth = np.repeat(np.array([[NEAR, NEAR, NEAR, 580, 820, FAR, FAR, FAR, FAR, 550, 0, 0, 0]], np.float32), 9, axis=0)
    depth[::2, [3, 4, 9]] += 35  # the mixture is not the same in every row
    settled = settle_mixed(depth)
    assert settled[4].tolist() == [NEAR] * 4 + [FAR] * 6 + [0] * 3


def test_a_seam_that_was_mixed_away_is_opened():
    """A hole one pixel wide leaves values below both surfaces beside it: less than half of them is a hole."""
    depth = np.full((9, 9), FAR, np.float32)
    depth[:, 4] = [410, 300, 430, 340, 250, 600, 400, 290, 330]
    settled = settle_mixed(depth)
    assert settled[:, 4].tolist() == [0.0] * 5 + [FAR] + [0.0] * 3
    assert (settled[:, [0, 1, 2, 3, 5, 6, 7, 8]] == FAR).all()


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0, 3.0])
def test_a_blurred_image_is_refused(sigma: float):
    blurred = cv2.GaussianBlur(scene(), (0, 0), sigma)
    with pytest.raises(FrameError, match=r"blurred or enlarged.*as the camera gave it.*nearest-neighbor"):
        clean(blurred)


def test_a_slope_and_noise_are_no_blur():
    """A table seen at a grazing angle rises 20 mm a pixel; noise of 10 mm lies on all of it."""
    random = np.random.default_rng(0)
    depth = scene()
    depth[:, :20] = np.arange(500, 900, 20, dtype=np.float32)
    depth[depth > 0] += random.normal(0, 10, int((depth > 0).sum())).astype(np.float32)
    assert clean(depth).notes == ()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (9, 9)])
def test_small_images_pass(shape: tuple[int, int]):
    depth = np.full(shape, NEAR, np.float32)
    assert clean(depth).depth is depth


def test_the_gate_says_what_it_did():
    camera = Camera(fx=200.0, fy=200.0, cx=80.0, cy=60.0, width=160, height=120, unit_mm=0.5)
    image = DepthImage.of(np.where(scene() == 0, 65535, scene() * 2).astype(np.uint16), camera)
    assert np.array_equal(image.depth, scene())
    assert image.notes == ("32767.5 mm, far beyond everything else, is taken as invalid",)


def real_frames(shared_data: Path) -> Iterator[tuple[Path, np.ndarray, Camera]]:
    cvar = Camera(fx=224.502, fy=230.494, cx=160.0, cy=120.0, width=320, height=240)
    for name, camera in (("kinect2", Camera.named("kinect2")), ("sr305", Camera.named("sr305")), ("cvar", cvar)):
        for path in sorted((shared_data / name).glob("*.png")):
            taken = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            assert taken is not None
            yield path, taken, camera


def test_real_frames_are_left_alone(shared_data: Path):
    count = 0
    for path, taken, camera in real_frames(shared_data):
        image = DepthImage.of(taken, camera)
        assert image.notes == (), path
        assert np.array_equal(image.depth, taken.astype(np.float32) * np.float32(camera.unit_mm)), path
        count += 1
    assert count == 293


def test_means_over_windows_are_refused(shared_data: Path):
    """Also of a camera that leaves holes along edges, so that half of them are not mixed."""
    for path, taken, camera in real_frames(shared_data):
        if path.stem.endswith(("0", "5")):
            with pytest.raises(FrameError, match="blurred"):
                DepthImage.of(cv2.blur(taken, (5, 5)), camera)


def resized(taken: np.ndarray, camera: Camera, factor: int) -> tuple[np.ndarray, Camera]:
    shift = (factor - 1) / 2
    large = cv2.resize(taken, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    numbers = {name: getattr(camera, name) * factor for name in ("fx", "fy", "width", "height")}
    return large, replace(camera, **numbers, cx=camera.cx * factor + shift, cy=camera.cy * factor + shift)


def in_a_grid(taken: np.ndarray, camera: Camera, pitch: int) -> tuple[np.ndarray, Camera]:
    _, larger = resized(taken, camera, pitch)
    sparse = np.zeros((larger.height, larger.width), taken.dtype)
    sparse[pitch // 2 :: pitch, pitch // 2 :: pitch] = taken
    return sparse, replace(larger, cx=camera.cx * pitch + pitch // 2, cy=camera.cy * pitch + pitch // 2)


@pytest.mark.parametrize("way", ["enlarged", "in a grid", "invalid as 32001", "speckled", "blurred"])
@pytest.mark.parametrize("name", ["30", "50", "70", "90", "110", "130", "150", "170"])
def test_degraded_real_frames_keep_their_hand_or_are_refused(shared_data: Path, name: str, way: str):
    """Enlarged with linear interpolation, in a grid of one in nine, 32001 for invalid, speckled; blurred."""
    estimator, camera = HandPoseEstimator.from_pretrained(), Camera.named("sr305")
    taken = cv2.imread(str(shared_data / f"sr305/{name}.png"), cv2.IMREAD_UNCHANGED)
    assert taken is not None
    if way == "blurred":
        with pytest.raises(FrameError, match="blurred"):
            estimator.predict(cv2.GaussianBlur(taken, (0, 0), 1.0), camera, handedness="right")
        return
    (hand,) = estimator.predict(taken, camera, handedness="right")
    array, seen_by = {
        "enlarged": lambda: resized(taken, camera, 2),
        "in a grid": lambda: in_a_grid(taken, camera, 3),
        "invalid as 32001": lambda: (np.where(taken > 0, taken, 32001).astype(np.uint16), camera),
        "speckled": lambda: (
            np.where(np.random.default_rng(0).random(taken.shape) < 0.2, 0, taken).astype(np.uint16),
            camera,
        ),
    }[way]()
    prediction = estimator.run(DepthImage.of(array, seen_by), handedness="right")
    assert len(prediction.warnings) == 1
    distance = np.linalg.norm(prediction.hands[0].joints_mm - hand.joints_mm, axis=1).mean()
    assert distance < 2.0, prediction.warnings
