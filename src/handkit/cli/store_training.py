"""`handkit train NETWORK --data STORE`: a network on a packed data set, and leave-one-subject-out folds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from handkit.cli.experiment import adapted, read_localizer
from handkit.cli.progress import LEARN_FROM_POSES, Training, begin, budget_of, changed, learn
from handkit.cli.store_evaluation import answers_of, protocol_of, report
from handkit.cli.variants import check_network, read_variant
from handkit.errors import HandkitError, StoreError
from handkit.evaluation.metrics import joint_distances
from handkit.models import PARTS, HandPoseModel
from handkit.recipes import PUBLISHED, Recipe, synthetic_recipe
from handkit.store.store import PackedFrames
from handkit.training.loop import Run
from handkit.training.seen import learned_from, overlap, refuse_test_split
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
    refuse_test_split(store, allowed=asked.allow_test)
    recipe = recipe_for(asked, store)
    check_reach(store, recipe)
    _check_test(asked, store)
    _tell_of_centers(asked, store)
    if asked.fold == "all":
        return _train_folds(asked, store, recipe)
    weights = _train(asked, store, recipe)
    if asked.fold:
        _report_fold(weights, store, asked)
    if asked.test and recipe.network not in PARTS:
        _report_test(weights, asked)
    return 0


def _check_test(asked: Training, store: PackedFrames) -> None:
    """Raise HandkitError where `--test` names frames that are no test of this training."""
    if not asked.test:
        return
    if asked.fold:
        raise HandkitError(f"--fold {asked.fold} is the test of its training; leave --test out", status=2)
    test = PackedFrames.open(Path(asked.test))
    if test.skeleton != store.skeleton:
        raise StoreError(
            f"{test.path} has the joints of {test.skeleton.name}, {store.path} those of {store.skeleton.name}; test on "
            "the same data set"
        )
    check_center(test, _test_center(asked), testing=np.arange(len(test)))
    learned = learned_from(store, rows_to_learn(store))
    if seen := overlap([learned], test, np.ones(len(test), bool)):
        raise StoreError(f"--test {test.path} holds frames of {', '.join(seen)}, on whom this run is trained")


def recipe_for(asked: Training, store: PackedFrames) -> Recipe:
    """The published experiment on this data set, else our own recipe; centred where the store's cubes are."""
    network, data = check_network(asked.network, parts=True), store.manifest.settings.dataset
    if network in LEARN_FROM_POSES:
        raise HandkitError(f"{network} is learned from synthetic frames; leave --data out", status=2)
    base = PUBLISHED.get((network, data)) or replace(synthetic_recipe(network), data=data, negatives=0.0)
    recipe = adapted(base, read_variant(network, asked.variant), resolution=asked.resolution)
    recipe = replace(changed(recipe.continued() if asked.init else recipe, asked), center=center_kind(store))
    if asked.localize in {None, "none"}:
        return recipe
    if network in PARTS:
        raise HandkitError(f"--localize {asked.localize} is for pose networks, {network} is none", status=2)
    if asked.localize == "test":
        if not (asked.fold or asked.test):
            raise HandkitError("--localize test moves the cubes of a test; give --fold or --test STORE too", status=2)
        return recipe
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
    measure = _measure(run, store, asked)
    return learn(run, frames, budget, asked, title=title, measure=measure, learned=learned_from(store, rows))


def _measure(run: Run, store: PackedFrames, asked: Training) -> Callable[[HandPoseModel], float] | None:
    """Mean error on some frames of the subject that is left out, or of the test store."""
    if run.recipe.network in PARTS or not (asked.fold or asked.test):
        return None
    store = PackedFrames.open(Path(asked.test)) if asked.test else store
    mask = of_subject(store, asked.fold) if asked.fold else store.rows["valid"]
    mine = np.flatnonzero(mask & np.isfinite(store.rows["joints"]).all(axis=(1, 2)))
    rows = mine[:: max(1, len(mine) // MEASURED)]
    center = _test_center(asked)
    finder = Finder(*read_localizer(asked.localizer)) if center == "located" else None
    if finder:
        finder.localizer.to(run.fabric.device)

    def measure(model: HandPoseModel) -> float:
        answers = predict(model, store, run.recipe, rows=rows, center=center, finder=finder, device=run.fabric.device)
        truth = store.rows["joints"][rows]
        return float(np.nanmean(joint_distances(estimated=answers[rows], truth=truth)))

    return measure


def _test_center(asked: Training) -> TestCenter:
    return "located" if asked.localize in {"test", "both"} else "packed"


def _report_fold(weights: Path, store: PackedFrames, asked: Training) -> None:
    """Predictions and report of the subject that was left out, beside the weights."""
    if asked.network in PARTS or not asked.fold:
        return
    mask, center = of_subject(store, asked.fold), _test_center(asked)
    answers = answers_of(weights, store, mask, center=center, localizer=asked.localizer)
    protocol = protocol_of(weights, store, center, mask=mask, fold=asked.fold)
    report(store, answers, protocol, method=asked.network, mask=mask, out=weights.parent / "report")


def _report_test(weights: Path, asked: Training) -> None:
    """Predictions and reports of the test store, of the last weights and of those that did best on it."""
    store, center = PackedFrames.open(Path(asked.test or "")), _test_center(asked)
    mask = np.ones(len(store), bool)
    for path, epoch, folder in (
        (weights, "last", "report"),
        (weights.with_name("best.safetensors"), "best on these very frames", "report-best"),
    ):
        Console().rule(f"weights: {epoch}")
        answers = answers_of(path, store, mask, center=center, localizer=asked.localizer)
        protocol = protocol_of(path, store, center, mask=mask, fold=None)
        protocol = protocol if path == weights else replace(protocol, epoch=f"the {epoch}")
        report(store, answers, protocol, method=asked.network, mask=mask, out=weights.parent / folder)


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
            _report_fold(weights, store, replace(asked, fold=fold))
        if recipe.network not in PARTS:
            answers[mask] = np.load(done)
    if recipe.network not in PARTS:
        everyone = np.ones(len(store), bool)
        protocol = protocol_of(weights, store, _test_center(asked), mask=everyone, fold=None)
        pooled = replace(protocol, split=f"each of {len(subjects)} subjects left out in turn; all answers together")
        Console().rule("all folds")
        report(store, answers, pooled, method=recipe.network, mask=everyone, out=asked.out / "report")
    return 0
