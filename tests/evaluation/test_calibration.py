"""Calibration by hand."""

import math

import numpy as np

from handkit.evaluation.calibration import area_under_curve, expected_calibration_error, reliability


def test_bins_by_hand():
    probability = np.array([0.05, 0.15, 0.95, 1.0, 0.9])
    truth = np.array([False, True, True, True, False])
    bins = reliability(probability, truth, bins=2)
    assert [each.answers for each in bins] == [2, 3]
    np.testing.assert_allclose([each[1:] for each in bins], [(0.1, 0.5), (0.95, 2 / 3)])
    expected = 2 / 5 * 0.4 + 3 / 5 * (0.95 - 2 / 3)
    assert math.isclose(expected_calibration_error(probability, truth, bins=2), expected)
    assert reliability(probability, truth)[7].answers == 0


def test_honest_probabilities_are_calibrated_and_boasting_ones_are_not():
    generator = np.random.default_rng(0)
    probability = generator.random(50_000)
    truth = generator.random(50_000) < probability
    assert expected_calibration_error(probability, truth) < 0.01
    assert expected_calibration_error(np.ones(50_000), truth) > 0.45


def test_ranking():
    truth = np.array([False, True, False, True])
    assert area_under_curve(np.array([0.0, 1.0, 0.1, 0.9]), truth) == 1
    assert area_under_curve(np.zeros(4), truth) == 0.5
    assert math.isnan(area_under_curve(np.zeros(4), np.ones(4, bool)))
