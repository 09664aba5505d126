"""Whether a skeleton can be a hand's: how large it is, and how its bones fit one another."""

from typing import NamedTuple

import numpy as np

from handkit.shapes import Float32
from handkit.skeleton import Skeleton

TYPICAL_MM = {
    "thumb_cmc": 30.2, "thumb_mcp": 42.7, "thumb_ip": 31.4, "thumb_tip": 22.7,
    "index_mcp": 87.8, "index_pip": 40.9, "index_dip": 23.8, "index_tip": 17.1,
    "middle_mcp": 86.3, "middle_pip": 44.8, "middle_dip": 27.5, "middle_tip": 18.1,
    "ring_mcp": 81.6, "ring_pip": 41.8, "ring_dip": 26.6, "ring_tip": 18.1,
    "pinky_mcp": 77.0, "pinky_pip": 33.3, "pinky_dip": 19.0, "pinky_tip": 16.2,
}  # fmt: skip
"""Length of the bone that ends in this joint: medians of 2,000 synthetic hands, which are 0.68 to 1.24 times as large
and of which no bone is more than 1.5 times as long as the others suggest."""
SMALL, LARGE = 0.66, 1.35
"""Hardly a hand is smaller or larger than this: what looks like one has another unit or focal length."""
STEEP = 12
"""How fast a size beyond loses: 0.6 keeps a third, 0.5 a thirtieth."""
USUAL = (0.82, 1.22)
"""Nearly all adults' hands are in this range; a size outside it is a child's, or of another unit or focal length."""
ADULTS = (0.9, 1.12)
"""Real ones of three cameras: what is outside speaks against a camera whose numbers are doubted already."""
EVEN = 0.2
"""Below this unevenness the shape is so much a hand's that a size outside `USUAL` is worth a word."""
UNEVEN = 0.3
"""Root mean square of the logarithms of a bone's length over its typical share: of hands that are seen rightly at most
0.25; of hands that fold into a line, and where there is none, up to 0.5."""


class Proportions(NamedTuple):
    """How large a skeleton is, and how far its bones are from a hand's shares of that size."""

    size: float
    """1: as large as a typical adult's hand."""
    unevenness: float
    """0: every bone has its share of the whole length; see `UNEVEN`."""

    @property
    def plausibility(self) -> float:
        """1 for what can be a hand's, falling toward 0 for what is collapsed, too large or out of proportion.

        >>> Proportions(1.0, 0.2).plausibility, round(Proportions(0.6, 0.2).plausibility, 2)
        (1.0, 0.32)
        >>> round(Proportions(1.0, 0.45).plausibility, 2)
        0.2
        """
        fits = min(1.0, self.size / SMALL, LARGE / max(self.size, 1e-6))
        even = min(1.0, UNEVEN / max(self.unevenness, 1e-6))
        return fits**STEEP * even**4

    @property
    def doubt(self) -> str | None:
        """What is likely wrong with the input where what is shaped as a hand has another size than most have."""
        impossible = not SMALL <= self.size <= LARGE
        if self.unevenness > (UNEVEN if impossible else EVEN) or USUAL[0] <= self.size <= USUAL[1]:
            return None
        child = " (a child's?)" if SMALL <= self.size < 1 else ""
        return (
            f"the bones of the hand are {self.size:.1f} times as long as an adult's{child}: are the unit of the depth "
            "values (--depth-scale) and the focal lengths (--camera) right?"
        )


def proportions(joints_mm: Float32[np.ndarray, "J 3"], skeleton: Skeleton) -> Proportions:
    """Size and unevenness; 1 and 0 for a skeleton whose bones do not go from the wrist to the tips."""
    names = [skeleton.joints[end] for _, end in skeleton.bones]
    if "wrist" not in skeleton.joints or not all(name in TYPICAL_MM for name in names):
        return Proportions(1.0, 0.0)
    typical = np.array([TYPICAL_MM[name] for name in names])
    lengths = skeleton.bone_lengths(joints_mm)
    size = float(lengths.sum() / typical.sum())
    shares = np.log(np.maximum(lengths / typical / max(size, 1e-6), 1e-3))
    return Proportions(size, float(np.sqrt((shares**2).mean())))
