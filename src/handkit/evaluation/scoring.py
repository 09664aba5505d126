"""From joints in millimeters to a result with its protocol."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from handkit.errors import ScoreError, check_kind, shown
from handkit.evaluation.metrics import (
    BLOCK,
    Errors,
    Interval,
    Joints,
    Rule,
    area_under_curve,
    axis_errors,
    bootstrap_interval,
    joint_distances,
    success_curve,
)
from handkit.evaluation.protocol import Comparison, Curves, Part, Protocol, Result
from handkit.shapes import Bool, Float, Int

THRESHOLDS_MM = (10.0, 15.0, 20.0, 30.0, 40.0)
"""At which success is listed; DenseReg's published 58 and 79.2 % "at 20 and 30 mm" are at 20.5 and 30.5; at 20
and 30 they are 56.4 and 78.6 % (docs/reference.md, 3.5, E4)."""
CURVE_MM = np.arange(0.0, 81.0)
"""At which curves are drawn (docs/reference.md, 4)."""
JOINT_CURVE_MM = np.linspace(0.0, 50.0, 100)
WORST_FRAMES = 12
WORST_APART = 50
"""Frames between two of the worst, so that one slip in a video is not listed twelve times."""


def score(
    *,
    estimated: Joints,
    truth: Joints,
    method: str,
    protocol: Protocol,
    parts: Mapping[str, Bool[np.ndarray, " N"]] | None = None,
    seed: int = 0,
) -> Result:
    """Every figure of one method; `parts` are masks over the frames, `seed` is the bootstrap's.

    A frame that has a NaN in `estimated` is in no figure; `left_out` counts them. Raises ScoreError when the protocol
    names another number of joints, or when no frame is left.
    """
    _check(estimated, truth, protocol)
    predicted = ~np.isnan(estimated).any(axis=(1, 2))
    estimated, truth = estimated[predicted], truth[predicted]
    if not len(truth):
        raise ScoreError("there is not one frame with a prediction to score")
    errors = joint_distances(estimated=estimated, truth=truth)
    frame_errors = errors.mean(axis=1)
    curves, (blocks, frames) = _curves(errors), _intervals(frame_errors, seed)
    x, y, z = map(_round, axis_errors(estimated=estimated, truth=truth))
    named = {name: errors[mask[predicted]] for name, mask in (parts or {}).items() if mask[predicted].any()}
    return Result(
        method=method,
        protocol=protocol,
        frames=len(errors),
        left_out=int((~predicted).sum()),
        mean_error_mm=_round(frame_errors.mean()),
        median_error_mm=_round(np.median(frame_errors)),
        blocks_mm=blocks,
        frames_mm=frames,
        per_joint_mm=tuple(_round(value) for value in errors.mean(axis=0)),
        per_axis_mm=(x, y, z),
        success=_success(errors, "max joint"),
        success_mean_joint=_success(errors, "mean joint"),
        success_joint=_success(errors, "joint"),
        auc_worst_joint=_round(area_under_curve(np.array(curves.worst_joint), thresholds_mm=CURVE_MM)),
        auc_joint=_round(_joint_area(errors)),
        parts={name: _part(chosen) for name, chosen in named.items()},
        curves=curves,
        worst_frames=_worst(frame_errors, np.flatnonzero(predicted)),
    )


def _check(estimated: Joints, truth: Joints, protocol: Protocol) -> None:
    """Raise ScoreError unless there are as many frames of the protocol's joints."""
    check_kind("protocol", protocol, Protocol)
    joints = len(protocol.joints)
    for name, given in (("estimated", estimated), ("truth", truth)):
        if getattr(given, "shape", ())[1:] != (joints, 3):
            raise ScoreError(f"{name} has the joints of its protocol, (frames, {joints}, 3); got {shown(given)}")
    if estimated.shape != truth.shape:
        raise ScoreError(f"estimated has the shape {estimated.shape}, truth {truth.shape}; give the same frames")


def compare(result: Result, other: Result, *, errors: Errors, other_errors: Errors, seed: int = 0) -> Result:
    """`result` with one more paired comparison; errors are (N, J) mm of the same frames, NaN where not predicted.

    Only frames that both methods predict are compared. Raises ScoreError when there is none.
    """
    difference = errors.mean(axis=1) - other_errors.mean(axis=1)
    difference = difference[~np.isnan(difference)]
    if not len(difference):
        raise ScoreError(f"{result.method} and {other.method} predict no frame in common")
    blocks, frames = _intervals(difference, seed)
    comparison = Comparison(
        other=other.method,
        other_mean_error_mm=other.mean_error_mm,
        difference_mm=_round(difference.mean()),
        blocks_mm=blocks,
        frames_mm=frames,
        better_frames=_round((difference < 0).mean()),
        other_curve=other.curves.worst_joint,
        other_per_joint_mm=other.per_joint_mm,
    )
    return replace(result, comparisons=(*result.comparisons, comparison))


def _round(value: float | np.floating) -> float:
    """A millionth of a millimeter is enough for a file that people read."""
    return round(float(value), 6)


def _intervals(values: Float[np.ndarray, " N"], seed: int) -> tuple[Interval, Interval]:
    """Of the mean: frames drawn in blocks, and one by one."""
    generator = np.random.default_rng(seed)
    blocks, frames = (bootstrap_interval(values, generator, block=block) for block in (BLOCK, 1))
    return Interval(*map(_round, blocks)), Interval(*map(_round, frames))


def _worst(frame_errors: Float[np.ndarray, " N"], rows: Int[np.ndarray, " N"]) -> tuple[int, ...]:
    """Rows of the worst frames, none within `WORST_APART` of a worse one."""
    chosen: list[int] = []
    for row in rows[np.argsort(-frame_errors, kind="stable")].tolist():
        if all(abs(row - other) >= WORST_APART for other in chosen):
            chosen.append(row)
        if len(chosen) == WORST_FRAMES:
            break
    return tuple(chosen)


def _success(errors: Errors, rule: Rule) -> dict[str, float]:
    rates = success_curve(errors, thresholds_mm=np.array(THRESHOLDS_MM), rule=rule)
    return {f"{threshold:g}": _round(rate) for threshold, rate in zip(THRESHOLDS_MM, rates, strict=True)}


def _part(errors: Errors) -> Part:
    return Part(len(errors), _round(errors.mean()), _success(errors, "max joint"))


def _curves(errors: Errors) -> Curves:
    def rates(rule: Rule) -> tuple[float, ...]:
        return tuple(_round(rate) for rate in success_curve(errors, thresholds_mm=CURVE_MM, rule=rule))

    return Curves(tuple(CURVE_MM.tolist()), rates("max joint"), rates("mean joint"), rates("joint"))


def _joint_area(errors: Errors) -> float:
    curve = success_curve(errors, thresholds_mm=JOINT_CURVE_MM, rule="joint")
    return area_under_curve(curve, thresholds_mm=JOINT_CURVE_MM)
