"""Where hands may be in a whole depth picture: rough centres, most likely first."""

from handkit.locate.candidates import propose
from handkit.locate.surfaces import FAR, NEAR

__all__ = ["FAR", "NEAR", "propose"]
