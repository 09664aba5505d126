"""Where the cube of a frame goes: from the labels, from the depth alone, or from a published file.

The papers' rules stand in docs/reference.md, 1.7 and 2.2. Every center is in canonical camera mm. Published files count
y up or down, in mm or in pixels; whichever way is taken, the result is held against the labels, since a wrong sign
alone puts NYU's hands 134 mm away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32, Float64

from handkit.camera import Camera
from handkit.datasets import nyu
from handkit.datasets.dataset import HandDataset, LabeledFiles, Record
from handkit.datasets.msra import EDITIONS, SUBJECTS
from handkit.datasets.tables import readable
from handkit.errors import DatasetError
from handkit.files.number_tables import Tolerances, read_numbers

Form = Literal["auto", "xyz-y-up", "xyz", "uvd"]
FORMS: tuple[Form, ...] = ("xyz-y-up", "xyz", "uvd")
"""V2V's files are `xyz-y-up`; their projections and those of REN and Pose-REN are `uvd`."""

INVALID = Tolerances(missing=frozenset({"invalid"}), loose=True)
"""Published files say `invalid` where no center was found."""

FAR_MM = 100.0
"""No published center is as far from the joints' mean as this, but one of another frame, version or sign is."""
DOUBTFUL_MM = 50.0
"""Published centers are 13 to 41 mm from the joints' mean; beyond this, a form that halves the distance is right."""
MOST_FAR = 0.05
"""Share of rows that may be farther than that."""
OTHER_CENTERS = (
    "give a center file of those that were published (docs/reference.md, 1.7), or --centers mean, which is no test "
    "protocol"
)
"""What to do where centers of mass are none."""
NO_CENTER = "there is nothing to center a cube on"
"""Why a frame has no cube."""

DEPTH_WINDOWS = {"icvl": (0.0, 500.0), "nyu": (500.0, 1300.0), "msra": (10.0, 1000.0), "own": (0.0, 1600.0)}
"""mm within which a pixel counts for Pose-REN's center of mass (docs/reference.md, 2.2); for NYU on the synthetic depth
alone: in the sensor's own image the same window takes in the body (docs/reference.md, 7). Own frames: as far as we find
hands."""
NEAREST_COUNTS = frozenset({"nyu", "own"})
"""In whose images the nearest object counts alone."""

NEAREST = 200
"""Pixels that the nearest object has at least: a speck of noise before the hand is not the hand."""
NEAREST_MM = 50.0
"""Depth of the layer behind the nearest point where the search for the hand begins."""
HAND_MM = 200.0
"""Edge of the cube whose content is averaged; on NYU's first test frame the center then is 30 mm from the joints' mean,
with 300 mm, which takes in the forearm, 49 mm."""
MOST_STEPS = 20

SAMPLED = 64
"""Frames whose computed centers are held against their labels before anything is packed."""

CenterOf = Callable[[int, Record, Float32[np.ndarray, "H W"]], Float32[np.ndarray, "3"] | None]
"""The center of a frame in camera mm, from its number, labels and image; None where there is none."""


@dataclass(frozen=True)
class Centers:
    """Row i belongs to frame i."""

    points: Float32[np.ndarray, "N 3"]
    """Camera mm; 0 where there is none."""
    valid: Bool[np.ndarray, " N"]
    """False in rows that the file calls invalid; they stay, for the rows behind them (docs/reference.md, 5: 12)."""


def label_centers(
    joints: Float32[np.ndarray, "N J 3"], rule: Literal["mean", "box"] | int
) -> Float32[np.ndarray, "N 3"]:
    """Mean of the joints, middle of their bounding box, or the joint of that index. Labels: no test protocol.

    >>> label_centers(np.array([[[0, 0, 0], [2, 0, 0], [7, 3, 3]]], np.float32), "box").tolist()
    [[3.5, 1.5, 1.5]]
    """
    if rule == "mean":
        return joints.mean(axis=1)
    if rule == "box":
        return (joints.min(axis=1) + joints.max(axis=1)) / 2
    return joints[:, rule]


def center_of_mass(
    depth: Float32[np.ndarray, "H W"], camera: Camera, *, near_mm: float, far_mm: float
) -> Float32[np.ndarray, "3"] | None:
    """Mean u, v and z of the depth values with near < z <= far, as one point in camera mm; None where there is none."""
    v, u = np.nonzero((depth > max(near_mm, 0)) & (depth <= far_mm))
    if not len(v):
        return None
    return _mass(np.stack([u, v], axis=1).astype(np.float32), depth[v, u], camera)


def nearest_center(
    depth: Float32[np.ndarray, "H W"], camera: Camera, *, far_mm: float
) -> Float32[np.ndarray, "3"] | None:
    """Center of mass of what is nearest to the camera, in camera mm; None where nothing is within `far_mm`.

    From the mass of the first `NEAREST_MM`, by mean shift to where a cube of `HAND_MM` holds what it is centered on: of
    an arm that points at the camera only the hand counts.
    """
    v, u = np.nonzero((depth > 0) & (depth <= far_mm))
    if len(v) < NEAREST:
        return None
    pixels, z = np.stack([u, v], axis=1).astype(np.float32), depth[v, u]
    points = camera.unproject(pixels, z)
    inside = z <= np.partition(z, NEAREST - 1)[NEAREST - 1] + NEAREST_MM
    center = _mass(pixels[inside], z[inside], camera)
    for _ in range(MOST_STEPS):
        inside = (np.abs(points - center) <= HAND_MM / 2).all(axis=1)
        if not inside.any():
            break
        center = _mass(pixels[inside], z[inside], camera)
    return center


def _mass(
    pixels: Float32[np.ndarray, "K 2"], depth: Float32[np.ndarray, " K"], camera: Camera
) -> Float32[np.ndarray, "3"]:
    """Mean pixel and mean depth as one point in camera mm."""
    return camera.unproject(pixels.mean(axis=0), np.array(depth.mean(dtype=np.float64), np.float32))


def mass_centers(files: LabeledFiles) -> tuple[str, CenterOf]:
    """Centers of mass after the data set's own convention: of what, and the rule.

    NYU's are those of `synthdepth_*`, where the hand is alone, if these images lie beside the others, else of the
    nearest object, as those of own frames. Raises DatasetError where no depth range is published, or the centers miss
    the labels.
    """
    if files.name not in DEPTH_WINDOWS:
        raise DatasetError(f"no depth range is published for centers of mass in {files.name}; give a center file")
    near, far = DEPTH_WINDOWS[files.name]
    camera, rendered = files.camera, nyu.rendered(files) if files.name == "nyu" else None

    def of_rendered(index: int, _record: Record, depth: Float32[np.ndarray, "H W"]) -> Float32[np.ndarray, "3"] | None:
        return center_of_mass(rendered.depth(index) if rendered else depth, camera, near_mm=near, far_mm=far)

    def of_nearest(_index: int, _record: Record, depth: Float32[np.ndarray, "H W"]) -> Float32[np.ndarray, "3"] | None:
        return nearest_center(depth, camera, far_mm=far)

    if rendered or files.name not in NEAREST_COUNTS:
        words, center_of = f"{near:g} to {far:g} mm{' of synthdepth' if rendered else ''}", of_rendered
    else:
        words, center_of = f"of the nearest object within {far:g} mm", of_nearest
    check_computed(files, center_of, words)
    return words, center_of


def check_computed(files: LabeledFiles, center_of: CenterOf, words: str) -> None:
    """Hold the centers of some frames against their labels, as those of files are.

    Raises DatasetError where the median, or more than `MOST_FAR` of them, is farther than `FAR_MM`, or where no frame
    has any. That some have none is no error: their hands may be beyond the published window.
    """
    distances = _some_distances(files, center_of)
    far = distances[np.isfinite(distances)]
    if not len(distances):
        return
    if not len(far):
        raise DatasetError(
            f"none of {len(distances)} frames has a center of mass, {words}: are these the images of the labels? "
            f"If so, {OTHER_CENTERS}"
        )
    if np.median(far) > FAR_MM:
        raise DatasetError(
            f"centers of mass, {words}, are {np.median(far):.0f} mm from the joints' mean in the median of "
            f"{len(far)} frames, where 13 to 41 mm are expected and {FAR_MM:.0f} at most: are these the images "
            f"of the labels? If so, {OTHER_CENTERS}"
        )
    if (far > FAR_MM).mean() > MOST_FAR:
        raise DatasetError(
            f"centers of mass, {words}: {(far > FAR_MM).sum()} of {len(far)} are more than {FAR_MM:.0f} mm from the "
            f"joints of their frames, {MOST_FAR:.0%} at most may be; something else is in these images: {OTHER_CENTERS}"
        )


def _some_distances(files: LabeledFiles, center_of: CenterOf) -> Float64[np.ndarray, " K"]:
    """mm from the joints' mean, in some labeled frames; NaN where there is no center."""
    distances: list[float] = []
    for index in range(0, len(files), max(1, len(files) // SAMPLED)):
        record = files.record(index)
        if record.joints is None:
            continue
        try:
            center = center_of(index, record, files.depth(index))
        except DatasetError:  # a damaged image is reported when it is packed
            continue
        away = np.nan if center is None else np.linalg.norm(center - record.joints.mean(axis=0))
        distances.append(float(away))
    return np.array(distances, np.float64)


def distances_mm(points: Float32[np.ndarray, "N 3"], joints: Float32[np.ndarray, "N J 3"]) -> Float32[np.ndarray, " K"]:
    """Of centers from the joints' mean, where both are known (docs/reference.md, 1.7: 13 to 41 mm in the mean)."""
    far = np.linalg.norm(points - joints.mean(axis=1), axis=1)
    return far[np.isfinite(far)]


def read_centers(path: Path, frames: HandDataset, *, form: Form = "auto") -> Centers:
    """A published file with three numbers or the word `invalid` a line, one line for every frame of `frames`.

    `auto` takes the form that comes nearest to the labels. Raises DatasetError where the file is damaged, has another
    number of rows, lies more than `FAR_MM` off the labels, or fits them far better in another form than in `form`;
    without labels only the first two can be seen, and `auto` is refused.
    """
    numbers, valid = _read(path)
    if len(numbers) != len(frames):
        raise DatasetError(_other_count(path, len(numbers), frames))
    labels = [frames.record(i).joints for i in range(len(frames))]
    known = valid & np.array([joints is not None for joints in labels])
    if form == "auto" and not known.any():
        raise DatasetError(
            f"{path}: without labels the form of a center file cannot be known; name it: {', '.join(FORMS)}"
        )
    truth = np.array(
        [joints.mean(axis=0) for joints, use in zip(labels, known, strict=True) if use and joints is not None]
    )
    forms: dict[Form, Float32[np.ndarray, "N 3"]] = {name: _canonical(numbers, name, frames.camera) for name in FORMS}
    if not known.any():
        return _masked(forms[form], valid)
    far: dict[Form, Float32[np.ndarray, " K"]] = {
        name: np.linalg.norm(points[known] - truth, axis=1) for name, points in forms.items()
    }
    chosen = min(FORMS, key=lambda name: float(np.median(far[name]))) if form == "auto" else form
    _check_distance(path, far, chosen)
    return _masked(forms[chosen], valid)


def _read(path: Path) -> tuple[Float32[np.ndarray, "N 3"], Bool[np.ndarray, " N"]]:
    """Numbers as they are in the file, 0 0 1 in invalid rows."""
    expected = "three numbers or the word invalid: download the file again"
    with readable(path):
        table = read_numbers(path, columns=(3,), expected=expected, error=DatasetError, tolerances=INVALID)
    valid = np.ones(len(table.lines), bool)
    valid[table.missing()] = False
    if not valid.any():
        raise DatasetError(f"{path} holds no center; expected three numbers or the word invalid in every line")
    return np.where(valid[:, None], table.values, (0.0, 0.0, 1.0)).astype(np.float32), valid


def _canonical(numbers: Float32[np.ndarray, "N 3"], form: Form, camera: Camera) -> Float32[np.ndarray, "N 3"]:
    if form == "uvd":
        return camera.unproject(numbers[:, :2], numbers[:, 2])
    return numbers * np.array([1.0, -1.0 if form == "xyz-y-up" else 1.0, 1.0], np.float32)


def _masked(points: Float32[np.ndarray, "N 3"], valid: Bool[np.ndarray, " N"]) -> Centers:
    return Centers(np.where(valid[:, None], points, np.float32(0)), valid)


def _other_count(path: Path, rows: int, frames: HandDataset) -> str:
    sentence = f"{path} has {rows:,} rows, the frames are {len(frames):,}"
    people = {frames.record(i).subject for i in range(len(frames))} if frames.name == "msra" else set[str]()
    for name, counts in EDITIONS.items():
        if people and rows == sum(counts[SUBJECTS.index(subject)] for subject in people):
            return f"{sentence}: it is of the {name} edition of MSRA15; use that edition's images or other centers"
    return f"{sentence}; give the file of this very split and version"


def _check_distance(path: Path, far: dict[Form, Float32[np.ndarray, " K"]], form: Form) -> None:
    """`far`: mm of every center from its joints' mean, for each form in which the file may be read."""
    medians = {name: float(np.median(distances)) for name, distances in far.items()}
    nearest = min(medians, key=medians.__getitem__)
    seen = f"{path}, read as {form}, is {medians[form]:.0f} mm from the joints' mean in the median frame"
    if medians[form] > DOUBTFUL_MM and medians[nearest] < medians[form] / 2 and medians[nearest] <= FAR_MM:
        raise DatasetError(f"{seen}, read as {nearest} only {medians[nearest]:.0f}: give that form")
    if medians[form] > FAR_MM:
        raise DatasetError(
            f"{seen}, and in no other form nearer than {FAR_MM:.0f}: give the centers of this very split"
        )
    share = float((far[form] > FAR_MM).mean())
    if share > MOST_FAR:
        raise DatasetError(
            f"{path}: {share:.0%} of its centers are more than {FAR_MM:.0f} mm from the joints of their frames; "
            "it is of another version or order of the data set"
        )
