"""`handkit data show`: one labeled frame as a picture."""

from pathlib import Path

import cv2
import numpy as np

from handkit.datasets.catalog import find_data_set, open_split
from handkit.datasets.dataset import LabeledFiles
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
from handkit.errors import HandkitError, MissingError, UsageError
from handkit.files.png import write_png

WIDTH = 960
"""About this many pixels; pictures are enlarged in whole multiples."""


def _first_there(name: str, root: Path) -> tuple[str, LabeledFiles]:
    """The first split of which everything is there: of MSRA15, all subjects or the one that is."""
    missing: list[MissingError] = []
    for split in find_data_set(name).parts:
        try:
            return split, open_split(name, root, split)
        except MissingError as error:
            missing.append(error)
    raise missing[0]


def show_frame(name: str, root: Path, *, index: int, split: str | None, out: Path | None) -> int:
    """Writes the picture and says where; answers 0. Raises HandkitError."""
    chosen, files = (split, open_split(name, root, split)) if split else _first_there(name, root)
    if not 0 <= index < len(files):
        raise UsageError(f"--index {index} is not a frame: {name} {chosen} has frames 0 to {len(files) - 1}")
    picture = draw_record(files, index)
    target = out or Path(f"{name}-{chosen}-{index}.png")
    if target.suffix.lower() != ".png" or not _write(target, picture):
        raise HandkitError(
            f"--out {target} cannot be written; give a .png file in a folder that you may write to, on a disk with room"
        )
    record = files.record(index)
    fault = f", {record.fault}" if record.fault else ""
    print(f"{target}: frame {index} of {name} {chosen}, {record.source}, subject {record.subject}{fault}")
    return 0


def _write(target: Path, picture: Picture) -> bool:
    """Whether the whole picture is there now."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_png(target, picture)
    except OSError:
        return False
    return True


def draw_record(files: LabeledFiles, index: int) -> Picture:
    """The whole frame with its skeleton; below it the hand, the skeleton over it, and both from the side.

    A frame without labels is drawn with the bounding box that the data set gives it.
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
