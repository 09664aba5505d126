"""What is said of frames: each reason to refuse one is said of the first, and in the end how many there were; each
warning once.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable

from handkit.errors import HandkitError

FRAME = "the image"
"""Stands for a frame's name where a sentence is said of many."""


class Refusals:
    """Errors of one `kind` are one reason: every frame has its own median, every file its own length."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._first: dict[str, str] = {}
        self._count: Counter[str] = Counter()
        self._differing = set[str]()
        """Kinds whose sentences differ in their figures."""

    def add(self, error: HandkitError, *, frame: str) -> None:
        """`frame` is its name, for an error that names no file itself."""
        self._count[error.kind] += 1
        said = f"{FRAME} {error.said}" if error.source else error.said
        if self._first.setdefault(error.kind, said) != said:
            self._differing.add(error.kind)
        if self._count[error.kind] == 1:
            self._report(str(error) if error.source else f"{frame}: {error}")

    @property
    def total(self) -> int:
        """Frames that were refused."""
        return self._count.total()

    def reasons(self) -> list[tuple[str, int]]:
        """The first sentence of each kind, with `FRAME` for the file's name, and its number of frames; most first."""
        return [(self._first[kind], times) for kind, times in self._count.most_common()]

    def tell(self, frames: int) -> None:
        """Report how many were refused of this many, for reasons that were said of the first of them alone, and for
        several reasons together."""
        for kind, times in self._count.most_common():
            if times > 1:
                first = "; the first" if kind in self._differing else ""
                self._report(f"refused {times} of {frames} frames{first}: {self._first[kind]}")
        if 1 < len(self._count) < self.total:
            self._report(f"refused {self.total} of {frames} frames in all, for {len(self._count)} reasons")


class Warnings:
    """Sentences that differ in their numbers alone are one warning, which is said of the first frame."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report, self._said = report, set[str]()

    def add(self, sentences: Iterable[str]) -> None:
        """Those of one frame."""
        for sentence in sentences:
            kind = re.sub(r"[0-9.]+", "", sentence)
            if kind not in self._said:
                self._said.add(kind)
                self._report(f"warning: {sentence}")
