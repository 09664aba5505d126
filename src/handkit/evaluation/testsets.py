"""The published test sets: how many frames, which joints, whose hand, by which intrinsics they are scored.

All numbers: reference facts 1.1 to 1.5 and 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool

from handkit.geometry.skeleton import HANDS17, ICVL16, MSRA21, NYU14, Skeleton
from handkit.named_cameras import CAMERAS

Rows: TypeAlias = tuple[int, int]
"""First row and the one after the last."""
Intrinsics: TypeAlias = tuple[float, float, float, float]
"""fx, fy, cx, cy, pixels."""
DatasetName: TypeAlias = Literal["nyu", "icvl", "msra", "hands17"]


@dataclass(frozen=True)
class Edition:
    """One version of a test set, which its number of frames tells."""

    version: str
    parts: Mapping[str, Rows]
    """Subjects, sequences or folds: rows that follow one another."""

    @property
    def frames(self) -> int:
        """Of all parts together."""
        return max(stop for _, stop in self.parts.values())


@dataclass(frozen=True)
class TestSet:
    """What a row of a prediction file stands for."""

    __test__ = False  # pytest would take the class for a test

    name: DatasetName
    skeleton: Skeleton
    editions: tuple[Edition, ...]
    y_up: bool
    """Whether the data set's own x y z point up, which files in mm may follow."""
    chosen: tuple[int, ...] = ()
    """Which joints of the full label files are evaluated; empty: all."""
    labelled: int = 0
    """How many joints the full label files hold, where these are more than are evaluated."""

    @property
    def intrinsics(self) -> Intrinsics:
        """By which the published numbers turn u v d into mm (reference facts 4)."""
        fx, fy, cx, cy, *_ = CAMERAS[self.name]
        return fx, fy, cx, cy

    def edition(self, frames: int) -> Edition:
        """That with so many frames; for any other number an edition without parts that says so."""
        for edition in self.editions:
            if edition.frames == frames:
                return edition
        for edition in self.editions:
            for part, (start, stop) in edition.parts.items():
                if stop - start == frames:
                    return Edition(f"{part} of the {edition.version}", {part: (0, frames)})
        full = " or ".join(f"{edition.frames:,}" for edition in self.editions)
        return Edition(f"{frames:,} frames, not the published test set of {full}", {"all": (0, frames)})


def _consecutive(counts: Mapping[str, int]) -> dict[str, Rows]:
    ends = list(accumulate(counts.values()))
    return {name: (end - count, end) for (name, count), end in zip(counts.items(), ends, strict=True)}


def _subjects(*counts: int) -> dict[str, Rows]:
    return _consecutive({f"P{subject}": count for subject, count in enumerate(counts)})


TEST_SETS: dict[str, TestSet] = {
    "nyu": TestSet(
        name="nyu",
        skeleton=NYU14,
        editions=(Edition("8,252 test frames, view 1", _consecutive({"subject1": 2440, "subject2": 5812})),),
        y_up=True,
        chosen=(0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32),
        labelled=36,
    ),
    "icvl": TestSet(
        name="icvl",
        skeleton=ICVL16,
        editions=(Edition("1,596 test frames", _consecutive({"seq1": 702, "seq2": 894})),),
        y_up=False,
    ),
    "msra": TestSet(
        name="msra",
        skeleton=MSRA21,
        editions=(
            Edition("76,375 frames, old archive", _subjects(8499, 8492, 8412, 8488, 8500, 8497, 8497, 8498, 8492)),
            Edition("76,391 frames, new archive", _subjects(8499, 8499, 8406, 8498, 8500, 8497, 8498, 8498, 8496)),
        ),
        y_up=True,
    ),
    "hands17": TestSet(
        name="hands17",
        skeleton=HANDS17,
        editions=(Edition("295,510 test frames, frame based", {"all": (0, 295_510)}),),
        y_up=False,
    ),
}


def part_masks(parts: Mapping[str, Rows], frames: int) -> dict[str, Bool[np.ndarray, " N"]]:
    """A mask over `frames` rows for each part; none where the only part is everything."""
    rows = np.arange(frames)
    masks = {name: (rows >= start) & (rows < stop) for name, (start, stop) in parts.items()}
    return masks if len(masks) > 1 else {}
