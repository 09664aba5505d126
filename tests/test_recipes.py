"""Recipes: they can be written down, and what they name exists."""

import dataclasses
import json

import pytest

from handkit.geometry.skeleton import HAND21
from handkit.models import MODELS
from handkit.models.localizer import Localizer
from handkit.recipes import LATENT_FUSION_SYNTHETIC, LOCALIZER_SYNTHETIC, RECIPES

every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.network)


@every_recipe
def test_json_holds_everything(recipe):
    read = json.loads(recipe.to_json())
    assert read.keys() == {field.name for field in dataclasses.fields(recipe)}
    assert read["augment"] == dataclasses.asdict(recipe.augment)
    assert [tuple(pair) for pair in read["resolutions"]] == list(recipe.resolutions)


@every_recipe
def test_numbers_are_possible(recipe):
    assert RECIPES[recipe.network] is recipe
    assert recipe.resolutions[0][0] == 0.0
    assert [start for start, _ in recipe.resolutions] == sorted(start for start, _ in recipe.resolutions)
    assert 0 < recipe.warmup < 1
    assert 0 < recipe.average < 1
    assert 0 <= recipe.negatives < 1
    assert recipe.edge_mm > 200, "a spread hand fits"


def test_resolution_by_hand():
    recipe = dataclasses.replace(LATENT_FUSION_SYNTHETIC, resolutions=((0.0, 64), (0.5, 96), (0.9, 128)))
    assert [recipe.resolution_at(at) for at in (0.0, 0.49, 0.5, 0.89, 0.9, 1.0)] == [64, 64, 96, 96, 128, 128]


def test_arguments_build_the_networks():
    model = MODELS[LATENT_FUSION_SYNTHETIC.network](HAND21, **LATENT_FUSION_SYNTHETIC.arguments)
    assert model.resolution == LATENT_FUSION_SYNTHETIC.resolutions[-1][1], "trained last as it is used"
    assert Localizer(**LOCALIZER_SYNTHETIC.arguments).resolution == LOCALIZER_SYNTHETIC.resolutions[-1][1]
