"""What every sink is: the hands of one frame after the other go in."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

from handkit.hand import Cause, TrackedHand, rounded, rounded_rows

Report = Callable[[str], None]
"""Given, a sentence each, what is wrong and does not end a sink: a receiver that is not there."""
log: Report = logging.getLogger("handkit").warning


@dataclass(frozen=True)
class Moment:
    """The hands of one frame."""

    index: int
    """Of the frame in its source."""
    time_s: float
    """By the source's clock."""
    hands: Sequence[TrackedHand]
    reason: str | None = None
    """Why there are none."""
    cause: Cause | None = None
    """What `reason` says, for programs."""
    warnings: Sequence[str] = ()
    """What is unusual about the camera, and what had to be done to the depth image: a sentence each."""

    def to_dict(self) -> dict[str, Any]:
        """All there is, as JSON holds it."""
        return {
            "index": self.index,
            "time_s": rounded(self.time_s, 6),
            "hands": [hand.to_dict() for hand in self.hands],
            "reason": self.reason,
            "cause": self.cause,
            "warnings": list(self.warnings),
        }

    def datagram(self) -> bytes:
        """As JSON that fits one Ethernet packet for two hands: joints in mm to 0.1, without pixels and velocities."""
        hands = [
            {
                "id": hand.id,
                "handedness": hand.handedness,
                "confidence": rounded(hand.confidence, 3),
                "tracked": hand.tracked,
                "joints_mm": rounded_rows(hand.joints_mm, 1),
            }
            for hand in self.hands
        ]
        record = {"index": self.index, "time_s": rounded(self.time_s, 4), "hands": hands}
        return json.dumps(record, allow_nan=False, separators=(",", ":")).encode()


@runtime_checkable  # for the shape checker that runs under pytest
class Sink(Protocol):
    """Written to inside its `with`."""

    name: str

    def __enter__(self) -> "Sink":
        """Raises SinkError where it cannot be opened, MissingExtraError."""
        ...

    def write(self, moment: Moment) -> None:
        """Raises SinkError where no more can be written; what was written before stays."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Raises SinkError where the rest cannot be written."""
        ...
