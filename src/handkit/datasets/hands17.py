"""HANDS2017 challenge, frame based (Yuan et al., 2017): 640x480, 21 joints (docs/reference.md, 1.5).

Layout: `training/Training_Annotation.txt`, `training/images/image_DNNNNNNNN.png`, `frame/BoundingBox.txt`,
`frame/images/image_DNNNNNNNN.png`, 8 digits from 1. Annotations are a name and 63 numbers, tab separated: x right, y
down, z forward, mm, which is the canonical frame already. A bounding box is read as u, v, width, height, the better
supported of two interpretations (docs/reference.md, 1.5 and 6). Not every image of the training annotations exists.
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from handkit.camera import Camera
from handkit.datasets.dataset import LabeledFiles, find_root, unique
from handkit.datasets.images import read_png16
from handkit.datasets.publication import Edition, Publication, TestSet
from handkit.datasets.tables import read_rows
from handkit.errors import DatasetError, MissingError
from handkit.shapes import Float32
from handkit.skeleton import HANDS17

CAMERA = Camera.named("hands17")
FRAMES = {"train": 957_032, "test": 295_510}
_FOLDERS = {"train": "training", "test": "frame"}


def open_hands17(root: Path, part: Literal["train", "test"], *, annotations: Path | None = None) -> LabeledFiles:
    """The training frames with their labels, or the test frames with their bounding boxes.

    The labels of the test frames were published later (docs/reference.md, 1.5); `annotations` is a file of
    them in the format of the training annotations. Training subjects are all "seen"; which test frames show "unseen"
    ones is in no file of the data set, so theirs is "unknown". Raises DatasetError.
    """
    base = find_root(root, title="HANDS2017", marks=("training", "frame"))
    folder = base / _FOLDERS[part]
    boxes = None if part == "train" else read_rows(folder / "BoundingBox.txt", columns=4, named=True)
    labels = folder / "Training_Annotation.txt" if part == "train" else annotations
    rows = None if labels is None else read_rows(labels, columns=63, named=True)
    if rows and boxes and rows.names != boxes.names:
        wrong = next((i for i, pair in enumerate(zip(rows.names, boxes.names, strict=False)) if pair[0] != pair[1]), -1)
        line = f", line {rows.lines[wrong]}," if wrong >= 0 else ""
        raise DatasetError(
            f"{labels}{line} does not list the frames of {folder / 'BoundingBox.txt'} ({len(rows.names)} and "
            f"{len(boxes.names)} rows); give the annotations of the frame based test set"
        )
    names = rows.names if rows else boxes.names if boxes else []
    if not names:
        raise DatasetError(f"{labels or folder / 'BoundingBox.txt'} lists no frame; unpack or download it again")
    sources, faults = unique([f"{_FOLDERS[part]}/images/{name}" for name in names])
    faults |= _missing(folder / "images", names)
    return LabeledFiles(
        name="hands17",
        skeleton=HANDS17,
        camera=CAMERA,
        root=base,
        sources=sources,
        joints=None if rows is None else rows.values.reshape(-1, 21, 3),
        subjects=["seen" if part == "train" else "unknown"] * len(names),
        decode=decode,
        faults=faults,
        boxes=None if boxes is None else boxes.values,
    )


def decode(path: Path) -> Float32[np.ndarray, "H W"]:
    """16-bit mm; raises DatasetError or FileNotFoundError."""
    return read_png16(path, width=CAMERA.width, height=CAMERA.height).astype(np.float32)


def _missing(folder: Path, names: Sequence[str]) -> dict[int, str]:
    """Rows whose image does not exist, as is to be expected (docs/reference.md, 1.5); one listing, of a million."""
    try:
        with os.scandir(folder) as entries:
            there = {entry.name for entry in entries}
    except OSError:
        raise MissingError("is missing; unpack the images of HANDS2017 there", source=folder) from None
    return {i: "the image is missing" for i, name in enumerate(names) if name not in there}


PUBLICATION = Publication(
    title="HANDS2017 challenge, frame based",
    parts={part: partial(open_hands17, part=part) for part in ("train", "test")},
    frames={part: (FRAMES[part],) for part in ("train", "test")},
    source="Imperial College London (Yuan et al., 2017), http://icvl.ee.ic.ac.uk/hands17/challenge/: "
    "training and frame, on request",
    terms="academic use only, under the form that is signed to get it",
)
TEST_SET = TestSet(
    name="hands17",
    skeleton=HANDS17,
    split="test",
    editions=(Edition.of(f"{FRAMES['test']:,} test frames, frame based", {"all": FRAMES["test"]}),),
    y_up=False,
)
