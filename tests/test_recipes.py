"""Recipes: they can be written down, and what they name exists."""

import dataclasses
import itertools
import json
import math

import pytest

from handkit.models import MODELS
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer
from handkit.recipes import (
    CROSSINFONET_AS_PRINTED,
    LATENT_FUSION_SYNTHETIC,
    LATENT_FUSION_TABLE_5,
    LOCALIZER_SYNTHETIC,
    PUBLISHED,
    RECIPES,
    SRN_TABLE_1,
    Cosine,
    Exponential,
    Steps,
)
from handkit.recipes.augment import Augment
from handkit.recipes.cubes import read_cubes
from handkit.skeleton import HAND21

every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.network)


@every_recipe
def test_json_holds_everything(recipe):
    read = json.loads(recipe.to_json())
    assert read.keys() == {field.name for field in dataclasses.fields(recipe)}
    assert read["augment"] == json.loads(json.dumps(dataclasses.asdict(recipe.augment)))
    assert [tuple(pair) for pair in read["resolutions"]] == list(recipe.resolutions)


@every_recipe
def test_numbers_are_possible(recipe):
    assert RECIPES[recipe.network] is recipe
    assert recipe.resolutions[0][0] == 0.0
    assert [start for start, _ in recipe.resolutions] == sorted(start for start, _ in recipe.resolutions)
    assert 0 < recipe.warmup < 1
    assert 0 < recipe.average < 1
    assert 0 <= recipe.negatives < 1
    assert recipe.cube.edge > 200, "a spread hand fits"


def test_resolution_by_hand():
    recipe = dataclasses.replace(LATENT_FUSION_SYNTHETIC, resolutions=((0.0, 64), (0.5, 96), (0.9, 128)))
    assert [recipe.resolution_at(at) for at in (0.0, 0.49, 0.5, 0.89, 0.9, 1.0)] == [64, 64, 96, 96, 128, 128]


def test_arguments_build_the_networks():
    model = MODELS[LATENT_FUSION_SYNTHETIC.network](HAND21, **LATENT_FUSION_SYNTHETIC.arguments)
    assert model.resolution == LATENT_FUSION_SYNTHETIC.resolutions[-1][1], "trained last as it is used"
    assert Localizer(**LOCALIZER_SYNTHETIC.arguments).resolution == LOCALIZER_SYNTHETIC.resolutions[-1][1]


def test_learning_rate_by_hand():
    """Up along a line over the first 10 %, then down along a cosine: half of it in the middle, 0 at the end."""
    recipe = dataclasses.replace(LATENT_FUSION_SYNTHETIC, learning_rate=2.0, warmup=0.1)
    assert recipe.learning_rate_at(0.0) == pytest.approx(2.0 * 0.001 / 0.101)
    assert recipe.learning_rate_at(0.0495) == pytest.approx(1.0)
    assert recipe.learning_rate_at(0.1) == pytest.approx(2.0)
    assert recipe.learning_rate_at(0.55) == pytest.approx(1.0)
    assert recipe.learning_rate_at(0.325) == pytest.approx(1 + math.sqrt(0.5))
    assert recipe.learning_rate_at(1.0) == pytest.approx(0.0)


def test_schedules_of_the_papers_by_hand():
    """SRN on NYU: a tenth after 25, 50 and 75 of 80 epochs. CrossInfoNet: times 0.96 after each of 110."""
    srn, cross = PUBLISHED["srn", "nyu"], PUBLISHED["crossinfonet", "nyu"]
    assert [srn.learning_rate_at(epoch / 80) for epoch in (0, 24.9, 25, 50, 75, 80)] == pytest.approx(
        [0.3, 0.3, 0.03, 0.003, 0.0003, 0.0003]
    )
    assert [cross.learning_rate_at(epoch / 110) for epoch in (0, 0.5, 1.5, 109.5)] == pytest.approx(
        [1e-3, 1e-3, 0.96e-3, 0.96**109 * 1e-3]
    )


@pytest.mark.parametrize(
    ("network", "data", "edges", "epochs", "drops"),
    [
        ("crossinfonet", "nyu", (275, 250), 110, None),
        ("crossinfonet", "icvl", (250, None), 110, None),
        ("crossinfonet", "msra", (175, None), 110, None),
        ("crossinfonet", "hands17", (220, None), 110, None),
        ("srn", "nyu", (250, 250), 80, 25),
        ("srn", "icvl", (200, None), 20, 5),
        ("srn", "msra", (200, None), 80, 25),
        ("srn", "hands17", (200, None), 20, 5),
        ("attention-hourglass", "nyu", (250, None), 60, None),
        ("attention-hourglass", "icvl", (200, None), 60, None),
        *(("latent-fusion", data, (300, None), 100, 30) for data in ("nyu", "icvl", "msra")),
        ("densereg", "nyu", (300, None), 80, 10),
        ("densereg", "icvl", (300, None), 80, 10),
        ("densereg", "msra", (300, None), 80, 20),
    ],
)
def test_published_numbers_are_those_of_the_facts(network: str, data: str, edges, epochs: int, drops: int | None):
    """Cubes of 1.6; optimizers, batches and schedules of 3.1 to 3.5; DenseReg's as of a mean, not a sum, of 40."""
    recipe = PUBLISHED[network, data]
    optimizers = {
        "crossinfonet": ("adam", 0.9, None, 1e-3, 1e-5, 128),
        "srn": ("sgd", 0.9, None, 0.3, 5e-4, 32),
        "attention-hourglass": ("sgd", 0.9, 1.0, 0.1, 5e-5, 32),
        "latent-fusion": ("adam", 0.9, None, 1e-3, 0.0, 32),
        "densereg": ("adam", 0.5, 0.2 / 40, 1e-3, 5e-4 / 40, 200),
    }
    how = recipe.optimizer
    assert optimizers[network] == (
        how.kind, how.momentum, how.clip, recipe.learning_rate, recipe.weight_decay, recipe.batch
    )  # fmt: skip
    assert (recipe.cube.edge, recipe.test_cube and recipe.test_cube.edge, recipe.epochs) == (*edges, epochs)
    if drops:
        assert recipe.schedule == Steps(tuple(range(drops, epochs, drops)))
    assert (recipe.warmup, recipe.average, recipe.negatives) == (0, 0, 0)


@pytest.mark.parametrize("recipe", PUBLISHED.values(), ids=lambda recipe: f"{recipe.network}-{recipe.data}")
def test_published_experiments_are_whole(recipe):
    """Each is of a data set and has its epochs; its schedule ends within them; its cubes hold a hand."""
    assert PUBLISHED[recipe.network, recipe.data] is recipe
    assert recipe.data in {"icvl", "nyu", "msra", "hands17"}
    assert recipe.epochs
    assert not isinstance(recipe.schedule, Cosine)
    if isinstance(recipe.schedule, Steps):
        assert all(0 < epoch < recipe.epochs for epoch in recipe.schedule.after)
    if isinstance(recipe.schedule, Exponential):
        assert 0.9 < recipe.schedule.factor < 1
    edges = [recipe.cube.edge, recipe.cube.largest, *recipe.augment.edges_mm]
    assert all(150 <= edge <= 300 for edge in edges + [edge for own in recipe.cube.by_subject.values() for edge in own])
    assert read_cubes(json.loads(recipe.to_json())) == (recipe.cube, recipe.test_cube or recipe.cube)


def test_each_row_of_srn_s_first_table_adds_one_thing():
    """From plain regression to one stage of the published network; "at test" is a way to measure, not to train."""
    rows = [dataclasses.asdict(recipe) for recipe in SRN_TABLE_1.values()]
    added = [{name for name in after if before[name] != after[name]} for before, after in itertools.pairwise(rows)]
    assert added == [
        {"augment"}, {"test_center"}, {"center", "test_center"}, {"arguments", "learning_rate"}, {"arguments"}
    ]  # fmt: skip
    assert SRN_TABLE_1["plain"].augment == Augment()
    assert [MODELS["srn"](HAND21, **row["arguments"]).space.value for row in rows] == ["cube"] * 5 + ["image"]
    published = PUBLISHED["srn", "nyu"]
    assert dataclasses.replace(SRN_TABLE_1["decoupling"], arguments=published.arguments) == published


def test_latent_fusion_s_ablation_is_the_text_s():
    """B2 to B4 one plane each with two hourglasses, B5 an average; all build, and only the arguments differ."""
    rows = LATENT_FUSION_TABLE_5
    networks = {name: LatentFusion(HAND21, **recipe.arguments) for name, recipe in rows.items()}
    assert {name: networks[name].planes for name in ("B1", "B2", "B3", "B4")} == {
        "B1": ("xy",), "B2": ("yz",), "B3": ("xz",), "B4": ("xy",)
    }  # fmt: skip
    assert networks["B1"].explicit
    assert networks["B5"].fusion is None
    assert networks["B5"].planes == networks["fused"].planes
    published = PUBLISHED["latent-fusion", "nyu"]
    assert all(dataclasses.replace(recipe, arguments={}) == published for recipe in rows.values())


def test_crossinfonet_as_printed():
    """Other arguments and another augmentation than the code's, whose cubes of random size they take the place of.

    The split is NYU's alone."""
    for (_, data), recipe in CROSSINFONET_AS_PRINTED.items():
        published = PUBLISHED["crossinfonet", data]
        test = published.test_cube or published.cube
        assert recipe == dataclasses.replace(
            published, arguments=recipe.arguments, augment=recipe.augment, cube=test, test_cube=None
        )
        assert ("split" in recipe.arguments) == (data == "nyu")
    assert {data for _, data in CROSSINFONET_AS_PRINTED} == {"nyu", "icvl", "msra", "hands17"}


def test_our_recipes_differ_in_clipping_only():
    """What makes the comparison of networks one: everything else is shared."""
    shared = dataclasses.replace(LATENT_FUSION_SYNTHETIC, arguments={}).at(96)
    for name in MODELS:
        recipe = dataclasses.replace(RECIPES[name], network=shared.network, arguments={}).at(96)
        clipped = dataclasses.replace(shared.optimizer, clip=recipe.optimizer.clip)
        assert recipe == dataclasses.replace(shared, optimizer=clipped), name
