"""Filters over the neighborhood of every pixel."""

import numpy as np
from jaxtyping import Float32

from .compiled import kernel

Line = Float32[np.ndarray, " W"]
ZERO, ONE = np.float32(0.0), np.float32(1.0)


@kernel
def copy(source: Float32[np.ndarray, "H W"], out: Float32[np.ndarray, "H W"]) -> None:
    """Plain loops: numba spends seconds on compiling a slice assignment."""
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            out[row, column] = source[row, column]


@kernel
def spread(image: Float32[np.ndarray, "H W"], spare: Float32[np.ndarray, "H W"], sign: np.float32) -> None:
    """Replace each pixel by the largest of its 3x3 neighborhood (sign 1) or the smallest (sign -1)."""
    height, width = image.shape
    for row in range(height):
        line, out = image[row], spare[row]
        out[0] = sign * max(sign * line[0], sign * line[1])
        out[width - 1] = sign * max(sign * line[width - 2], sign * line[width - 1])
        for column in range(1, width - 1):
            sides = max(sign * line[column - 1], sign * line[column + 1])
            out[column] = sign * max(sides, sign * line[column])
    for row in range(height):
        above, line, below = spare[max(row - 1, 0)], spare[row], spare[min(row + 1, height - 1)]
        out = image[row]
        for column in range(width):
            out[column] = sign * max(sign * above[column], sign * below[column], sign * line[column])


@kernel
def average(image: Float32[np.ndarray, "H W"], spare: Float32[np.ndarray, "H W"], similar: np.float32) -> None:
    """Replace each pixel by the mean of its neighbors that are similar (mm); 0 and the border stay."""
    height, width = image.shape
    copy(image, spare)
    for row in range(1, height - 1):
        out, here = image[row], spare[row]
        for column in range(1, width - 1):
            center = here[column]
            total, count = ZERO, ZERO
            for place in range(9):
                change = spare[row + place // 3 - 1, column + place % 3 - 1] - center
                kept = abs(change) <= similar
                total += change if kept else ZERO
                count += ONE if kept else ZERO
            out[column] = center + total / count if center > ZERO else ZERO


@kernel
def median(image: Float32[np.ndarray, "H W"], spare: Float32[np.ndarray, "H W"]) -> None:
    """3 x 3 median; the border stays. 19 exchanges (Paeth, "Median finding on a 3x3 grid", Graphics Gems, 1990)."""
    height, width = image.shape
    copy(image, spare)
    for row in range(1, height - 1):
        above, here, below, out = spare[row - 1], spare[row], spare[row + 1], image[row]
        for at in range(1, width - 1):
            low0, mid0, high0 = _sort(above[at - 1], here[at - 1], below[at - 1])
            low1, mid1, high1 = _sort(above[at], here[at], below[at])
            low2, mid2, high2 = _sort(above[at + 1], here[at + 1], below[at + 1])
            low = max(low0, low1, low2)
            high = min(high0, high1, high2)
            middle = _sort(mid0, mid1, mid2)[1]
            out[at] = _sort(low, middle, high)[1]


@kernel
def _sort(one: np.float32, two: np.float32, three: np.float32) -> tuple[np.float32, np.float32, np.float32]:
    low, high = min(one, two), max(one, two)
    return min(low, three), max(low, min(high, three)), max(high, three)


@kernel
def pull(
    image: Float32[np.ndarray, "H W"],
    spare: tuple[Float32[np.ndarray, "H W"], Float32[np.ndarray, "H W"]],
    reach: int,
    share: np.float32,
) -> None:
    """Pull each depth by a share toward the mean of its square of 2 `reach` + 1 pixels; infinite ones do not count.

    The pull fades where the mean is far away, 30 mm or more: edges stay.
    """
    height, width = image.shape
    totals, counts = spare
    for row in range(height):
        _slide(image[row], totals[row], counts[row], reach)
    total, count = np.zeros(width, np.float32), np.zeros(width, np.float32)
    for row in range(-reach, height):
        if row + reach < height:
            _add(total, count, (totals[row + reach], counts[row + reach]), ONE)
        if row > reach:
            _add(total, count, (totals[row - reach - 1], counts[row - reach - 1]), -ONE)
        if row >= 0:
            line = image[row]
            for column in range(width):
                change = total[column] / max(count[column], ONE) - line[column]
                fading = max(ONE - abs(change) / np.float32(30.0), ZERO)
                line[column] += share * change * fading if fading > ZERO else ZERO


@kernel
def _slide(line: Line, totals: Line, counts: Line, reach: int) -> None:
    """Sum and number of the finite values within `reach` of each."""
    infinite = np.float32(np.inf)
    total, count = ZERO, ZERO
    for column in range(-reach, line.size):
        enters = line[column + reach] if column + reach < line.size else infinite
        leaves = line[column - reach - 1] if column > reach else infinite
        total += enters if enters < infinite else ZERO
        count += ONE if enters < infinite else ZERO
        total -= leaves if leaves < infinite else ZERO
        count -= ONE if leaves < infinite else ZERO
        if column >= 0:
            totals[column], counts[column] = total, count


@kernel
def _add(total: Line, count: Line, more: tuple[Line, Line], sign: np.float32) -> None:
    for column in range(total.size):
        total[column] += sign * more[0][column]
        count[column] += sign * more[1][column]
