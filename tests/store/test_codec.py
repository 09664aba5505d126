"""Patches as bytes: there and back, and what is no patch."""

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from handkit.store.codec import CODECS, decode, encode

sparse = st.one_of(st.just(0), st.integers(0, 65_535), st.integers(500, 520))


def test_plain_bytes_by_hand():
    assert encode(np.array([[0, 0], [500, 501]], np.uint16), "none") == bytes([0, 0, 0, 0, 0xF4, 0x01, 0xF5, 0x01])


def test_whoever_has_zstandard_can_read_it():
    patch = np.random.default_rng(0).integers(0, 9, (100, 50), np.uint16)
    data = encode(patch, "zstd")
    assert zstandard.decompress(data) == patch.tobytes()
    assert len(data) < patch.nbytes / 3


@pytest.mark.parametrize("codec", CODECS)
@given(patch=arrays(np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=sparse))
def test_there_and_back(codec, patch):
    data = np.frombuffer(encode(patch, codec), np.uint8)
    assert np.array_equal(decode(data, patch.shape, codec), patch)
    for other in (data[:-1], np.append(data, np.uint8(0))):
        with pytest.raises(ValueError, match="do not hold a patch"):
            decode(other, patch.shape, codec)
    with pytest.raises(ValueError, match="do not hold a patch"):
        decode(data, (patch.shape[0] + 1, patch.shape[1]), codec)


@given(data=st.binary(max_size=60), height=st.integers(1, 9), width=st.integers(1, 9))
def test_any_bytes_are_a_patch_or_refused(data, height, width):
    try:
        patch = decode(np.frombuffer(data, np.uint8), (height, width), "zstd")
    except ValueError:
        return
    assert patch.shape == (height, width)


def test_a_size_that_is_a_lie_takes_no_memory():
    """A frame of zstandard that says it holds 256 TB."""
    header = bytes.fromhex("28b52ffd") + bytes([0xE0]) + (1 << 48).to_bytes(8, "little")
    with pytest.raises(ValueError, match="do not hold a patch"):
        decode(np.frombuffer(header + bytes(9), np.uint8), (4, 4), "zstd")
