"""Errors in millimeters, each with the protocol that it was measured under."""

from handkit.evaluation.protocol import NOT_STATED, Comparison, Part, Protocol, Result
from handkit.evaluation.scoring import compare, score
from handkit.evaluation.whole_images import Tally, TrueHand, WholeImage, evaluate_images

__all__ = [
    "NOT_STATED",
    "Comparison",
    "Part",
    "Protocol",
    "Result",
    "Tally",
    "TrueHand",
    "WholeImage",
    "compare",
    "evaluate_images",
    "score",
]
