import numpy as np
import pytest
from tracked import hand_at

from handkit.bones import LEARN, BoneLengths
from handkit.skeleton import HAND21


def lengths(joints):
    starts, ends = np.array(HAND21.bones).T
    return np.linalg.norm(joints[ends] - joints[starts], axis=1)


@pytest.fixture
def learned():
    bones = BoneLengths(HAND21)
    random = np.random.default_rng(0)
    for _ in range(LEARN):
        bones.learn(hand_at((0, 0, 500)) + random.normal(0, 0.5, (21, 3)).astype(np.float32))
    return bones


def test_nothing_moves_until_they_are_known():
    bones = BoneLengths(HAND21)
    joints = hand_at((0, 0, 500))
    assert bones.hold(joints, np.ones(21, np.float32)) is joints


def test_medians_are_learned_once(learned):
    before = learned.lengths_mm.copy()
    assert np.abs(before - lengths(hand_at((0, 0, 500)))).max() < 0.5
    for _ in range(2 * LEARN):
        learned.learn(1.2 * hand_at((0, 0, 500)))
    assert (learned.lengths_mm == before).all()


def test_a_pose_gets_the_lengths_and_moves_little(learned):
    random = np.random.default_rng(1)
    joints = hand_at((30, 0, 400), bend=0.5) + random.normal(0, 4, (21, 3)).astype(np.float32)
    held = learned.hold(joints, np.full(21, 5, np.float32))
    assert np.abs(lengths(held) - learned.lengths_mm).max() < 0.1
    assert np.abs(lengths(joints) - learned.lengths_mm).max() > 3
    assert np.linalg.norm(held - joints, axis=1).mean() < 10
    assert held.mean(0) == pytest.approx(joints.mean(0), abs=1e-2), "no force from outside: the center stays"
    again = learned.hold(held, np.full(21, 5, np.float32))
    assert np.abs(again - held).max() < 0.1


def test_the_surer_joint_moves_less(learned):
    joints = hand_at((0, 0, 500))
    joints[8] += (joints[8] - joints[7]) * 0.5
    uncertainty = np.full(21, 1, np.float32)
    uncertainty[8] = 20
    held = learned.hold(joints, uncertainty)
    assert np.linalg.norm(held[8] - joints[8]) > 20 * np.linalg.norm(held[7] - joints[7])


def test_unknown_uncertainty_counts_as_equal(learned):
    joints = (hand_at((0, 0, 500)) * 1.02).astype(np.float32)
    equal = learned.hold(joints, np.full(21, 1, np.float32))
    assert (learned.hold(joints, np.full(21, np.nan, np.float32)) == equal).all()
