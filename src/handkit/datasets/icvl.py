"""ICVL hand posture data set (Tang et al., CVPR 2014): 320x240, 16 joints as uvd (docs/reference.md, 1.2).

Layout: `Training/labels.txt`, `Training/Depth/SESSION/image_NNNN.png`, 14 copies of every session rotated in the plane,
`Training/Depth/ANGLE/SESSION/image_NNNN.png`, `Testing/test_seq_{1,2}.txt`, `Testing/Depth/test_seq_{1,2}/...png`.
A label line is a path and 48 numbers, u v d of 16 joints; the genuine test files end their lines in CR CR LF.

Labels are back-projected with the camera (240.99, 240.96, 160, 120), as evaluations do it (docs/reference.md, 1.1
and 5: 20). The images show hands mirrored with respect to NYU, MSRA15 and HANDS2017: in this data set's camera frame,
which is kept true here, its right hands look like left ones (docs/reference.md, 5: 3). Whoever pools data sets mirrors
ICVL.
"""

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
from handkit.errors import DatasetError
from handkit.files.number_tables import NumberTable
from handkit.shapes import Float32
from handkit.skeleton import ICVL16

CAMERA = Camera.named("icvl")
TRAIN_ROWS = 331_006
ORIGINALS = (22_067, 22_068)
"""Label lines of unrotated images; lists differ in the last one (docs/reference.md, 1.2)."""
TEST_ROWS = {"test_seq_1": 702, "test_seq_2": 894}
INVALID = 32_001
"""Pixels of this value and above are invalid (docs/reference.md, 1.2)."""

INVALID_ROWS = range(56_503, 56_503 + 15 * 3475, 3475)
"""Zero-based label lines without a hand: one frame of session 201405151126 and its 14 rotations.

73 of the 331,006 lines are invalid in the published list (docs/reference.md, 1.2), of which these 15 are known here.
Of the others only those are marked that have no image, which `handkit data check` lists, or a label without depth.
"""

Part = Literal["train", "rotated", "train-all", "test"]


def open_icvl(root: Path, part: Part) -> LabeledFiles:
    """One part of ICVL: the `train` originals, their `rotated` copies, `train-all` (both), or `test`.

    Subjects are sessions: `201403121135` ... of the training set, `test_seq_1` and `test_seq_2`. Raises DatasetError.
    """
    base = find_root(root, title="ICVL", marks=("Training", "Testing"))
    if part == "test":
        files = [_read_labels(base / f"Testing/{sequence}.txt") for sequence in TEST_ROWS]
        names = [name for rows in files for name in rows.names]
        return _files(base, "Testing/Depth", names, np.concatenate([rows.values for rows in files]), {})
    rows = _read_labels(base / "Training/labels.txt")
    copies = np.array([name.count("/") > 1 for name in rows.names])
    kept = np.flatnonzero({"train": ~copies, "rotated": copies, "train-all": copies | True}[part])
    listed = set(INVALID_ROWS) if len(rows.names) == TRAIN_ROWS else set[int]()
    faults = {i: "on the published list of invalid rows" for i, row in enumerate(kept.tolist()) if row in listed}
    return _files(base, "Training/Depth", [rows.names[row] for row in kept.tolist()], rows.values[kept], faults)


def _read_labels(path: Path) -> NumberTable:
    rows = read_rows(path, columns=48, named=True)
    if not rows.names:
        raise DatasetError(f"{path} is empty; unpack {path.parent.name}.tar.gz again")
    return rows


def _files(
    base: Path, folder: str, names: Sequence[str], numbers: Float32[np.ndarray, "N 48"], listed: dict[int, str]
) -> LabeledFiles:
    uvd = numbers.reshape(-1, 16, 3)
    joints = CAMERA.unproject(uvd[..., :2], uvd[..., 2])
    sources, faults = unique([f"{folder}/{name}" for name in names])
    without = np.flatnonzero((numbers[:, 2::3] <= 0).any(axis=1)).tolist()
    faults |= dict.fromkeys(without, "a label without depth") | listed
    subjects = [name.rpartition("/")[0].rpartition("/")[2] for name in names]
    return LabeledFiles(
        name="icvl",
        skeleton=ICVL16,
        camera=CAMERA,
        root=base,
        sources=sources,
        joints=joints,
        subjects=subjects,
        decode=decode,
        faults=faults,
    )


def decode(path: Path) -> Float32[np.ndarray, "H W"]:
    """16-bit mm; raises DatasetError or FileNotFoundError."""
    raw = read_png16(path, width=CAMERA.width, height=CAMERA.height)
    return np.where(raw < INVALID, raw, 0).astype(np.float32)


PUBLICATION = Publication(
    title="ICVL hand posture data set",
    parts={part: partial(open_icvl, part=part) for part in ("test", "train", "rotated", "train-all")},
    frames={
        "test": (sum(TEST_ROWS.values()),),
        "train": ORIGINALS,
        "rotated": tuple(TRAIN_ROWS - originals for originals in ORIGINALS),
    },
    source="Imperial College London (Tang et al., CVPR 2014), https://labicvl.github.io/hand.html: "
    "Training.tar.gz and Testing.tar.gz",
    terms="none stated with the files; cite the paper and ask the authors before any use beyond research",
)
TEST_SET = TestSet(
    name="icvl",
    skeleton=ICVL16,
    split="test",
    editions=(
        Edition.of(
            f"{sum(TEST_ROWS.values()):,} test frames",
            {name.removeprefix("test_").replace("_", ""): rows for name, rows in TEST_ROWS.items()},
        ),
    ),
    y_up=False,
)
