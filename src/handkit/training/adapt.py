"""An experiment from what is asked for: the recipe for these frames, with other arguments, crops, centers or pace.

experiment = make_experiment("srn", store=PackedFrames.open(Path("stores/nyu-train")), refinement="train+test")
fitted = fit(experiment, experiment.budget(), out=Path("runs/srn"))
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from handkit.asked import Refinement
from handkit.errors import UsageError
from handkit.hub import find_weights
from handkit.models import PARTS
from handkit.models.arguments import check_network, options
from handkit.models.checkpoint import load
from handkit.recipes import (
    CROSSINFONET_AS_PRINTED,
    LOCALIZER_SYNTHETIC,
    PUBLISHED,
    CenterSource,
    Recipe,
    synthetic_recipe,
)
from handkit.recipes.augment import Augment
from handkit.recipes.recipe import Precision
from handkit.store.store import PackedFrames
from handkit.training.experiment import LOCALIZER, POSE, Experiment
from handkit.training.folds import check_localizer, check_test
from handkit.training.processes import Machine
from handkit.training.run import LEAST_ROWS
from handkit.training.seen import refuse_test_split
from handkit.training.stored import check_center, check_reach, of_subject

EVERY_SUBJECT = "all"
"""In place of a subject's name: each in turn."""


def make_experiment(
    network: str,
    *,
    store: PackedFrames | None = None,
    fold: str | None = None,
    test: PackedFrames | None = None,
    arguments: Mapping[str, Any] | None = None,
    resolution: int | None = None,
    refinement: Refinement | None = None,
    augmented: bool = True,
    continued: bool = False,
    epochs: int | None = None,
    batch: int | None = None,
    accumulate: int | None = None,
    learning_rate: float | None = None,
    precision: Precision | None = None,
    pose: str | None = None,
    localizer: str = LOCALIZER,
    printed: bool = False,
    seed: int = 1,
    allow_test: bool = False,
    say: Callable[[str], None] = lambda sentence: None,
) -> Experiment:
    """What `fit` trains: the recipe for these frames changed as asked, and all that is wrong with it said beforehand.

    >>> make_experiment("srn", arguments={"stages": 1}, batch=8).recipe.arguments["stages"]
    1

    Args:
        network: its name, a part's or one that `add_network` has made known.
        store: packed frames to train on, by the published experiment where there is one; without, they are rendered.
        fold: subject of the store that is left out and measured on; "all" for `fit_folds`, which takes each in turn.
        test: packed frames to measure on instead, of the same joints and of other people.
        arguments: of the network's constructor, over those of the recipe.
        resolution: crops of this many pixels a side throughout.
        refinement: coarse centers as they are, moved by the localizer at test, or in training too.
        augmented: whether frames are perturbed in training; coarse centers stay coarse.
        continued: for `fit(init=...)`: at the last resolution, with half the learning rate.
        epochs: over the store, instead of the published ones.
        batch: frames in a step.
        accumulate: parts of it that pass the network one after the other, as so many processes would take them.
        learning_rate: peak of the schedule.
        precision: of the network.
        pose: weights of the pose network that confidence judges, `latent-fusion` by default; of confidence alone.
        localizer: weights of the localizer that moves the centers.
        printed: CrossInfoNet on a store: as its paper has it, where the released code does otherwise.
        seed: of first weights, frames and their order.
        allow_test: train on a published test set all the same.
        say: hears where this is no published experiment.

    Raises:
        UsageError: what is asked for contradicts itself.
        StoreError: the store, or the test, is nothing that can be trained or measured on.
        HandkitError: there is no such network, argument or localizer.
    """
    _check_frames(store, fold=fold, test=test)
    if pose and check_network(network, parts=True) != "confidence":
        raise UsageError(f"--pose is for confidence, not for {network}")
    if store is not None:
        refuse_test_split(store, allowed=allow_test)
    recipe = _recipe_for(store, network, arguments or {}, resolution, refinement, printed=printed)
    if store is not None and (elsewhere := unlike_published(recipe, store)):
        say(elsewhere)
    recipe = recipe.continued() if continued else recipe
    recipe = _paced(_in_batches(recipe, batch, accumulate), epochs, learning_rate, precision)
    recipe = _judging(recipe if augmented else _plain(recipe), pose or POSE)
    made = Experiment(recipe, seed=seed, store=store, without=None if fold == EVERY_SUBJECT else fold, test=test,
                      pose=pose or POSE, localizer=localizer)  # fmt: skip
    check_test(made)
    _check_localizer(made, fold=fold)
    return made


def check_beginning(experiment: Experiment, machine: Machine) -> None:
    """Raise HandkitError, in no time, where `fit` would later: no such network, subject or device."""
    machine.check()
    if machine.patches != "auto" and experiment.store is None:
        raise UsageError(f"--patches {machine.patches}: rendered frames have none; leave it out, or give --data STORE")
    if machine.patches == "memory" and machine.workers:
        raise UsageError(f"--patches memory needs nobody to read them; leave --workers {machine.workers} out")
    experiment.learned()
    with torch.device("meta"):
        experiment.network()


def _recipe_for(
    store: PackedFrames | None,
    network: str,
    arguments: Mapping[str, Any],
    resolution: int | None,
    refinement: Refinement | None,
    *,
    printed: bool,
) -> Recipe:
    if printed and (network != "crossinfonet" or store is None):
        raise UsageError("--as-printed is for crossinfonet on a packed store; leave it out")
    if store is None:
        return recipe_of(network, arguments, resolution=resolution, refinement=refinement)
    return recipe_on(store, network, arguments, resolution=resolution, refinement=refinement, printed=printed)


def _check_frames(store: PackedFrames | None, *, fold: str | None, test: PackedFrames | None) -> None:
    """Raise UsageError where there is nothing to leave out or to measure on, or both."""
    for option, given in (("--fold", fold), ("--test", test and test.path)):
        if given and store is None:
            raise UsageError(f"{option} {given} is for frames of a packed store; give --data STORE")
    if fold and test:
        raise UsageError(f"--fold {fold} is the test of its training; leave --test out")


def _check_localizer(made: Experiment, *, fold: str | None) -> None:
    """Raise HandkitError where there is none of that name, nothing for it to do, or where it has seen the test."""
    if not made.refined_at_test:
        if made.localizer != LOCALIZER:
            raise UsageError(
                f"--localizer {made.localizer} moves centers with --center-refinement test or train+test alone; give "
                "one of them, or leave --localizer out"
            )
        return
    find_weights(made.localizer)
    if made.store and fold:
        mask = np.ones(len(made.store), bool) if fold == EVERY_SUBJECT else of_subject(made.store, fold)
        check_localizer(made, made.store, mask)


def recipe_of(
    network: str, arguments: Mapping[str, Any], *, resolution: int | None = None, refinement: Refinement | None = None
) -> Recipe:
    """Our recipe for a network, with other arguments, crops of one size, or coarse centers.

    Coarse centers are as far from the joint mean as the localizer was trained for; they stand for centers of mass.
    """
    recipe = adapted(synthetic_recipe(check_network(network, parts=True)), arguments, resolution=resolution)
    if refinement is None:
        return recipe
    _refuse_parts(network, refinement)
    coarse = LOCALIZER_SYNTHETIC.augment
    augment = replace(recipe.augment, center_mm=coarse.center_mm, far_mm=coarse.far_mm, far=coarse.far)
    return _refined(replace(recipe, augment=augment, center=CenterSource.COARSE), refinement)


def recipe_on(
    store: PackedFrames,
    network: str,
    arguments: Mapping[str, Any],
    *,
    resolution: int | None = None,
    refinement: Refinement | None = None,
    printed: bool = False,
) -> Recipe:
    """The published experiment on the store's data set, else our own recipe; centered where the store's cubes are.

    Raises UsageError where the network, the refinement or the patches of the store make no experiment.
    """
    settings = store.manifest.settings
    if check_network(network, parts=True) == "confidence":
        raise UsageError(f"{network} is learned from synthetic frames; leave --data out")
    published = (CROSSINFONET_AS_PRINTED if printed else PUBLISHED).get((network, settings.dataset))
    if printed and published is None:
        raise UsageError(f"--as-printed: the paper has no experiment on {settings.dataset}; leave it out")
    base = published or replace(synthetic_recipe(network), data=settings.dataset, negatives=0.0)
    recipe = replace(adapted(base, arguments, resolution=resolution), center=settings.centers, test_center=None)
    if refinement not in {None, "none"}:
        _refuse_parts(network, refinement)
        if refinement == "train+test" or settings.centers is not CenterSource.BOX_MASS:  # else others are tested
            check_center(store, CenterSource.LOCALIZER, testing=np.arange(len(store)))
        recipe = _refined(recipe, refinement)
    check_reach(store, recipe)
    return recipe


def unlike_published(recipe: Recipe, store: PackedFrames) -> str | None:
    """That there is no published experiment on these frames, or that it has its cubes elsewhere."""
    settings = store.manifest.settings
    published = PUBLISHED.get((recipe.network, settings.dataset))
    if published is None:
        return None if recipe.network in PARTS else f"{recipe.network} on {settings.dataset}: not published, our recipe"
    if recipe.center is CenterSource.LOCALIZER or published.center is settings.centers:
        return None
    return (
        f"{recipe.network} on {settings.dataset}: the published experiment has {published.center} centers, this store "
        f"those of: {settings.center_words}"
    )


def adapted(recipe: Recipe, arguments: Mapping[str, Any], *, resolution: int | None = None) -> Recipe:
    """A recipe with other arguments of its network, or crops of one size; raises UsageError where two are named."""
    named = arguments.get("resolution")
    size = named if resolution is None else resolution
    if named not in {None, size}:
        raise UsageError(
            f"{recipe.network}: resolution={named} contradicts --resolution {size}; leave it to --resolution"
        )
    recipe = replace(recipe, arguments=recipe.arguments | dict(arguments))
    if size is None:
        return recipe
    if "resolution" not in options(recipe.network):
        raise UsageError(f"{recipe.network} has one resolution; leave --resolution {size} out")
    return recipe.at(size)


def _in_batches(recipe: Recipe, batch: int | None, accumulate: int | None) -> Recipe:
    """The recipe with another batch, or in other parts, where they are asked for; raises UsageError."""
    if batch is not None and batch <= 0:
        raise UsageError(f"--batch {batch} trains nothing; give more than 0")
    part = recipe.batch / recipe.accumulate
    recipe = replace(recipe, batch=batch or recipe.batch)
    if accumulate is None:  # parts stay as large as they are, for batch statistics are theirs
        return replace(recipe, accumulate=max(1, round(recipe.batch / part)))
    most = recipe.batch // LEAST_ROWS
    if not 1 <= accumulate <= most:
        raise UsageError(
            f"--accumulate {accumulate}: a batch of {recipe.batch} frames has 1 to {most} parts of {LEAST_ROWS} frames "
            "or more"
        )
    return replace(recipe, accumulate=accumulate)


def _paced(recipe: Recipe, epochs: int | None, learning_rate: float | None, precision: Precision | None) -> Recipe:
    """The recipe with other epochs, learning rate or precision where they are asked for; raises UsageError.

    The learning rate falls at the same shares of the epochs.
    """
    if learning_rate is not None and not 0 < learning_rate < math.inf:
        raise UsageError(f"--learning-rate {learning_rate:g} trains nothing; give more than 0")
    schedule = recipe.schedule
    if epochs and recipe.epochs and epochs != recipe.epochs:
        schedule = schedule.over(epochs, published=recipe.epochs)
    return replace(
        recipe,
        epochs=epochs or recipe.epochs,
        schedule=schedule,
        learning_rate=learning_rate or recipe.learning_rate,
        precision=precision or recipe.precision,
    )


def _plain(recipe: Recipe) -> Recipe:
    """Without augmentation; the errors of coarse centers stay, which are none."""
    kept = recipe.augment if recipe.center is CenterSource.COARSE else Augment()
    return replace(recipe, augment=Augment(center_mm=kept.center_mm, far_mm=kept.far_mm, far=kept.far))


def _judging(recipe: Recipe, pose: str) -> Recipe:
    """The confidence network's recipe, for the features that a pose network (name or path) shows it; others as is."""
    if recipe.network != "confidence":
        return recipe
    return replace(recipe, arguments={"features": features_of(pose)} | recipe.arguments)


def features_of(pose: str) -> int:
    """Channels of the features that a pose network (name or path) shows the confidence network."""
    model = load(find_weights(pose))
    with torch.no_grad():
        described = model.describe(torch.ones(1, 3, model.resolution, model.resolution))
    return described.features.shape[1]


def _refined(recipe: Recipe, refinement: Refinement | None) -> Recipe:
    if refinement == "test":
        return replace(recipe, test_center=CenterSource.LOCALIZER)
    return replace(recipe, center=CenterSource.LOCALIZER) if refinement == "train+test" else recipe


def _refuse_parts(network: str, refinement: Refinement | None) -> None:
    if network in PARTS:
        raise UsageError(f"--center-refinement {refinement} is for pose networks, {network} is none")
