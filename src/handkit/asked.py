"""What is asked of an estimator, a tracker, a training, and the limits of it."""

from numbers import Integral, Real
from typing import Literal

from handkit.errors import UsageError, shown

Asked = Literal["auto", "left", "right"]
"""Hands of one side only; auto: of either."""
Rotations = Literal[1, 2, 4]
"""Of the crop, whose answers are averaged (test-time augmentation)."""
Refinement = Literal["none", "test", "train+test"]
"""Where a localizer moves coarse centers: nowhere, at test only, or in training too (SRN's Table 1)."""
DatasetName = Literal["nyu", "icvl", "msra", "hands17"]
MINIMUM_CONFIDENCE = 0.4
"""Hands below it are not answered."""
ROTATIONS = (1, 2, 4)
MOST_THREADS = 256
LARGEST_SEED = 2**63 - 1
"""What a generator of torch takes."""


def check_asked(*, hands: int, handedness: Asked, minimum_confidence: float) -> None:
    """Raise UsageError where hands cannot be asked for like this."""
    if not _is_whole(hands) or hands < 1:
        raise UsageError(f"hands is {shown(hands)}; it must be 1 or more")
    if not isinstance(handedness, str) or handedness not in ("auto", "left", "right"):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"handedness is {shown(handedness)}; it must be auto, left or right")
    if not isinstance(minimum_confidence, Real) or not 0 <= minimum_confidence <= 1:
        raise UsageError(f"minimum_confidence is {shown(minimum_confidence)}; it must be between 0 and 1")


def check_rotations(rotations: Rotations) -> None:
    """Raise UsageError for a number of rotations that is not among `ROTATIONS`."""
    if not _is_whole(rotations) or rotations not in ROTATIONS:
        raise UsageError(f"rotations is {shown(rotations)}; it must be 1, 2 or 4")


def check_threads(threads: int) -> None:
    """Raise UsageError; a runtime that is asked for a million threads hangs."""
    if not _is_whole(threads) or not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"threads is {shown(threads)}; it must be 1 to {MOST_THREADS}")


def check_seed(seed: int) -> None:
    """Raise UsageError for what no random generator takes: a fraction, or more than 63 bits."""
    if not _is_whole(seed) or not -LARGEST_SEED <= seed <= LARGEST_SEED:
        raise UsageError(f"seed is {shown(seed)}; it must be a whole number of at most 63 bits")


def _is_whole(number: object) -> bool:
    return type(number) is not bool and isinstance(number, Integral)
