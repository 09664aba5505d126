"""Errors and success by hand and against loops; intervals against what is known of means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handkit.evaluation.metrics import (
    area_under_curve,
    axis_errors,
    bootstrap_interval,
    bootstrap_means,
    joint_distances,
    success_curve,
)


def test_errors_by_hand():
    truth = np.zeros((2, 2, 3))
    estimated = np.array([[[3.0, 4.0, 0.0], [3.0, -4.0, 12.0]], [[0.0, 0.0, 0.0], [0.0, 3.0, 0.0]]])
    assert joint_distances(estimated=estimated, truth=truth).tolist() == [[5.0, 13.0], [0.0, 3.0]]
    assert axis_errors(estimated=estimated, truth=truth).tolist() == [1.5, 2.75, 3.0]


@pytest.mark.parametrize("rule", ["max joint", "mean joint", "joint"])
def test_success_is_what_loops_count(rule):
    errors = np.random.default_rng(3).gamma(2.0, 5.0, (50, 4))
    errors[0] = 10.0  # a threshold itself counts
    thresholds = np.array([5.0, 10.0, 20.0])
    rates = success_curve(errors, thresholds_mm=thresholds, rule=rule)
    for threshold, rate in zip(thresholds, rates, strict=True):
        hits = []
        for frame in errors:
            if rule == "joint":
                hits += [error <= threshold for error in frame]
            else:
                hits.append((max(frame) if rule == "max joint" else sum(frame) / 4) <= threshold)
        assert rate == pytest.approx(sum(hits) / len(hits))


@given(st.integers(0, 10**6))
def test_curves_rise_and_the_worst_joint_is_the_strictest(seed):
    errors = np.random.default_rng(seed).gamma(1.5, 12.0, (20, 3))
    thresholds = np.arange(0.0, 200.0)
    worst, mean = (success_curve(errors, thresholds_mm=thresholds, rule=rule) for rule in ("max joint", "mean joint"))
    assert (np.diff(worst) >= 0).all()
    assert (worst <= mean).all()


def test_area_of_a_step_and_of_certainty():
    thresholds = np.linspace(0.0, 50.0, 101)
    assert area_under_curve(np.ones(101), thresholds_mm=thresholds) == pytest.approx(1.0)
    step = (thresholds >= 25.0).astype(float)
    assert area_under_curve(step, thresholds_mm=thresholds) == pytest.approx(0.5, abs=0.01)


def test_interval_of_independent_values_is_that_of_the_normal_law():
    values = np.random.default_rng(0).normal(10.0, 2.0, 2500)
    low, high = bootstrap_interval(values, np.random.default_rng(1))
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.01)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 50, rel=0.08)


def test_neighbors_that_err_alike_make_the_interval_wider():
    """Runs of 50 equal values: the mean varies as that of 40 values, not of 2,000."""
    values = np.random.default_rng(0).normal(10.0, 2.0, 40).repeat(50)
    single = np.ptp(bootstrap_interval(values, np.random.default_rng(1)))
    blocks = np.ptp(bootstrap_interval(values, np.random.default_rng(1), block=100))
    assert blocks > 4 * single
    assert blocks == pytest.approx(2 * 1.96 * values.std() / np.sqrt(40), rel=0.35)


def test_few_frames_have_an_interval_too():
    """A block of all frames has one mean: 60 values would be as sure of theirs as if there were no noise."""
    values = np.random.default_rng(0).normal(10.0, 2.0, 60)
    single = np.ptp(bootstrap_interval(values, np.random.default_rng(1)))
    blocks = np.ptp(bootstrap_interval(values, np.random.default_rng(1), block=100))
    assert 0.4 * single < blocks < 2 * single
    few = bootstrap_means(np.array([1.0, 2.0, 6.0]), np.random.default_rng(0), block=100, draws=200)
    assert few.min() == 1
    assert few.max() == 6


def test_the_generator_decides():
    values = np.arange(30.0)
    first, again, other = (bootstrap_means(values, np.random.default_rng(seed), draws=8) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
