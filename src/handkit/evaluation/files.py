"""Prediction files against the labels of a published test set: from paths to a result with its protocol."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from handkit.camera import CameraChoice
from handkit.datasets.catalog import TEST_SETS, open_split
from handkit.datasets.dataset import LabeledFiles
from handkit.datasets.publication import Intrinsics
from handkit.depth import DepthImage
from handkit.errors import ScoreError
from handkit.evaluation.columns import Format
from handkit.evaluation.metrics import Errors, Joints, joint_distances
from handkit.evaluation.protocol import Protocol, Result
from handkit.evaluation.published import Labels, make_labels, read_labels, read_predictions
from handkit.evaluation.scoring import compare, score
from handkit.options import NOT_STATED, Scoring


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


def score_file(scoring: Scoring) -> ScoredFile:
    """Raises ScoreError, DatasetError or CameraError."""
    intrinsics = _intrinsics(scoring)
    labels, images = _labels(scoring, intrinsics)
    scored = _score(scoring, scoring.predictions, labels, intrinsics)
    result = scored.result
    for path in scoring.compare:
        other = _score(scoring, path, labels, intrinsics)
        result = compare(result, other.result, errors=scored.errors, other_errors=other.errors)
    return ScoredFile(result, scored.joints, labels, images)


def _intrinsics(scoring: Scoring) -> Intrinsics:
    if scoring.camera is None:
        return TEST_SETS[scoring.dataset].intrinsics
    fx, fy, cx, cy, *_ = CameraChoice.parse(scoring.camera).numbers
    return fx, fy, cx, cy


def _labels(scoring: Scoring, intrinsics: Intrinsics) -> tuple[Labels, LabeledFiles | None]:
    """From files, or from the data set as it was unpacked, whose images are then at hand too."""
    test_set, lists = TEST_SETS[scoring.dataset], _lists(scoring.parts)
    images = None
    if len(scoring.labels) == 1 and scoring.labels[0].is_dir():
        if scoring.label_form != "auto":
            raise ScoreError("--label-format is for label files; a folder is read as its data set has them")
        images = open_split(scoring.dataset, scoring.labels[0], test_set.split)
        if images.joints is None:
            raise ScoreError(f"{scoring.labels[0]} holds no labels of its test frames; give their file as --labels")
        if scoring.dataset == "icvl" and scoring.camera:
            raise ScoreError(
                "--camera: ICVL's labels are pixels and from a folder are read by its own camera; give its two "
                "label files as --labels to read them by another one"
            )
        of_labels = test_set.intrinsics if scoring.dataset == "icvl" else None
        joints = images.joints.astype(float)
        labels = make_labels(test_set, joints, images.sources, lists, intrinsics=of_labels)
        if not labels.parts:  # an unknown edition: its people are known all the same
            people = np.array(images.subjects)
            labels = replace(labels, parts={who: people == who for who in dict.fromkeys(images.subjects)})
    else:
        labels = read_labels(scoring.labels, test_set, intrinsics=intrinsics, asked=scoring.label_form, lists=lists)
    return labels if scoring.split == "all" else labels.part(scoring.split), images


def _lists(parts: Sequence[str]) -> dict[str, Path]:
    lists: dict[str, Path] = {}
    for part in parts:
        name, equals, path = part.partition("=")
        if not (name and equals and path):
            raise ScoreError(f"--part {part}: expected NAME=FILE, with the names or row numbers of its frames in FILE")
        lists[name] = Path(path)
    return lists


def _score(scoring: Scoring, path: Path, labels: Labels, intrinsics: Intrinsics) -> Scored:
    """`--format`, `--name` and what is said of the protocol are of the first file; the others are read as they fit."""
    first = path == scoring.predictions
    form: Format = "densereg" if scoring.form == "denseReg" else scoring.form
    asked: Format = form if first else "auto"
    predictions = read_predictions(path, labels, intrinsics=intrinsics, asked=asked, missing=scoring.missing)
    protocol = Protocol(
        dataset=labels.test_set.name,
        version=labels.version,
        split=labels.split,
        joints=labels.test_set.skeleton.joints,
        center=scoring.center if first else NOT_STATED,
        cube=scoring.cube if first else NOT_STATED,
        epoch=scoring.epoch if first else NOT_STATED,
        intrinsics=predictions.intrinsics,
        predictions=predictions.words,
    )
    name = (scoring.name if first else None) or method_name(path)
    result = score(
        estimated=predictions.joints, truth=labels.joints, method=name, protocol=protocol, parts=labels.parts
    )
    errors = joint_distances(estimated=predictions.joints, truth=labels.joints)
    return Scored(result, predictions.joints, errors)


def method_name(path: Path) -> str:
    """A file's name without its endings: `REN-9x6x6` of `nyu/REN-9x6x6.txt.gz`."""
    return path.name.removesuffix(".gz").removesuffix(".txt").removesuffix(".csv")
