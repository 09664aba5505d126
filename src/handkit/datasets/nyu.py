"""NYU hand pose data set (Tompson et al., TOG 2014): 640x480, three views, 36 labeled joints (docs/reference.md, 1.3).

Layout: `{train,test}/joint_data.mat`, `{train,test}/depth_{view}_{number}.png`, 7 digits, numbers from 1, perhaps
inside a folder `dataset`. Depth is packed in an 8-bit color image: 256 * green + blue, mm. `joint_xyz` is (3 views,
N, 36, 3) in mm with y up, which is flipped here. 14 of the 36 joints are evaluated, in the order of every published
file.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import cv2
import numpy as np

from handkit.camera import Camera
from handkit.datasets.dataset import LabeledFiles, find_root
from handkit.datasets.images import read_png_colors
from handkit.datasets.publication import Edition, Opener, Publication, TestSet
from handkit.datasets.tables import readable
from handkit.errors import DatasetError, MissingError
from handkit.extras import install_command
from handkit.files.number_tables import LARGEST
from handkit.files.regular import check_regular
from handkit.shapes import Float32, Shaped
from handkit.skeleton import NYU14

CAMERA = Camera.named("nyu")
FRAMES = {"train": 72_757, "test": 8252}
FIRST_SUBJECT = 2440
"""Test frames before this one show the training set's subject "1", from it on a second, smaller hand "2"."""

JOINT_NAMES = (
    *(
        f"{finger}_KNU{knuckle}_{side}"
        for finger in ("F1", "F2", "F3", "F4", "TH")
        for knuckle in "321"
        for side in "AB"
    ),
    *(f"PALM_{number}" for number in range(1, 7)),
)
"""The 36 labels, pinky (F1) to thumb; KNU3_A is a fingertip."""
EVALUATED = (0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32)


def open_nyu(root: Path, part: Literal["train", "test"], *, view: Literal[1, 2, 3] = 1) -> LabeledFiles:
    """One part of NYU seen by one of three cameras; papers use view 1. Raises DatasetError."""
    base = find_root(root, title="NYU", marks=("train", "test"), inside=("dataset", "nyu_hand_dataset_v2/dataset"))
    labels = _read_labels(base / part / "joint_data.mat")[view - 1][:, list(EVALUATED)]
    joints = (labels * (1.0, -1.0, 1.0)).astype(np.float32)
    sources = [f"{part}/depth_{view}_{number:07d}.png" for number in range(1, len(joints) + 1)]
    first = len(joints) if part == "train" else FIRST_SUBJECT
    subjects = ["1" if i < first else "2" for i in range(len(joints))]
    return LabeledFiles(
        name="nyu",
        skeleton=NYU14,
        camera=CAMERA,
        root=base,
        sources=sources,
        joints=joints,
        subjects=subjects,
        decode=decode,
    )


def decode(path: Path) -> Float32[np.ndarray, "H W"]:
    """256 * green + blue, mm, as floats from the start (docs/reference.md, 5: 11).

    Raises DatasetError or FileNotFoundError.
    """
    blue, green, _ = cv2.split(read_png_colors(path, width=CAMERA.width, height=CAMERA.height))
    return cast(np.ndarray, cv2.addWeighted(green, 256.0, blue, 1.0, 0.0, dtype=cv2.CV_32F))


def rendered(files: LabeledFiles) -> LabeledFiles | None:
    """The same frames as the authors' hand model shows them, where the hand is alone: `synthdepth_*`; None without."""
    sources = [source.replace("/depth_", "/synthdepth_") for source in files.sources]
    return replace(files, sources=sources) if (files.root / sources[0]).exists() else None


def _read_labels(path: Path) -> Shaped[np.ndarray, "3 N 36 3"]:
    content = _load_mat(path)
    xyz: Any = content.get("joint_xyz")
    good = isinstance(xyz, np.ndarray) and xyz.dtype.kind in "fiu" and xyz.ndim == 4
    if not good or (xyz.shape[0], *xyz.shape[2:]) != (3, 36, 3):
        seen = "no joint_xyz" if xyz is None else f"joint_xyz of shape {np.shape(xyz)}"
        raise DatasetError(
            f"{path} has {seen}; expected (3, N, 36, 3): it is cut short or another file, unpack it again"
        )
    names = tuple(str(np.squeeze(name)) for name in np.ravel(content.get("joint_names", ())))
    if names and names != JOINT_NAMES:
        wrong = next((i for i, pair in enumerate(zip(names, JOINT_NAMES, strict=False)) if pair[0] != pair[1]), 36)
        raise DatasetError(
            f"{path} has other joint_names than NYU's 36, from entry {wrong} on; use the joint_data.mat of the data set"
        )
    if not xyz.size:
        raise DatasetError(f"{path} lists no frame; unpack it again")
    within = np.abs(xyz) <= LARGEST
    if not within.all():
        view, frame, joint = np.argwhere(~within.all(axis=-1))[0].tolist()
        raise DatasetError(
            f"{path}: joint {JOINT_NAMES[joint]} of frame {frame + 1}, view {view + 1}, is no coordinate; "
            "download the file again"
        )
    return xyz


def _load_mat(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise MissingError("is missing; it lies beside the images in NYU's archive: unpack it again", source=path)
    try:
        from scipy.io import loadmat  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise DatasetError(f"{path} is a MATLAB file, which needs scipy: {install_command('data')}") from None
    with readable(path):
        check_regular(path)
    try:
        return cast(dict[str, Any], loadmat(str(path), variable_names=["joint_xyz", "joint_names"]))
    except NotImplementedError:
        raise DatasetError(
            f"{path} is a MATLAB file of version 7.3; NYU's own is older: download it again, or save it with -v7"
        ) from None
    except Exception as error:  # scipy raises whatever it trips over in a damaged file
        reason = str(error).partition("\n")[0]
        raise DatasetError(f"{path} is not a whole MATLAB file ({reason}); unpack or download it again") from None


def _parts() -> dict[str, Opener]:
    parts: dict[str, Opener] = {part: partial(open_nyu, part=part) for part in ("test", "train")}
    for view in (2, 3):
        parts |= {f"{part}-view{view}": partial(open_nyu, part=part, view=view) for part in ("test", "train")}
    return parts


PUBLICATION = Publication(
    title="NYU hand pose data set",
    parts=_parts(),
    frames={part: (FRAMES[part],) for part in ("test", "train")},
    source="New York University (Tompson et al., TOG 2014), "
    "https://jonathantompson.github.io/NYU_Hand_Pose_Dataset.htm: the archive with dataset/train and dataset/test",
    terms="research use; cite the paper",
)
TEST_SET = TestSet(
    name="nyu",
    skeleton=NYU14,
    split="test",
    editions=(
        Edition.of(
            f"{FRAMES['test']:,} test frames, view 1",
            {"subject1": FIRST_SUBJECT, "subject2": FRAMES["test"] - FIRST_SUBJECT},
        ),
    ),
    y_up=True,
    chosen=EVALUATED,
    labeled=len(JOINT_NAMES),
)
