"""What drivers and software do to a depth image after it was taken; 0 stays invalid until something is mixed with it.

In the order of a usual chain: filters of the device, holes grown or filled, registration or resizing, blur. Each step
works in place, on images of one frame.
"""

import math

import numpy as np
from jaxtyping import Float32

from .compiled import kernel
from .filters import ONE, ZERO, copy, median
from .random_fields import branch, lane
from .strengths import Sensor

Image = Float32[np.ndarray, "H W"]

PARALLAX = np.float32(20.0)
"""mm between the depth camera and the color camera that its image is registered to."""

HALF = np.float32(0.5)


@kernel
def process(image: Image, spare: Image, sensor: Sensor, focal: np.float32, seed: np.uint64) -> None:
    """Every step that the frame's strengths ask for."""
    if sensor.smear > ZERO:
        _smear(image, spare, sensor)
    for _ in range(int(sensor.median)):
        median(image, spare)
    if sensor.grow >= ONE:
        _grow_holes(image, spare, int(sensor.grow))
    if sensor.fill >= ONE:
        _fill_holes(image, int(sensor.fill), int(sensor.fill_width))
    if sensor.grid > ZERO:
        _regrid(image, spare, sensor, focal, seed)
    for _ in range(int(sensor.blur)):
        _blur(image, spare)


@kernel
def _smear(image: Image, spare: Image, sensor: Sensor) -> None:
    """Average with the previous image, which was a little elsewhere; where this one has holes, it still shows."""
    height, width = image.shape
    copy(image, spare)
    right, down = int(sensor.smear_right), int(sensor.smear_down)
    for row in range(height):
        line, here, before = image[row], spare[row], spare[min(max(row + down, 0), height - 1)]
        for column in range(width):
            depth, previous = here[column], before[min(max(column + right, 0), width - 1)]
            similar = (previous > ZERO) & (abs(previous - depth) < np.float32(20.0))
            mixed = depth + sensor.smear * (previous - depth) if similar else depth
            line[column] = mixed if depth > ZERO else previous


@kernel
def _grow_holes(image: Image, spare: Image, count: int) -> None:
    """Lose what lies within `count` pixels of a hole."""
    height, width = image.shape
    for _ in range(count):
        for row in range(height):
            line, out = image[row], spare[row]
            for at in range(width):
                least = min(line[max(at - 1, 0)], line[min(at + 1, width - 1)])
                out[at] = line[at] if least > ZERO else ZERO
        for row in range(height):
            above, here, below = spare[max(row - 1, 0)], spare[row], spare[min(row + 1, height - 1)]
            out = image[row]
            for at in range(width):
                out[at] = here[at] if min(above[at], below[at]) > ZERO else ZERO


@kernel
def _fill_holes(image: Image, mode: int, widest: int) -> None:
    """Fill gaps along rows, up to `widest` pixels: see `Sensor.fill`."""
    height, width = image.shape
    for row in range(height):
        line = image[row]
        left = width
        for at in range(width):
            if line[at] > ZERO and 0 < at - left - 1 <= widest:
                _bridge(line, left, at, mode)
            left = at if line[at] > ZERO else left


@kernel
def _bridge(line: Float32[np.ndarray, " W"], left: int, right: int, mode: int) -> None:
    """Fill the gap between two valid pixels of a row."""
    one, other = line[left], line[right]
    side = one if mode == 1 else (min(one, other) if mode == 2 else max(one, other))
    for at in range(left + 1, right):
        between = one + (other - one) * np.float32(at - left) / np.float32(right - left)
        line[at] = between if mode == 4 else side


@kernel
def _regrid(image: Image, spare: Image, sensor: Sensor, focal: np.float32, seed: np.uint64) -> None:
    """As if the image had been taken over to a grid of another pitch: see `Sensor.grid_mode`."""
    height, width = image.shape
    copy(image, spare)
    pitch, mode = np.float32(sensor.grid), int(sensor.grid_mode)
    bits = branch(seed, 20)
    phase_x, phase_y = np.float32(pitch * lane(bits, 0)), np.float32(pitch * lane(bits, 1))
    for row in range(height):
        node_y = _node(np.float32(row), pitch, phase_y)
        line = image[row]
        for column in range(width):
            if mode == 1:
                shift = np.float32(focal * PARALLAX / max(line[column], ONE) + phase_x)
                node_x = _node(np.float32(column), pitch, shift)
                kept = max(abs(node_x - np.float32(column)), abs(node_y - np.float32(row))) <= HALF
                line[column] = line[column] if kept else ZERO
            else:
                node_x = _node(np.float32(column), pitch, phase_x)
                line[column] = _sample(spare, node_y, node_x, mode)


@kernel
def _node(place: np.float32, pitch: np.float32, phase: np.float32) -> np.float32:
    """The grid's node nearest to a place."""
    return np.float32(math.floor((place - phase) / pitch + HALF)) * pitch + phase


@kernel
def _sample(image: Image, y: np.float32, x: np.float32, mode: int) -> np.float32:
    """The image between its pixels: 2 nearest, 3 linear among valid values, 4 linear with holes as 0."""
    height, width = image.shape
    y, x = min(max(y, ZERO), np.float32(height - 1)), min(max(x, ZERO), np.float32(width - 1))
    if mode == 2:
        return image[int(y + HALF), int(x + HALF)]
    row, column = min(int(y), height - 2), min(int(x), width - 2)
    down, right = y - np.float32(row), x - np.float32(column)
    total, weight = ZERO, ZERO
    for corner in range(4):
        depth = image[row + corner // 2, column + corner % 2]
        share = (down if corner // 2 else ONE - down) * (right if corner % 2 else ONE - right)
        total += share * depth
        weight += share if depth > ZERO or mode == 4 else ZERO
    return total / weight if weight > HALF else ZERO


@kernel
def _blur(image: Image, spare: Image) -> None:
    """One pass of the binomial filter 1 2 1 along rows and columns (variance 1/2 pixel^2), holes as 0."""
    height, width = image.shape
    quarter = np.float32(0.25)
    for row in range(height):
        line, out = image[row], spare[row]
        out[0], out[width - 1] = line[0], line[width - 1]
        for at in range(1, width - 1):
            out[at] = quarter * (line[at - 1] + line[at + 1]) + HALF * line[at]
    for row in range(height):
        above, here, below = spare[max(row - 1, 0)], spare[row], spare[min(row + 1, height - 1)]
        out = image[row]
        for at in range(width):
            out[at] = quarter * (above[at] + below[at]) + HALF * here[at]
