"""The experiments of the five papers, one recipe for each data set that a paper reports on.

Numbers are those of docs/reference.md, 3.1 to 3.5 (optimizers, schedules, batches), 2.3 (augmentation), 1.6 (cubes) and
1.7 (centers). "[P]" the paper says so, "[C]" its authors' code does, "[I]" nobody does and this is our choice.
None of them averages weights, warms up or changes the resolution; all are trained in float32, as the papers' were.
"""

from dataclasses import replace
from typing import Any

from handkit.recipes import augment
from handkit.recipes.centers import CenterSource
from handkit.recipes.cubes import CUBES, cube
from handkit.recipes.recipe import Exponential, Optimizer, Recipe, Steps

UNCLIPPED_ADAM = Optimizer("adam", clip=None)
UNCLIPPED_SGD = Optimizer("sgd", clip=None, decay_vectors=True)
"""Torch's own SGD, as both papers that use it do: momentum 0.9, and the weight decay falls on every parameter."""
SUB_BATCH = 40
"""Frames that DenseReg's published loss sums, and that its batch renormalization sees; ours is a mean, so its weight
decay and clipping shrink with it."""

_PRINTED: dict[str, Any] = {"hidden": 2048, "joined": True, "initializer": "normal", "dropout": 0.6}
CROSSINFONET_NYU = Recipe(
    network="crossinfonet",
    arguments={},  # 96 x 96 crops, dropout 0.4 [C; the paper's 0.6 is the probability of keeping] (3.1)
    cube=cube(275.0),  # middle of the random cubes below
    test_cube=CUBES["crossinfonet"]["nyu"],  # all frames [C] (1.6)
    # [C] (1.6): there drawn once for each frame, here whenever it is seen.
    augment=replace(augment.CROSSINFONET, edges_mm=(250.0, 260.0, 270.0, 280.0, 290.0, 300.0)),
    batch=128,  # [P] (3.1)
    learning_rate=1e-3,  # Adam [P]
    weight_decay=1e-5,  # on convolutions and linear maps [P, C]
    warmup=0.0,
    resolutions=((0.0, 96),),
    average=0.0,
    precision="32-true",
    optimizer=UNCLIPPED_ADAM,
    schedule=Exponential(0.96),  # per epoch [P]
    data="nyu",
    epochs=110,  # [P]; the code's loop runs 200
    center=CenterSource.REFINED,  # V2V's centers, which the code's importer reads (5.8)
)
CROSSINFONET_ICVL = replace(
    CROSSINFONET_NYU, data="icvl", cube=CUBES["crossinfonet"]["icvl"], test_cube=None, augment=augment.CROSSINFONET
)  # cube [C]; no training script was released, centers as for NYU [I]
"""On the 330K frames with rotated copies; the ablation of Table 1 is on the genuine 22K [P]."""
CROSSINFONET_MSRA = replace(
    CROSSINFONET_NYU,
    data="msra",
    cube=CUBES["crossinfonet"]["msra"],
    test_cube=None,  # for all subjects [C]
    augment=replace(augment.CROSSINFONET, edges_mm=(150.0, 160.0, 170.0, 180.0, 190.0, 200.0)),  # [C]
    center=CenterSource.MASS,  # within the cube around a labeled joint [C] (A7)
)
CROSSINFONET_HANDS17 = replace(
    CROSSINFONET_ICVL, data="hands17", cube=CUBES["crossinfonet"]["hands17"]
)  # cube of the demo [C]; rest [I]
CROSSINFONET_AS_PRINTED = {
    ("crossinfonet", "nyu"): replace(
        CROSSINFONET_NYU,
        arguments=_PRINTED | {"split": "figure"},
        cube=CUBES["crossinfonet"]["nyu"],  # the random cubes are the code's alone
        test_cube=None,
        augment=augment.CROSSINFONET_PRINTED,
    ),
    **{
        (recipe.network, recipe.data): replace(recipe, arguments=_PRINTED, augment=augment.CROSSINFONET_PRINTED)
        for recipe in (CROSSINFONET_ICVL, CROSSINFONET_MSRA, CROSSINFONET_HANDS17)
    },
}
"""What the paper's text and figures say where the code, from which the published results come, does otherwise (3.1, A2,
A3, A6): the augmentation, layers of 2048 channels and one more behind the concatenation, N(0, 0.01), dropout of 0.6,
and on NYU 4 palm and 10 finger joints."""

SRN_NYU = Recipe(
    network="srn",
    arguments={},  # two stages, theta 0.4 [P], 128 x 128 crops (3.2)
    cube=cube(250.0),  # the loader's default [C]; the paper does not say (B3)
    test_cube=CUBES["srn"]["nyu"],  # 5/6 of it for the second subject [C] (1.6)
    augment=augment.SRN,
    batch=32,  # [P] (3.2)
    learning_rate=0.3,  # SGD [P]: the loss has a slope of 0.01
    weight_decay=5e-4,  # [P]; the code's default is 1e-4
    warmup=0.0,
    resolutions=((0.0, 128),),
    average=0.0,
    precision="32-true",
    optimizer=UNCLIPPED_SGD,  # momentum 0.9 [P]
    schedule=Steps((25, 50, 75)),  # a tenth every 25 epochs [P]; the code's default is every 10
    data="nyu",
    epochs=80,  # [P]; the code's default is 40
    center=CenterSource.REFINED,  # in training and at test [P, C] (2.5)
)
SRN_ICVL = replace(
    SRN_NYU, data="icvl", cube=CUBES["srn"]["icvl"], test_cube=None, epochs=20, schedule=Steps((5, 10, 15))
)  # cube [C], schedule [P]
SRN_MSRA = replace(SRN_NYU, data="msra", cube=CUBES["srn"]["msra"], test_cube=None)
"""As NYU but for the cubes [C]. The paper's MSRA figure is labeled ResNet-50 (B6); this is ResNet-18."""
SRN_HANDS17 = replace(
    SRN_ICVL, data="hands17", cube=CUBES["srn"]["hands17"], augment=augment.SRN_HANDS17
)  # cube 200 and scale 0.2 [C], rest [P]
_PLAIN = replace(
    SRN_NYU,
    arguments={"stages": 1, "loss": "squared", "space": "cube"},
    augment=augment.Augment(),
    center=CenterSource.MASS,
    learning_rate=0.01,  # [I] nobody states one: 0.3 diverges in five steps, 0.03 later, 0.01 learns (7)
)
_AUGMENTED = replace(_PLAIN, augment=SRN_NYU.augment)
SRN_TABLE_1 = {
    "plain": _PLAIN,
    "augmentation": _AUGMENTED,
    "localization at test": replace(_AUGMENTED, test_center=CenterSource.REFINED),  # the same training
    "localization": replace(_AUGMENTED, center=CenterSource.REFINED),
    "smooth L1": replace(SRN_NYU, arguments={"stages": 1, "space": "cube"}),
    "decoupling": replace(SRN_NYU, arguments={"stages": 1}),
}
"""SRN's Table 1, on NYU: each row has what the rows above it have [P]. The squared errors of the first four
have gradients up to a hundred times as large as the smooth L1's, and a learning rate of their own. Errors, mm: 34.11,
15.42, 13.70, 10.64, 9.82, 8.91 (3.2)."""

ATTENTION_HOURGLASS_NYU = Recipe(
    network="attention-hourglass",
    arguments={},  # two stacks, 128 x 128 crops [P] (3.3)
    cube=cube(250.0),  # [I] (C7)
    augment=augment.ATTENTION_HOURGLASS,  # [I] none is stated (2.3)
    batch=32,  # [P] (3.3)
    learning_rate=0.1,  # SGD [P]
    weight_decay=5e-5,  # [P]
    warmup=0.0,
    resolutions=((0.0, 128),),
    average=0.0,
    precision="32-true",
    # Momentum 0.9 [P]. How the loss is summed, to which the rate belongs, is not said; as ours is, it diverges in three
    # steps without the clipping [I].
    optimizer=replace(UNCLIPPED_SGD, clip=1.0),
    schedule=Steps((30, 50)),  # divided by 10 twice [P], when is not said [I] (C5)
    data="nyu",
    epochs=60,  # [I] (C5)
    center=CenterSource.REFINED,  # its localization network [P], here V2V's centers (C6, C7)
)
ATTENTION_HOURGLASS_ICVL = replace(ATTENTION_HOURGLASS_NYU, data="icvl", cube=cube(200.0))
"""On the 300K frames with rotated copies [P]; cube [I] (C7)."""

LATENT_FUSION_NYU = Recipe(
    network="latent-fusion",
    arguments={},  # N(0, 0.001), 128 x 128 crops [P] (3.4)
    cube=CUBES["latent-fusion"]["nyu"],  # 300, "fixed size" [P], which is the same laboratory's [I] (1.6, D6)
    augment=augment.LATENT_FUSION,
    batch=32,  # [P] (3.4)
    learning_rate=1e-3,  # Adam [P]
    weight_decay=0.0,  # none is stated
    warmup=0.0,
    resolutions=((0.0, 128),),
    average=0.0,
    precision="32-true",
    optimizer=UNCLIPPED_ADAM,
    schedule=Steps((30, 60, 90)),  # a tenth every 30 epochs [P]
    data="nyu",
    epochs=100,  # [P]
    center=CenterSource.MASS,  # thresholded, not refined; the authors blame it for their gap on NYU [P] (D9)
)
LATENT_FUSION_ICVL = replace(LATENT_FUSION_NYU, data="icvl")
LATENT_FUSION_MSRA = replace(LATENT_FUSION_NYU, data="msra")

LATENT_FUSION_TABLE_5 = {
    name: replace(LATENT_FUSION_NYU, arguments=arguments)
    for name, arguments in {
        "B1": {"planes": ["xy"], "hourglasses": 2, "heatmaps": "explicit"},
        "B2": {"planes": ["yz"], "hourglasses": 2},
        "B3": {"planes": ["xz"], "hourglasses": 2},
        "B4": {"planes": ["xy"], "hourglasses": 2},
        "B5": {"fusion": "mean"},
        "fused": dict[str, Any](),
    }.items()
}
"""Latent Fusion's ablation on NYU, of which only the text is known (3.4): B1 explicit heat maps, B2 YZ & X, B3 XZ & Y,
B4 XY & Z, B5 the average of the three branches. B4 is the best single branch; fusing is 0.3 mm better than B5."""

DENSEREG_NYU = Recipe(
    network="densereg",
    arguments={},  # two stacks, 128 channels, 128 x 128 crops [P] (3.5)
    cube=cube(300.0),  # depth range; the paper cuts a 2D box of the joints and 20 px around it [C] (1.6, 3.5)
    augment=augment.DENSEREG,
    batch=5 * SUB_BATCH,
    accumulate=5,  # parts, whose gradients are averaged [C] (3.5, 7)
    learning_rate=1e-3,  # Adam [C]
    weight_decay=5e-4 / SUB_BATCH,  # [C]
    warmup=0.0,
    resolutions=((0.0, 128),),
    average=0.0,
    precision="32-true",
    optimizer=Optimizer("adam", momentum=0.5, clip=0.2 / SUB_BATCH, clip_by="element"),  # [C]
    schedule=Steps((10, 20, 30, 40, 50, 60, 70)),  # a tenth every 10 epochs [C]
    data="nyu",
    epochs=80,  # [C]
    center=CenterSource.BOX,  # of an hourglass detector [P]; the released boxes are those of the labels and noise (E2)
)
DENSEREG_ICVL = replace(DENSEREG_NYU, data="icvl")
"""On the unrotated 22K [P]. The released file leaves this schedule undefined; NYU's [I] (3.5). Boxes of labels (E1)."""
DENSEREG_MSRA = replace(DENSEREG_NYU, data="msra", schedule=Steps((20, 40, 60)))  # a tenth every 20 epochs [C]

PUBLISHED = {
    (recipe.network, recipe.data): recipe
    for recipe in (
        CROSSINFONET_NYU, CROSSINFONET_ICVL, CROSSINFONET_MSRA, CROSSINFONET_HANDS17,
        SRN_NYU, SRN_ICVL, SRN_MSRA, SRN_HANDS17,
        ATTENTION_HOURGLASS_NYU, ATTENTION_HOURGLASS_ICVL,
        LATENT_FUSION_NYU, LATENT_FUSION_ICVL, LATENT_FUSION_MSRA,
        DENSEREG_NYU, DENSEREG_ICVL, DENSEREG_MSRA,
    )
}  # fmt: skip
"""By network and data set. What a paper does not report on is not here: Attention Hourglass on MSRA15, and Latent
Fusion, DenseReg and Attention Hourglass on HANDS2017."""
