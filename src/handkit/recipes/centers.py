"""Where cubes stand: one vocabulary for recipes, packed stores, options and the protocol of a number."""

from enum import Enum


class CenterSource(str, Enum):
    """Where the center of a frame's cube comes from, before augmentation moves it (docs/reference.md, 1.7 and 2.5)."""

    MEAN = "mean"
    """Mean of the labeled joints."""
    COARSE = "coarse"
    """The mean with the errors of a coarse center: what stands for a center of mass in synthetic frames."""
    BOX = "box"
    """Middle of the box around the labeled joints."""
    MASS = "mass"
    """Center of mass of the hand's depth."""
    BOX_MASS = "box-mass"
    """The same within the box around the labeled joints."""
    REFINED = "refined"
    """A published file of refined centers."""
    LOCALIZER = "localizer"
    """Where a localizer sees the hand from a coarse center."""

    def __str__(self) -> str:
        return self.value

    @property
    def of_labels(self) -> bool:
        """Whether it knows the labels, which no test may."""
        return self in {CenterSource.MEAN, CenterSource.BOX, CenterSource.BOX_MASS}

    @property
    def words(self) -> str:
        """For the protocol of a number."""
        return _WORDS[self]


_WORDS = {
    CenterSource.MEAN: "mean of the labels",
    CenterSource.COARSE: "mean of the labels, perturbed as a coarse center is",
    CenterSource.BOX: "box of the labels",
    CenterSource.MASS: "center of mass",
    CenterSource.BOX_MASS: "center of mass",  # in which box, the details of a store say
    CenterSource.REFINED: "published refined centers",
    CenterSource.LOCALIZER: "a localizer's answer",
}
