"""What is there of a data set: layout, counts against the published ones, missing and damaged images."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from handkit.datasets import msra
from handkit.datasets.catalog import find_data_set, open_split
from handkit.datasets.dataset import LabeledFiles
from handkit.errors import DatasetError, MissingError, UsageError

State = Literal["ready", "incomplete", "damaged", "absent"]
LISTED = 5
"""How many missing or damaged images are named in words."""
MOST_MISSING = 0.01
"""Share of HANDS2017's training images that may be missing; more is an interrupted download."""


@dataclass(frozen=True)
class PartReport:
    """One split as it was found."""

    name: str
    state: State
    frames: int = 0
    published: tuple[int, ...] = ()
    edition: str = ""
    """`old`, `new` ... of MSRA15; empty elsewhere."""
    subjects: dict[str, int] = field(default_factory=dict[str, int])
    """Frames of each."""
    missing: tuple[str, ...] = ()
    """Sources without an image."""
    damaged: tuple[str, ...] = ()
    """A sentence for each image that could not be read."""
    opened: int = 0
    """How many images were decoded."""
    faults: dict[str, int] = field(default_factory=dict[str, int])
    """Frames with a known fault, by fault."""
    reason: str = ""
    """Why it is not ready."""

    @property
    def complete(self) -> bool:
        """Whether there are as many frames as were published."""
        return self.frames in self.published

    @property
    def usable(self) -> bool:
        """Whether it is whole, or not there at all."""
        return self.state in {"ready", "absent"}

    def in_words(self) -> list[str]:
        """A sentence for each thing that a user should know of it, beside the counts."""
        lines = [self.reason] if self.reason else []
        if self.frames and self.published and not self.complete:
            published = " or ".join(f"{count:,}" for count in self.published)
            lines.append(
                f"{self.frames:,} frames, not {published}: errors measured on them do not compare with published ones"
            )
        if self.edition:
            people = ", ".join(f"{subject} {count:,}" for subject, count in self.subjects.items())
            lines.append(f"{self.edition} edition: {people}")
        lines += [f"{count:,} x {fault}" for fault, count in self.faults.items()]
        lines += [f"missing: {source}" for source in self.missing[:LISTED]] if len(self.missing) < self.frames else []
        return lines + [sentence for sentence in self.damaged[:LISTED] if sentence != self.reason]


def inspect(name: str, root: Path, *, split: str | None = None, images: int | None = 200) -> list[PartReport]:
    """Every part of a data set, or one. `images` a part are decoded, evenly spread; None: all.

    Raises DatasetError where the name, the split or the root is wrong, or nothing is there, and says where the data set
    comes from; UsageError for fewer images than none.
    """
    if images is not None and images < 0:
        raise UsageError(f"--images {images} is less than none; give a count or all")
    publication = find_data_set(name)
    try:
        return _inspect_parts(name, root, [split] if split else list(publication.frames), images)
    except DatasetError as error:
        raise DatasetError(f"{error}. It comes from {publication.source}") from None


def _inspect_parts(name: str, root: Path, parts: Sequence[str], images: int | None) -> list[PartReport]:
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the one into which {name} was unpacked")
    reports = [_inspect_part(name, root, part, images) for part in parts]
    nothing = not any(report.frames for report in reports)
    if all(report.state == "absent" for report in reports) or (nothing and len({r.reason for r in reports}) == 1):
        raise DatasetError(reports[0].reason)
    return reports


def _inspect_part(name: str, root: Path, part: str, images: int | None) -> PartReport:
    published = find_data_set(name).frames.get(part, ())
    try:
        files = open_split(name, root, part)
    except DatasetError as error:
        return PartReport(part, _state_without_labels(error), published=published, reason=str(error))
    missing = tuple(_missing(files))
    damaged, opened = _damaged(files, set(missing), images)
    state, reason = _judge(files, missing, damaged)
    return PartReport(
        name=part,
        state=state,
        frames=len(files),
        published=published,
        edition=msra.edition(files.subjects) if name == "msra" else "",
        subjects=dict(Counter(files.subjects)),
        missing=missing,
        damaged=damaged,
        opened=opened,
        faults=dict(Counter(files.faults.values())),
        reason=reason,
    )


def _state_without_labels(error: DatasetError) -> State:
    """A part is absent when even the folder of what is missing is not there."""
    if not isinstance(error, MissingError):
        return "damaged"
    return "incomplete" if Path(error.source).parent.is_dir() else "absent"


def _judge(files: LabeledFiles, missing: Sequence[str], damaged: Sequence[str]) -> tuple[State, str]:
    if not files.sources:
        return "absent", "its labels list no frame"
    if len(missing) == len(files):
        return "absent", f"none of its {len(files):,} images is there, {files.path(0)} is missing"
    allowed = MOST_MISSING * len(files) if files.name == "hands17" else 0
    if len(missing) > allowed:
        return "incomplete", f"{len(missing):,} of {len(files):,} images are missing or empty, such as {missing[0]}"
    if damaged:
        return "damaged", damaged[0]
    return "ready", ""


def _missing(files: LabeledFiles) -> Iterator[str]:
    """One listing for each folder, since there may be a million files; an empty file is a missing one."""
    there: dict[Path, set[str]] = {}
    for index, source in enumerate(files.sources):
        path = files.path(index)
        if path.parent not in there:
            there[path.parent] = _listing(path.parent)
        if path.name not in there[path.parent]:
            yield source


def _listing(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file() and entry.stat().st_size}
    except OSError:
        return set()


def _damaged(files: LabeledFiles, missing: set[str], images: int | None) -> tuple[tuple[str, ...], int]:
    """Sentences about images that cannot be read, and how many were opened."""
    there = [index for index, source in enumerate(files.sources) if source not in missing]
    count = len(there) if images is None else min(images, len(there))
    chosen = [there[i * len(there) // count] for i in range(count)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        sentences = tuple(sentence for sentence in pool.map(partial(_try, files), chosen) if sentence)
    return sentences, count


def _try(files: LabeledFiles, index: int) -> str:
    try:
        files.depth(index)
    except DatasetError as error:
        return str(error)
    return ""


def first_there(name: str, root: Path) -> tuple[str, LabeledFiles]:
    """The first split of which everything is there, by its name: of MSRA15, all subjects or the one that is.

    Raises DatasetError where none is.
    """
    missing: MissingError | None = None
    for split in find_data_set(name).parts:
        try:
            return split, open_split(name, root, split)
        except MissingError as error:
            missing = missing or error
    assert missing is not None, "every data set has splits"
    raise missing
