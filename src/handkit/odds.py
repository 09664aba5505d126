"""Probabilities and their log odds."""

import math

import numpy as np

from handkit.shapes import Float, Float32


def log_odds(probability: float) -> float:
    """Inverse of `probability`; finite.

    >>> log_odds(0.5), round(log_odds(1.0))
    (0.0, 14)
    """
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))


def probability(log_odds: float) -> float:
    """1 / (1 + exp(-log_odds)), without overflow.

    >>> probability(0.0), probability(-1000.0)
    (0.5, 0.0)
    """
    return 0.5 + 0.5 * math.tanh(0.5 * log_odds)


def share_of_given(probability: float) -> float:
    """What is left of a hand's confidence where its handedness was given, which has this probability by what is seen.

    >>> share_of_given(0.6), share_of_given(0.5), share_of_given(0.25)
    (1.0, 1.0, 0.5)
    """
    return min(1.0, 2 * probability)


def probabilities(logits: Float[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """As `probability`, of many.

    >>> probabilities(np.float32([0, 1000])).tolist()
    [0.5, 1.0]
    """
    return (0.5 + 0.5 * np.tanh(0.5 * np.asarray(logits, np.float32))).astype(np.float32)
