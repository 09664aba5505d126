"""Each step of software alone, on images made by hand; geometry stays."""

import cv2
import numpy as np
import pytest
import torch

from handkit.synthetic.sensor import perfect, sample_sensors, sense


def edge(*, far=800.0, size=96):
    """A surface at 400 mm right of column 48."""
    depth = np.full((1, size, size), far, np.float32)
    depth[..., size // 2 :] = 400.0
    return depth


def read(depth, *, seed=1, **strengths):
    """Let a perfect sensor with a few faults read images."""
    faults = {name: np.full(len(depth), strength, np.float32) for name, strength in strengths.items()}
    intrinsics = np.tile(np.array([200.0, 200.0, 48.0, 48.0], np.float32), (len(depth), 1))
    return sense(depth, intrinsics, perfect(len(depth))._replace(**faults), np.full(len(depth), seed, np.uint64))


def noise(size=96):
    return np.random.default_rng(0).uniform(400, 800, (1, size, size)).astype(np.float32)


def test_median_is_opencvs():
    depth = noise()
    expected = cv2.medianBlur(depth[0], 3)
    assert np.array_equal(read(depth, median=1.0)[0, 1:-1, 1:-1], expected[1:-1, 1:-1])


def test_blur_mixes_surfaces_with_holes():
    blurred = read(edge(far=0.0), blur=2.0)[0]
    np.testing.assert_allclose(blurred[:, 46:50], np.tile([25.0, 125.0, 275.0, 375.0], (96, 1)), rtol=1e-5)
    blob = cv2.GaussianBlur(noise()[0], (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
    assert np.abs(read(noise(), blur=2.0)[0] - blob)[4:-4, 4:-4].mean() < 8.0


@pytest.mark.parametrize("pitch", [2.0, 3.0])
def test_sparse_registration_keeps_one_pixel_a_node(pitch):
    sparse = read(np.full((1, 96, 96), 500.0, np.float32), grid=pitch, grid_mode=1.0)[0]
    assert np.mean(sparse > 0) == pytest.approx(pitch**-2, rel=0.06)
    assert set(np.unique(sparse)) == {0.0, 500.0}


@pytest.mark.parametrize("pitch", [0.5, 0.8, 1.6, 2.0])
def test_resizing_moves_nothing(pitch):
    column = 400.0 + np.arange(96, dtype=np.float32) + np.zeros((1, 96, 1), np.float32)
    for mode in (2.0, 3.0, 4.0):
        resized = np.stack([read(column, grid=pitch, grid_mode=mode, seed=s)[0] for s in range(40)]) - column
        assert abs(resized[:, 3:-3, 3:-3].mean()) < 0.12
        assert np.abs(resized[:, 3:-3, 3:-3]).max() <= pitch / 2 + 0.51


def test_only_one_way_of_resizing_mixes_depth_with_holes():
    depth = edge(far=0.0)
    values = {mode: np.unique([read(depth, grid=1.3, grid_mode=mode, seed=s) for s in range(5)]) for mode in (2, 3, 4)}
    for mode in (2, 3):
        np.testing.assert_allclose(values[mode][values[mode] > 0], 400.0, rtol=1e-6)
    assert (values[4] < 399).sum() > 2


def test_holes_grow_and_are_filled():
    depth = edge()
    depth[:, 40:43, 20:23] = 0.0
    depth[:, :, 44:49] = 0.0
    grown = read(depth, grow=2.0)[0]
    assert (grown[38:45, 18:25] == 0).all()
    assert (grown[:, 42:51] == 0).all()
    assert grown[37, 20] == 800.0
    for mode, middle in ((1.0, 800.0), (2.0, 400.0), (3.0, 800.0), (4.0, 600.0)):
        filled = read(depth, fill=mode, fill_width=10.0)[0]
        assert filled.min() > 0
        assert filled[0, 46] == pytest.approx(middle)
    assert (read(depth, fill=1.0, fill_width=4.0)[0, :, 44:49] == 0).all()


def test_a_temporal_filter_smears_slopes_and_fills_what_it_saw_before():
    slope = 400.0 + np.arange(96, dtype=np.float32) + np.zeros((1, 96, 1), np.float32)
    smeared = read(slope, smear=0.5, smear_right=2.0)[0, :, :90]
    np.testing.assert_allclose(smeared, slope[0, :, :90] + 1.0, atol=1e-3)
    ghost = read(edge(far=0.0), smear=0.5, smear_right=2.0)[0]
    assert (ghost[:, 46:] == 400.0).all()
    assert (ghost[:, :46] == 0.0).all()


def test_any_mixture_of_faults_is_finite_and_not_negative():
    sensor = sample_sensors(200, torch.Generator().manual_seed(2))
    depth = np.repeat(edge(far=0.0, size=40), 200, axis=0)
    intrinsics = np.tile(np.array([200.0, 200.0, 20.0, 20.0], np.float32), (200, 1))
    read_back = sense(depth, intrinsics, sensor, np.arange(200, dtype=np.uint64))
    assert np.isfinite(read_back).all()
    assert read_back.min() >= 0.0
