"""Time over the frames of a source, whatever their clock does."""

import math
from collections.abc import Callable

FRAME_S = 1 / 30
"""Taken for the time since the last frame where the clock does not say."""
LEAP_S = 86400.0
"""No source waits for a day: a clock that is ahead by more has changed what it counts from."""


class FrameClock:
    """Seconds since the first frame, which only increase.

    A clock that stands, jumps back or a day ahead, or gives no finite number counts as 1/30 s since the frame before;
    each of these is given to `report` once.
    """

    def __init__(self, report: Callable[[str], None] = lambda _: None) -> None:
        self.now = 0.0
        self.time_s = 0.0
        """The last finite time of a frame by its own clock; 0 before there is one."""
        self._begun = self._known = False
        self._report, self._said = report, set[str]()

    def tick(self, time_s: float) -> float:
        """The time of the next frame, taken at `time_s` by its own clock."""
        self.now += self._elapsed(time_s)
        self._begun = True
        if math.isfinite(time_s):
            self.time_s, self._known = time_s, True
        return self.now

    def _elapsed(self, time_s: float) -> float:
        """Since the last frame: positive, or 0 for the first one."""
        if not math.isfinite(time_s):
            return self._doubt("gives no finite number", "", time_s)
        if not self._known:
            return FRAME_S if self._begun else 0.0
        elapsed = time_s - self.time_s
        if elapsed == 0:
            return self._doubt("stands", "", time_s)
        if elapsed < 0:
            return self._doubt("has jumped back", f" by {-elapsed:.3f} s", time_s)
        return elapsed if elapsed < LEAP_S else self._doubt("has jumped ahead", f" by {elapsed:.0f} s", time_s)

    def _doubt(self, what: str, how_far: str, time_s: float) -> float:
        if what not in self._said:
            self._said.add(what)
            self._report(
                f"the clock of the frames {what}{how_far} at {time_s:.3f} s: this frame, and others like it, count as "
                "1/30 s after the one before"
            )
        return FRAME_S
