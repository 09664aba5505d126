"""What every labelled data set answers, whatever its files look like.

A reader turns one split of one data set into numbered frames: `record(index)` is cheap (labels only, no picture is
opened), `depth(index)` decodes the picture. Both are in the canonical camera frame: x right, y down, z forward, mm.
The order of the frames is that of the published label files, and no frame is ever left out: predictions and centre
files are aligned with it line by line. What is known to be wrong with a frame stands in `Record.fault`; what is wrong
with the files is raised as `DatasetError`.

Readers: `icvl.Icvl`, `nyu.Nyu`, `msra.Msra`, `hands17.Hands17`. Nothing here keeps a file open, so a data set may be
read from several threads or sent to other processes.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from handkit.geometry.camera import Camera
from handkit.geometry.skeleton import Skeleton


class DatasetError(ValueError):
    """One sentence: the file, the line where there is one, what was seen, what was expected, what mends it."""


@dataclass(frozen=True)
class Record:
    """What is known of a frame without opening its picture."""

    source: str
    """Path of the picture below the root, with `/`; no two frames of a data set share it."""
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
        """The camera of every picture that `depth` answers; its matrix has no batch axis."""
        ...

    def __len__(self) -> int: ...

    def record(self, index: int) -> Record:
        """Labels of one frame; raises IndexError beyond the last."""
        ...

    def depth(self, index: int) -> Float32[np.ndarray, "H W"]:
        """The picture in mm, 0 where there is no reading; raises DatasetError where it is missing or damaged."""
        ...
