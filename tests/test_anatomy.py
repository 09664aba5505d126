"""Bones by hand."""

import numpy as np
import pytest
from fake_backend import hand

from handkit.anatomy import Proportions, proportions
from handkit.skeleton import HAND21, MSRA21, NYU14

FLAT = hand((0, 0, 500)).joints


def test_a_typical_hand():
    found = proportions(FLAT, HAND21)
    assert found.size == pytest.approx(1, abs=0.02)
    assert found.unevenness < 0.05
    assert found.plausibility == 1
    assert found.doubt is None


def test_size_is_measured_in_every_order_of_joints():
    found = proportions(MSRA21.convert(FLAT, HAND21) * 2, MSRA21)
    assert found.size == pytest.approx(2 * proportions(FLAT, HAND21).size)
    assert "2.0 times as long" in str(found.doubt)
    assert found.plausibility == pytest.approx((1.35 / found.size) ** 12)


@pytest.mark.parametrize(("size", "words"), [(0.7, "0.7 times as long as an adult's (a child's?)"), (1.3, "1.3 times")])
def test_an_unusual_size_is_worth_a_word_where_the_shape_is_a_hands(size: float, words: str):
    found = Proportions(size, 0.15)
    assert found.plausibility == 1
    assert words in str(found.doubt)
    assert Proportions(size, 0.25).doubt is None
    assert Proportions(1.0, 0.15).doubt is None


def test_what_is_no_hand():
    point = np.zeros((21, 3), np.float32)
    line = np.linspace((-60, 0, 500), (60, 0, 500), 21).astype(np.float32)
    for joints in (point, line):
        assert proportions(joints, HAND21).plausibility < 0.1


def test_one_finger_too_long():
    bent = FLAT.copy()
    bent[8, 1] -= 100  # the index tip: 117 mm in place of 17
    found = proportions(bent, HAND21)
    assert found.unevenness == pytest.approx(np.log(117 / 17) / np.sqrt(20), abs=0.05)
    assert found.plausibility < 0.3


def test_unknown_bones():
    assert proportions(np.zeros((14, 3), np.float32), NYU14) == Proportions(1.0, 0.0)
