"""What to do about depth images that were changed on their way: a far constant for invalid, sparse grids, blending.

Every step looks first, cheaply, whether the image needs it, and says in one sentence what it did (empty: nothing). An
image that cannot be mended is refused. Depth is float32 mm, 0 where invalid. The limits were read off real and
synthetic frames, degraded and not: `benchmarks/degraded_frames.py`, results/cleaning.md.
"""

from typing import NamedTuple

import cv2
import numpy as np

from handkit.errors import FrameError
from handkit.shapes import Bool, Float32

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
LEVEL_MM = 9.0
"""Steps between filled blocks are leveled up to this height."""

SPECKLED = 0.015
"""Of the pixels between two valid ones of one surface more are invalid in a speckled image, fewer in real ones."""
SPECKLE_PASSES = 2
"""Of filling; where 30 of 100 pixels are invalid, one leaves some."""

NEAR_MM = 1600.0
"""Only edges of surfaces nearer than this can be a hand's."""
EVERY = 4
"""One row and one column of this many is searched for edges."""
MOST_STEPS = 2500
"""Of more steps in rows (or columns), as many as this are looked at."""
REACH = 4
"""Pixels on either side of a step that belong to it."""
STEP_MM, RISE_MM = 15.0, 60.0
"""A step is at least this high, and an edge that it is part of."""
LEAST_EDGES = 30
"""Fewer edges, or pixels beside holes, tell nothing."""
LOW = 0.93
"""Beside a hole, a value below this share of its neighbor's is mixed with the 0 of the hole."""
MIXED = 0.25
"""Largest share of such pixels: real images have up to 0.03, ours 0.08; resized ones from 0.36, blurred ones 1."""
SHARP = 0.8
"""Of most edges one step is at least this share of the whole rise: real images 0.99, resized ones 0.5 to 0.97."""
SOME_SHARP = 0.6
"""Holes that are not mixed speak for an image in which at least one edge in four is sharper than this."""
WIDE = 0.48
"""Blended over more pixels than can be mended where three in four edges are below: from sigma 0.9, or enlarged 3 times.

Enlarged twice: 0.49 and more.
"""
HALF_WIDE = 0.42
"""Too wide as well where half of the edges are below: 0.34 by means over 5 x 5 pixels; by what can be mended 0.49."""
LITTLE = 0.2
"""Beside a hole, a value below this share of the next one is the tail of a blur: interpolation leaves 0.33."""
TAILS, RATHER_WIDE = 0.5, 0.55
"""Where more of the pixels beside holes than this are tails, an upper quartile below the second is too wide as well."""

ALIKE = 0.025
ALIKE_MM = 6.0
"""Neighbors are of one surface where they differ by less than this share of the depth and this many mm more."""
SUPPORT = 4
"""A pixel with fewer such neighbors, of 8, is no surface; a straight outline has 5."""
NOTHING_MM = 80.0
"""What is nearer in an image with mixed edges is a hole with a little of its surroundings in it."""

_SQUARE = np.ones((3, 3), np.uint8)
REMEDY = "use the depth as the camera gave it, and resize with nearest-neighbor interpolation only"
SHARPENED = f"surfaces are mixed along edges (resized with interpolation): edges sharpened; {REMEDY}"


class Cleaned(NamedTuple):
    """A depth image that can be used, and a sentence for each thing that was done to it."""

    depth: Depth
    notes: tuple[str, ...]


class Edges(NamedTuple):
    """How the edges of near surfaces look: 1, 1, 0, 0 for an image as a camera gives it, None where nothing tells."""

    median: float | None
    """One step's share of the whole rise ..."""
    upper: float | None
    """... and its upper quartile."""
    mixed: float | None
    """Share of the pixels beside holes that are mixed with them ..."""
    tails: float | None
    """... and of those that are hardly more than the hole."""

    @property
    def blended(self) -> bool:
        """Whether surfaces run into one another, or into holes."""
        if self.mixed is not None and self.mixed > MIXED:
            return True
        if self.median is None or self.upper is None:
            return False
        return self.median < SHARP if self.mixed is None else self.upper < SOME_SHARP

    @property
    def wide(self) -> bool:
        """Whether they do so over more pixels than can be mended."""
        limit = RATHER_WIDE if (self.tails or 0.0) > TAILS else WIDE
        return self.upper is not None and self.median is not None and (self.upper < limit or self.median < HALF_WIDE)


def clean(depth: Depth) -> Cleaned:
    """All steps in turn; the image given is left as it is, and is the one returned where there was nothing to do.

    Raises FrameError where depth values of different surfaces are mixed beyond repair.
    """
    notes: list[str] = []
    for step in (drop_far_constant, fill_sparse, fill_speckles, sharpen_edges):
        depth, note = step(depth)
        notes += [note] if note else []
    return Cleaned(depth, tuple(notes))


def drop_far_constant(depth: Depth) -> tuple[Depth, str]:
    """Mark as invalid a constant far beyond everything else, such as 32001, 65535 or 8191."""
    some = depth[::7, ::7]
    constant = float(some.max(initial=0.0))
    if constant < FAR_MM or float((some == constant).mean()) < FAR_SHARE:
        return depth, ""
    # Where the image was resized, the constant is mixed with what is beside it; in a grid it is beside everything.
    beside = cv2.dilate((depth == constant).astype(np.uint8), np.ones((5, 5), np.uint8))[::7, ::7] > 0
    rest, apart = some[(some > 0) & (some < constant)], some[(some > 0) & ~beside]
    rest = apart if len(apart) > len(rest) / 4 else rest
    if not len(rest) or constant < FAR_RATIO * np.percentile(rest, 99):
        return depth, ""
    limit = constant / 2 if constant > 3 * FAR_RATIO * float(np.median(rest)) else constant
    kept = np.where(depth < limit, depth, np.float32(0))
    return kept, f"{constant:g} mm, far beyond everything else, is taken as invalid"


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
    pitch = (cv2.countNonZero(valid) / max(cv2.countNonZero(reached), 1)) ** -0.5
    labels = cv2.distanceTransformWithLabels(1 - valid, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)[1].astype(int)
    values = np.zeros(int(labels.max()) + 1, np.float32)
    values[labels[valid > 0]] = depth[valid > 0]
    near = cv2.dilate(valid, np.ones((2 * round(pitch / 2) + 1,) * 2, np.uint8)) > 0
    solid = np.where(near, values[labels], np.float32(0))
    note = "the valid pixels form a sparse grid (registered to a finer image): the gaps are filled with the nearest"
    return _level(solid, round(pitch)), note


def fill_speckles(depth: Depth) -> tuple[Depth, str]:
    """Fill single invalid pixels, scattered over surfaces, with the mean of their neighbors where these are alike."""
    left, middle, right = depth[::5, :-2], depth[::5, 1:-1], depth[::5, 2:]
    between = (left > 0) & (right > 0) & (np.abs(left - right) < ALIKE * left + ALIKE_MM)
    count = int(between.sum())
    if count < LEAST_VALID or int((between & (middle == 0)).sum()) < SPECKLED * count:
        return depth, ""
    for _ in range(SPECKLE_PASSES):
        valid = (depth > 0).astype(np.float32)
        around = cv2.boxFilter(valid, -1, (3, 3), normalize=False)
        mean = cv2.boxFilter(depth, -1, (3, 3), normalize=False) / np.maximum(around, 1)
        highest = cv2.dilate(depth, _SQUARE)
        lowest = cv2.erode(np.where(valid > 0, depth, np.float32(np.inf)), _SQUARE)
        fills = (valid == 0) & (around >= SUPPORT) & (highest - lowest < ALIKE * highest + 2 * ALIKE_MM)
        depth = np.where(fills, mean, depth)
    return depth, "single invalid pixels are scattered over surfaces: they are filled with the mean of their neighbors"


def sharpen_edges(depth: Depth) -> tuple[Depth, str]:
    """Give the mixed pixels of an image that was resized with interpolation back to one of their surfaces.

    Images in which few edges are blended stay as they are, mixed pixels of the camera itself included. Raises
    FrameError where the image was blurred.
    """
    edges = look_at_edges(depth)
    if not edges.blended:
        return depth, ""
    if not edges.wide:
        sharp = settle_mixed(depth)
        if not look_at_edges(sharp).blended:
            return sharp, SHARPENED
    raise FrameError(
        "surfaces run into one another, or into holes, over several pixels: the depth image was blurred or enlarged, "
        f"which makes depths that are not there; {REMEDY}; where the camera itself gives it so, switch its smoothing "
        "off, or its filter for mixed (flying) pixels on"
    )


def look_at_edges(depth: Depth) -> Edges:
    """Steps along some rows and columns, and their surroundings."""
    windows = np.concatenate([_steps(depth[::EVERY]), _steps(cv2.transpose(np.ascontiguousarray(depth[:, ::EVERY])))])
    steps = np.abs(np.diff(windows, axis=1))
    low, high, step = windows.min(1), windows.max(1), steps[:, REACH]
    ends = np.maximum(steps[:, 0], steps[:, -1]) < 0.5 * step  # else a slope
    near = np.where(low > 0, low, high) < NEAR_MM
    edge = ends & near & (step >= steps.max(1)) & (step > STEP_MM) & (high - low > RISE_MM)
    shares = (step / np.maximum(high - low, 1e-6))[edge]
    quartiles = np.percentile(shares, [50, 75]).tolist() if len(shares) >= LEAST_EDGES else (None, None)
    # A hole on the left, or on the right: the valid pixel beside it, and the one after.
    sides = np.concatenate([windows[:, REACH : REACH + 3], windows[:, REACH - 1 : REACH + 2][:, ::-1]])
    beside = (sides[:, 0] == 0) & (sides[:, 1] > 0) & (sides[:, 2] > 0) & (sides[:, 2] < NEAR_MM)
    remains = sides[beside, 1] / sides[beside, 2]
    known = len(remains) >= LEAST_EDGES
    mixed, tails = (float((remains < limit).mean()) if known else None for limit in (LOW, LITTLE))
    return Edges(*quartiles, mixed=mixed, tails=tails)


def settle_mixed(depth: Depth) -> Depth:
    """Let each pixel that few neighbors are like be the nearer in value of the lowest and the highest surface beside.

    A hole counts as a surface at 0. So edges come to lie where the two are mixed in equal parts, and fingers keep their
    width. What lies below all surfaces beside it is mixed with a hole that is no more. Twice, for what lay among mixed
    pixels only.
    """
    depth = np.where(depth < NOTHING_MM, np.float32(0), depth)
    for _ in range(2):
        alone = (depth > 0) & ~_supported(depth)
        highest = cv2.dilate(np.where(alone, np.float32(0), depth), _SQUARE)
        lowest = cv2.erode(np.where(alone, np.float32(np.inf), depth), _SQUARE)
        lowest = np.where(depth < lowest, np.float32(0), lowest)
        settled = np.where(highest - depth < depth - lowest, highest, lowest)
        depth = np.where(alone, settled, depth).astype(np.float32)
    return depth


def _supported(depth: Depth) -> Bool[np.ndarray, "H W"]:
    """Whether enough of the eight neighbors lie on the same surface."""
    height, width = depth.shape
    around, reach = np.pad(depth, 1), depth * np.float32(ALIKE) + np.float32(ALIKE_MM)
    count = np.zeros(depth.shape, np.uint8)
    for row, column in np.ndindex(3, 3):
        count += np.abs(around[row : row + height, column : column + width] - depth) < reach
    return count > SUPPORT  # it is like itself


def _steps(lines: Depth) -> Float32[np.ndarray, "N K"]:
    """The pixels along a line around each step, and each border of a hole; it lies between pixels REACH and REACH + 1.

    One of these two is near.
    """
    width = 2 * REACH + 2
    if lines.shape[1] < width:
        return np.zeros((0, width), np.float32)
    left, right = lines[:, REACH : -REACH - 1], lines[:, REACH + 1 : -REACH]
    lower, step = cv2.min(left, right), cv2.absdiff(left, right)
    found = ((step > STEP_MM) | ((lower == 0) & (step > 0))) & (lower < NEAR_MM)
    rows, columns = np.divmod(np.flatnonzero(found), found.shape[1])  # np.nonzero of two axes takes ten times as long
    start = (rows * lines.shape[1] + columns)[:: len(rows) // MOST_STEPS + 1]
    return lines.ravel()[start[:, None] + np.arange(width)]


def _in_pairs(valid: Bool[np.ndarray, "H W"]) -> float:
    """Share of the valid pixels whose next in the row is valid too."""
    return float((valid[:, 1:] & valid[:, :-1]).sum()) / max(int(valid.sum()), 1)


def _level(depth: Depth, pitch: int) -> Depth:
    """Level the steps between blocks of one value, within surfaces."""
    size = 2 * (pitch // 2) + 1
    valid = (depth > 0).astype(np.float32)
    flat = cv2.blur(depth, (size, size)) / np.maximum(cv2.blur(valid, (size, size)), np.float32(1e-6))
    return np.where((depth > 0) & (np.abs(flat - depth) < LEVEL_MM), flat, depth).astype(np.float32)
