"""Frames that cannot be used: each reason is said of the first of them, and in the end how many there were."""

import re
from collections import Counter
from collections.abc import Callable

FRAME = "FRAME"
"""Stands for a frame's name where a sentence is said of many."""


class Refusals:
    """Reasons that differ in their numbers are one: every frame has its own median, every file its own length."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._first: dict[str, str] = {}
        self._count: Counter[str] = Counter()

    def add(self, reason: str, *, frame: str) -> None:
        """`frame` is its name, with which the reason may begin already."""
        named = reason.startswith((f"{frame}: ", f"{frame} "))
        sentence = FRAME + reason[len(frame) :] if named else reason
        kind = re.sub(r"\d[\d.]*", "#", sentence)
        self._count[kind] += 1
        if self._count[kind] == 1:
            self._first[kind] = sentence
            self._report(reason if named else f"{frame}: {reason}")

    @property
    def total(self) -> int:
        """Frames that were refused."""
        return self._count.total()

    def reasons(self) -> list[tuple[str, int]]:
        """The first sentence of each kind, with `FRAME` for the frame's name, and its number of frames; most first."""
        return [(self._first[kind], times) for kind, times in self._count.most_common()]

    def tell(self, frames: int) -> None:
        """Report how many were refused of this many, for reasons that were said of the first of them alone."""
        for reason, times in self.reasons():
            if times > 1:
                self._report(f"refused {times} of {frames} frames: {reason}")
