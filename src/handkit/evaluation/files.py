"""Prediction files against the labels of a published test set: from paths to a result with its protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from handkit.asked import DatasetName
from handkit.camera import CameraChoice
from handkit.datasets.catalog import TEST_SETS, open_split
from handkit.datasets.dataset import LabeledFiles
from handkit.datasets.publication import Intrinsics, TestSet
from handkit.depth import DepthImage
from handkit.errors import ScoreError, UsageError, shown
from handkit.evaluation.columns import Format
from handkit.evaluation.metrics import Errors, Joints, joint_distances
from handkit.evaluation.protocol import NOT_STATED, Protocol, Result
from handkit.evaluation.published import Labels, Missing, Predictions, make_labels, read_labels, read_predictions
from handkit.evaluation.scoring import compare, score


class Scored(NamedTuple):
    """One file against the labels."""

    result: Result
    joints: Joints
    errors: Errors


class ScoredFile(NamedTuple):
    """The result, and what a report shows beside it."""

    result: Result
    predictions_mm: Joints
    labels: Labels
    images: LabeledFiles | None
    """Where the labels were a data set's folder."""

    @property
    def depth_of(self) -> Callable[[int], DepthImage] | None:
        """A scored frame to its depth image, where there is a folder of them; raises DatasetError or FrameError."""
        images, rows = self.images, self.labels.rows
        if images is None:
            return None
        return lambda row: DepthImage.of(images.depth(int(rows[row])), images.camera)


def score_file(
    predictions: Path,
    *,
    dataset: DatasetName,
    labels: Sequence[Path],
    form: Format | Literal["denseReg"] = "auto",
    label_form: Literal["auto", "uvd", "xyz"] = "auto",
    split: str = "all",
    lists: Mapping[str, Path] | None = None,
    camera: str | None = None,
    missing: Missing = "refuse",
    compared: Sequence[Path] = (),
    method: str | None = None,
    center: str | None = None,
    cube: str | None = None,
    epoch: str | None = None,
) -> ScoredFile:
    """Predictions of a test set, a frame a line, against its label files or the folder that it was unpacked to.

    `form` is that of the predictions, "auto" what keeps the bones of the labels as long as they are. `split` is the
    part that is scored alone: one of the test set's own, or of `lists`, files of frames' names or row numbers.
    `camera`, a name or "fx,fy,cx,cy", replaces that of the published numbers, by which u v d become mm. `compared` are
    other predictions, set against these frame by frame; `method` is the file's name without its endings, if no other
    is given. `center`, `cube` and `epoch` are what is to be said of the first file's protocol, where they are known.

    Raises UsageError, ScoreError, DatasetError.
    """
    if dataset not in TEST_SETS:
        raise UsageError(f"dataset is {shown(dataset)}; it must be {', '.join(TEST_SETS)}")
    test_set, intrinsics = TEST_SETS[dataset], _intrinsics(camera)
    if len(labels) == 1 and labels[0].is_dir():
        if label_form != "auto":
            raise ScoreError("--label-format is for label files; a folder is read as its data set has them")
        truth, images = _labels_of_folder(labels[0], test_set, lists or {}, intrinsics)
    else:
        intrinsics = intrinsics or test_set.intrinsics
        truth = read_labels(labels, test_set, intrinsics=intrinsics, asked=label_form, lists=lists or {})
        images = None
    truth = truth if split == "all" else truth.part(split)
    read = partial(read_predictions, labels=truth, intrinsics=intrinsics or test_set.intrinsics, missing=missing)
    given = read(predictions, asked="densereg" if form == "denseReg" else form)
    said = {"center": center or NOT_STATED, "cube": cube or NOT_STATED, "epoch": epoch or NOT_STATED}
    scored = _score(given, truth, method or method_name(predictions), **said)
    result = scored.result
    for path in compared:
        other = _score(read(path, asked="auto"), truth, method_name(path))
        result = compare(result, other.result, errors=scored.errors, other_errors=other.errors)
    return ScoredFile(result, scored.joints, truth, images)


def read_lists(texts: Sequence[str]) -> dict[str, Path]:
    """Further parts of the frames for `score_file(lists=...)`, each text `NAME=FILE`; raises ScoreError.

    >>> read_lists(["fast=fast.txt"])["fast"].name
    'fast.txt'
    """
    lists: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ScoreError(f"--part {text}: expected NAME=FILE, with the names or row numbers of its frames in FILE")
        lists[name] = Path(path)
    return lists


def _intrinsics(camera: str | None) -> Intrinsics | None:
    """fx, fy, cx, cy of a camera's text; raises UsageError."""
    if not camera:
        return None
    fx, fy, cx, cy, *_ = CameraChoice.parse(camera).numbers
    return fx, fy, cx, cy


def _labels_of_folder(
    folder: Path, test_set: TestSet, lists: Mapping[str, Path], intrinsics: Intrinsics | None
) -> tuple[Labels, LabeledFiles]:
    """From the data set as it was unpacked, whose images are then at hand too."""
    images = open_split(test_set.name, folder, test_set.split)
    if images.joints is None:
        raise ScoreError(f"{folder} holds no labels of its test frames; give their file as --labels")
    if test_set.name == "icvl" and intrinsics:
        raise ScoreError(
            "--camera: ICVL's labels are pixels and from a folder are read by its own camera; give its two label files "
            "as --labels to read them by another one"
        )
    of_labels = test_set.intrinsics if test_set.name == "icvl" else None
    labels = make_labels(test_set, images.joints.astype(float), images.sources, lists, intrinsics=of_labels)
    if not labels.parts:  # an unknown edition: its people are known all the same
        people = np.array(images.subjects)
        labels = replace(labels, parts={who: people == who for who in dict.fromkeys(images.subjects)})
    return labels, images


def _score(predictions: Predictions, labels: Labels, method: str, **said: str) -> Scored:
    protocol = Protocol(
        dataset=labels.test_set.name,
        version=labels.version,
        split=labels.split,
        joints=labels.test_set.skeleton.joints,
        intrinsics=predictions.intrinsics,
        predictions=predictions.words,
        **said,
    )
    joints = predictions.joints
    result = score(estimated=joints, truth=labels.joints, method=method, protocol=protocol, parts=labels.parts)
    return Scored(result, joints, joint_distances(estimated=joints, truth=labels.joints))


def method_name(path: Path) -> str:
    """A file's name without its endings: `REN-9x6x6` of `nyu/REN-9x6x6.txt.gz`."""
    return path.name.removesuffix(".gz").removesuffix(".txt").removesuffix(".csv")
