"""A labeled frame as a picture."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from handkit.datasets.catalog import open_split
from handkit.datasets.dataset import LabeledFiles, Record
from handkit.datasets.inspection import first_there
from handkit.drawing import (
    INK,
    PAPER,
    Picture,
    depth_range,
    draw_skeleton,
    draw_text,
    enlarge,
    show_depth,
    three_panels,
)
from handkit.errors import UsageError

WIDTH = 960
"""About this many pixels; pictures are enlarged in whole multiples."""


class Shown(NamedTuple):
    """A frame that was drawn."""

    picture: Picture
    split: str
    record: Record


def draw_frame(name: str, root: Path, *, index: int = 0, split: str | None = None) -> Shown:
    """A frame of a data set as it was unpacked, as `draw_record` has it; without `split` of the first that is there.

    Raises UsageError where there is no such frame, DatasetError where the split or its image cannot be read.
    """
    chosen, files = (split, open_split(name, root, split)) if split else first_there(name, root)
    if not 0 <= index < len(files):
        raise UsageError(f"--index {index} is not a frame: {name} {chosen} has frames 0 to {len(files) - 1}")
    return Shown(draw_record(files, index), chosen, files.record(index))


def draw_record(files: LabeledFiles, index: int) -> Picture:
    """The whole frame with its skeleton; below it the hand, the skeleton over it, and both from the side.

    A frame without labels is drawn with the bounding box that the data set gives it.

    Raises DatasetError where its image is missing or damaged, IndexError beyond the last frame.
    """
    record, depth = files.record(index), files.depth(index)
    factor = max(1, round(WIDTH / files.camera.width))
    near, far = depth_range(depth, record.joints)
    picture = enlarge(show_depth(depth, near=near, far=far), factor)
    if record.joints is not None:
        joints_px = files.camera.project(record.joints)
        draw_skeleton(picture, (joints_px + 0.5) * factor - 0.5, files.skeleton, depth_mm=record.joints[:, 2])
        size = picture.shape[1] // 3
        panels = three_panels(depth, files.camera, record.joints, files.skeleton, size=size)
        below = np.full((size, picture.shape[1], 3), PAPER, np.uint8)
        below[:, : panels.shape[1]] = panels
        picture = np.vstack([picture, below])
    elif files.boxes is not None:
        u, v, width, height = (files.boxes[index] * factor).round().astype(int).tolist()
        cv2.rectangle(picture, (u, v), (u + width, v + height), INK, 1, cv2.LINE_AA)
    caption = f"{record.source}  subject {record.subject}" + (f"  ({record.fault})" if record.fault else "")
    draw_text(picture, caption, (10, 24), height=15)
    return picture
