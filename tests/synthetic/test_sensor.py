"""Each phenomenon of the sensors alone, on pictures made by hand."""

import numpy as np
import pytest
import torch

from handkit.synthetic.devices import FAULTS, KINDS
from handkit.synthetic.sensor import perfect, sample_sensors, sense
from handkit.synthetic.strengths import NOTHING, Sensor

FOCAL = 200.0


def picture(depth, *, size=96):
    """One frame of one depth."""
    return np.full((1, size, size), depth, np.float32)


def step_edge():
    """A surface at 400 mm right of column 48, before a wall at 800 mm."""
    depth = picture(800.0)
    depth[..., 48:] = 400.0
    return depth


def read(depth, *, seed=1, **strengths):
    """Let a perfect sensor with a few faults read pictures."""
    count = len(depth)
    faults = {name: np.full(count, strength, np.float32) for name, strength in strengths.items()}
    intrinsics = np.tile(np.array([FOCAL, FOCAL, 48.0, 48.0], np.float32), (count, 1))
    seeds = np.arange(seed, seed + count, dtype=np.uint64)
    return sense(depth, intrinsics, perfect(count)._replace(**faults), seeds)


def test_a_perfect_sensor_changes_nothing():
    depth = step_edge()
    depth[:, 10:20, 10:20] = 0.0
    assert np.array_equal(read(depth), depth)


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_a_seed_decides_the_picture_wherever_it_stands(kind):
    sensor = sample_sensors(5, torch.Generator().manual_seed(3), kind=kind)
    again = sample_sensors(5, torch.Generator().manual_seed(3), kind=kind)
    assert all(np.array_equal(one, other) for one, other in zip(sensor, again, strict=True))
    depth = np.repeat(step_edge(), 5, axis=0)
    intrinsics = np.tile(np.array([FOCAL, FOCAL, 48.0, 48.0], np.float32), (5, 1))
    seeds = np.array([9, 2**63, 5, 9, 0], np.uint64)
    all_together = sense(depth, intrinsics, sensor, seeds)
    for row in range(5):
        own = Sensor(*(strength[row : row + 1] for strength in sensor))
        alone = sense(depth[:1], intrinsics[:1], own, seeds[row : row + 1])
        assert alone.tobytes() == all_together[row].tobytes()
    assert np.isfinite(all_together).all()


def test_two_seeds_give_two_pictures():
    depth = np.repeat(picture(600.0), 2, axis=0)
    noisy = read(depth, noise=2.0)
    assert abs(np.corrcoef(noisy[0].ravel(), noisy[1].ravel())[0, 1]) < 0.05


def test_white_noise_has_its_standard_deviation_and_no_bias():
    error = read(picture(500.0), noise=1.0, noise_at_meter=4.0)[0] - 500.0
    assert error.std() == pytest.approx(2.0, rel=0.03)
    assert abs(error.mean()) < 0.08
    assert abs(np.corrcoef(error[:, 1:].ravel(), error[:, :-1].ravel())[0, 1]) < 0.04


def test_smooth_noise_has_its_standard_deviation_and_is_smooth():
    error = np.stack([read(picture(500.0), wave_at_meter=8.0, wave_cell=6.0, seed=s)[0] for s in range(9)]) - 500
    assert error.std() == pytest.approx(2.0, rel=0.1)
    assert np.corrcoef(error[..., 1:].ravel(), error[..., :-1].ravel())[0, 1] > 0.9
    assert abs(np.corrcoef(error[..., 14:].ravel(), error[..., :-14].ravel())[0, 1]) < 0.1


def test_noise_grows_on_slopes():
    slope = picture(500.0) + 4.0 * np.arange(96, dtype=np.float32)
    errors = [np.std(read(slope, noise=1.0, grazing_noise=g) - slope) for g in (0.0, 1.0)]
    assert errors[1] > 1.5 * errors[0]


def test_bias_rounding_and_range():
    depth = np.linspace(300.0, 900.0, 96 * 96, dtype=np.float32).reshape(1, 96, 96)
    np.testing.assert_allclose(read(depth, scale=0.01, offset=-2.0), depth * 1.01 - 2.0, rtol=1e-5)
    assert np.all(np.mod(read(depth, step=4.0), 4.0) == 0)
    ranged = read(depth, nearest=400.0, farthest=700.0)
    assert np.array_equal(ranged, np.where((depth >= 400.0) & (depth <= 700.0), depth, 0.0))


def test_disparity_steps_grow_with_the_square_of_distance():
    depth = np.linspace(400.0, 1000.0, 96 * 96, dtype=np.float32).reshape(1, 96, 96)
    levels = np.unique(read(depth, disparity_step=10.0))
    steps = np.diff(levels)
    np.testing.assert_allclose(steps, 10.0 * (levels[1:] * levels[:-1]) * 1e-6, rtol=1e-2)


@pytest.mark.parametrize(("baseline", "columns"), [(50.0, slice(37, 48)), (-50.0, slice(0, 0))])
def test_a_shadow_lies_on_the_far_side_of_the_edge_only(baseline, columns):
    """Hidden from a projector to the right: f b (1 / 400 - 1 / 800) = 12.5 pixels, of which 1 is spared."""
    dark = read(step_edge(), baseline=baseline)[0] == 0
    expected = np.zeros_like(dark)
    expected[:, columns] = True
    assert (dark != expected).sum(axis=1).max() <= 1
    mirrored = read(step_edge()[..., ::-1], baseline=-baseline)[0] == 0
    assert (mirrored != expected[:, ::-1]).sum(axis=1).max() <= 1


def test_a_seam_lies_behind_the_edge():
    lost = read(step_edge(), rim=3.0)[0] == 0
    assert lost[:, 45:48].all()
    assert lost.sum() == 3 * 96
    assert np.array_equal(read(step_edge(), rim=3.0, rim_gap=450.0), step_edge())


def test_the_outline_wanders_but_surfaces_stay():
    depth = step_edge()
    torn = read(depth, outline=1.0, jitter=0.3)
    assert set(np.unique(torn)) == {400.0, 800.0}
    changed = np.nonzero((torn != depth)[0])[1]
    assert len(changed) > 20
    assert changed.min() >= 48 - 6
    assert changed.max() <= 48 + 6
    slope = picture(500.0) + np.arange(96, dtype=np.float32)
    assert np.array_equal(read(slope, outline=1.0, jitter=0.3), slope)


def test_the_nearer_surface_grows():
    assert (read(step_edge(), fatten=2.0)[0, :, 46] == 400.0).all()
    assert (read(step_edge(), fatten=2.0)[0, :, 45] == 800.0).all()


def test_flying_pixels_lie_about_the_surfaces_and_only_on_the_edge():
    depth = step_edge()
    flown = read(depth, flying=0.6)
    changed = (flown != depth)[0]
    # Whole stretches, on the far side more than on the near side.
    assert changed[:, 47].mean() > changed[:, 48].mean()
    assert np.mean(changed[1:, 47] == changed[:-1, 47]) > 0.6
    assert changed[:, 47:49].any()
    assert not changed[:, :47].any()
    assert not changed[:, 49:].any()
    values = flown[0][changed]
    assert values.min() > 400.0 - 63.0
    assert values.max() <= 650.0
    assert 0.05 < np.mean(values < 400.0) < 0.35


def test_chances():
    depth = np.repeat(picture(500.0), 4, axis=0)
    assert np.mean(read(depth, dropout=0.02) == 0) == pytest.approx(0.02, rel=0.15)
    strayed = read(depth, stray=0.02)
    assert np.mean(strayed < 500.0) == pytest.approx(0.02, rel=0.15)
    assert strayed.min() >= 350.0


def test_far_surfaces_are_lost_in_blobs():
    depth = picture(1600.0)
    depth[:, :48] = 500.0
    holes = read(depth, hole_level=4.0, hole_cell=5.0, reach=3.2)[0] == 0
    assert holes[:46].mean() < 0.01
    assert holes[50:].mean() == pytest.approx(0.5, abs=0.12)
    assert np.mean(holes[50:, 1:] == holes[50:, :-1]) > 0.85


def test_grazing_surfaces_are_lost():
    steep = picture(500.0) + 4.0 * np.arange(96, dtype=np.float32)
    assert (read(steep, grazing_limit=0.5)[0, :, 1:-1] == 0).all()
    assert np.array_equal(read(picture(500.0), grazing_limit=0.5), picture(500.0))


def test_averaging_calms_noise_but_not_across_edges():
    depth = step_edge()
    calm = read(depth, noise=2.0, average=1.0, similar=30.0)[0, 1:-1, 1:-1] - depth[0, 1:-1, 1:-1]
    assert calm.std() < 1.0
    assert np.abs(calm).max() < 8.0


def test_stripes_shift_rows():
    rows = read(picture(500.0), interlace=2.0, stripes=1.0)[0] - 500.0
    assert rows.std(axis=1).max() == 0.0
    assert rows[::2].mean() - rows[1::2].mean() == pytest.approx(-2.0, abs=0.6)
    assert rows[::2, 0].std() == pytest.approx(1.0, rel=0.3)


def test_noise_comes_in_blobs_where_it_is_not_white():
    blobs = np.stack([read(picture(500.0), noise=2.0, white=0.3, grain_cell=1.5, seed=s)[0] for s in range(4)]) - 500
    assert blobs.std() == pytest.approx(2.0, rel=0.1)
    alike = [np.corrcoef(blobs[..., shift:].ravel(), blobs[..., :-shift].ravel())[0, 1] for shift in (1, 2, 4)]
    assert 0.35 < alike[0] < 0.7
    assert alike[1] < 0.3
    assert abs(alike[2]) < 0.1


def test_corners_bow_and_edges_do_not():
    valley = 500.0 + 0.5 * np.abs(np.arange(96, dtype=np.float32) - 48.0) + picture(0.0)
    bowed = read(valley, bow=0.5, bow_reach=4.0) - valley
    assert bowed[0, 10:-10, 48].min() > 0.4
    assert np.abs(bowed[0, 10:-10, 10:40]).max() < 1e-3
    assert np.abs(read(step_edge(), bow=0.5, bow_reach=4.0) - step_edge()).max() < 1e-3


def test_sampled_strengths_stay_in_their_ranges():
    for kind, ranges in KINDS.items():
        sensor = sample_sensors(200, torch.Generator().manual_seed(0), kind=kind)
        for name, strengths in zip(Sensor._fields, sensor, strict=True):
            low, high = (NOTHING | ranges)[name]
            assert strengths.dtype == np.float32
            assert strengths.min() >= np.float32(low)
            assert strengths.max() <= np.float32(high)
        assert np.ptp(sensor.noise) > 0


def test_faults_come_at_their_rates_and_only_in_the_mixture():
    count = 4000
    mixed = sample_sensors(count, torch.Generator().manual_seed(1))
    for name in ("blur", "median", "smear", "grow", "fill", "bow"):
        rate = sum(fault.chance for fault in FAULTS if name in fault.ranges)
        assert np.mean(getattr(mixed, name) != 0) == pytest.approx(rate, rel=0.35), name
    assert not any(fields.any() for fields in sample_sensors(50, torch.Generator(), kind="stereo")[-10:])


def test_smooth_outlines_have_no_single_pixels():
    depth = step_edge()
    nose = depth.copy()
    nose[0, 40, 47] = 400.0
    assert np.array_equal(read(nose), nose)
    assert np.array_equal(read(nose, smooth=1.0), depth)


def test_blended_edges_are_a_ramp():
    # On a straight edge 1/3 and 2/3 of the neighborhood lie behind; squared, of the 250 mm that light reaches back.
    read_back = read(step_edge(), blend=1.0)[0, 1:-1]
    for column, untouched, mixed in ((47, 800.0, 400 + 250 * 4 / 9), (48, 400.0, 400 + 250 / 9)):
        ramp = np.isclose(read_back[:, column], mixed, atol=0.01)
        assert (ramp | (read_back[:, column] == untouched)).all()
        assert ramp.mean() > 0.8
    assert (read_back[:, :47] == 800.0).all()
    assert (read_back[:, 49:] == 400.0).all()
