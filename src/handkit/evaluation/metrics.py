"""Errors of joints in millimeters, and how sure a mean of them is: pure functions on arrays (N, J, 3).

Definitions are those of docs/reference.md, 4. Every resampling takes its generator.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from handkit.shapes import Float

Joints: TypeAlias = Float[np.ndarray, "N J 3"]
"""Camera millimeters; x right, y down, z forward."""
Errors: TypeAlias = Float[np.ndarray, "N J"]
"""Euclidean distance of every joint of every frame, mm."""
Rule: TypeAlias = Literal["max joint", "mean joint", "joint"]
"""What must be within a threshold: the largest joint error of a frame, the mean one (MPJPE), or each joint (PCK)."""

LEVEL = 0.95
DRAWS = 1000
BLOCK = 100
"""Frames of one block: three seconds of video or so, so that neighbors that err alike are drawn together.

SRN's errors on NYU correlate at 0.97 from frame to frame, at 0.5 over 30 frames and at 0.13 over 100.
"""
LEAST_BLOCKS = 4
"""Blocks are shorter where there would be fewer of them: a block of all frames has one mean and no interval."""


class Interval(NamedTuple):
    """Bounds that the mean of a fresh sample of frames would fall between, `LEVEL` of the time; mm."""

    low: float
    high: float


def joint_distances(*, estimated: Joints, truth: Joints) -> Errors:
    """Distance of every joint, mm.

    >>> joint_distances(estimated=np.array([[[3.0, 4.0, 0.0]]]), truth=np.zeros((1, 1, 3))).tolist()
    [[5.0]]
    """
    return np.sqrt(np.square(estimated - truth).sum(axis=-1))


def axis_errors(*, estimated: Joints, truth: Joints) -> Float[np.ndarray, "3"]:
    """Mean absolute error along x, y and z, mm."""
    return np.abs(estimated - truth).mean(axis=(0, 1))


def deciding_errors(errors: Errors, rule: Rule) -> Float[np.ndarray, " M"]:
    """The errors that a success rate counts: one for each frame, or one for each joint; mm."""
    if rule == "joint":
        return errors.reshape(-1)
    return errors.max(axis=1) if rule == "max joint" else errors.mean(axis=1)


def success_curve(
    errors: Errors, *, thresholds_mm: Float[np.ndarray, " T"], rule: Rule = "max joint"
) -> Float[np.ndarray, " T"]:
    """Share of frames (or joints) whose deciding error is at most each threshold; 0 to 1.

    >>> errors = np.array([[1.0, 9.0], [3.0, 3.0]])
    >>> success_curve(errors, thresholds_mm=np.array([3.0, 5.0, 9.0])).tolist()
    [0.5, 0.5, 1.0]
    >>> success_curve(errors, thresholds_mm=np.array([3.0, 5.0, 9.0]), rule="mean joint").tolist()
    [0.5, 1.0, 1.0]
    >>> success_curve(errors, thresholds_mm=np.array([3.0, 5.0, 9.0]), rule="joint").tolist()
    [0.75, 0.75, 1.0]
    """
    deciding = np.sort(deciding_errors(errors, rule))
    return np.searchsorted(deciding, thresholds_mm, side="right") / len(deciding)


def area_under_curve(curve: Float[np.ndarray, " T"], *, thresholds_mm: Float[np.ndarray, " T"]) -> float:
    """Area under a success curve by trapezoids, over the width of its thresholds: 0 to 1.

    >>> area_under_curve(np.array([0.0, 1.0, 1.0]), thresholds_mm=np.array([0.0, 10.0, 20.0]))
    0.75
    """
    widths = np.diff(thresholds_mm)
    return float((widths * (curve[1:] + curve[:-1]) / 2).sum() / widths.sum())


def bootstrap_means(
    values: Float[np.ndarray, " N"], generator: np.random.Generator, *, block: int = 1, draws: int = DRAWS
) -> Float[np.ndarray, " D"]:
    """Means of `draws` resamplings with replacement of blocks of consecutive values.

    `block=1` draws single frames, as if they were independent. Frames of a video are not: blocks (circular, so that
    every frame is as likely) keep neighbors together and give the wider, honest interval. There are `LEAST_BLOCKS` at
    least.
    """
    count = len(values)
    block = max(1, min(block, count // LEAST_BLOCKS))
    around = np.concatenate([values, values[: block - 1]])
    sums = np.concatenate([[0.0], np.cumsum(around)])
    block_means = (sums[block:] - sums[:-block]) / block
    blocks = -(-count // block)
    means = np.empty(draws)
    for draw in range(draws):
        means[draw] = block_means[generator.integers(count, size=blocks)].mean()
    return means


def bootstrap_interval(values: Float[np.ndarray, " N"], generator: np.random.Generator, *, block: int = 1) -> Interval:
    """Percentile interval of the mean of `values` at `LEVEL`; see `bootstrap_means`."""
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(bootstrap_means(values, generator, block=block), (tail, 100 - tail))
    return Interval(float(low), float(high))
