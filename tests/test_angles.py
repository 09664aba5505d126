import numpy as np
import pytest

from handkit.angles import joint_angles
from handkit.errors import UsageError
from handkit.skeleton import HAND21, HANDS17, NYU14


def straight():
    """A right hand, palm to the camera, fingers up and parallel, the thumb to the right of the image."""
    joints = np.zeros((21, 3), np.float32)
    for finger, x in enumerate((40, 20, 0, -20, -40)):
        joints[1 + 4 * finger : 5 + 4 * finger] = [(x, -80 - 30 * part, 500) for part in range(4)]
    joints[0] = (0, 0, 500)
    return joints


def test_a_flat_hand_is_bent_nowhere():
    angles = joint_angles(straight(), HAND21, left=False)
    assert len(angles) == 3 + 4 * 4
    assert {name: angle for name, angle in angles.items() if abs(angle) > 1e-3 and "spread" not in name} == {
        "thumb_cmc": pytest.approx(np.degrees(np.arctan(40 / 80)), abs=1e-3)
    }
    assert angles["middle_spread"] == pytest.approx(0, abs=1e-3)
    assert angles["index_spread"] == pytest.approx(-np.degrees(np.arctan(20 / 80)), abs=1e-3), "away from the thumb"
    assert angles["pinky_spread"] == pytest.approx(np.degrees(np.arctan(40 / 80)), abs=1e-3)


def test_a_bent_finger():
    """The index points at the camera from the knuckle on, then its tip down."""
    joints = straight()
    joints[[6, 7, 8]] = [(20, -80, 470), (20, -80, 440), (20, -50, 440)]
    angles = joint_angles(joints, HAND21, left=False)
    assert angles["index_mcp"] == pytest.approx(90, abs=1e-3)
    assert (angles["index_pip"], angles["index_dip"]) == pytest.approx((0, 90), abs=1e-3)
    joints[6:9, 2] = 1000 - joints[6:9, 2]
    assert joint_angles(joints, HAND21, left=False)["index_mcp"] == pytest.approx(-90, abs=1e-3), "backwards"


def test_a_mirrored_hand_is_bent_alike():
    random = np.random.default_rng(0)
    joints = straight() + random.normal(0, 8, (21, 3)).astype(np.float32)
    mirrored = joints * np.array([-1, 1, 1], np.float32)
    assert joint_angles(mirrored, HAND21, left=True) == pytest.approx(joint_angles(joints, HAND21, left=False))
    moved = joints @ np.linalg.qr(random.normal(size=(3, 3)))[0].astype(np.float32)
    if np.linalg.det(np.linalg.lstsq(joints, moved, rcond=None)[0]) < 0:
        moved *= np.array([-1, 1, 1], np.float32)
    assert joint_angles(moved, HAND21, left=False) == pytest.approx(joint_angles(joints, HAND21, left=False), abs=0.01)


def test_orders_of_other_data_sets():
    joints = straight()
    same = joint_angles(HANDS17.convert(joints, HAND21), HANDS17, left=False)
    assert same == pytest.approx(joint_angles(joints, HAND21, left=False))
    with pytest.raises(UsageError, match="nyu14 has no joint"):
        joint_angles(joints[:14], NYU14, left=False)
