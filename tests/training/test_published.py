"""Every published experiment begins to learn: nothing that its first steps compute is infinite."""

from dataclasses import replace

import pytest
import torch

from handkit.models import MODELS
from handkit.recipes import CROSSINFONET_AS_PRINTED, PUBLISHED, SRN_TABLE_1, Recipe
from handkit.skeleton import HAND21
from handkit.training.processes import Machine
from handkit.training.run import Run
from handkit.training.streams import SyntheticFrames
from handkit.training.targets import pose_targets

STEPS = 20
EXPERIMENTS = (
    {name: recipe for (name, data), recipe in PUBLISHED.items() if data == "nyu"}
    | {f"SRN, {row}": SRN_TABLE_1[row] for row in ("plain", "localization", "smooth L1")}
    | {"CrossInfoNet, as printed": CROSSINFONET_AS_PRINTED["crossinfonet", "icvl"]}
)


def begin(recipe: Recipe) -> Run:
    """On small crops, which leave losses and learning rates as they are."""
    torch.manual_seed(0)
    recipe = recipe.at(64)
    model = MODELS[recipe.network](HAND21, **recipe.arguments)
    return Run(model, recipe, pose_targets(model, recipe.augment), machine=Machine(accelerator="cpu"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_first_steps_are_finite(name: str):
    run = begin(EXPERIMENTS[name])
    frames = SyntheticFrames(run.recipe, seed=0, size=4, resolution=64)
    for index in range(STEPS):
        terms = run.advance(frames[index], progress=0.0)
        assert all(term.isfinite() for term in terms.values()), (index, terms)
    assert run.counts() == (0, 0)
    assert all(parameter.isfinite().all() for parameter in run.model.parameters())


def test_a_network_is_trained_alike_on_every_data_set():
    """So that one of them stands for all above."""
    for (network, _), recipe in PUBLISHED.items():
        nyu = PUBLISHED[network, "nyu"]
        for field in ("arguments", "optimizer", "learning_rate", "batch", "weight_decay"):
            assert getattr(recipe, field) == getattr(nyu, field)


def test_the_steps_tell_a_rate_that_diverges():
    """SRN's 0.3 belongs to its smooth L1, whose slope is 0.01; with squared errors it does not last five steps."""
    run = begin(replace(SRN_TABLE_1["plain"], learning_rate=0.3))
    frames = SyntheticFrames(run.recipe, seed=0, size=4, resolution=64)
    losses = [float(sum(run.advance(frames[index], progress=0.0).values())) for index in range(STEPS)]
    assert run.counts()[1] > 0 or max(losses) > 1e3 * losses[0]
