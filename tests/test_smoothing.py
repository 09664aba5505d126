import math

import numpy as np
import pytest
from tracked import hand_at

from handkit.smoothing import HandSmoother, OneEuro


def test_one_euro_by_hand():
    """minimum 1 Hz, no beta, dt 1/(2 pi) s: a share of 1/2 of each new value; velocity likewise."""
    filter = OneEuro(minimum_hz=1.0, beta=0.0, derivative_hz=1.0)
    step = 1 / (2 * math.pi)
    assert filter.update(np.zeros((1, 3)), step).points.tolist() == [[0, 0, 0]]
    motion = filter.update(np.array([[8.0, 0, 0]]), step)
    assert motion.points == pytest.approx(np.array([[4.0, 0, 0]]))
    assert motion.velocity == pytest.approx(np.array([[8 * 2 * math.pi / 4, 0, 0]]))


def test_the_cutoff_grows_with_speed():
    """beta 0.1 and a speed of 90 mm/s: cutoff 1 + 9 Hz."""
    filter = OneEuro(minimum_hz=1.0, beta=0.1, derivative_hz=1e9)
    filter.update(np.zeros((1, 3)), 0.1)
    smooth = filter.update(np.array([[0.0, 9.0, 0.0]]), 0.1).points
    share = 2 * math.pi * 10 * 0.1
    assert smooth[0, 1] == pytest.approx(9 * share / (1 + share))


def test_a_constant_stays_and_a_motion_has_its_velocity():
    smoother = HandSmoother()
    still = hand_at((0, 0, 500))
    smooth = smoother.update(still, 1 / 30)
    for _ in range(9):
        smooth = smoother.update(still, 1 / 30)
    assert np.abs(smooth.joints_mm - still).max() < 1e-3
    assert np.abs(smooth.velocity_mm_s).max() < 1e-2
    for i in range(1, 61):
        smooth = smoother.update(still + np.array([10.0 * i, 0, 0], np.float32), 1 / 30)  # 300 mm/s
    assert np.abs(smooth.velocity_mm_s - np.array([300, 0, 0], np.float32)).max() < 5
    lag_mm = 600 - (smooth.joints_mm - still)[:, 0].mean()
    assert 0 < lag_mm / 300 < 0.030, "under 30 ms behind a hand that moves as a whole"


def test_jitter_at_rest_is_halved():
    random = np.random.default_rng(0)
    smoother = HandSmoother()
    still = hand_at((0, 0, 500))
    raw = [still + random.normal(0, 2, (21, 3)).astype(np.float32) for _ in range(120)]
    smooth = [smoother.update(each, 1 / 30).joints_mm for each in raw]
    assert jitter(smooth[30:]) < 0.5 * jitter(raw[30:])


def test_turning_the_camera_turns_the_answer():
    random = np.random.default_rng(1)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0].astype(np.float32)
    one, other = HandSmoother(), HandSmoother()
    plain = turned = np.empty(0)
    for i in range(20):
        joints = hand_at((5 * i, 0, 500)) + random.normal(0, 3, (21, 3)).astype(np.float32)
        plain = one.update(joints, 1 / 30).joints_mm
        turned = other.update(joints @ turn.T, 1 / 30).joints_mm
    assert np.abs(plain @ turn.T - turned).max() < 1e-2


def jitter(joints):
    return np.linalg.norm(np.diff(np.array(joints), n=2, axis=0), axis=-1).mean()
