"""Frames of one's own: a folder of 16-bit PNGs and its `labels.jsonl`, as `handkit render` writes it.

A line a frame: `source`, the image below the folder; `camera` with fx, fy, cx, cy, width, height (and `unit_mm` and
`distortion`), the same in all lines; `hands`, each with `handedness`, `skeleton` and `joints_mm` in camera mm, null
where none is marked; and `subject`, if it is known. Every hand is a frame of its own; left ones, which no training
mirrors, are faulty.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from handkit.camera import Camera, camera_from_dict, undistorted
from handkit.datasets.dataset import LabeledFiles, unique
from handkit.datasets.images import read_png16
from handkit.datasets.publication import Publication
from handkit.errors import DatasetError, FrameError, HandkitError
from handkit.files.regular import read_regular
from handkit.shapes import Float32
from handkit.skeleton import SKELETONS, Skeleton

LABELS = "labels.jsonl"
UNKNOWN = "unknown"
"""The subject of a line that names none."""


class Hand(NamedTuple):
    """One labeled hand."""

    source: str
    camera: Camera
    skeleton: Skeleton
    joints: Float32[np.ndarray, "J 3"]
    subject: str
    left: bool


def open_own(root: Path) -> LabeledFiles:
    """Every hand of every line, in their order; lines without a hand are no frames. Raises DatasetError."""
    path = root / LABELS
    try:
        lines = read_regular(path).decode("utf-8").splitlines()
    except FileNotFoundError:
        raise DatasetError(f"{root} has no {LABELS}, a line a frame as `handkit render` writes it; write one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from None
    hands = [hand for number, line in enumerate(lines, 1) for hand in _read_line(line, where=f"{path}, line {number}")]
    if not hands:
        raise DatasetError(f"{path} labels no hand; a line has `hands` with `joints_mm`")
    first = hands[0]
    if other := next((each for each in hands if (each.camera, each.skeleton) != (first.camera, first.skeleton)), None):
        raise DatasetError(
            f"{path}: {other.source} has another camera or skeleton than {first.source}; give a folder "
            "for each (`handkit render --camera NAME` makes one)"
        )
    return LabeledFiles(
        name="own",
        skeleton=first.skeleton,
        camera=first.camera.pinhole,
        root=root,
        sources=unique([hand.source for hand in hands])[0],
        joints=np.stack([hand.joints for hand in hands]),
        subjects=[hand.subject for hand in hands],
        decode=partial(decode, camera=first.camera),
        faults={i: "a left hand, which is not mirrored here" for i, hand in enumerate(hands) if hand.left},
    )


def decode(path: Path, *, camera: Camera) -> Float32[np.ndarray, "H W"]:
    """Undistorted values in mm, as `camera.pinhole` sees them; raises DatasetError or FileNotFoundError."""
    values = read_png16(path, width=camera.width, height=camera.height)
    depth = values.astype(np.float32) * np.float32(camera.unit_mm)
    try:
        return depth if camera.distortion is None else undistorted(depth, camera)
    except FrameError as error:
        raise DatasetError(f"{path}: {error}") from None


def _read_line(line: str, *, where: str) -> list[Hand]:
    """Raises DatasetError."""
    try:
        record: dict[str, Any] = json.loads(line)
        source, camera = str(record["source"]), camera_from_dict(record["camera"])
        subject = str(record.get("subject", UNKNOWN))
        return [_read_hand(hand, source, camera, subject) for hand in record["hands"]]
    except HandkitError as error:
        raise DatasetError(f"{where}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{where} is no frame as `handkit render` writes it ({type(error).__name__}: {error}): it has source, "
            "camera and hands with handedness, skeleton and joints_mm"
        ) from None


def _read_hand(hand: dict[str, Any], source: str, camera: Camera, subject: str) -> Hand:
    """Raises KeyError, TypeError or ValueError."""
    skeleton = SKELETONS[hand["skeleton"]]
    joints = np.array(hand["joints_mm"], np.float32)
    if joints.shape != (len(skeleton), 3):
        raise ValueError(f"{skeleton.name} has {len(skeleton)} joints of 3 numbers, here is {joints.shape}")
    return Hand(source, camera, skeleton, joints, subject, hand["handedness"] == "left")


PUBLICATION = Publication(
    title="frames of your own",
    parts={"all": open_own},
    frames={"all": ()},
    source=f"you: 16-bit PNGs and {LABELS}, as `handkit render` writes them",
    terms="your own",
)
