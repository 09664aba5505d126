"""Where the hand is in a whole depth image: cheap proposals, then the localizer's decision."""

from handkit.locate.candidates import propose
from handkit.locate.decision import Locator, find_hand
from handkit.locate.surfaces import FAR, NEAR

__all__ = ["FAR", "NEAR", "Locator", "find_hand", "propose"]
