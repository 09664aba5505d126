"""`handkit data pack` and `handkit data verify`: a data set into a store, and whether the store is still whole."""

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Float
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from handkit.camera import Camera
from handkit.datasets.catalog import find_data_set, open_split
from handkit.datasets.dataset import LabeledFiles, Record
from handkit.datasets.hands17 import open_hands17
from handkit.errors import DatasetError, HandkitError
from handkit.geometry.cube import Cube
from handkit.recipes.cubes import CUBES, CubeRule, cube
from handkit.store.centers import (
    FAR_MM,
    CenterOf,
    Form,
    center_of_mass,
    distances_mm,
    label_centers,
    mass_centers,
    read_centers,
)
from handkit.store.codec import Codec
from handkit.store.packing import CubeOf, Packing, pack
from handkit.store.shards import Manifest, Settings
from handkit.store.store import PackedFrames

UNITS_MM = {"msra": 1 / 32}
"""Millimetres per stored unit where the pictures have fractions of one; 16 bits then reach 2047 mm."""
BOX_DEPTH_MM = 200.0
"""Of a hand, from its nearest point."""
MARGINS = (1.0, 10.0)
"""Least and greatest; at ten times a hand's cube a patch is the whole picture of every sensor."""
LISTED = 10
"""How many faulty frames are named."""


@dataclass(frozen=True)
class Request:
    """The options of the command."""

    name: str
    root: Path
    out: Path
    split: str | None
    centers: str
    """gt, box, com, or a file."""
    form: Form
    """Of that file."""
    cube: str
    margin: float
    codec: Codec
    workers: int
    annotations: Path | None = None
    """Labels of HANDS2017's test frames, which were published later."""


def pack_data_set(request: Request) -> int:
    """Answers 0 when the store is whole; raises HandkitError where nothing can be packed."""
    low, high = MARGINS
    if not low <= request.margin <= high:  # so said, it refuses NaN too
        raise HandkitError(f"--margin {request.margin:g}: give a number from {low:g} to {high:g}", status=2)
    if request.workers < 1:
        raise HandkitError(f"--workers {request.workers}: give at least 1", status=2)
    console = Console(stderr=True)
    split = request.split or next(iter(find_data_set(request.name).parts))
    files = open_split(request.name, request.root, split) if request.annotations is None else _annotated(request, split)
    packing = plan(files, request, split=split)
    manifest = _pack_with_bar(packing, request, console)
    summarize(manifest, request.out, console)
    _tell_distances(PackedFrames.open(request.out), console)
    return verify_store(request.out)


def _annotated(request: Request, split: str) -> LabeledFiles:
    if (request.name, split) != ("hands17", "test"):
        raise HandkitError(
            f"--annotations is for the test split of hands17, whose labels are a file of their own, not for "
            f"{request.name} {split}",
            status=2,
        )
    return open_hands17(request.root, "test", annotations=request.annotations)


def verify_store(path: Path) -> int:
    """Read everything and compare checksums; answers 0 for a sound store. Raises HandkitError."""
    console = Console(stderr=True)
    store = PackedFrames.open(path)
    with console.status("verifying"):
        damage = store.damage()
    for sentence in damage:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    if not damage:
        console.print(f"{path}: {len(store):,} frames, every checksum is right", highlight=False, markup=False)
    return int(bool(damage))


def plan(files: LabeledFiles, request: Request, *, split: str) -> Packing:
    """What is to be packed; raises DatasetError or HandkitError where centres or cubes are not to be had."""
    rule, cube_words = cube_rule(request.cube, request.name)
    center_of, center_words = center_source(request, files)
    camera = files.camera
    settings = Settings(
        dataset=files.name,
        split=split,
        skeleton=files.skeleton.name,
        frames=len(files),
        camera=(camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height),
        centers=center_words,
        cube=cube_words,
        margin=request.margin,
        unit_mm=UNITS_MM.get(files.name, 1.0),
        codec=request.codec,
    )
    return Packing(files, _cubes(center_of, rule), settings)


def cube_rule(text: str, name: str) -> tuple[CubeRule, str]:
    """An edge in mm, or the cubes of a method; raises HandkitError."""
    try:
        edge = float(text)
    except ValueError:
        if name not in CUBES.get(text, {}):
            known = ", ".join(method for method, sets in CUBES.items() if name in sets)
            raise HandkitError(f"--cube {text}: give an edge in mm, or a method that has {name}: {known}") from None
        return CUBES[text][name], text
    if not 10 <= edge <= 2000:
        raise HandkitError(f"--cube {text}: an edge is 10 to 2000 mm", status=2)
    return cube(edge), f"{edge:g} mm"


def center_source(request: Request, files: LabeledFiles) -> tuple[CenterOf, str]:
    """Where the centre of a frame comes from, and words for it; raises DatasetError or HandkitError."""
    if request.centers == "box" and files.joints is None and files.boxes is not None:
        boxes, whole = files.boxes, files.camera
        return (
            lambda index, _record, depth: mass_in_box(depth, whole, boxes[index])
        ), f"mass, in the published bounding box, {BOX_DEPTH_MM:g} mm deep"
    if request.centers in {"gt", "box"}:
        if files.joints is None:
            other = "--centers box" if files.boxes is not None else "--centers com or a centre file"
            raise HandkitError(f"{files.name} publishes no labels for this split; use {other}")
        points = label_centers(files.joints, "mean" if request.centers == "gt" else "box")
        return lambda index, _record, _depth: points[index], f"labels, {request.centers}"
    if request.centers == "com":
        return mass_centers(files)
    path = Path(request.centers)
    if not path.is_file():
        raise HandkitError(f"--centers {path}: there is no such file; give gt, box, com or the path of a centre file")
    centers = read_centers(path, files, form=request.form)
    return (
        lambda index, _record, _depth: centers.points[index] if centers.valid[index] else None
    ), f"refined, {path.name} (CRC-32 {crc32(path.read_bytes()):08x})"


def mass_in_box(
    depth: Float[np.ndarray, "H W"], camera: Camera, box: Float[np.ndarray, "4"]
) -> Float[np.ndarray, "3"] | None:
    """Centre of mass of what is nearest in a box (u, v, width, height), `BOX_DEPTH_MM` deep; camera mm.

    No paper says how HANDS2017's test boxes become centres; a box holds the hand and what is behind it.
    """
    u, v, width, height = (round(float(number)) for number in box)
    inside = np.zeros_like(depth)
    rows, columns = slice(max(v, 0), max(v + height, 0)), slice(max(u, 0), max(u + width, 0))
    inside[rows, columns] = depth[rows, columns]
    readings = inside[inside > 0]
    if not len(readings):
        return None
    near = float(np.percentile(readings, 1))  # a speck of noise before the hand is not the hand
    return center_of_mass(inside, camera, near_mm=0.0, far_mm=near + BOX_DEPTH_MM)


def _cubes(center_of: CenterOf, rule: CubeRule) -> CubeOf:
    def cube_of(index: int, record: Record, depth: Float[np.ndarray, "H W"]) -> Cube:
        center = center_of(index, record, depth)
        if center is None or not np.isfinite(center).all() or center[2] <= 0:
            raise DatasetError("there is nothing to centre a cube on")
        edges = torch.tensor([rule.of(record.subject)])
        return Cube.around(torch.from_numpy(center)[None].float(), edge=edges)

    return cube_of


def _pack_with_bar(packing: Packing, request: Request, console: Console) -> Manifest:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"packing {request.name}", total=packing.settings.frames)
        return pack(
            packing,
            request.out,
            workers=request.workers,
            tell=lambda frames: progress.advance(task, frames),
        )


def summarize(manifest: Manifest, out: Path, console: Console) -> None:
    """What was packed, and every reason for which frames are faulty, with the first of them by name."""
    settings = manifest.settings
    megabytes = sum(shard.total_bytes for shard in manifest.shards) / 1e6
    lines = [
        f"{out}: {settings.frames:,} frames of {settings.dataset} {settings.split}, {megabytes:,.1f} MB",
        f"centres: {settings.centers}; cubes: {settings.cube}, patches {settings.margin:g} times as wide; "
        f"{settings.unit_mm:g} mm a unit; codec {settings.codec}",
    ]
    if manifest.faults:
        lines.append(f"{len(manifest.faults):,} frames are faulty; all are listed in {out / 'store.json'}:")
    lines += [f"  frame {fault.frame}, {fault.source}: {fault.reason}" for fault in manifest.faults[:LISTED]]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _tell_distances(store: PackedFrames, console: Console) -> None:
    """How far the cubes stand from the hands, where there are labels to tell."""
    far = distances_mm(store.rows["center"], store.rows["joints"])
    if len(far):
        console.print(
            f"centers: {np.median(far):.0f} mm from the joints' mean in the median frame, "
            f"{(far > FAR_MM).mean():.1%} of the frames more than {FAR_MM:.0f} mm",
            highlight=False,
        )
