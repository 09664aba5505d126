"""What is to be packed of a data set: its frames, where the cubes stand, and how large they are."""

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Float

from handkit.camera import Camera
from handkit.datasets.catalog import find_data_set, open_split
from handkit.datasets.dataset import LabeledFiles, Record
from handkit.datasets.hands17 import open_hands17
from handkit.errors import DatasetError, HandkitError, UsageError
from handkit.files.regular import read_regular
from handkit.geometry.cube import Cube
from handkit.recipes.centers import CenterSource
from handkit.recipes.cubes import CUBES, CubeRule, cube
from handkit.store.centers import (
    NO_CENTER,
    CenterOf,
    Form,
    center_of_mass,
    check_computed,
    label_centers,
    mass_centers,
    read_centers,
)
from handkit.store.codec import Codec
from handkit.store.packing import CubeOf, Packing
from handkit.store.shards import Settings

UNITS_MM = {"msra": 1 / 32, "own": 1 / 8}
"""Millimeters per stored unit where the images have fractions of one; 16 bits then reach 2 and 8 m."""
BOX_DEPTH_MM = 200.0
"""Of a hand, from its nearest point."""
MARGINS = (1.0, 10.0)
"""Least and greatest; at ten times a hand's cube a patch is the whole image of every sensor."""

Centers = tuple[CenterSource, str, CenterOf]
"""Where the centers of a data set's frames come from, what else is to be known of it, and the rule itself."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A data set to be packed: which split, around which centers, in which cubes and how stored."""

    name: str
    root: Path
    split: str | None = None
    """The data set's first by default."""
    centers: str = "mean"
    """mean, box or mass, or a file of refined centers."""
    form: Form = "auto"
    """Of that file."""
    cube: str = "300"
    """An edge in mm, or the method whose rule it is."""
    margin: float = 1.75
    codec: Codec = "none"
    annotations: Path | None = None
    """Labels of HANDS2017's test frames, which were published later."""


def packing_of(plan: Plan) -> Packing:
    """Open the data set; raises DatasetError or HandkitError where centers or cubes are not to be had."""
    low, high = MARGINS
    if not low <= plan.margin <= high:  # so said, it refuses NaN too
        raise UsageError(f"--margin {plan.margin:g}: give a number from {low:g} to {high:g}")
    split = plan.split or next(iter(find_data_set(plan.name).parts))
    files = open_split(plan.name, plan.root, split) if plan.annotations is None else _annotated(plan, split)
    rule, cube_words = cube_rule(plan.cube, plan.name)
    source, detail, center_of = find_centers(plan, files)
    camera = files.camera
    settings = Settings(
        dataset=files.name,
        split=split,
        skeleton=files.skeleton.name,
        frames=len(files),
        camera=(camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height),
        centers=source,
        center_detail=detail,
        cube=cube_words,
        margin=plan.margin,
        unit_mm=UNITS_MM.get(files.name, 1.0),
        codec=plan.codec,
    )
    return Packing(files, _cubes(center_of, rule), settings, boxes=files.boxes)


def _annotated(plan: Plan, split: str) -> LabeledFiles:
    if (plan.name, split) != ("hands17", "test"):
        raise UsageError(
            "--annotations is for the test split of hands17, whose labels are a file of their own, not for "
            f"{plan.name} {split}"
        )
    return open_hands17(plan.root, "test", annotations=plan.annotations)


def cube_rule(text: str, name: str) -> tuple[CubeRule, str]:
    """An edge in mm, or the cubes of a method; raises UsageError."""
    try:
        edge = float(text)
    except ValueError:
        if name not in CUBES.get(text, {}):
            known = ", ".join(method for method, sets in CUBES.items() if name in sets)
            raise UsageError(f"--cube {text}: give an edge in mm, or a method that has {name}: {known}") from None
        return CUBES[text][name], text
    if not 10 <= edge <= 2000:
        raise UsageError(f"--cube {text}: an edge is 10 to 2000 mm")
    return cube(edge), f"{edge:g} mm"


def find_centers(plan: Plan, files: LabeledFiles) -> Centers:
    """Raises DatasetError or HandkitError where the data set has no such centers."""
    if plan.centers not in {"mean", "box", "mass"}:
        return _centers_of_file(Path(plan.centers), files, plan.form)
    source = CenterSource(plan.centers)
    if source in {CenterSource.BOX, CenterSource.MASS} and files.boxes is not None:
        return _centers_in_boxes(files, files.boxes, CenterSource.MASS, "the published bounding box")
    if source is CenterSource.MASS and files.name == "hands17" and files.joints is not None:
        # Its training frames have no published boxes, and no depth window of the hand is known.
        boxes = boxes_around(files.joints, files.camera)
        return _centers_in_boxes(files, boxes, CenterSource.BOX_MASS, "the box around the labels")
    if source.of_labels:
        if files.joints is None:
            other = "--centers box" if files.boxes is not None else "--centers mass or a center file"
            raise HandkitError(f"{files.name} publishes no labels for this split; use {other}")
        points = label_centers(files.joints, "mean" if source is CenterSource.MEAN else "box")
        return source, "", lambda index, _record, _depth: points[index]
    return source, *mass_centers(files)


def _centers_in_boxes(
    files: LabeledFiles, boxes: Float[np.ndarray, "N 4"], source: CenterSource, words: str
) -> Centers:
    """Centers of mass; raises DatasetError where they miss the labels, if there are any."""
    whole, detail = files.camera, f"in {words}, {BOX_DEPTH_MM:g} mm deep"

    def center_of(index: int, _record: Record, depth: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "3"] | None:
        return mass_in_box(depth, whole, boxes[index])

    check_computed(files, center_of, detail)
    return source, detail, center_of


def boxes_around(joints: Float[np.ndarray, "N J 3"], camera: Camera) -> Float[np.ndarray, "N 4"]:
    """u, v, width, height of the projected joints, in pixels."""
    plane = camera.project(joints.reshape(-1, 3)).reshape(*joints.shape[:2], 2)
    low, high = np.floor(plane.min(axis=1)), np.ceil(plane.max(axis=1))
    return np.concatenate([low, high - low + 1], axis=1)


def _centers_of_file(path: Path, files: LabeledFiles, form: Form) -> Centers:
    if not path.is_file():
        raise UsageError(f"--centers {path}: there is no such file; give mean, box, mass or the path of a center file")
    centers = read_centers(path, files, form=form)
    return (
        CenterSource.REFINED,
        f"{path.name} (CRC-32 {crc32(read_regular(path)):08x})",
        lambda index, _record, _depth: centers.points[index] if centers.valid[index] else None,
    )


def mass_in_box(
    depth: Float[np.ndarray, "H W"], camera: Camera, box: Float[np.ndarray, "4"]
) -> Float[np.ndarray, "3"] | None:
    """Center of mass of what is nearest in a box (u, v, width, height), `BOX_DEPTH_MM` deep; camera mm.

    No paper says how HANDS2017's test boxes become centers; a box holds the hand and what is behind it.
    """
    u, v, width, height = (round(float(number)) for number in box)
    inside = np.zeros_like(depth)
    rows, columns = slice(max(v, 0), max(v + height, 0)), slice(max(u, 0), max(u + width, 0))
    inside[rows, columns] = depth[rows, columns]
    values = inside[inside > 0]
    if not len(values):
        return None
    near = float(np.percentile(values, 1))  # a speck of noise before the hand is not the hand
    return center_of_mass(inside, camera, near_mm=0.0, far_mm=near + BOX_DEPTH_MM)


def _cubes(center_of: CenterOf, rule: CubeRule) -> CubeOf:
    def cube_of(index: int, record: Record, depth: Float[np.ndarray, "H W"]) -> Cube:
        center = center_of(index, record, depth)
        if center is None or not np.isfinite(center).all() or center[2] <= 0:
            raise DatasetError(NO_CENTER)
        edges = torch.tensor([rule.of(record.subject)])
        return Cube.around(torch.from_numpy(center)[None].float(), edge=edges)

    return cube_of
