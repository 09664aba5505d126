"""Results: every figure by hand on two frames, what is excluded, pairs, and JSON both ways."""

import json

import numpy as np
import pytest

from handkit.errors import ScoreError
from handkit.evaluation import Protocol, Result, compare, score
from handkit.evaluation.metrics import joint_distances
from handkit.evaluation.scoring import WORST_APART

PROTOCOL = Protocol(dataset="toy", version="2 frames", split="all", joints=("a", "b"), cube="250 mm")
TRUTH = np.zeros((2, 2, 3))
ESTIMATED = np.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 13.0]], [[0.0, 0.0, 0.0], [30.0, 0.0, 0.0]]])


def noisy(scale: float, *, seed: int = 0, frames: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, (frames, 2, 3))


def toy(estimated: np.ndarray, name: str = "toy") -> Result:
    return score(estimated=estimated, truth=np.zeros_like(estimated), method=name, protocol=PROTOCOL)


def test_figures_by_hand():
    """Distances 5 and 13, then 0 and 30."""
    masks = {"first": np.array([True, False]), "none": np.array([False, False])}
    result = score(estimated=ESTIMATED, truth=TRUTH, method="net", protocol=PROTOCOL, parts=masks)
    assert (result.frames, result.left_out, result.mean_error_mm, result.median_error_mm) == (2, 0, 12.0, 12.0)
    assert result.per_joint_mm == (2.5, 21.5)
    assert result.per_axis_mm == (8.25, 1.0, 3.25)
    assert result.success == {"10": 0.0, "15": 0.5, "20": 0.5, "30": 1.0, "40": 1.0}
    assert result.success_mean_joint == {"10": 0.5, "15": 1.0, "20": 1.0, "30": 1.0, "40": 1.0}
    assert result.success_joint == {"10": 0.5, "15": 0.75, "20": 0.75, "30": 1.0, "40": 1.0}
    assert list(result.parts) == ["first"]
    assert (result.parts["first"].frames, result.parts["first"].mean_error_mm) == (1, 9.0)
    assert len(result.curves.thresholds_mm) == 81
    assert result.curves.worst_joint[12:14] == (0.0, 0.5)
    assert result.auc_worst_joint == pytest.approx((0.25 + 16 * 0.5 + 0.75 + 50) / 80, abs=1e-6)
    assert result.worst_frames == (1,)
    assert result.protocol.cube == "250 mm"


def test_area_of_joints_is_that_of_awr():
    """Per-joint PCK over linspace(0, 50, 100), trapezoids, divided by 50; averaged over joints."""
    estimated = noisy(15.0)
    distances = np.linalg.norm(estimated, axis=-1)
    grid = np.linspace(0, 50, 100)
    areas = []
    for joint in range(2):
        rates = [(distances[:, joint] <= threshold).mean() for threshold in grid]
        areas.append(sum((grid[i + 1] - grid[i]) * (rates[i] + rates[i + 1]) / 2 for i in range(99)) / 50)
    assert toy(estimated).auc_joint == pytest.approx(np.mean(areas), abs=1e-5)


def test_frames_without_an_answer_are_in_no_figure():
    estimated = np.concatenate([ESTIMATED, np.full((1, 2, 3), np.nan)])
    result = toy(estimated)
    assert (result.frames, result.left_out, result.mean_error_mm) == (2, 1, 12.0)
    with pytest.raises(ValueError, match="not one frame"):
        toy(np.full((1, 2, 3), np.nan))


def test_joints_without_a_name():
    with pytest.raises(ValueError, match=r"joints of its protocol, \(frames, 2, 3\); got ndarray of shape \(4, 3, 3\)"):
        toy(np.zeros((4, 3, 3)))


def test_neighbors_of_a_worst_frame_are_not_listed_again():
    estimated = noisy(1.0)
    estimated[100:110] += 50
    estimated[104] += 5
    worst = toy(estimated).worst_frames
    assert worst[0] == 104
    assert all(abs(a - b) >= WORST_APART for i, a in enumerate(worst) for b in worst[:i])


def test_pairs_see_what_two_separate_intervals_do_not():
    """Both err by the same large noise; the second by a constant more."""
    shared = np.abs(noisy(20.0)) + 10
    first, second = toy(shared, "first"), toy(shared * 1.03, "second")
    assert first.blocks_mm.high > second.blocks_mm.low
    errors = [joint_distances(estimated=values, truth=np.zeros_like(shared)) for values in (shared, shared * 1.03)]
    pair = compare(first, second, errors=errors[0], other_errors=errors[1]).comparisons[0]
    assert pair.other == "second"
    assert pair.difference_mm == pytest.approx(first.mean_error_mm - second.mean_error_mm, abs=1e-5)
    assert pair.blocks_mm.high < 0
    assert pair.better_frames == 1.0


def test_pairs_leave_out_what_either_does_not_answer():
    errors, other = np.full((4, 2), 5.0), np.full((4, 2), 3.0)
    errors[0], other[1] = np.nan, np.nan
    pair = compare(toy(ESTIMATED), toy(ESTIMATED), errors=errors, other_errors=other).comparisons[0]
    assert pair.difference_mm == 2.0
    with pytest.raises(ValueError, match="no frame in common"):
        compare(toy(ESTIMATED), toy(ESTIMATED), errors=errors[:1], other_errors=other[:1])


def test_json_both_ways(tmp_path):
    first, second = toy(noisy(3.0), "first"), toy(noisy(4.0), "second")
    errors = np.linalg.norm(noisy(3.0), axis=-1)
    result = compare(first, second, errors=errors, other_errors=errors + 1)
    result.save(tmp_path / "result.json")
    assert Result.load(tmp_path / "result.json") == result
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["mean_error_mm"] == result.mean_error_mm
    assert record["protocol"]["cube"] == "250 mm"
    assert record["success"]["20"] == result.success["20"]
    assert len(record["per_joint_mm"]) == 2


@pytest.mark.parametrize("text", ["[]", "{}", "no json", '{"protocol": 3}'])
def test_other_files_are_no_results(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ScoreError, match=r"result\.json is not a result of handkit"):
        Result.load(tmp_path / "result.json")
