"""What `handkit train` and `handkit compare` share: a recipe from the options, its network, targets and frames."""

from dataclasses import replace
from typing import Any, Literal, cast

import torch
from torch import nn
from torch.utils.data import Dataset

from handkit.cli.variants import check_network, options
from handkit.errors import HandkitError
from handkit.geometry.frame import LabeledFrame
from handkit.models import MODELS, PARTS, HandPoseModel
from handkit.models.checkpoint import load, load_part
from handkit.models.description import describe_crops
from handkit.models.localizer import Localizer
from handkit.models.pretrained import cube_edge, find_weights
from handkit.recipes import LOCALIZER_SYNTHETIC, Recipe, synthetic_recipe
from handkit.skeleton import HAND21, Skeleton
from handkit.training.detection import WholeFrames, detection_targets
from handkit.training.streams import (
    LOCATED_MARGIN,
    Hypotheses,
    SyntheticFrames,
    Targets,
    confidence_targets,
    handedness_targets,
    located_targets,
    location_targets,
    pose_targets,
    relocate,
)

Localize = Literal["none", "test", "both"]
"""Where the localizer moves rough centres: nowhere, at test only, or in training too (SRN's Table 1)."""
VALIDATION_SEED = 7_000_001
"""No training batch starts from this seed."""


def recipe_of(
    network: str, variant: dict[str, Any], *, resolution: int | None = None, localize: Localize | None = None
) -> Recipe:
    """Our recipe for a network, with other arguments, crops of one size, or rough centres.

    Rough centres stray from the joint mean as far as the localizer was trained for; they stand for centres of mass.
    """
    recipe = adapted(synthetic_recipe(check_network(network, parts=True)), variant, resolution=resolution)
    if localize is None:
        return recipe
    if network in PARTS:
        raise HandkitError(f"--localize {localize} is for pose networks, {network} is none", status=2)
    rough = LOCALIZER_SYNTHETIC.augment
    augment = replace(recipe.augment, center_mm=rough.center_mm, far_mm=rough.far_mm, far=rough.far)
    return replace(recipe, augment=augment, center="located" if localize == "both" else "rough")


def adapted(recipe: Recipe, variant: dict[str, Any], *, resolution: int | None = None) -> Recipe:
    """A recipe with other arguments of its network, or crops of one size; raises HandkitError where two are named."""
    named = variant.get("resolution")
    size = named if resolution is None else resolution
    if named not in {None, size}:
        raise HandkitError(
            f"{recipe.network}: resolution={named} contradicts --resolution {size}; leave it to --resolution", status=2
        )
    recipe = replace(recipe, arguments=recipe.arguments | variant)
    if size is None:
        return recipe
    if "resolution" not in options(recipe.network):
        raise HandkitError(f"{recipe.network} has one resolution; leave --resolution {size} out", status=2)
    return recipe.at(size)


def build(recipe: Recipe, *, seed: int, skeleton: Skeleton = HAND21) -> Any:  # noqa: ANN401
    """The network of a recipe with first weights from `seed`; raises HandkitError where its arguments make none."""
    with torch.random.fork_rng():  # layers take no generator for their first weights
        torch.manual_seed(seed)
        try:
            if recipe.network in PARTS:
                return PARTS[recipe.network](**recipe.arguments)
            return MODELS[recipe.network](skeleton, **recipe.arguments)
        except ValueError as error:
            raise HandkitError(f"{recipe.network}: {error}", status=2) from None


POSE = "latent-fusion"
"""Weights of the pose network that handedness and confidence learn from, if no others are named."""


def features_of(pose: str) -> int:
    """Channels of the features that a pose network shows the confidence network."""
    model = load(find_weights(pose))
    with torch.no_grad():
        described = describe_crops(cast(nn.Module, model), torch.ones(1, 3, model.resolution, model.resolution))
    return described.features.shape[1]


def targets_of(recipe: Recipe, model: Any, *, pose: str = POSE, localizer: str = "localizer") -> Targets:  # noqa: ANN401
    """What the network learns from a frame; handedness and confidence learn from what the pose network answers."""
    if recipe.network == "localizer":
        return location_targets
    if recipe.network == "detector":
        return detection_targets
    if recipe.network == "handedness":
        return handedness_targets(load(find_weights(pose)))
    if recipe.network == "confidence":
        return confidence_targets(load(find_weights(pose)))
    targets = pose_targets(cast(HandPoseModel, model), recipe.augment)
    return located_targets(targets, *read_localizer(localizer)) if recipe.center == "located" else targets


def frames_of(recipe: Recipe, *, seed: int) -> Dataset[Any]:
    """What a network is trained on: whole images for the detector, hypotheses for confidence, crops for all others."""
    if recipe.network == "detector":
        return WholeFrames(recipe, seed=seed, size=recipe.batch)
    if recipe.network == "confidence":
        return Hypotheses(recipe, seed=seed, size=recipe.batch)
    return crops_of(recipe, seed=seed)


def crops_of(recipe: Recipe, *, seed: int, size: int | None = None) -> SyntheticFrames:
    """The synthetic stream of a seed: the same frames for every pose network, in batches of `size`."""
    margin = 1.0 if recipe.center == "jittered" else LOCATED_MARGIN
    return SyntheticFrames(recipe, seed=seed, size=size or recipe.batch, margin=margin)


def validation_frames(
    recipe: Recipe,
    *,
    batches: int,
    size: int,
    localize: Localize | None = None,
    localizer: str = "localizer",
    device: torch.device | str = "cpu",
) -> list[LabeledFrame]:
    """Frames that no training run sees, with cubes as the recipe has them, or moved by the localizer."""
    stream = crops_of(recipe, seed=VALIDATION_SEED, size=size)
    frames = [stream[index].to(device) for index in range(batches)]
    if localize not in {"test", "both"}:
        return frames
    network, edge_mm = read_localizer(localizer)
    network.to(device)
    return [relocate(frame, network, edge_mm=edge_mm) for frame in frames]


def read_localizer(name: str) -> tuple[Localizer, float]:
    """That of a name or path, and the edge of the cubes that it looks at, mm."""
    path = find_weights(name)
    return load_part(path, Localizer), cube_edge(path)
