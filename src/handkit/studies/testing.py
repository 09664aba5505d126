"""Errors of a trial's weights on the frames that all rows are measured on, and of the mean pose on the same frames.

The mean pose is what a network answers that has learned nothing from its pixels: a constant in its cubes.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32

from handkit.evaluation.metrics import joint_distances
from handkit.geometry.frame import LabeledFrame
from handkit.graph import LocalizerGraph, load_localizer
from handkit.models.checkpoint import load, read_info
from handkit.recipes import CenterSource
from handkit.store.store import PackedFrames
from handkit.studies.conditions import Conditions
from handkit.training.adapt import recipe_of
from handkit.training.answers import answers_of, subjects_of
from handkit.training.crops import crop_errors
from handkit.training.experiment import Experiment, validation_frames
from handkit.training.seen import chosen_on
from handkit.training.stored import TEST_BATCH, of_subject
from handkit.training.targets import relocate

Errors = Float[np.ndarray, "N J"]
"""Of joints, mm; NaN where there is no label or no answer."""


class Tested(NamedTuple):
    """The errors of weights, and those of the mean pose."""

    errors: Errors
    mean_pose: Errors


def on_rendered(conditions: Conditions, experiment: Experiment, weights: Path) -> Tested:
    """On synthetic frames that no training sees, the same for every row."""
    full = recipe_of(experiment.recipe.network, {}, resolution=conditions.resolution)
    augment = experiment.recipe.augment if experiment.recipe.center is not CenterSource.MEAN else full.augment
    recipe = replace(experiment.recipe, augment=replace(augment, scale=full.augment.scale))
    size = min(32, conditions.crops)
    frames = validation_frames(replace(experiment, recipe=recipe), batches=-(-conditions.crops // size), size=size)
    return Tested(crop_errors(load(weights), frames), mean_of_others(frames))


def on_store(conditions: Conditions, experiment: Experiment, weights: Path) -> Tested:
    """On the frames of the test store."""
    test, finder = _test_of(conditions), _finder_of(experiment)
    constant = _centers(test, finder)[:, None] + _mean_pose(experiment)
    constant[~test.rows["valid"]] = np.nan
    return Tested(_errors_of(test, finder, weights), joint_distances(estimated=constant, truth=test.rows["joints"]))


def best_on_store(conditions: Conditions, experiment: Experiment, weights: Path) -> float | None:
    """Mean joint error, mm, on the test frames, of weights that did best on them; None where these did so on others, or
    it is not finite."""
    if conditions.test is None or not weights.exists() or not chosen_on(read_info(weights), _test_of(conditions)):
        return None
    errors = _errors_of(_test_of(conditions), _finder_of(experiment), weights)
    return round(float(np.nanmean(errors)), 4) if np.isfinite(errors).any() else None


def _errors_of(test: PackedFrames, finder: LocalizerGraph | None, weights: Path) -> Errors:
    answers = answers_of(weights, test, np.ones(len(test), bool), finder=finder)
    return joint_distances(estimated=answers, truth=test.rows["joints"])


def _finder_of(experiment: Experiment) -> LocalizerGraph | None:
    """Who moves the cubes of the test."""
    return load_localizer(experiment.localizer) if experiment.refined_at_test else None


def on_folds(conditions: Conditions, experiment: Experiment, trained: Path) -> Tested:
    """Of every subject's frames by the weights that have not seen it, which lie in the folder `trained`."""
    test = _test_of(conditions)
    answers = np.load(trained / "report/predictions.npy")
    constant = np.full_like(answers, np.nan)
    for subject in subjects_of(test):
        mine = of_subject(test, subject) & test.rows["valid"]
        constant[mine] = test.rows["center"][mine][:, None] + _mean_pose(replace(experiment, without=subject))
    return Tested(*(joint_distances(estimated=each, truth=test.rows["joints"]) for each in (answers, constant)))


@torch.inference_mode()
def mean_of_others(frames: Sequence[LabeledFrame]) -> Errors:
    """Of rendered frames, which are drawn as those of a training are: each answered by the mean pose of the others.

    Poses are those in the axes of their cubes, as a network answers them.
    """
    poses = [frame.cube.normalize(frame.joints) for frame in frames]
    total, count = torch.cat(poses).sum(0), sum(map(len, poses))
    errors = [
        (frame.cube.denormalize((total - pose) / max(count - 1, 1)) - frame.joints).norm(dim=-1)
        for frame, pose in zip(frames, poses, strict=True)
    ]
    return torch.cat(errors).double().cpu().numpy()


def _mean_pose(experiment: Experiment) -> Float32[np.ndarray, "J 3"]:
    """Of the labels that are learned, from their cubes' centers; a localizer has these at the mean of the joints."""
    assert experiment.store is not None
    rows = experiment.store.rows[experiment.learned()]
    located = experiment.recipe.center is CenterSource.LOCALIZER
    centers = rows["joints"].mean(axis=1) if located else rows["center"]
    return (rows["joints"] - centers[:, None]).mean(axis=0, dtype=np.float64).astype(np.float32)


@torch.inference_mode()
def _centers(store: PackedFrames, finder: LocalizerGraph | None) -> Float32[np.ndarray, "N 3"]:
    """Of the cubes of all frames, as they are packed or where the finder has them."""
    centers = store.rows["center"].copy()
    if finder is None:
        return centers
    rows = np.flatnonzero(store.rows["valid"])
    for chosen in np.array_split(rows, max(1, -(-len(rows) // TEST_BATCH))):
        device = next(finder.localizer.parameters()).device
        frame = relocate(store.batch(chosen).to(device), finder.localizer, edge_mm=finder.edge_mm)
        centers[chosen] = frame.cube.center.cpu().numpy()
    return centers


def _test_of(conditions: Conditions) -> PackedFrames:
    assert conditions.test is not None
    return PackedFrames.open(conditions.test)
