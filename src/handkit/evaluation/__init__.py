"""Errors in millimeters, each with the protocol that it was measured under."""

from handkit.evaluation.estimates import MISSED_MM, FoundHands, LabeledImage, evaluate_images
from handkit.evaluation.protocol import NOT_STATED, Comparison, Part, Protocol, Result
from handkit.evaluation.scoring import compare, score

__all__ = [
    "MISSED_MM",
    "NOT_STATED",
    "Comparison",
    "FoundHands",
    "LabeledImage",
    "Part",
    "Protocol",
    "Result",
    "compare",
    "evaluate_images",
    "score",
]
