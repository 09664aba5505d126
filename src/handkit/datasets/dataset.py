"""What every labeled data set provides, whatever its files look like.

A reader turns one split of one data set into numbered frames: `record(index)` is cheap (labels only, no image is
opened), `depth(index)` decodes the image. Both are in the canonical camera frame: x right, y down, z forward, mm.
The order of the frames is that of the published label files, and no frame is ever dropped: predictions and center
files are aligned with it line by line. What is known to be wrong with a frame is in `Record.fault`; what is wrong
with the files is raised as `DatasetError`.

Readers: `icvl.open_icvl`, `nyu.open_nyu`, `msra.open_msra`, `hands17.open_hands17`, each returning `LabeledFiles`;
`catalog.open_split` opens any of them by name. Nothing here keeps a file open, so a data set may be read from several
threads or sent to other processes.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from handkit.camera import Camera
from handkit.errors import DatasetError, MissingError
from handkit.shapes import Float32
from handkit.skeleton import Skeleton


@dataclass(frozen=True)
class Record:
    """What is known of a frame without opening its image."""

    source: str
    """Path of the image below the root, with `/`; no two frames share it (an image listed again has `#2` behind)."""
    joints: Float32[np.ndarray, "J 3"] | None
    """Camera mm, canonical; None where the data set publishes no label."""
    subject: str
    """Whose hand it is, as far as the data set tells."""
    fault: str | None = None
    """What is known to be wrong with this very frame, from the published lists; None for nearly all."""


@runtime_checkable
class HandDataset(Protocol):
    """Numbered frames 0 to `len() - 1` of one skeleton, all from one camera."""

    @property
    def name(self) -> str:
        """`icvl`, `nyu`, `msra` or `hands17`: also the name of its camera."""
        ...

    @property
    def skeleton(self) -> Skeleton:
        """Joints of the labels, in label order."""
        ...

    @property
    def camera(self) -> Camera:
        """The camera of every image that `depth` returns."""
        ...

    def __len__(self) -> int: ...

    def record(self, index: int) -> Record:
        """Labels of one frame; raises IndexError beyond the last."""
        ...

    def depth(self, index: int) -> Float32[np.ndarray, "H W"]:
        """The image in mm, 0 where invalid; raises DatasetError where it is missing or damaged."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class LabeledFiles:
    """One split of a data set: an image file per frame, all labels in memory."""

    name: str
    skeleton: Skeleton
    camera: Camera
    root: Path
    """Where `sources` begin."""
    sources: Sequence[str]
    joints: Float32[np.ndarray, "N J 3"] | None
    subjects: Sequence[str]
    decode: Callable[[Path], Float32[np.ndarray, "H W"]]
    """One image file to canonical mm; raises FileNotFoundError or DatasetError."""
    faults: Mapping[int, str] = field(default_factory=dict[int, str])
    boxes: Float32[np.ndarray, "N 4"] | None = None
    """u, v, width, height in pixels, where the data set has that for an unlabeled frame."""

    def __len__(self) -> int:
        return len(self.sources)

    def record(self, index: int) -> Record:
        """What is known of one frame but its image; joints in camera mm, None where there are none."""
        joints = None if self.joints is None else self.joints[index]
        return Record(self.sources[index], joints, self.subjects[index], self.faults.get(index))

    def path(self, index: int) -> Path:
        """The image file of one frame."""
        return self.root / self.sources[index].partition("#")[0]

    def depth(self, index: int) -> Float32[np.ndarray, "H W"]:
        """The image in mm, 0 where invalid; raises MissingError where it is not there, DatasetError where damaged."""
        path = self.path(index)
        try:
            return self.decode(path)
        except FileNotFoundError:
            check = f"handkit data check {self.name} --root {shlex.quote(str(self.root))}"
            raise MissingError(
                f"is missing; unpack its archive again (`{check}` tells what "
                "else is missing and where the set comes from)",
                source=path,
            ) from None
        except OSError as error:
            raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from None


def unique(names: Sequence[str]) -> tuple[list[str], dict[int, str]]:
    """Names with `#2`, `#3` ... behind what was there before, and a fault for each of those frames.

    >>> unique(["a.png", "b.png", "a.png"])
    (['a.png', 'b.png', 'a.png#2'], {2: 'the label file lists this image again'})
    """
    if len(set(names)) == len(names):
        return list(names), {}
    seen: dict[str, int] = {}
    result: list[str] = []
    faults: dict[int, str] = {}
    for index, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            faults[index] = "the label file lists this image again"
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result, faults


def find_root(root: Path, *, title: str, marks: Sequence[str], inside: Sequence[str] = ()) -> Path:
    """`root`, or the first of its folders `inside`, that holds at least one of `marks`; raises DatasetError."""
    for folder in (root, *(root / name for name in inside)):
        if any((folder / mark).exists() for mark in marks):
            return folder
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the folder into which {title} was unpacked")
    found = sorted(child.name for child in root.iterdir())
    listed = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "") if found else "nothing"
    raise DatasetError(f"{root} is not the root of {title}: expected {' or '.join(marks)} in it, found {listed}")
