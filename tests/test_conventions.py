import numpy as np
import pytest
from tracked import hand_at

from handkit.conventions import CONVENTIONS, convert
from handkit.errors import UsageError
from handkit.skeleton import HAND21, HANDS17, MSRA21, NYU14

HAND = hand_at((10, -20, 500))


def test_mediapipe_is_meters_around_the_center():
    joints = convert(HAND, HAND21, "mediapipe")
    assert joints.mean(0) == pytest.approx([0, 0, 0], abs=1e-6)
    assert (joints[8] - joints[0]) * 1000 == pytest.approx(HAND[8] - HAND[0], abs=1e-3)


@pytest.mark.parametrize(
    ("convention", "expected"),
    [("ros", (0.01, -0.02, 0.5)), ("unity", (0.01, 0.02, 0.5)), ("openxr26", (0.01, 0.02, -0.5))],
)
def test_axes_and_unit(convention, expected):
    joints = np.tile(np.array([10, -20, 500], np.float32), (21, 1))
    assert convert(joints, HAND21, convention) == pytest.approx(
        np.tile(expected, (len(convert(HAND, HAND21, convention)), 1))
    )


def test_openxr_has_its_joints_in_its_order():
    """Palm, wrist, thumb 2-5, index 6-10, middle 11-15, ring 16-20, little 21-25."""
    joints = convert(HAND, HAND21, "openxr26") * np.array([1000, -1000, -1000], np.float32)
    assert len(joints) == 26
    marked = [1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 15, 17, 18, 19, 20, 22, 23, 24, 25]
    assert joints[marked] == pytest.approx(HAND, abs=1e-3)
    for base, knuckle in ((6, 7), (11, 12), (16, 17), (21, 22)):
        assert joints[base] == pytest.approx(joints[1] + (joints[knuckle] - joints[1]) / 4, abs=1e-3)
    assert joints[0] == pytest.approx((joints[11] + joints[12]) / 2, abs=1e-3)


def test_other_skeletons_by_name():
    assert (convert(HAND, HAND21, "msra21") == MSRA21.convert(HAND, HAND21)).all()
    ordered = HANDS17.convert(HAND, HAND21)
    for convention in CONVENTIONS:
        assert (convert(ordered, HANDS17, convention) == convert(HAND, HAND21, convention)).all()


def test_what_cannot_be():
    with pytest.raises(UsageError, match=r"'openxr' is no convention .* known: mediapipe, openxr26, ros"):
        convert(HAND, HAND21, "openxr")
    with pytest.raises(UsageError, match=r"known: mediapipe, openxr26, ros, unity, hand21, hands17, msra21$"):
        convert(HAND, HAND21, "nyu")
    with pytest.raises(UsageError, match=r"known: nyu14$"):
        convert(HAND[:14], NYU14, "manus")
    with pytest.raises(UsageError, match="nyu14 has no joint for"):
        convert(HAND[:14], NYU14, "mediapipe")
