import numpy as np
import pytest
from tracked import hand_at

from handkit.smoothing import HandSmoother, SteadyFilter

SURE = np.full(21, 4.0, np.float32)


def test_the_filter_by_hand():
    """Measured to 3 mm, velocity unknown to 200 mm/s, after 0.1 s: variances 9 + 400 + (q / 200)² and 9."""
    steady = SteadyFilter(rest_mm_s2=600.0, per_speed=0.0)
    assert steady.update(np.zeros((1, 3)), np.array([3.0]), 0.1).points.tolist() == [[0, 0, 0]]
    motion = steady.update(np.array([[8.0, 0, 0]]), np.array([3.0]), 0.1)
    place, mixed = 9 + 400 + 9, 4000 + 180
    assert motion.points == pytest.approx(np.array([[8 * place / (place + 9), 0, 0]]))
    assert motion.velocity == pytest.approx(np.array([[8 * mixed / (place + 9), 0, 0]]))


def test_who_moves_faster_is_smoothed_less():
    noise = np.random.default_rng(0).normal(0, 2, (200, 3))
    slow, fast = (
        [
            steady.update(each + np.array([[speed * i / 30, 0, 0]]), np.array([2.0]), 1 / 30)
            for i, each in enumerate(noise)
        ]
        for steady, speed in ((SteadyFilter(rest_mm_s2=75.0, per_speed=20.0), speed) for speed in (20, 400))
    )
    left = [jitter([each.points for each in motions[100:]]) for motions in (slow, fast)]
    assert left[0] < 0.6 * left[1] < 0.6 * jitter(noise[100:, None])


def test_a_constant_stays_and_a_motion_has_its_velocity_and_no_lag():
    smoother = HandSmoother()
    still = hand_at((0, 0, 500))
    smooth = smoother.update(still, SURE, 1 / 30)
    for _ in range(9):
        smooth = smoother.update(still, SURE, 1 / 30)
    assert np.abs(smooth.joints_mm - still).max() < 1e-3
    assert np.abs(smooth.velocity_mm_s).max() < 1e-2
    for i in range(1, 61):
        smooth = smoother.update(still + np.array([10.0 * i, 0, 0], np.float32), SURE, 1 / 30)  # 300 mm/s
    assert np.abs(smooth.velocity_mm_s - np.array([300, 0, 0], np.float32)).max() < 1
    assert np.abs(smooth.joints_mm - still - np.array([600, 0, 0], np.float32)).max() < 0.1


@pytest.mark.parametrize("pause", [1 / 30, 0.4])
def test_a_sudden_motion_is_followed_at_once(pause):
    """From long rest to 1 m/s, or 60 mm away after a frame or a loss."""
    smoother, still = HandSmoother(), hand_at((0, 0, 500))
    random = np.random.default_rng(0)
    for _ in range(60):
        smoother.update(still + random.normal(0, 1, (21, 3)).astype(np.float32), SURE, 1 / 30)
    moved = still + np.array([60, 0, 0], np.float32)
    assert np.abs(smoother.update(moved, SURE, pause).joints_mm - moved).max() < 6


def test_jitter_at_rest_is_more_than_halved_and_a_doubtful_joint_is_held_calmer():
    random = np.random.default_rng(0)
    still = hand_at((0, 0, 500))
    raw = [still + random.normal(0, 2, (21, 3)).astype(np.float32) for _ in range(120)]
    smoothers = {4.0: HandSmoother(), 12.0: HandSmoother(), np.nan: HandSmoother()}
    left = {
        doubt: jitter([smoother.update(each, np.full(21, doubt, np.float32), 1 / 30).joints_mm for each in raw][30:])
        for doubt, smoother in smoothers.items()
    }
    assert left[4.0] < 0.4 * jitter(raw[30:])
    assert left[12.0] < 0.7 * left[4.0]
    assert left[12.0] < left[np.nan] < 1.5 * left[4.0]


def test_turning_the_camera_turns_the_answer():
    random = np.random.default_rng(1)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0].astype(np.float32)
    one, other = HandSmoother(), HandSmoother()
    plain = turned = np.empty(0)
    for i in range(20):
        joints = hand_at((5 * i, 0, 500)) + random.normal(0, 3, (21, 3)).astype(np.float32)
        plain = one.update(joints, SURE, 1 / 30).joints_mm
        turned = other.update(joints @ turn.T, SURE, 1 / 30).joints_mm
    assert np.abs(plain @ turn.T - turned).max() < 1e-2


def jitter(joints):
    return np.linalg.norm(np.diff(np.array(joints), n=2, axis=0), axis=-1).mean()
