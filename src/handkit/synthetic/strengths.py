"""The strengths of everything that `sensor.sense` does to a depth image.

Lengths along z are millimeters, lengths in the image are pixels of the rendered window (which may be
coarser than the device's own). "At 1 m" means that the quantity grows with the square of the distance, as
disparity and as the inverse square law of light have it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

Strength = Float32[np.ndarray, " B"]


class Sensor(NamedTuple):
    """One strength per frame and phenomenon; see `NOTHING` for the values that leave an image alone."""

    outline: Strength
    """Silhouettes wander by a smooth random offset of this standard deviation, pixels ..."""
    outline_cell: Strength
    """... that changes over this many pixels."""
    smooth: Strength
    """Passes of a 3x3 median over what wandered: matching windows leave no single pixels on an outline."""
    jitter: Strength
    """Each pixel near a silhouette is read this far away (standard deviation, pixels)."""
    fatten: Strength
    """The nearer surface grows by this many whole pixels (block matching)."""
    noise: Strength
    """Axial noise, standard deviation in mm, at any distance ..."""
    noise_at_meter: Strength
    """... and what is added at 1 m."""
    white: Strength
    """How much of its amplitude differs from pixel to pixel, 0 to 1; the rest comes in blobs ..."""
    grain_cell: Strength
    """... that change over this many pixels."""
    grazing_noise: Strength
    """Axial noise is multiplied by 1 + this * tan^2 of the angle of incidence."""
    wave_at_meter: Strength
    """Undulation, standard deviation in mm at 1 m ..."""
    wave_cell: Strength
    """... that changes over this many pixels."""
    interlace: Strength
    """Every other row is this many mm farther."""
    stripes: Strength
    """A random offset of each row, standard deviation in mm."""
    bow: Strength
    """Light that comes by several ways bends surfaces: the share by which depth moves toward its local mean ..."""
    bow_reach: Strength
    """... over this many pixels to every side."""
    flying: Strength
    """Chance that a pixel on a depth edge reads something between the two surfaces."""
    blend: Strength
    """Share of the outlines along which both surfaces mix as the optics blur them: a ramp, not single pixels."""
    stray: Strength
    """Chance that a pixel reads something in front of the surface."""
    rim: Strength
    """Width of the invalid seam around a nearer surface, whole pixels ..."""
    rim_level: Strength
    """... which is torn where a smooth standard normal field is above this ..."""
    rim_gap: Strength
    """... and needs a step of this many mm: a finger before the palm may leave none."""
    baseline: Strength
    """Position of the projector or second camera, mm to the right: what it cannot see is invalid."""
    dropout: Strength
    """Chance that a pixel is invalid."""
    grazing_limit: Strength
    """Surfaces with a larger tangent of the angle of incidence are invalid."""
    hole_level: Strength
    """Blobs are invalid where a smooth standard normal field is below -this * (1 - (z / reach)^2) ..."""
    hole_cell: Strength
    """... which changes over this many pixels."""
    reach: Strength
    """Distance at which half of a surface is invalid, in distances of the nearest one (gain follows it)."""
    average: Strength
    """Number of passes of a 3x3 mean ..."""
    similar: Strength
    """... over the depth values within this many mm."""
    step: Strength
    """Depth values are rounded to multiples of this many mm."""
    disparity_step: Strength
    """Depth values are rounded in 1 / z to steps that are this many mm at 1 m."""
    scale: Strength
    """Relative error of distance."""
    offset: Strength
    """Absolute error of distance, mm."""
    nearest: Strength
    """Anything nearer is invalid, mm."""
    farthest: Strength
    """Anything farther is invalid, mm."""
    smear: Strength
    """Temporal filter: share of the previous image in this one, which saw everything ..."""
    smear_right: Strength
    """... whole pixels beside ..."""
    smear_down: Strength
    """... and whole pixels below."""
    median: Strength
    """Passes of a 3x3 median."""
    grow: Strength
    """Holes grow by this many whole pixels."""
    fill: Strength
    """Holes are filled along rows: 1 from the left, 2 with the nearer side, 3 with the farther side, 4 linearly ..."""
    fill_width: Strength
    """... up to this many pixels wide."""
    grid: Strength
    """The image was transferred to a grid of this pitch, pixels ..."""
    grid_mode: Strength
    """... 1 one pixel a node, holes between (registered to a finer image), 2 nearest, 3 linear, 4 with holes as 0."""
    blur: Strength
    """Passes of the binomial filter 1 2 1, holes and all."""


Ranges = dict[str, tuple[float, float]]
"""Field of `Sensor` -> lowest and highest strength; what is not named stays as in `NOTHING`."""

NOTHING: Ranges = dict.fromkeys(Sensor._fields, (0.0, 0.0)) | {
    "outline_cell": (3.0, 3.0),
    "wave_cell": (3.0, 3.0),
    "hole_cell": (3.0, 3.0),
    "white": (1.0, 1.0),
    "grain_cell": (2.0, 2.0),
    "rim_level": (9.0, 9.0),
    "grazing_limit": (1e9, 1e9),
    "hole_level": (9.0, 9.0),
    "reach": (1e9, 1e9),
    "farthest": (1e9, 1e9),
}
