"""What a real depth camera makes of clean depth: torn outlines, noise, seams, shadows, holes, steps.

The order follows the light: where on the surface a pixel looks, what the optics mix there, what the second
view cannot see, noise of the depth value, then what the device's own filters, number format and software (`processing`)
do to it. Every strength is a field of `Sensor`; every random number comes from the frame's own seed.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt64
from numba.np.unsafe.ndarray import to_fixed_tuple  # pyright: ignore[reportUnknownVariableType]

from .compiled import kernel
from .devices import perfect, sample_sensors
from .filters import ONE, ZERO, average, copy, median, pull, spread
from .processing import process
from .random_fields import branch, fill_bits, fill_smooth, lane, normal
from .strengths import Sensor

__all__ = ["Sensor", "perfect", "sample_sensors", "sense"]

FLIGHT = np.float32(250.0)
"""Millimeters: a flying pixel lies at most this far behind the nearer surface."""

INFINITE = np.float32(np.inf)

FIELDS = len(Sensor._fields)


class Desk(NamedTuple):
    """The images a frame is worked on with; without a surface `seen` is infinite and `measured` is 0."""

    seen: Float32[np.ndarray, "H W"]
    measured: Float32[np.ndarray, "H W"]
    near: Float32[np.ndarray, "H W"]
    far: Float32[np.ndarray, "H W"]
    field: Float32[np.ndarray, "H W"]
    spare: Float32[np.ndarray, "H W"]
    bits: UInt64[np.ndarray, "H W"]


@kernel
def _edge(depth: np.float32, focal: np.float32) -> np.float32:
    """Millimeters between neighboring pixels that make an edge; a steep surface stays below it."""
    return np.float32(6.0) + np.float32(4.0) * depth / focal


@kernel
def _wander(desk: Desk, sensor: Sensor, focal: np.float32, seed: np.uint64) -> None:
    """Read each pixel near an edge a little beside itself; within one surface nothing changes."""
    seen, source = desk.seen, desk.measured
    height, width = seen.shape
    copy(seen, source)
    # Without jitter the offsets are smooth, and so is the outline.
    if sensor.jitter > ZERO:
        fill_bits(desk.bits, branch(seed, 1))
    fill_smooth(desk.field, float(sensor.outline_cell), branch(seed, 2))
    fill_smooth(desk.spare, float(sensor.outline_cell), branch(seed, 3))
    half = np.float32(0.5)
    # A lane is uniform: 3.46 makes its standard deviation 1.
    jitter = sensor.jitter * np.float32(3.46)
    for row in range(height):
        for column in range(width):
            bits = desk.bits[row, column]
            right = sensor.outline * desk.field[row, column] + jitter * (lane(bits, 0) - half)
            down = sensor.outline * desk.spare[row, column] + jitter * (lane(bits, 1) - half)
            at_row = min(max(row + math.floor(down + half), 0), height - 1)
            at_column = min(max(column + math.floor(right + half), 0), width - 1)
            here, there = source[row, column], source[at_row, at_column]
            if abs(here - there) > _edge(min(here, there), focal):
                seen[row, column] = there


@kernel
def _fatten(desk: Desk, sensor: Sensor, focal: np.float32) -> None:
    """Let the nearer surface grow over the farther one."""
    for _ in range(int(sensor.fatten)):
        copy(desk.seen, desk.near)
        spread(desk.near, desk.spare, -ONE)
        for row in range(desk.seen.shape[0]):
            near, line = desk.near[row], desk.seen[row]
            for column in range(line.size):
                grown = line[column] - near[column] > _edge(near[column], focal)
                line[column] = near[column] if grown else line[column]


@kernel
def _read(desk: Desk, sensor: Sensor, focal: np.float32, seed: np.uint64) -> None:
    """Depth with axial noise, and 0 where there is no surface."""
    white = sensor.white
    if white > ZERO:
        fill_bits(desk.bits, branch(seed, 4))
    if white < ONE:
        fill_smooth(desk.spare, float(sensor.grain_cell), branch(seed, 8))
    fill_smooth(desk.field, float(sensor.wave_cell), branch(seed, 5))
    grain = np.float32(math.sqrt(max(ONE - white * white, ZERO)))
    million, tangent_cap = np.float32(1e-6), np.float32(4.0)
    for row in range(desk.seen.shape[0]):
        stripe = sensor.interlace * (np.float32(row % 2) - np.float32(0.5))
        stripe += sensor.stripes * normal(branch(seed, 1000 + row))
        seen, near, far, measured = desk.seen[row], desk.near[row], desk.far[row], desk.measured[row]
        bits, field, blobs = desk.bits[row], desk.field[row], desk.spare[row]
        for column in range(seen.size):
            depth = seen[column]
            squared = depth * depth * million
            tangent = min((far[column] - near[column]) * focal / (depth + depth), tangent_cap)
            spread = (sensor.noise + sensor.noise_at_meter * squared) * (ONE + sensor.grazing_noise * tangent * tangent)
            # The blobs are not filled in where the noise is white.
            blob = grain * blobs[column] if grain > ZERO else ZERO
            noisy = depth + stripe + spread * (white * normal(bits[column]) + blob)
            noisy += sensor.wave_at_meter * squared * field[column]
            measured[column] = noisy if depth < INFINITE else ZERO


@kernel
def _blend(desk: Desk, sensor: Sensor, focal: np.float32) -> None:
    """Mix both surfaces of an edge by how much of a 3x3 neighborhood each covers, the nearer being the brighter."""
    height, width = desk.seen.shape
    level = np.float32(2.0) - np.float32(4.0) * sensor.blend
    for row in range(1, height - 1):
        near, far, measured, field = desk.near[row], desk.far[row], desk.measured[row], desk.field[row]
        for column in range(1, width - 1):
            gap = far[column] - near[column]
            mixes = (gap > _edge(near[column], focal)) & (field[column] > level)
            if not mixes:
                continue
            reach, share = min(gap, FLIGHT), ZERO
            for place in range(9):
                behind = desk.seen[row + place // 3 - 1, column + place % 3 - 1] - near[column]
                share += min(behind / reach, ONE)
            share *= np.float32(1.0 / 9.0)
            measured[column] = near[column] + share * share * reach


@kernel
def _mix(desk: Desk, sensor: Sensor, focal: np.float32, seed: np.uint64) -> None:
    """Flying pixels on edges, stray ones anywhere, and pixels lost at random or seen at a grazing angle."""
    fill_bits(desk.bits, branch(seed, 6))
    for row in range(desk.seen.shape[0]):
        seen, near, far, measured = desk.seen[row], desk.near[row], desk.far[row], desk.measured[row]
        bits, field = desk.bits[row], desk.field[row]
        for column in range(seen.size):
            gap = far[column] - near[column]
            chance, place = lane(bits[column], 0), lane(bits[column], 1)
            lost = lane(bits[column], 2) < sensor.dropout
            if gap > _edge(near[column], focal):
                # Light of both surfaces mixes along whole stretches of an edge, as desk.field is smooth, on its far
                # side before its near side; some pixels lie in front of both.
                behind = seen[column] > near[column] + np.float32(0.5) * min(gap, FLIGHT)
                level = np.float32(2.5) - np.float32(4.0) * sensor.flying + (ZERO if behind else ONE)
                flies = (field[column] + place > level + np.float32(0.5)) & (sensor.flying > ZERO)
                share = (
                    np.float32(0.3) * (field[column] - level)
                    + np.float32(0.6) * lane(bits[column], 3)
                    - np.float32(0.2)
                )
                between = min(max(share, np.float32(-0.25)), ONE) * min(gap, FLIGHT)
                measured[column] = near[column] + between if flies else measured[column]
            else:
                limit = sensor.grazing_limit * (ONE + np.float32(0.15) * field[column] + np.float32(0.1) * place)
                lost |= gap * focal > limit * (seen[column] + seen[column])
            in_front = min(near[column] * (ONE - np.float32(0.3) * place), INFINITE)
            strays = (chance > ONE - sensor.stray) & (in_front < INFINITE)
            measured[column] = in_front if strays else measured[column]
            measured[column] = ZERO if lost else measured[column]


@kernel
def _lose(desk: Desk, sensor: Sensor, focal: np.float32, seed: np.uint64) -> None:
    """Blob-shaped holes, and the seam around nearer surfaces."""
    fill_smooth(desk.field, float(sensor.hole_cell), branch(seed, 7))
    for _ in range(int(sensor.rim) - 1):
        spread(desk.near, desk.spare, -ONE)
    seam = sensor.rim >= ONE
    nearest = INFINITE
    # Each pixel of `near` already stands for its 3x3 neighborhood.
    for row in range(0, desk.near.shape[0], 2):
        for column in range(0, desk.near.shape[1], 2):
            nearest = min(nearest, desk.near[row, column])
    reach = sensor.reach * nearest
    weakness = ONE / (reach * reach)
    for row in range(desk.seen.shape[0]):
        seen, near, measured, field = desk.seen[row], desk.near[row], desk.measured[row], desk.field[row]
        for column in range(seen.size):
            depth = seen[column] if seen[column] < INFINITE else near[column] + FLIGHT
            level = sensor.hole_level * (depth * depth * weakness - ONE)
            beside = seam & (depth - near[column] > max(_edge(near[column], focal), sensor.rim_gap))
            lost = (field[column] < level) | (beside & (field[column] < sensor.rim_level))
            measured[column] = ZERO if lost else measured[column]


@kernel
def _shade(desk: Desk, sensor: Sensor, focal: np.float32) -> None:
    """Lose what the second view cannot see.

    It sees the point of column u at u - f b / z. Walking along the row from its side, these must move
    steadily away; a point that falls behind one already passed is hidden by it.
    """
    height, width = desk.seen.shape
    step = 1 if sensor.baseline < ZERO else -1
    reach, direction = focal * abs(sensor.baseline), np.float32(step)
    for row in range(height):
        seen, measured = desk.seen[row], desk.measured[row]
        passed = -INFINITE
        for count in range(width):
            column = count if step > 0 else width - 1 - count
            place = direction * np.float32(column) + reach / seen[column]
            measured[column] = ZERO if place < passed - ONE else measured[column]
            passed = max(passed, place)


@kernel
def _write(desk: Desk, sensor: Sensor, out: Float32[np.ndarray, "H W"]) -> None:
    """Systematic error, rounding and range."""
    inverse_step = np.float32(1e6) / max(sensor.disparity_step, np.float32(1e-6))
    rounds_disparity, rounds_depth = sensor.disparity_step > ZERO, sensor.step > ZERO
    step = max(sensor.step, np.float32(1e-6))
    for row in range(out.shape[0]):
        measured, line = desk.measured[row], out[row]
        for column in range(line.size):
            depth = measured[column]
            depth = depth + depth * sensor.scale + sensor.offset
            if rounds_disparity:
                depth = inverse_step / np.rint(inverse_step / depth)
            if rounds_depth:
                depth = np.rint(depth / step) * step
            valid = (measured[column] > ZERO) & (depth >= sensor.nearest) & (depth <= sensor.farthest)
            line[column] = depth if valid & (depth > ZERO) else ZERO


@kernel
def _strengths(numbers: Float32[np.ndarray, " F"]) -> Sensor:
    """One frame's strengths as numbers."""
    return Sensor(*to_fixed_tuple(numbers, FIELDS))  # pyright: ignore[reportCallIssue, reportUnknownArgumentType]


@kernel
def _sense(
    depth: Float32[np.ndarray, "B H W"],
    focals: Float32[np.ndarray, " B"],
    strengths: Float32[np.ndarray, "B F"],
    seeds: UInt64[np.ndarray, " B"],
    out: Float32[np.ndarray, "B H W"],
) -> None:
    size = depth.shape[1:]
    blank = np.empty((6, size[0], size[1]), np.float32)
    desk = Desk(blank[0], blank[1], blank[2], blank[3], blank[4], blank[5], np.empty(size, np.uint64))
    for frame in range(depth.shape[0]):
        own, focal, seed = _strengths(strengths[frame]), focals[frame], seeds[frame]
        for row in range(size[0]):
            for column in range(size[1]):
                clean = depth[frame, row, column]
                desk.seen[row, column] = clean if clean > ZERO else INFINITE
        if max(own.outline, own.jitter) > ZERO:
            _wander(desk, own, focal, seed)
        for _ in range(int(own.smooth)):
            median(desk.seen, desk.spare)
        _fatten(desk, own, focal)
        if own.bow != ZERO:
            pull(desk.seen, (desk.near, desk.far), int(own.bow_reach), np.float32(own.bow))
        copy(desk.seen, desk.near)
        copy(desk.seen, desk.far)
        spread(desk.near, desk.spare, -ONE)
        spread(desk.far, desk.spare, ONE)
        _read(desk, own, focal, seed)
        if own.blend > ZERO:
            _blend(desk, own, focal)
        _mix(desk, own, focal, seed)
        _lose(desk, own, focal, seed)
        if own.baseline != ZERO:
            _shade(desk, own, focal)
        for _ in range(int(own.average)):
            average(desk.measured, desk.spare, np.float32(own.similar))
        _write(desk, own, out[frame])
        process(out[frame], desk.spare, own, focal, seed)


def sense(
    depth: Float32[np.ndarray, "B H W"],
    intrinsics: Float[np.ndarray, "B 4"],
    sensor: Sensor,
    seeds: UInt64[np.ndarray, " B"],
) -> Float32[np.ndarray, "B H W"]:
    """Clean depth in mm (0 = nothing) as each frame's sensor measures it, in mm (0 = invalid).

    Intrinsics are (fx, fy, cx, cy) of the window in pixels. The same seed gives the same image whatever
    the batch. Single threaded, without the interpreter lock. Images are at least 2 x 2.
    """
    out = np.empty(depth.shape, np.float32)
    focals = np.ascontiguousarray(intrinsics[:, 0], dtype=np.float32)
    strengths = np.stack(sensor, axis=1).astype(np.float32)
    clean = np.ascontiguousarray(depth, dtype=np.float32)
    _sense(clean, focals, strengths, np.ascontiguousarray(seeds, dtype=np.uint64), out)
    return out
