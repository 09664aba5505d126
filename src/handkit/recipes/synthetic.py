"""Our own recipes, on frames rendered while the network trains: one for every network and part.

The five pose networks share optimizer, learning rate, schedule, batch, weight averaging, augmentation and cube, so that
`handkit compare` compares networks and nothing else. What the papers' losses force to differ is the norm at which the
gradient is clipped: AdamW does not mind the scale of a loss, a clipping norm does, and the losses are sums or means as
each paper has them. Each stands at about twice the gradient's norm after 25 steps of 8 frames: 21 (Attention
Hourglass), 100 (CrossInfoNet), 910 (DenseReg), 0.48 (Latent Fusion), 1.3 (SRN).

Latent Fusion has arguments of ours besides (torch's first weights, a loss that turns absolute at 0.02 where SRN's does
at 0.01). DenseReg's running statistics decay by 0.9 a step, as those of the other four do; the paper's 0.99 lags behind
the weights in a short run, and its evaluation falls apart (100 steps: 53 mm with batch statistics, meters without).
`handkit train` begins Latent Fusion on small crops, which its convolutions allow and the fully connected layers of
others do not; `handkit compare` trains all on crops of one size.
"""

from dataclasses import replace

from handkit.recipes.augment import Augment
from handkit.recipes.cubes import cube
from handkit.recipes.recipe import Optimizer, Recipe

LATENT_FUSION_SYNTHETIC = Recipe(
    network="latent-fusion",
    arguments={"resolution": 96, "initial_std": None, "transition": 0.02},
    cube=cube(280.0),
    augment=Augment(center_mm=9.0, far_mm=22.0, far=0.25, scale=0.08),
    batch=32,
    learning_rate=2e-3,
    weight_decay=1e-4,
    warmup=0.03,
    resolutions=((0.0, 64), (0.7, 96)),
)

LOCALIZER_SYNTHETIC = Recipe(
    network="localizer",
    arguments={"features": "residual", "hidden": 256, "dropout": 0.1},
    cube=cube(400.0),
    augment=Augment(center_mm=20.0, far_mm=45.0, far=0.5, scale=0.05),
    batch=64,
    learning_rate=1e-3,
    weight_decay=1e-4,
    warmup=0.03,
    resolutions=((0.0, 128),),
    negatives=0.35,
)

CONFIDENCE_SYNTHETIC = Recipe(
    network="confidence",
    arguments={},
    cube=LATENT_FUSION_SYNTHETIC.cube,
    augment=Augment(center_mm=9.0, far_mm=40.0, far=0.2, scale=0.08),
    batch=48,
    learning_rate=2e-3,
    weight_decay=0.01,
    warmup=0.03,
    resolutions=((0.0, 128),),
    average=0.99,
    negatives=0.4,
)
"""`negatives`: half of them cubes elsewhere, half of them scenes without a hand."""

DETECTOR_SYNTHETIC = Recipe(
    network="detector",
    arguments={},
    cube=LATENT_FUSION_SYNTHETIC.cube,
    augment=Augment(),
    batch=32,
    learning_rate=2e-3,
    weight_decay=1e-4,
    warmup=0.005,
    resolutions=((0.0, 224),),
    negatives=0.15,
    optimizer=Optimizer(clip=5.0),
)
"""Whole images on a canvas of 224 x 160 pixels (`handkit.training.detection`); there are no cubes."""

_OTHERS = replace(LATENT_FUSION_SYNTHETIC, arguments={}).at(96)
CROSSINFONET_SYNTHETIC = replace(
    _OTHERS, network="crossinfonet", arguments=_OTHERS.arguments | {"gamma": 0.25}, optimizer=Optimizer(clip=200.0)
)
SRN_SYNTHETIC = replace(_OTHERS, network="srn", optimizer=Optimizer(clip=3.0))
ATTENTION_HOURGLASS_SYNTHETIC = replace(_OTHERS, network="attention-hourglass", optimizer=Optimizer(clip=40.0))
DENSEREG_SYNTHETIC = replace(
    _OTHERS, network="densereg", arguments=_OTHERS.arguments | {"decay": 0.9}, optimizer=Optimizer(clip=2000.0)
)

RECIPES = {
    recipe.network: recipe
    for recipe in (
        CROSSINFONET_SYNTHETIC,
        SRN_SYNTHETIC,
        ATTENTION_HOURGLASS_SYNTHETIC,
        LATENT_FUSION_SYNTHETIC,
        DENSEREG_SYNTHETIC,
        LOCALIZER_SYNTHETIC,
        CONFIDENCE_SYNTHETIC,
        DETECTOR_SYNTHETIC,
    )
}
"""By network, for `handkit train` and `handkit compare`; see `synthetic_recipe`."""


def synthetic_recipe(network: str) -> Recipe:
    """Ours for a network; for one that has none of its own, what all pose networks share."""
    return RECIPES.get(network) or replace(_OTHERS, network=network)
