"""`handkit train NETWORK --data STORE`: a network on a packed data set, and leave-one-subject-out folds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from handkit.cli.experiment import adapted, bundled_localizer
from handkit.cli.progress import LEARN_FROM_POSES, Training, begin, budget_of, changed, learn
from handkit.cli.store_evaluation import answers_of, protocol_of, report
from handkit.cli.variants import check_network, read_variant
from handkit.errors import HandkitError, StoreError
from handkit.evaluation.metrics import joint_distances
from handkit.models import PARTS, HandPoseModel
from handkit.recipes import PUBLISHED, Recipe, synthetic_recipe
from handkit.store.store import PackedFrames
from handkit.training.loop import Run
from handkit.training.stored import (
    Finder,
    StoredFrames,
    TestCenter,
    center_kind,
    check_center,
    check_reach,
    of_subject,
    predict,
    rows_to_learn,
)

MEASURED = 1024
"""Frames of the subject that is left out on which a fold is measured while it trains."""


def train_on_store(asked: Training) -> int:
    """Answers 0 when the budget is spent; raises HandkitError where options or store make no run."""
    store = PackedFrames.open(Path(asked.data))
    recipe = recipe_for(asked, store)
    check_reach(store, recipe)
    _tell_of_centers(asked, store)
    if asked.fold == "all":
        return _train_folds(asked, store, recipe)
    weights = _train(asked, store, recipe)
    if asked.fold:
        _report_fold(weights, store, recipe, asked.fold)
    return 0


def recipe_for(asked: Training, store: PackedFrames) -> Recipe:
    """The published experiment on this data set, else our own recipe; centred where the store's cubes are."""
    network, data = check_network(asked.network, parts=True), store.manifest.settings.dataset
    if network in LEARN_FROM_POSES:
        raise HandkitError(f"{network} is learned from synthetic frames; leave --data out", status=2)
    base = PUBLISHED.get((network, data)) or replace(synthetic_recipe(network), data=data, negatives=0.0)
    recipe = adapted(base, read_variant(network, asked.variant), resolution=asked.resolution)
    recipe = replace(changed(recipe.continued() if asked.init else recipe, asked), center=center_kind(store))
    if asked.localize != "both":
        return recipe
    if network in PARTS:
        raise HandkitError(f"--localize both is for pose networks, {network} is none", status=2)
    check_center(store, "located", testing=np.arange(len(store)))
    return replace(recipe, center="located")


def _tell_of_centers(asked: Training, store: PackedFrames) -> None:
    """Say where this run's cubes stand, if the published experiment has them elsewhere."""
    settings = store.manifest.settings
    published = PUBLISHED.get((asked.network, settings.dataset))
    if published and asked.localize != "both" and published.center != center_kind(store):
        Console(stderr=True).print(
            f"the published experiment has {published.center} centres, this store those of: {settings.centers}",
            highlight=False,
        )


def _train(asked: Training, store: PackedFrames, recipe: Recipe) -> Path:
    """One run; answers the path of its weights."""
    rows = rows_to_learn(store, without=asked.fold)
    budget = budget_of(asked, samples=len(rows) * recipe.epochs if recipe.epochs else None)
    run = begin(asked, recipe, store.skeleton)
    frames = StoredFrames(store, recipe, rows, asked.seed, recipe.batch)
    title = f"{asked.network} without {asked.fold}" if asked.fold else asked.network
    measure = _measure(run, store, asked.fold) if asked.fold else None
    return learn(run, frames, budget, asked, title=title, measure=measure)


def _measure(run: Run, store: PackedFrames, fold: str) -> Callable[[HandPoseModel], float] | None:
    """Mean error on some frames of the subject that is left out; no weights are chosen by it."""
    if run.recipe.network in PARTS:
        return None
    mine = np.flatnonzero(of_subject(store, fold) & np.isfinite(store.rows["joints"]).all(axis=(1, 2)))
    rows = mine[:: max(1, len(mine) // MEASURED)]
    center = _test_center(run.recipe)
    finder = Finder(*bundled_localizer()) if center == "located" else None
    if finder:
        finder.localizer.to(run.fabric.device)

    def measure(model: HandPoseModel) -> float:
        answers = predict(model, store, run.recipe, rows=rows, center=center, finder=finder, device=run.fabric.device)
        truth = store.rows["joints"][rows]
        return float(np.nanmean(joint_distances(estimated=answers[rows], truth=truth)))

    return measure


def _test_center(recipe: Recipe) -> TestCenter:
    return "located" if recipe.center == "located" else "packed"


def _report_fold(weights: Path, store: PackedFrames, recipe: Recipe, fold: str) -> None:
    """Predictions and report of the subject that was left out, beside the weights."""
    if recipe.network in PARTS:
        return
    mask, center = of_subject(store, fold), _test_center(recipe)
    answers = answers_of(weights, store, mask, center=center)
    protocol = protocol_of(weights, store, center, mask=mask, fold=fold)
    report(store, answers, protocol, method=recipe.network, mask=mask, out=weights.parent / "report")


def _train_folds(asked: Training, store: PackedFrames, recipe: Recipe) -> int:
    """Every subject left out in turn, then one score of all answers; --resume skips what is done."""
    subjects = [name.decode() for name in np.unique(store.rows["subject"])]
    if len(subjects) < 2:
        raise StoreError(f"{store.path} has frames of {subjects[0]} only; folds need several subjects")
    answers = np.full((len(store), len(store.skeleton), 3), np.nan, np.float32)
    weights = asked.out
    for fold in subjects:
        folder, mask = asked.out / fold, of_subject(store, fold)
        done = folder / "report/predictions.npy"
        weights = folder / "weights.safetensors"
        if not (asked.resume and done.exists()):
            resume = asked.resume and (folder / "state.ckpt").exists()
            weights = _train(replace(asked, fold=fold, out=folder, resume=resume), store, recipe)
            _report_fold(weights, store, recipe, fold)
        if recipe.network not in PARTS:
            answers[mask] = np.load(done)
    if recipe.network not in PARTS:
        everyone = np.ones(len(store), bool)
        protocol = protocol_of(weights, store, _test_center(recipe), mask=everyone, fold=None)
        pooled = replace(protocol, split=f"each of {len(subjects)} subjects left out in turn; all answers together")
        Console().rule("all folds")
        report(store, answers, pooled, method=recipe.network, mask=everyone, out=asked.out / "report")
    return 0
