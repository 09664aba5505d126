"""What is asked of an estimator or a tracker."""

from typing import Literal

from handkit.errors import UsageError

Asked = Literal["auto", "left", "right"]
"""Hands of one side only; auto: of either."""
MINIMUM_CONFIDENCE = 0.4
"""Hands below it are not answered."""


def check_asked(*, hands: int, handedness: Asked, minimum_confidence: float) -> None:
    """Raise UsageError where hands cannot be asked for like this."""
    if hands < 1:
        raise UsageError(f"hands is {hands!r}; it must be 1 or more")
    if handedness not in {"auto", "left", "right"}:
        raise UsageError(f"handedness is {handedness!r}; it must be auto, left or right")
    if not 0 <= minimum_confidence <= 1:
        raise UsageError(f"minimum_confidence is {minimum_confidence!r}; it must be between 0 and 1")
