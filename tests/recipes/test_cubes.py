"""Cubes by subject, their words, and how they are read back from weights old and new."""

import dataclasses
import json

import pytest

from handkit.recipes.cubes import CUBES, CubeRule, cube, read_cubes


def test_words():
    assert str(cube(280.0)) == "280 mm"
    assert str(CUBES["a2j"]["nyu"]) == "220 x 220 x 300 mm"
    assert str(CUBES["deepprior++"]["nyu"]) == "300 mm, 250 mm for subject 2"


def test_edges():
    rule = CUBES["srn"]["msra"]
    assert (rule.edge, rule.largest, rule.of("P8")) == (200.0, 200.0, (150.0, 150.0, 150.0))
    assert CubeRule((100.0, 100.0, 120.0), {"a": (90.0, 130.0, 90.0)}).largest == 130.0


@pytest.mark.parametrize("test", [None, cube(250.0)])
@pytest.mark.parametrize("rule", [cube(280.0), CUBES["srn"]["nyu"], CUBES["srn"]["msra"], CUBES["a2j"]["icvl"]])
def test_round_trip_through_json(rule: CubeRule, test: CubeRule | None):
    recipe = {"cube": dataclasses.asdict(rule), "test_cube": test and dataclasses.asdict(test)}
    assert read_cubes(json.loads(json.dumps(recipe))) == (rule, test or rule)


def test_weights_of_before():
    assert read_cubes({"edge_mm": 280.0}) == (cube(280.0), cube(280.0))
    assert read_cubes({"edge_mm": 275, "test_edge_mm": 250.0}) == (cube(275.0), cube(250.0))
    train, test = read_cubes({"edge_mm": 250.0, "test_edge_mm": None, "second_subject": 5 / 6})
    assert (train, test.of("1")[0], test.of("2")[0]) == (cube(250.0), 250.0, pytest.approx(250 * 5 / 6))
    for rule in read_cubes({"edge_mm": 180.0, "subject_edges_mm": [200.0, 190.0], "second_subject": 1.0}):
        assert [rule.of(subject)[0] for subject in ("P0", "P1", "P2")] == [200, 190, 180]


@pytest.mark.parametrize("recipe", [{}, {"edge_mm": "wide"}, {"cube": {"edges": [1.0, 2.0]}}, {"cube": 280.0}])
def test_no_cubes(recipe: dict):
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_cubes(recipe)
