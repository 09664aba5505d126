"""What the numbers of a file mean: pixels and depth, or millimeters, y up or down; decided by the fit to the labels.

A file does not say which it is, and a wrong guess is far off: pixels taken for mm miss by some hundred mm. So every
meaning is tried, and one that was asked for is refused where another one fits far better.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from handkit.datasets.publication import Intrinsics, TestSet
from handkit.errors import ScoreError
from handkit.evaluation.metrics import Joints, joint_distances
from handkit.shapes import Float

Format: TypeAlias = Literal["auto", "uvd", "xyz", "densereg"]

FAR_MM = 100.0
"""Mean error beyond which columns are taken for something else, unless they were asked for."""
FAR_TIMES = 3.0
"""Columns that others beat by this factor are wrong."""
SUSPICIOUS_MM = 20.0
"""Mean error from which on another order of the joints is looked for."""
SAMPLE = 2000
"""Frames that every meaning is tried on."""
STEADIER = 1.3
"""By this factor bones vary less where taken rightly: pixels of NYU and ICVL 1.9 and 1.8, labels in mm 1.5, 2.5."""
VARYING = 0.03
"""Standard deviation of a bone's length over its mean, below which it is taken for steady either way."""
CERTAIN_FRAMES = 100
"""From this many frames on, steadier bones never misled on NYU's and ICVL's labels; of 10 of ICVL 4 in 60 times."""
HAND_MM = (40.0, 200.0)
"""Distance of the farthest joint from the joint mean, median over frames: adults' is 80 to 130 mm."""
UNITS = (("centimeters", 10.0), ("meters", 1000.0))
"""Beside mm, and how many mm they have."""


class Columns(NamedTuple):
    """What three numbers mean."""

    name: Literal["uvd", "xyz"]
    words: str
    signs: tuple[float, float, float]
    """By which x, y, z become canonical."""


UVD = Columns("uvd", "u v d, pixels and mm", (1, 1, 1))
Y_DOWN = Columns("xyz", "x y z, mm, y down", (1, 1, 1))
Y_UP = Columns("xyz", "x y z, mm, y up", (1, -1, 1))
Z_NEGATIVE = Columns("xyz", "x y z, mm, y up and z negative", (1, -1, -1))
"""As MSRA's joint.txt (docs/reference.md, 1.4)."""
METRIC = (Y_DOWN, Y_UP, Z_NEGATIVE)
ALL_COLUMNS = (UVD, *METRIC)


def to_millimeters(
    values: Float[np.ndarray, "N J 3"], columns: Columns, intrinsics: Intrinsics
) -> Float[np.ndarray, "N J 3"]:
    """Camera mm, canonical: x = (u - cx) d / fx, y = (v - cy) d / fy (docs/reference.md, 1.1).

    >>> to_millimeters(np.array([[[420.0, 190.0, 500.0]]]), UVD, (100.0, 100.0, 320.0, 240.0)).tolist()
    [[[500.0, -250.0, 500.0]]]
    """
    if columns.name == "xyz":
        return values * np.array(columns.signs)
    fx, fy, cx, cy = intrinsics
    depth = values[..., 2:]
    return np.concatenate([(values[..., :2] - [cx, cy]) * depth / [fx, fy], depth], axis=-1)


def label_columns(
    values: Float[np.ndarray, "N J 3"], test_set: TestSet, intrinsics: Intrinsics, *, asked: Format, source: str
) -> Columns:
    """How a label file is meant: `asked`, or pixels or mm, whichever keeps bones as long as they are in every frame.

    Where that does not tell, it is pixels unless some are negative: joints may lie outside the image, so a negative
    number alone does not make millimeters. Mm point as the data set's own do. Raises ScoreError, which calls the file
    `source`, where what was read is not as large as a hand, or the bones of many frames speak against what was asked.
    """
    steadier = _are_pixels(values, test_set, intrinsics)
    likely = not (values < 0).any() if steadier is None else steadier
    pixels = likely if asked == "auto" else asked == "uvd"
    if steadier is not None and pixels != steadier and len(values) >= CERTAIN_FRAMES:
        right, wrong = ("pixels and mm", "mm") if steadier else ("mm", "pixels and mm")
        raise ScoreError(
            f"{source}: read as {wrong} the bones change their length from frame to frame far more than read as "
            f"{right}; give --label-format {'uvd' if steadier else 'xyz'}, "
            "or --camera if its pixels are another camera's"
        )
    if pixels:
        columns = UVD
    elif np.nanmedian(values[..., 2]) < 0:
        columns = Z_NEGATIVE
    else:
        columns = Y_UP if test_set.y_up and asked != "densereg" else Y_DOWN
    joints = to_millimeters(values, columns, intrinsics)
    reach = _reach(joints)
    if not _is_hand(reach):
        other = _reach(to_millimeters(values, Y_DOWN if pixels else UVD, intrinsics))
        mends = f"give --label-format {'xyz' if pixels else 'uvd'}, or --camera if its pixels are another camera's"
        if not _is_hand(other):
            units = [f"its numbers are {unit}: multiply them by {mm:g}" for unit, mm in UNITS if _is_hand(reach * mm)]
            mends = units[0] if units else "are they labels of hands, in mm or pixels of the whole image?"
        raise ScoreError(
            f"{source}: read as {columns.words} the hand reaches {reach:.3g} mm from its middle, which no hand does "
            f"({HAND_MM[0]:.0f} to {HAND_MM[1]:.0f}); {mends}"
        )
    return columns


def _reach(joints: Joints) -> float:
    """Distance of the farthest joint from the joint mean, median over frames."""
    return float(np.median(np.linalg.norm(joints - joints.mean(1, keepdims=True), axis=-1).max(1)))


def _is_hand(reach: float) -> bool:
    return HAND_MM[0] <= reach <= HAND_MM[1]


def _are_pixels(values: Float[np.ndarray, "N J 3"], test_set: TestSet, intrinsics: Intrinsics) -> bool | None:
    """Decided by how much steadier bones are one way than the other; None where they are about as steady."""
    some = values[:: max(1, len(values) // SAMPLE)]
    as_mm, as_pixels = (_varying(to_millimeters(some, columns, intrinsics), test_set) for columns in (Y_DOWN, UVD))
    if max(as_mm, as_pixels) > VARYING and max(as_mm, as_pixels) > STEADIER * min(as_mm, as_pixels):
        return as_pixels < as_mm
    return None


def _varying(joints: Joints, test_set: TestSet) -> float:
    """Standard deviation of a bone's length over frames, over its mean: the median over bones."""
    lengths = test_set.skeleton.bone_lengths(joints)
    return float(np.median(lengths.std(0) / lengths.mean(0).clip(1e-9)))


def prediction_columns(
    values: Float[np.ndarray, "N J 3"], truth: Joints, intrinsics: Intrinsics, *, asked: Format, source: str
) -> Columns:
    """The columns that fit the labels best, of those that `asked` allows; raises ScoreError where none can be meant.

    `source` is what the errors call the file. `densereg` is mm with y down, `xyz` mm of any direction.
    """
    complete = np.flatnonzero(np.isfinite(values).all(axis=(1, 2)))
    if not len(complete):
        raise ScoreError(f"{source} has no complete frame: there is a number missing in every line")
    rows = complete[:: max(1, len(complete) // SAMPLE)]
    some, labels = values[rows], truth[rows]
    misses = {columns: _miss(to_millimeters(some, columns, intrinsics), labels) for columns in ALL_COLUMNS}
    allowed = {columns: miss for columns, miss in misses.items() if _allows(asked, columns)}
    chosen, best = min(allowed, key=allowed.__getitem__), min(misses, key=misses.__getitem__)
    if misses[chosen] > SUSPICIOUS_MM and misses[chosen] > FAR_TIMES * misses[best]:
        raise ScoreError(
            f"{source}: read as {chosen.words} the joints are {misses[chosen]:.0f} mm off on average, "
            f"read as {best.words} {misses[best]:.1f} mm; give --format {best.name}"
        )
    _check_order(to_millimeters(some, chosen, intrinsics), labels, source)
    if asked == "auto" and misses[chosen] > FAR_MM:
        for unit, times in UNITS:
            if min(_miss(times * to_millimeters(some, each, intrinsics), labels) for each in METRIC) < FAR_MM:
                raise ScoreError(f"{source}: its numbers are {unit}; multiply them by {times:g}, for they must be mm")
        pixels, metric = misses[UVD], min(misses[each] for each in METRIC)
        raise ScoreError(
            f"{source}: read as u v d the joints are {pixels:.0f} mm off on average, read as x y z {metric:.0f} mm; "
            "are they of this data set, in the order of its frames, in pixels of the whole image? "
            "If so, say which they are with --format"
        )
    return chosen


def _allows(asked: Format, columns: Columns) -> bool:
    return asked == "auto" or (columns is Y_DOWN if asked == "densereg" else columns.name == asked)


def _miss(estimated: Joints, truth: Joints) -> float:
    """Mean error, mm."""
    return float(joint_distances(estimated=estimated, truth=truth).mean())


def _check_order(estimated: Joints, truth: Joints, source: str) -> None:
    """Raises ScoreError where the columns are another order of the same joints, which then fit far better."""
    distances = np.stack(
        [np.linalg.norm(estimated - joint[:, None], axis=-1).mean(0) for joint in truth.swapaxes(0, 1)]
    )
    nearest = distances.argmin(axis=1)
    stays = float(np.diag(distances).mean())
    moved = float(distances[np.arange(len(nearest)), nearest].mean())
    is_order = len(set(nearest.tolist())) == len(nearest)
    if is_order and stays > SUSPICIOUS_MM and stays > FAR_TIMES * moved:
        order = " ".join(map(str, nearest.tolist()))
        raise ScoreError(
            f"{source}: the joints are {stays:.0f} mm off as they stand, {moved:.1f} mm in another order; "
            f"write the columns in the order of the labels, which is joint {order} of this file"
        )
