"""What is said of frames: each reason to refuse one is said of the first, and in the end how many there were; each
warning once; where most have no hand, which of them are looked at with other numbers of the camera.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable

from handkit.depth import DepthImage
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
        """Report how many were refused of this many, for reasons that were said of the first of them alone."""
        for kind, times in self._count.most_common():
            if times > 1:
                first = "; the first" if kind in self._differing else ""
                self._report(f"refused {times} of {frames} frames{first}: {self._first[kind]}")


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


class Handless:
    """Images in which no hand was seen: where most are such, other numbers of the camera are tried on a few of them."""

    def __init__(self) -> None:
        self._images, self._handless = 0, 0
        self._kept = deque[DepthImage](maxlen=4)

    def add(self, image: DepthImage, *, seen: bool) -> None:
        """One more image, with or without a hand; of those without the latest four of 0, 1, 3, 7, 15, ... are kept."""
        self._images += 1
        if seen:
            return
        if self._handless & (self._handless + 1) == 0:
            self._kept.append(image)
        self._handless += 1

    def doubtful(self) -> tuple[DepthImage, ...]:
        """For `HandPoseEstimator.doubt_of_camera`; none where a hand was seen in at least half of the images."""
        return tuple(self._kept) if 2 * self._handless > self._images else ()
