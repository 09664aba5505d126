"""Whether probabilities mean what they say: reliability diagram, expected calibration error, ranking.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599.
"""

from typing import NamedTuple

import numpy as np

from handkit.shapes import Bool, Float

BINS = 15


class Bin(NamedTuple):
    """Of a reliability diagram: answers whose probability is within one of equal intervals."""

    answers: int
    said: float
    """Mean probability; nan in an empty bin."""
    true: float
    """Share that is true; nan in an empty bin."""


def reliability(probability: Float[np.ndarray, " N"], truth: Bool[np.ndarray, " N"], *, bins: int = BINS) -> list[Bin]:
    """Bins of equal width from 0 to 1; a probability of 1 belongs to the last."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    answer: list[Bin] = []
    for index in range(bins):
        inside = place == index
        count = int(inside.sum())
        said, true = (float(part[inside].mean()) if count else float("nan") for part in (probability, truth))
        answer.append(Bin(count, said, true))
    return answer


def expected_calibration_error(
    probability: Float[np.ndarray, " N"], truth: Bool[np.ndarray, " N"], *, bins: int = BINS
) -> float:
    """Mean distance of what was said from what is true, bins weighted by their answers (Guo et al., 2017, eq. 3).

    >>> expected_calibration_error(np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, False, False, False]))
    0.25
    """
    filled = [each for each in reliability(probability, truth, bins=bins) if each.answers]
    return round(sum(each.answers * abs(each.said - each.true) for each in filled) / len(probability), 12)


def area_under_curve(score: Float[np.ndarray, " N"], truth: Bool[np.ndarray, " N"]) -> float:
    """Probability that a true one scores above a false one, ties counting half; nan where either is missing.

    >>> area_under_curve(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
    0.875
    """
    true, false = score[truth], np.sort(score[~truth])
    if len(true) == 0 or len(false) == 0:
        return float("nan")
    below = np.searchsorted(false, true, side="left")
    upto = np.searchsorted(false, true, side="right")
    return float((below + upto).mean() / 2 / len(false))
