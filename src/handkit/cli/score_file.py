"""`handkit score`: a prediction file against the labels of a published test set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handkit.camera import CameraChoice
from handkit.cli.errors import unwritable
from handkit.datasets.catalog import TEST_SETS, open_split
from handkit.datasets.dataset import LabeledFiles
from handkit.datasets.publication import DatasetName, Intrinsics
from handkit.depth import DepthImage
from handkit.errors import DatasetError, ScoreError
from handkit.evaluation import NOT_STATED, Protocol, Result, compare, score
from handkit.evaluation.columns import Format
from handkit.evaluation.metrics import Errors, Joints, joint_distances
from handkit.evaluation.protocol import protocol_rows
from handkit.evaluation.published import Labels, Missing, make_labels, read_labels, read_predictions
from handkit.reports import write_report
from handkit.reports.hands import DepthOf

PIPED_WIDTH = 120


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options of the command."""

    predictions: Path
    dataset: DatasetName
    labels: tuple[Path, ...]
    form: Format = "auto"
    label_form: Format = "auto"
    compare: tuple[Path, ...] = ()
    split: str = "all"
    parts: tuple[str, ...] = ()
    camera: str | None = None
    missing: Missing = "refuse"
    name: str | None = None
    center: str = NOT_STATED
    cube: str = NOT_STATED
    epoch: str = NOT_STATED
    out: Path | None = None


class Scored(NamedTuple):
    """One file against the labels."""

    result: Result
    joints: Joints
    errors: Errors


def score_file(request: Request) -> int:
    """Print the figures; with `out` also write a report. Raises HandkitError."""
    intrinsics = _intrinsics(request)
    labels, pictures = _labels(request, intrinsics)
    scored = _score(request, request.predictions, labels, intrinsics)
    result = scored.result
    for path in request.compare:
        other = _score(request, path, labels, intrinsics)
        result = compare(result, other.result, errors=scored.errors, other_errors=other.errors)
    console = Console()
    print_result(console if console.is_terminal else Console(width=PIPED_WIDTH), result)
    if request.out:
        depth_of = _depth_of(pictures, labels) if pictures else None
        skeleton = labels.test_set.skeleton
        try:
            page = write_report(
                request.out, result, skeleton, predictions_mm=scored.joints, labels_mm=labels.joints, depth_of=depth_of
            )
        except OSError as error:
            raise unwritable(request.out, error) from None
        console.print(f"report: {page}", highlight=False, markup=False, soft_wrap=True)
    return 0


def _intrinsics(request: Request) -> Intrinsics:
    if request.camera is None:
        return TEST_SETS[request.dataset].intrinsics
    fx, fy, cx, cy, *_ = CameraChoice.parse(request.camera).numbers
    return fx, fy, cx, cy


def _labels(request: Request, intrinsics: Intrinsics) -> tuple[Labels, LabeledFiles | None]:
    """From files, or from the data set as it was unpacked, whose pictures are then at hand too."""
    test_set, lists = TEST_SETS[request.dataset], _lists(request.parts)
    pictures = None
    if len(request.labels) == 1 and request.labels[0].is_dir():
        if request.label_form != "auto":
            raise ScoreError("--label-format is for label files; a folder is read as its data set has them")
        pictures = open_split(request.dataset, request.labels[0], test_set.split)
        if pictures.joints is None:
            raise ScoreError(f"{request.labels[0]} holds no labels of its test frames; give their file as --labels")
        if request.dataset == "icvl" and request.camera:
            raise ScoreError(
                "--camera: ICVL's labels are pixels and from a folder are read by its own camera; give its two "
                "label files as --labels to read them by another one"
            )
        of_labels = test_set.intrinsics if request.dataset == "icvl" else None
        joints = pictures.joints.astype(float)
        labels = make_labels(test_set, joints, pictures.sources, lists, intrinsics=of_labels)
        if not labels.parts:  # an unknown edition: its people are known all the same
            people = np.array(pictures.subjects)
            labels = replace(labels, parts={who: people == who for who in dict.fromkeys(pictures.subjects)})
    else:
        labels = read_labels(request.labels, test_set, intrinsics=intrinsics, asked=request.label_form, lists=lists)
    return labels if request.split == "all" else labels.part(request.split), pictures


def _lists(parts: Sequence[str]) -> dict[str, Path]:
    lists: dict[str, Path] = {}
    for part in parts:
        name, equals, path = part.partition("=")
        if not (name and equals and path):
            raise ScoreError(f"--part {part}: expected NAME=FILE, with the names or row numbers of its frames in FILE")
        lists[name] = Path(path)
    return lists


def _score(request: Request, path: Path, labels: Labels, intrinsics: Intrinsics) -> Scored:
    """`--format`, `--name` and what is said of the protocol are of the first file; the others are read as they fit."""
    first = path == request.predictions
    asked: Format = request.form if first else "auto"
    predictions = read_predictions(path, labels, intrinsics=intrinsics, asked=asked, missing=request.missing)
    protocol = Protocol(
        dataset=labels.test_set.name,
        version=labels.version,
        split=labels.split,
        joints=labels.test_set.skeleton.joints,
        center=request.center if first else NOT_STATED,
        cube=request.cube if first else NOT_STATED,
        epoch=request.epoch if first else NOT_STATED,
        intrinsics=predictions.intrinsics,
        predictions=predictions.words,
    )
    name = (request.name if first else None) or method_name(path)
    result = score(
        estimated=predictions.joints, truth=labels.joints, method=name, protocol=protocol, parts=labels.parts
    )
    errors = joint_distances(estimated=predictions.joints, truth=labels.joints)
    return Scored(result, predictions.joints, errors)


def method_name(path: Path) -> str:
    """A file's name without its endings: `REN-9x6x6` of `nyu/REN-9x6x6.txt.gz`."""
    return path.name.removesuffix(".gz").removesuffix(".txt").removesuffix(".csv")


def _depth_of(pictures: LabeledFiles, labels: Labels) -> DepthOf:
    def depth_of(row: int) -> DepthImage | None:
        try:
            depth = pictures.depth(int(labels.rows[row]))
        except DatasetError:  # a report of labels without their pictures is still a report
            return None
        return DepthImage(depth, pictures.camera)

    return depth_of


def print_result(console: Console, result: Result) -> None:
    """Mean, parts, success, axes, comparisons, and the protocol under which they hold."""
    low, high = result.blocks_mm
    console.print(f"[bold]{escape(result.method)}[/]: mean joint error [bold]{result.mean_error_mm:.3f} mm[/]")
    console.print(
        f"95 % interval {low:.3f} to {high:.3f} mm (frames drawn in blocks; one by one "
        f"{result.frames_mm.low:.3f} to {result.frames_mm.high:.3f})",
        highlight=False,
    )
    if result.left_out:
        console.print(f"{result.left_out} frames have no answer and are in none of these figures", style="yellow")
    axes = ", ".join(f"{axis} {value:.2f}" for axis, value in zip("xyz", result.per_axis_mm, strict=True))
    console.print(f"along {axes} mm; area under curve {result.auc_worst_joint:.3f} (worst joint, 0 to 80 mm)\n")
    console.print(_success_table(result))
    if result.comparisons:
        console.print(_comparison_table(result))
    words = Table(show_header=False, box=None, title="protocol", title_justify="left", title_style="dim")
    for name, text in protocol_rows(result.protocol):
        words.add_row(name, escape(text), style="dim")
    console.print(words)


def _success_table(result: Result) -> Table:
    table = Table(box=None, header_style="dim", title="worst joint within", title_justify="left", title_style="dim")
    table.add_column("")
    for head in ("frames", "mean, mm", *(f"{threshold} mm" for threshold in result.success)):
        table.add_column(head, justify="right")
    rows = [("all", result.frames, result.mean_error_mm, result.success)]
    rows += [(name, part.frames, part.mean_error_mm, part.success) for name, part in result.parts.items()]
    for name, frames, mean, success in rows:
        table.add_row(escape(name), f"{frames:,}", f"{mean:.3f}", *(f"{rate:.1%}" for rate in success.values()))
    for name, success in (("mean joint", result.success_mean_joint), ("each joint", result.success_joint)):
        table.add_row(name, "", "", *(f"{rate:.1%}" for rate in success.values()), style="dim")
    return table


def _comparison_table(result: Result) -> Table:
    table = Table(box=None, header_style="dim", title="frame by frame", title_justify="left", title_style="dim")
    for head in ("against", "its mean, mm", "difference", "95 % interval", "better on"):
        table.add_column(head, justify="left" if head == "against" else "right")
    for other in result.comparisons:
        low, high = other.blocks_mm
        interval = f"{low:+.3f} to {high:+.3f}"
        cells = (
            f"{other.other_mean_error_mm:.3f}",
            f"{other.difference_mm:+.3f}",
            interval,
            f"{other.better_frames:.1%}",
        )
        table.add_row(escape(other.other), *cells)
    return table
