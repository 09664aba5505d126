"""One frozen recipe per experiment: what is trained, on which cubes, with which optimizer, for how long."""

from handkit.recipes.centers import CenterSource
from handkit.recipes.published import CROSSINFONET_AS_PRINTED, LATENT_FUSION_TABLE_5, PUBLISHED, SRN_TABLE_1
from handkit.recipes.recipe import Cosine, Exponential, Optimizer, Recipe, Steps
from handkit.recipes.synthetic import (
    CONFIDENCE_SYNTHETIC,
    DETECTOR_SYNTHETIC,
    LATENT_FUSION_SYNTHETIC,
    LOCALIZER_SYNTHETIC,
    RECIPES,
    synthetic_recipe,
)

__all__ = [
    "CONFIDENCE_SYNTHETIC",
    "CROSSINFONET_AS_PRINTED",
    "DETECTOR_SYNTHETIC",
    "LATENT_FUSION_SYNTHETIC",
    "LATENT_FUSION_TABLE_5",
    "LOCALIZER_SYNTHETIC",
    "PUBLISHED",
    "RECIPES",
    "SRN_TABLE_1",
    "CenterSource",
    "Cosine",
    "Exponential",
    "Optimizer",
    "Recipe",
    "Steps",
    "synthetic_recipe",
]
