"""What to do about depth images that were changed on their way: invalid as a far constant, sparse registration, blur.

Every step looks first, cheaply, whether the image needs it, and says in one sentence what it did (empty: nothing).
Depth is float32 mm, 0 where invalid.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32

Depth = Float32[np.ndarray, "H W"]

FAR_SHARE = 0.01
"""A constant that stands for invalid covers at least this share of an image ..."""
FAR_MM = 3000.0
"""... is at least this far away ..."""
FAR_RATIO = 1.5
"""... and this many times as far as all but 1 % of the other valid pixels."""

ALONE = 0.35
"""Where fewer valid pixels than this share have a valid neighbor beside them, an image is sparse."""
LEAST_VALID = 200
"""Fewer valid pixels tell nothing."""

STEEP_MM = 9.0
"""More between neighboring pixels is an edge, not a surface."""
NEAR_MM = 1600.0
"""Only edges of surfaces nearer than this can be a hand's."""
LOW = 0.93
"""Beside a hole, a depth value below this share of a neighbor's is mixed with the 0 of the hole ..."""
LOW_SHARE = 0.35
"""... and where more of the pixels beside holes are, the image was blended.

Good cameras: up to 0.18; resized images: from 0.5.
"""
BLENDED = 0.35
"""Without holes: the image was blended where a larger share of the pixels along edges lies between two surfaces."""
LEAST_BESIDE = 50
"""Fewer pixels beside holes tell nothing."""
NOTHING_MM = 80.0
"""What is left nearer than this is a hole with a little of its surroundings mixed in."""
SHARPEN_TIMES = 4

_SQUARE = np.ones((3, 3), np.uint8)


class Cleaned(NamedTuple):
    """A depth image that can be used, and a sentence for each thing that was done to it."""

    depth: Depth
    notes: tuple[str, ...]


def clean(depth: Depth) -> Cleaned:
    """All steps in turn; the image given is left as it is, and is the one returned where there was nothing to do."""
    notes: list[str] = []
    for step in (drop_far_constant, fill_sparse, sharpen_edges):
        depth, note = step(depth)
        notes += [note] if note else []
    return Cleaned(depth, tuple(notes))


def drop_far_constant(depth: Depth) -> tuple[Depth, str]:
    """Mark as invalid a constant far beyond everything else, such as 32001, 65535 or 8191."""
    some = depth[::7, ::7]
    constant = float(some.max(initial=0.0))
    rest = some[(some > 0) & (some < constant)]
    share = float((some == constant).mean()) if constant > 0 else 0.0
    if share < FAR_SHARE or constant < FAR_MM or not len(rest) or constant < FAR_RATIO * np.percentile(rest, 99):
        return depth, ""
    # Where the image was resized, the constant is mixed with what was beside it.
    limit = constant / 2 if constant > 3 * FAR_RATIO * float(np.median(rest)) else constant
    _, kept = cv2.threshold(depth, np.nextafter(np.float32(limit), np.float32(0)), 0, cv2.THRESH_TOZERO_INV)
    return kept, f"{share:.0%} of the pixels are exactly {constant:g} mm, far beyond the rest: taken as invalid"


def fill_sparse(depth: Depth) -> tuple[Depth, str]:
    """Fill an image of which only every second or third row and column is valid, with the nearest valid pixel.

    As it comes from registering depth to a finer color image. Gaps wider than the grid's stay.
    """
    # Seven has no factor in common with the usual pitches.
    rows, columns = depth[::7] > 0, depth[:, ::7].T > 0
    count = int(rows.sum())
    if count < LEAST_VALID or min(_in_pairs(rows), _in_pairs(columns)) >= ALONE:
        return depth, ""
    valid = (depth > 0).astype(np.uint8)
    reached = cv2.morphologyEx(valid, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    filled = cv2.countNonZero(valid) / max(cv2.countNonZero(reached), 1)
    pitch = filled**-0.5
    _, labels = cv2.distanceTransformWithLabels(1 - valid, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    values = np.zeros(int(labels.max()) + 1, np.float32)
    values[labels[valid > 0]] = depth[valid > 0]
    near = cv2.dilate(valid, np.ones((2 * round(pitch / 2) + 1,) * 2, np.uint8))
    solid = values[labels] * near
    note = f"only {filled:.0%} of the pixels on surfaces are valid, in a grid: filled with their nearest neighbors"
    return _smooth(solid, round(pitch)), note


def sharpen_edges(depth: Depth) -> tuple[Depth, str]:
    """Give back to one of its two surfaces, the closer in value, each pixel that lies between them on a steep edge.

    A hole counts as a surface at 0. So edges come to lie where the two are mixed in equal parts, and fingers keep their
    width. Images in which few edges are blended stay as they are, mixed pixels of the camera itself included.
    """
    low, high = cv2.erode(depth, _SQUARE), cv2.dilate(depth, _SQUARE)
    share, what = _mixed_with_holes(depth, low, high)
    if share < LOW_SHARE:
        return depth, ""
    sharp = depth
    for _ in range(SHARPEN_TIMES):
        between = _blended(sharp, low, high)[0]
        sharp = np.where(between, np.where(high - sharp < sharp - low, high, low), sharp)
        low, high = cv2.erode(sharp, _SQUARE), cv2.dilate(sharp, _SQUARE)
    sharp = np.where(sharp < NOTHING_MM, np.float32(0), sharp)
    return sharp, f"{share:.0%} of the pixels {what} (resized or blurred depth): edges sharpened"


def _mixed_with_holes(depth: Depth, low: Depth, high: Depth) -> tuple[float, str]:
    """How many pixels look blended, and which were looked at: those beside holes, or all along edges."""
    valid_beside_hole = cv2.bitwise_and(cv2.compare(low, 0.0, cv2.CMP_EQ), cv2.compare(depth, 0.0, cv2.CMP_GT))
    beside = cv2.bitwise_and(valid_beside_hole, cv2.compare(high, NEAR_MM, cv2.CMP_LT))
    count = cv2.countNonZero(beside)
    if count < LEAST_BESIDE:
        return _blended(depth, low, high)[1], "along edges lie between two surfaces"
    lower = cv2.bitwise_and(beside, cv2.compare(depth, cv2.multiply(high, LOW), cv2.CMP_LT))
    return cv2.countNonZero(lower) / count, "beside holes are mixed with them"


def _blended(depth: Depth, low: Depth, high: Depth) -> tuple[Bool[np.ndarray, "H W"], float]:
    """Pixels steeply above and below their neighbors, and their share of all pixels along edges of near things."""
    up, down = cv2.subtract(high, depth), cv2.subtract(depth, low)
    near = cv2.compare(low, NEAR_MM, cv2.CMP_LT)
    both = cv2.bitwise_and(cv2.compare(cv2.min(up, down), STEEP_MM, cv2.CMP_GT), near)
    either = cv2.bitwise_and(cv2.compare(cv2.max(up, down), STEEP_MM, cv2.CMP_GT), near)
    return both.view(bool), cv2.countNonZero(both) / max(cv2.countNonZero(either), 1)


def _in_pairs(valid: Bool[np.ndarray, "H W"]) -> float:
    """Share of the valid pixels whose next in the row is valid too."""
    return float((valid[:, 1:] & valid[:, :-1]).sum()) / max(int(valid.sum()), 1)


def _smooth(depth: Depth, pitch: int) -> Depth:
    """Level the steps between blocks of one value, within surfaces."""
    size = 2 * (pitch // 2) + 1
    valid = (depth > 0).astype(np.float32)
    flat = cv2.blur(depth, (size, size)) / np.maximum(cv2.blur(valid, (size, size)), 1e-6)
    return np.where((depth > 0) & (np.abs(flat - depth) < STEEP_MM), flat, depth)
