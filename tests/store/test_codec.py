"""Patches as bytes: by hand, and there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from handkit.store.codec import CODECS, decode, encode


def test_runs_by_hand():
    """2 zeros, 2 values, +500 as 1000 = 0b1_111_101_000, +1 as 2; lowest group first, 8 for "another follows"."""
    patch = np.array([[0, 0], [500, 501]], np.uint16)
    assert encode(patch, "rvl") == bytes([0x22, 0xD8, 0x1F, 0x02])
    assert encode(patch, "none") == bytes([0, 0, 0, 0, 0xF4, 0x01, 0xF5, 0x01])


def test_nothing_and_everything():
    nothing, everything = np.zeros((100, 50), np.uint16), np.full((100, 50), 65_535, np.uint16)
    assert len(encode(nothing, "rvl")) == 3
    assert len(encode(everything, "rvl")) == 2506
    for patch in (nothing, everything):
        assert np.array_equal(decode(np.frombuffer(encode(patch, "rvl"), np.uint8), (100, 50), "rvl"), patch)


sparse = st.one_of(st.just(0), st.integers(0, 65_535), st.integers(500, 520))


@pytest.mark.parametrize("codec", CODECS)
@given(patch=arrays(np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=sparse))
def test_there_and_back(codec, patch):
    data = np.frombuffer(encode(patch, codec), np.uint8)
    assert np.array_equal(decode(data, patch.shape, codec), patch)
    with pytest.raises(ValueError, match="do not hold a patch"):
        decode(data[:-1], patch.shape, codec)
    with pytest.raises(ValueError, match="do not hold a patch"):
        decode(data, (patch.shape[0] + 1, patch.shape[1]), codec)


@given(data=st.binary(max_size=60), height=st.integers(1, 9), width=st.integers(1, 9))
def test_any_bytes_are_a_patch_or_refused(data, height, width):
    try:
        patch = decode(np.frombuffer(data, np.uint8), (height, width), "rvl")
    except ValueError:
        return
    assert patch.shape == (height, width)
