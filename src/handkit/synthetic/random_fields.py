"""Random numbers for depth images: the same seed gives the same image whatever the batch or the thread.

Numbers are hashes of a counter (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014), so that any pixel's number is known without drawing those before it.
"""

import numpy as np
from jaxtyping import Float32, UInt64

from .compiled import kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR, SECOND_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
LANE, LANE_BITS = np.uint64(0xFFFF), np.uint64(16)
NORMAL_UNIT = np.float32(1.0 / (65536.0 * 0.5773503))
"""Four uniform numbers of 16 bits sum to nearly a normal one; this makes its standard deviation 1."""

FIELD_UNIT = np.float32(1.5)
"""Bilinear interpolation between normal nodes leaves 2/3 of their standard deviation, on average."""


@kernel
def scramble(counter: np.uint64) -> np.uint64:
    """Hash a counter to 64 random bits."""
    mixed = (counter ^ (counter >> SHIFTS[0])) * FIRST_FACTOR
    mixed = (mixed ^ (mixed >> SHIFTS[1])) * SECOND_FACTOR
    return mixed ^ (mixed >> SHIFTS[2])


@kernel
def branch(seed: np.uint64, number: int) -> np.uint64:
    """A seed of its own for each use of a frame's seed."""
    return scramble(seed + np.uint64(number) * FIRST_FACTOR)


@kernel
def lane(bits: np.uint64, number: int) -> np.float32:
    """One of four independent uniform numbers in [0, 1) of 64 bits."""
    part = (bits >> (np.uint64(number) * LANE_BITS)) & LANE
    return np.float32(np.int32(part)) * np.float32(1.0 / 65536.0)


@kernel
def normal(bits: np.uint64) -> np.float32:
    """A nearly normal number of mean 0 and standard deviation 1, within +-3.5."""
    total = (
        (bits & LANE)
        + ((bits >> LANE_BITS) & LANE)
        + ((bits >> (LANE_BITS + LANE_BITS)) & LANE)
        + (bits >> (LANE_BITS + LANE_BITS + LANE_BITS))
    )
    return np.float32(np.int32(total) - np.int32(131070)) * NORMAL_UNIT


@kernel
def fill_bits(bits: UInt64[np.ndarray, "H W"], seed: np.uint64) -> None:
    """64 random bits for every pixel."""
    flat = bits.reshape(-1)
    for at in range(flat.size):
        flat[at] = scramble(seed + np.uint64(at) * GOLDEN)


@kernel
def fill_smooth(field: Float32[np.ndarray, "H W"], cell: float, seed: np.uint64) -> None:
    """Smooth noise of mean 0 and standard deviation about 1: bilinear between nodes `cell` pixels apart."""
    height, width = field.shape
    step = np.float32(1.0 / max(cell, 1.0))
    # The grid starts at a random place, so that no pixel is always a node.
    shift_x, shift_y = lane(branch(seed, 1), 0), lane(branch(seed, 1), 1)
    above, below = np.empty(width, np.float32), np.empty(width, np.float32)
    _fill_node_row(below, 0, (step, shift_x), seed)
    node = -1
    for row in range(height):
        place = np.float32(row) * step + shift_y
        while node < int(place):
            node += 1
            above, below = below, above
            _fill_node_row(below, node + 1, (step, shift_x), seed)
        weight = place - np.float32(node)
        line = field[row]
        for column in range(width):
            line[column] = above[column] + weight * (below[column] - above[column])


@kernel
def _fill_node_row(
    line: Float32[np.ndarray, " W"], node: int, grid: tuple[np.float32, np.float32], seed: np.uint64
) -> None:
    """One row of nodes, interpolated along the row."""
    row_seed = branch(seed, node + 2)
    last = int(grid[1])
    left = normal(scramble(row_seed + np.uint64(last) * GOLDEN)) * FIELD_UNIT
    right = normal(scramble(row_seed + np.uint64(last + 1) * GOLDEN)) * FIELD_UNIT
    for column in range(line.size):
        place = np.float32(column) * grid[0] + grid[1]
        at = int(place)
        if at != last:
            # Nodes are at least a pixel apart, so that none is passed over.
            left = right
            right = normal(scramble(row_seed + np.uint64(at + 1) * GOLDEN)) * FIELD_UNIT
            last = at
        line[column] = left + (place - np.float32(at)) * (right - left)
