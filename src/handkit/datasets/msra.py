"""MSRA15, hand gesture database (Sun et al., CVPR 2015): 9 subjects, 17 gestures, 21 joints (docs/reference.md, 1.4).

Layout: `P{0..8}/{gesture}/NNNNNN_depth.bin`, numbers from 0, and `joint.txt`, perhaps inside a folder
`cvpr15_MSRAHandGestureDB`. A `.bin` is six little-endian int32 (width, height, left, top, right, bottom) and the
float32 mm of the half-open box [left, right) x [top, bottom), row by row; outside of it depth is invalid.
`joint.txt` is a line with the number of frames, then 63 numbers a frame: x right, y up, z negative, which become y
down, z forward.

There are two editions: 76,375 frames (old zip; every published prediction) and 76,391 (new zip; V2V's centers).
"""

import struct
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from handkit.camera import Camera
from handkit.datasets.dataset import LabeledFiles, find_root
from handkit.datasets.publication import Edition, Opener, Publication, TestSet
from handkit.datasets.tables import read_head, read_rows
from handkit.errors import DatasetError, MissingError
from handkit.files.number_tables import MOST_DIGITS
from handkit.files.regular import open_regular
from handkit.shapes import Float32
from handkit.skeleton import MSRA21

CAMERA = Camera.named("msra")
SUBJECTS = tuple(f"P{number}" for number in range(9))
GESTURES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "I", "IP", "L", "MP", "RP", "T", "TIP", "Y")
"""In the order of the published lists."""
EDITIONS = {
    "old": (8499, 8492, 8412, 8488, 8500, 8497, 8497, 8498, 8492),
    "new": (8499, 8499, 8406, 8498, 8500, 8497, 8498, 8498, 8496),
}
"""Frames of P0 to P8: 76,375 and 76,391."""

FAULTY = {
    "P2/TIP": (172, 173, 174),
    "P2/MP": (173, 174, 175, *range(345, 355), 356, 359, 360),
    "P3/T": (120, 489),
    "P8/4": (168,),
}
"""File numbers of wrong frames, from DeepPrior++'s list; published predictions have a line for each all the same."""

_HEAD = struct.Struct("<6i")


class Gesture(NamedTuple):
    """The labels of one folder."""

    folder: str
    joints: Float32[np.ndarray, "N 21 3"]


def open_msra(root: Path, *, subjects: Sequence[str] = SUBJECTS) -> LabeledFiles:
    """The frames of `subjects`, in the order of the published lists; `fold` makes leave-one-out splits of them.

    Raises DatasetError.
    """
    inside = ("cvpr15_MSRAHandGestureDB",)
    base = find_root(root, title="MSRA15", marks=SUBJECTS, inside=inside)
    gestures = [gesture for subject in subjects for gesture in _read_gestures(base, subject)]
    sources: list[str] = []
    faults: dict[int, str] = {}
    for gesture in gestures:
        for number in FAULTY.get(gesture.folder, ()):
            if number < len(gesture.joints):
                faults[len(sources) + number] = "on DeepPrior++'s list of wrong frames"
        sources += [f"{gesture.folder}/{number:06d}_depth.bin" for number in range(len(gesture.joints))]
    if not sources:
        raise DatasetError(f"{base}: the joint.txt files of {', '.join(subjects)} list no frame; unpack them again")
    joints = np.concatenate([gesture.joints for gesture in gestures])
    people = [source.partition("/")[0] for source in sources]
    return LabeledFiles(
        name="msra",
        skeleton=MSRA21,
        camera=CAMERA,
        root=base,
        sources=sources,
        joints=joints,
        subjects=people,
        decode=decode,
        faults=faults,
    )


def fold(subject: str) -> tuple[str, ...]:
    """Everybody else: who a network is trained on that is tested on `subject`.

    >>> fold("P3")
    ('P0', 'P1', 'P2', 'P4', 'P5', 'P6', 'P7', 'P8')
    """
    return tuple(other for other in SUBJECTS if other != subject)


def edition(subjects: Sequence[str]) -> str:
    """`old`, `new`, `old or new` or `unknown`, from the subject of every frame."""
    counts = {subject: subjects.count(subject) for subject in dict.fromkeys(subjects)}
    fitting = [
        name
        for name, known in EDITIONS.items()
        if all(known[SUBJECTS.index(subject)] == count for subject, count in counts.items())
    ]
    return " or ".join(fitting) or "unknown"


def decode(path: Path) -> Float32[np.ndarray, "H W"]:
    """The box in a whole image, mm. Nothing is allocated on the word of a header. Raises DatasetError."""
    width, height = CAMERA.width, CAMERA.height
    with open_regular(path) as file:
        data = file.read(_HEAD.size + 4 * width * height + 1)
    if len(data) < _HEAD.size:
        raise DatasetError(f"{path} has {len(data)} bytes, less than its header; unpack or download it again")
    seen_width, seen_height, left, top, right, bottom = _HEAD.unpack_from(data)
    if (seen_width, seen_height) != (width, height):
        raise DatasetError(
            f"{path} says that its image is {seen_width}x{seen_height}; MSRA15 is {width}x{height}: download it again"
        )
    if not (0 <= left <= right <= width and 0 <= top <= bottom <= height):
        raise DatasetError(
            f"{path} says that its box is columns {left} to {right}, rows {top} to {bottom}, which does not lie in "
            f"{width}x{height}; download it again"
        )
    expected = _HEAD.size + 4 * (right - left) * (bottom - top)
    if len(data) != expected:
        seen = f"{len(data)} bytes" if len(data) < expected else f"more than {expected} bytes"
        raise DatasetError(f"{path} has {seen}, its header promises {expected}; unpack or download it again")
    box = np.frombuffer(data, "<f4", offset=_HEAD.size).reshape(bottom - top, right - left)
    depth = np.zeros((height, width), np.float32)
    depth[top:bottom, left:right] = np.where(np.isfinite(box) & (box > 0), box, 0)
    return depth


def _read_gestures(base: Path, subject: str) -> Iterator[Gesture]:
    if not (base / subject).is_dir():
        raise MissingError("is missing; MSRA15 has nine subjects: unpack its archive again", source=base / subject)
    for name in GESTURES:
        if not (base / subject / name).is_dir():
            raise MissingError(
                "is missing; every subject has 17 gestures: unpack the archive again", source=base / subject / name
            )
        yield Gesture(f"{subject}/{name}", read_joints(base / subject / name / "joint.txt"))


def read_joints(path: Path) -> Float32[np.ndarray, "N 21 3"]:
    """One `joint.txt`, canonical mm; the count in its first line must be that of the lines. Raises DatasetError."""
    words = read_head(path)
    if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > MOST_DIGITS:
        shown = " ".join(words[:3])[:40]
        raise DatasetError(f"{path}, line 1: {shown!r} is not the number of frames; unpack or download it again")
    rows = read_rows(path, columns=63, skip=1)
    if len(rows.lines) != int(words[0]):
        raise DatasetError(
            f"{path}, line 1: {int(words[0])} frames are promised, labels for {len(rows.lines)} follow; "
            "unpack or download it again"
        )
    return rows.values.reshape(-1, 21, 3) * np.array([1.0, -1.0, -1.0], np.float32)


def _parts() -> dict[str, Opener]:
    one = {f"test-{subject}": partial(open_msra, subjects=(subject,)) for subject in SUBJECTS}
    rest = {f"train-{subject}": partial(open_msra, subjects=fold(subject)) for subject in SUBJECTS}
    return {"all": open_msra, **one, **rest}


PUBLICATION = Publication(
    title="MSRA15 hand gesture database",
    parts=_parts(),
    frames={"all": tuple(sum(counts) for counts in EDITIONS.values())},
    source="Microsoft Research Asia (Sun et al., CVPR 2015), https://jimmysuen.github.io: "
    "cvpr15_MSRAHandGestureDB.zip (that page's zip is the new edition)",
    terms="none stated beside a request to cite the paper; ask the authors before any use beyond research",
)
TEST_SET = TestSet(
    name="msra",
    skeleton=MSRA21,
    split="all",
    editions=tuple(
        Edition.of(f"{sum(counts):,} frames, {name} archive", dict(zip(SUBJECTS, counts, strict=True)))
        for name, counts in EDITIONS.items()
    ),
    y_up=True,
)
