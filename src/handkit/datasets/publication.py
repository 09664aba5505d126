"""What is known of a data set before a file of it is opened: who published what, and what its test set looks like."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

import numpy as np

from handkit.asked import DatasetName
from handkit.datasets.dataset import LabeledFiles
from handkit.named_cameras import CAMERAS
from handkit.shapes import Bool
from handkit.skeleton import Skeleton

Opener = Callable[[Path], LabeledFiles]
Rows: TypeAlias = tuple[int, int]
"""First row and the one after the last."""
Intrinsics: TypeAlias = tuple[float, float, float, float]
"""fx, fy, cx, cy, pixels."""


@dataclass(frozen=True)
class Publication:
    """Where a data set comes from, and what it consists of."""

    title: str
    parts: Mapping[str, Opener]
    """What `open_split` opens, by the name that a user types; the first is the usual one to look at."""
    frames: Mapping[str, tuple[int, ...]]
    """How many frames the parts worth checking have in the published editions."""
    source: str
    """From whom, and what to download."""
    terms: str


@dataclass(frozen=True)
class Edition:
    """One version of a test set, which its number of frames tells."""

    version: str
    parts: Mapping[str, Rows]
    """Subjects, sequences or folds: rows that follow one another."""

    @classmethod
    def of(cls, version: str, counts: Mapping[str, int]) -> "Edition":
        """From the number of frames of each part, in their order.

        >>> Edition.of("toy", {"seq1": 2, "seq2": 3}).parts
        {'seq1': (0, 2), 'seq2': (2, 5)}
        """
        ends = list(accumulate(counts.values()))
        pairs = zip(counts.items(), ends, strict=True)
        return cls(version, {name: (end - count, end) for (name, count), end in pairs})

    @property
    def frames(self) -> int:
        """Of all parts together."""
        return max(stop for _, stop in self.parts.values())


@dataclass(frozen=True)
class TestSet:
    """What a row of a prediction file belongs to (docs/reference.md, 1.1 to 1.5 and 4)."""

    __test__ = False  # pytest would take the class for a test

    name: DatasetName
    skeleton: Skeleton
    split: str
    """The part of the data set that it is."""
    editions: tuple[Edition, ...]
    y_up: bool
    """Whether the data set's own x y z point up, which files in mm may follow."""
    chosen: tuple[int, ...] = ()
    """Which joints of the full label files are evaluated; empty: all."""
    labeled: int = 0
    """How many joints the full label files hold, where these are more than are evaluated."""

    @property
    def intrinsics(self) -> Intrinsics:
        """By which the published numbers turn u v d into mm (docs/reference.md, 4)."""
        fx, fy, cx, cy, *_ = CAMERAS[self.name]
        return fx, fy, cx, cy

    def edition(self, frames: int) -> Edition:
        """That with this number of frames; for any other number an edition without parts that says so."""
        for edition in self.editions:
            if edition.frames == frames:
                return edition
        for edition in self.editions:
            for part, (start, stop) in edition.parts.items():
                if stop - start == frames:
                    return Edition(f"{part} of the {edition.version}", {part: (0, frames)})
        full = " or ".join(f"{edition.frames:,}" for edition in self.editions)
        return Edition(f"{frames:,} frames, not the published test set of {full}", {"all": (0, frames)})


def part_masks(parts: Mapping[str, Rows], frames: int) -> dict[str, Bool[np.ndarray, " N"]]:
    """A mask over `frames` rows for each part; none where the only part is everything."""
    rows = np.arange(frames)
    masks = {name: (rows >= start) & (rows < stop) for name, (start, stop) in parts.items()}
    return masks if len(masks) > 1 else {}
