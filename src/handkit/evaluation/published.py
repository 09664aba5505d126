"""Label and prediction files of the published test sets, row by row side by side, in canonical mm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from handkit.datasets.catalog import TEST_SETS
from handkit.datasets.publication import Intrinsics, Rows, TestSet, part_masks
from handkit.errors import ScoreError
from handkit.evaluation.columns import Format, label_columns, prediction_columns, to_millimeters
from handkit.evaluation.tables import join_tables, read_table
from handkit.files.number_tables import MOST_DIGITS, NumberTable
from handkit.files.regular import read_regular
from handkit.shapes import Bool, Float, Int

Missing = Literal["refuse", "skip"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Labels:
    """The truth of one test set, or of a part of it."""

    test_set: TestSet
    version: str
    split: str
    joints: Float[np.ndarray, "N J 3"]
    """Canonical mm."""
    names: tuple[str, ...]
    """Of the frames; empty where the labels give none."""
    parts: Mapping[str, Bool[np.ndarray, " N"]]
    rows: Int[np.ndarray, " N"]
    """Where these frames are in the test set, from 0."""
    whole: int
    """Frames of the whole test set."""
    ranges: Mapping[str, Rows]
    """Parts of the whole test set."""
    intrinsics: Intrinsics | None = None
    """By which pixels became mm; None where the labels are in mm."""

    def part(self, name: str) -> "Labels":
        """The frames of one part; raises ScoreError that lists the parts."""
        if name not in self.parts:
            known = ", ".join(self.parts) or "none"
            raise ScoreError(f"there is no part {name!r} in these labels; parts: {known}")
        mask = self.parts[name]
        names = tuple(np.array(self.names)[mask].tolist()) if self.names else ()
        return replace(self, split=name, joints=self.joints[mask], names=names, parts={}, rows=self.rows[mask])


@dataclass(frozen=True, eq=False)
class Predictions:
    """One method's predictions for the frames of `Labels`."""

    joints: Float[np.ndarray, "N J 3"]
    """Canonical mm; NaN where a frame has none."""
    words: str
    """The file and how it was read."""
    intrinsics: Intrinsics | None
    """By which pixels became mm, in the file or in the labels; None where both are in mm."""


def make_labels(
    test_set: TestSet,
    joints: Float[np.ndarray, "N J 3"],
    names: Sequence[str] = (),
    lists: Mapping[str, Path] | None = None,
    *,
    intrinsics: Intrinsics | None = None,
) -> Labels:
    """Labels from joints in mm; `lists` are files that name the frames of further parts. Raises ScoreError.

    `intrinsics` are those by which the joints became mm if they were published as pixels.
    """
    edition, count = test_set.edition(len(joints)), len(joints)
    parts = part_masks(edition.parts, count)
    for part, path in (lists or {}).items():
        parts[part] = _listed(path, names, count)
    rows = np.arange(count)
    return Labels(
        test_set=test_set,
        version=edition.version,
        split="all",
        joints=joints,
        names=tuple(names),
        parts=parts,
        rows=rows,
        whole=count,
        ranges=edition.parts,
        intrinsics=intrinsics,
    )


def read_labels(
    paths: Sequence[Path],
    test_set: TestSet,
    *,
    intrinsics: Intrinsics,
    asked: Format = "auto",
    lists: Mapping[str, Path] | None = None,
) -> Labels:
    """Label files one after the other; raises ScoreError. NYU's 36 joints become the 14 that are evaluated."""
    table = join_tables([_read(path, test_set) for path in paths])
    missing = table.missing()
    if len(missing):
        raise ScoreError(f"{table.path}, line {table.lines[missing[0]]} has no number where a label should be")
    joints = _joints(table, test_set)
    points = np.flatnonzero((joints == joints[:, :1]).all(axis=(1, 2)))
    if len(points):
        raise ScoreError(
            f"{table.path}, line {table.lines[points[0]]}: all joints are at one place, which labels no hand; leave "
            "such frames out of both files"
        )
    columns = label_columns(joints, test_set, intrinsics, asked=asked, source=str(table.path))
    used = intrinsics if columns.name == "uvd" else None
    return make_labels(test_set, to_millimeters(joints, columns, intrinsics), table.names, lists, intrinsics=used)


def read_predictions(
    path: Path, labels: Labels, *, intrinsics: Intrinsics, asked: Format = "auto", missing: Missing = "refuse"
) -> Predictions:
    """The rows of a file that belong to the labels; raises ScoreError that names the line or the option."""
    table = _read(path, labels.test_set)
    table = _fit(table, labels)
    _check_names(table, labels)
    gaps = table.missing()
    if len(gaps) and missing == "refuse":
        more = f" (and in {len(gaps) - 1} more lines)" if len(gaps) > 1 else ""
        raise ScoreError(
            f"{path}, line {table.lines[gaps[0]]}: not a number where a coordinate should be{more}; "
            "--missing skip leaves such frames out, and the report says how many"
        )
    table.values[gaps] = np.nan
    joints = _joints(table, labels.test_set)
    columns = prediction_columns(joints, labels.joints, intrinsics, asked=asked, source=str(path))
    used = intrinsics if columns.name == "uvd" else labels.intrinsics
    return Predictions(to_millimeters(joints, columns, intrinsics), f"{path.name}: {columns.words}", used)


def _read(path: Path, test_set: TestSet) -> NumberTable:
    joints = len(test_set.skeleton)
    columns = (3 * joints, 3 * test_set.labeled) if test_set.labeled else (3 * joints,)
    return read_table(path, columns=columns, expected=f"{3 * joints} for the {joints} joints of {test_set.name}")


def _joints(table: NumberTable, test_set: TestSet) -> Float[np.ndarray, "N J 3"]:
    joints = table.values.reshape(len(table.values), -1, 3)
    return joints[:, list(test_set.chosen)] if joints.shape[1] != len(test_set.skeleton) else joints


def _fit(table: NumberTable, labels: Labels) -> NumberTable:
    """The rows of the file that belong to the labeled frames: all, or those of the part that is scored."""
    found, wanted = len(table.values), len(labels.rows)
    if found == wanted:
        return table
    if found == labels.whole:
        names = tuple(np.array(table.names)[labels.rows].tolist()) if table.names else ()
        return NumberTable(table.path, names, table.values[labels.rows], table.lines[labels.rows])
    fitting = [name for name, (start, stop) in labels.ranges.items() if stop - start == found]
    if fitting and labels.split == "all":
        raise ScoreError(
            f"{table.path} holds {found:,} frames, the labels {wanted:,}; {found:,} is the length of {fitting[0]}: "
            f"score that part alone with --split {fitting[0]}"
        )
    others = [name for name, test_set in TEST_SETS.items() if any(e.frames == found for e in test_set.editions)]
    hint = (
        f"; {found:,} is the length of {', '.join(others)}" if others else "; the file must have a line for every frame"
    )
    raise ScoreError(f"{table.path} holds {found:,} frames, the labels {wanted:,} ({labels.version}){hint}")


def _check_names(table: NumberTable, labels: Labels) -> None:
    """Raises ScoreError where both files name their frames and a line names another one."""
    if not table.names or not labels.names:
        return
    for row, (name, truth) in enumerate(zip(table.names, labels.names, strict=True)):
        if not (_ends_with(name, truth) or _ends_with(truth, name)):
            raise ScoreError(
                f"{table.path}, line {table.lines[row]} is for {name}, the labels there for {truth}; "
                "both must list the same frames in the same order"
            )


def _ends_with(path: str, end: str) -> bool:
    """Whether the last folders and the name of a path are `end`: `P0/1/000001` ends with `1/000001`, not with `01`."""
    return f"/{path}".endswith(f"/{end}")


def _tails(path: str) -> list[str]:
    """`a/b/c`, `b/c` and `c` of `a/b/c`."""
    words = path.replace("\\", "/").split("/")
    return ["/".join(words[start:]) for start in range(len(words))]


def _listed(path: Path, names: Sequence[str], count: int) -> Bool[np.ndarray, " N"]:
    """A mask from a list of frame names, with as many folders as tell them apart, or of row numbers from 0.

    Raises ScoreError.
    """
    whole = {name: row for row, name in enumerate(names)}
    where: dict[str, int] = {}
    for row, name in enumerate(names):
        for tail in _tails(name):
            where[tail] = -1 if tail in where else row
    mask = np.zeros(count, bool)
    try:
        words = read_regular(path).decode().split()
    except OSError as error:
        raise ScoreError(f"{path} cannot be read as a list of frames: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ScoreError(f"{path} cannot be read as a list of frames: it is not a text file") from None
    for word in words:
        tails = _tails(word)
        named = next((whole[tail] for tail in tails if tail in whole), where.get(tails[0], -1))
        row = int(word) if word.isdecimal() and len(word) <= MOST_DIGITS else named
        if not 0 <= row < count:
            raise ScoreError(
                f"{path} lists {word[:80]!r}, which is not one frame of the labels (give it with its folders) "
                f"and no row from 0 to {count - 1}"
            )
        mask[row] = True
    if not words:
        raise ScoreError(f"{path} lists no frame; it must hold names or row numbers of frames")
    return mask
