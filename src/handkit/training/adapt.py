"""A recipe from what is asked for: the one for these frames, with other arguments, crops, centers or pace."""

import math
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
from handkit.recipes import LOCALIZER_SYNTHETIC, PUBLISHED, CenterSource, Recipe, synthetic_recipe
from handkit.recipes.recipe import Precision
from handkit.store.store import PackedFrames
from handkit.training.stored import check_center, check_reach


def recipe_of(
    network: str, arguments: dict[str, Any], *, resolution: int | None = None, refinement: Refinement | None = None
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
    arguments: dict[str, Any],
    *,
    resolution: int | None = None,
    refinement: Refinement | None = None,
) -> Recipe:
    """The published experiment on the store's data set, else our own recipe; centered where the store's cubes are.

    Raises UsageError where the network, the refinement or the patches of the store make no experiment.
    """
    settings = store.manifest.settings
    if check_network(network, parts=True) == "confidence":
        raise UsageError(f"{network} is learned from synthetic frames; leave --data out")
    published = PUBLISHED.get((network, settings.dataset))
    base = published or replace(synthetic_recipe(network), data=settings.dataset, negatives=0.0)
    recipe = replace(adapted(base, arguments, resolution=resolution), center=settings.centers, test_center=None)
    if refinement not in {None, "none"}:
        _refuse_parts(network, refinement)
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


def adapted(recipe: Recipe, arguments: dict[str, Any], *, resolution: int | None = None) -> Recipe:
    """A recipe with other arguments of its network, or crops of one size; raises UsageError where two are named."""
    named = arguments.get("resolution")
    size = named if resolution is None else resolution
    if named not in {None, size}:
        raise UsageError(
            f"{recipe.network}: resolution={named} contradicts --resolution {size}; leave it to --resolution"
        )
    recipe = replace(recipe, arguments=recipe.arguments | arguments)
    if size is None:
        return recipe
    if "resolution" not in options(recipe.network):
        raise UsageError(f"{recipe.network} has one resolution; leave --resolution {size} out")
    return recipe.at(size)


def paced(
    recipe: Recipe, *, batch: int | None, learning_rate: float | None, precision: Precision | None = None
) -> Recipe:
    """The recipe with another batch, learning rate or precision where one is asked for; raises UsageError."""
    for name, given in (("--batch", batch), ("--learning-rate", learning_rate)):
        if given is not None and not 0 < given < math.inf:
            raise UsageError(f"{name} {given:g} trains nothing; give more than 0")
    return replace(
        recipe,
        batch=batch or recipe.batch,
        learning_rate=learning_rate or recipe.learning_rate,
        precision=precision or recipe.precision,
    )


def judging(recipe: Recipe, pose: str) -> Recipe:
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
