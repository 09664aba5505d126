"""What differs between depth cameras: the strengths of everything that `sensor.sense` does to a picture.

Lengths along z are millimetres, lengths in the picture are pixels of the rendered window (which may be
coarser than the device's own). "At 1 m" means that the quantity grows with the square of the distance, as
disparity and as the inverse square law of light have it.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32

Strength = Float32[np.ndarray, " B"]


class Sensor(NamedTuple):
    """One strength per frame and phenomenon; see `perfect` for the values that leave a picture alone."""

    outline: Strength
    """Silhouettes wander by a smooth random offset of this standard deviation, pixels ..."""
    outline_cell: Strength
    """... that changes over this many pixels."""
    jitter: Strength
    """Each pixel near a silhouette is read this far away (standard deviation, pixels)."""
    fatten: Strength
    """The nearer surface grows by this many whole pixels (block matching)."""
    noise: Strength
    """Axial white noise, standard deviation in mm, at any distance ..."""
    noise_at_meter: Strength
    """... and what is added at 1 m."""
    grazing_noise: Strength
    """White noise is multiplied by 1 + this * tan^2 of the angle of incidence."""
    wave_at_meter: Strength
    """Smooth noise, standard deviation in mm at 1 m ..."""
    wave_cell: Strength
    """... that changes over this many pixels."""
    stripes: Strength
    """An offset for every other row, and a random one for each row, mm (interlaced read-out)."""
    flying: Strength
    """Chance that a pixel on a depth edge reads something between the two surfaces."""
    stray: Strength
    """Chance that a pixel reads something in front of the surface."""
    rim: Strength
    """Width of the seam without readings around a nearer surface, whole pixels ..."""
    rim_level: Strength
    """... which is torn where a smooth standard normal field is above this ..."""
    rim_gap: Strength
    """... and needs a step of this many mm: a finger before the palm may leave none."""
    baseline: Strength
    """Position of the projector or second camera, mm to the right: what it cannot see is lost."""
    dropout: Strength
    """Chance that a pixel is lost."""
    grazing_limit: Strength
    """Surfaces with a larger tangent of the angle of incidence are lost."""
    hole_level: Strength
    """Blobs are lost where a smooth standard normal field is below -this * (1 - (z / reach)^2) ..."""
    hole_cell: Strength
    """... which changes over this many pixels."""
    reach: Strength
    """Distance at which half of a surface is lost, in distances of the nearest one (gain follows it)."""
    average: Strength
    """Number of passes of a 3x3 mean ..."""
    similar: Strength
    """... over the readings within this many mm."""
    step: Strength
    """Readings are rounded to multiples of this many mm."""
    disparity_step: Strength
    """Readings are rounded in 1 / z to steps that are this many mm at 1 m."""
    scale: Strength
    """Relative error of distance."""
    offset: Strength
    """Absolute error of distance, mm."""
    nearest: Strength
    """Anything nearer is lost, mm."""
    farthest: Strength
    """Anything farther is lost, mm."""


Ranges = dict[str, tuple[float, float]]
"""Field of `Sensor` -> lowest and highest strength; what is not named stays as in `NOTHING`."""

NOTHING: Ranges = dict.fromkeys(Sensor._fields, (0.0, 0.0)) | {
    "outline_cell": (3.0, 3.0),
    "wave_cell": (3.0, 3.0),
    "hole_cell": (3.0, 3.0),
    "rim_level": (9.0, 9.0),
    "grazing_limit": (1e9, 1e9),
    "hole_level": (9.0, 9.0),
    "reach": (1e9, 1e9),
    "farthest": (1e9, 1e9),
}

NEARLY_CLEAN: Ranges = {
    "outline": (0.0, 0.5),
    "outline_cell": (1.5, 5.0),
    "noise": (0.0, 0.6),
    "wave_at_meter": (0.0, 1.5),
    "wave_cell": (2.0, 10.0),
    "step": (0.0, 1.0),
    "offset": (-2.0, 2.0),
}

STRUCTURED_LIGHT: Ranges = {
    "outline": (0.0, 1.2),
    "outline_cell": (1.5, 5.0),
    "jitter": (0.0, 0.4),
    "noise": (0.0, 0.25),
    "noise_at_meter": (0.0, 1.5),
    "grazing_noise": (0.0, 0.15),
    "wave_at_meter": (0.0, 1.8),
    "wave_cell": (2.0, 10.0),
    "stray": (0.0, 0.0006),
    "rim": (0.3, 2.9),
    "rim_level": (0.0, 4.0),
    "rim_gap": (0.0, 80.0),
    "baseline": (-80.0, 80.0),
    "dropout": (0.0, 0.006),
    "grazing_limit": (3.5, 9.0),
    "hole_level": (3.0, 7.0),
    "hole_cell": (1.5, 9.0),
    "reach": (1.7, 6.0),
    "average": (0.0, 2.5),
    "similar": (3.0, 15.0),
    "step": (0.0, 1.2),
    "disparity_step": (0.0, 5.0),
    "scale": (-0.006, 0.006),
    "offset": (-3.0, 3.0),
    "nearest": (100.0, 220.0),
    "farthest": (1200.0, 8000.0),
}

TIME_OF_FLIGHT: Ranges = {
    "outline": (0.0, 0.6),
    "outline_cell": (1.5, 4.0),
    "jitter": (0.0, 0.3),
    "noise": (0.0, 2.5),
    "noise_at_meter": (0.0, 2.5),
    "grazing_noise": (0.0, 0.3),
    "wave_at_meter": (0.0, 4.0),
    "wave_cell": (2.0, 14.0),
    "stripes": (0.0, 2.5),
    "flying": (0.0, 0.35),
    "stray": (0.0, 0.002),
    "rim": (0.4, 4.9),
    "rim_level": (0.5, 4.0),
    "rim_gap": (10.0, 140.0),
    "dropout": (0.0, 0.004),
    "grazing_limit": (4.0, 10.0),
    "hole_level": (3.0, 7.0),
    "hole_cell": (1.5, 6.0),
    "reach": (2.5, 8.0),
    "average": (0.0, 2.5),
    "similar": (4.0, 25.0),
    "step": (0.0, 1.2),
    "scale": (-0.008, 0.008),
    "offset": (-6.0, 6.0),
    "nearest": (100.0, 220.0),
    "farthest": (1500.0, 8000.0),
}

STEREO: Ranges = {
    "outline": (0.2, 1.2),
    "outline_cell": (2.0, 7.0),
    "jitter": (0.0, 0.5),
    "fatten": (0.0, 2.0),
    "noise": (0.0, 0.3),
    "noise_at_meter": (0.0, 2.0),
    "grazing_noise": (0.0, 0.2),
    "wave_at_meter": (1.0, 7.0),
    "wave_cell": (3.0, 14.0),
    "flying": (0.0, 0.25),
    "stray": (0.0, 0.001),
    "rim": (0.0, 2.9),
    "rim_level": (-1.0, 2.0),
    "rim_gap": (0.0, 80.0),
    "baseline": (-60.0, 60.0),
    "dropout": (0.0, 0.004),
    "grazing_limit": (3.0, 8.0),
    "hole_level": (3.0, 7.0),
    "hole_cell": (2.0, 12.0),
    "reach": (2.0, 8.0),
    "average": (0.0, 2.9),
    "similar": (5.0, 25.0),
    "step": (0.0, 1.2),
    "disparity_step": (0.5, 5.0),
    "scale": (-0.01, 0.01),
    "offset": (-3.0, 3.0),
    "nearest": (100.0, 220.0),
    "farthest": (1500.0, 8000.0),
}

KINDS: dict[str, Ranges] = {
    "nearly clean": NEARLY_CLEAN,
    "structured light": STRUCTURED_LIGHT,
    "time of flight": TIME_OF_FLIGHT,
    "stereo": STEREO,
}
SHARES = (0.25, 0.30, 0.27, 0.18)
"""How often `sample_sensors` draws each of `KINDS`."""


def perfect(count: int) -> Sensor:
    """Sensors that answer the clean depth."""
    return Sensor(*(np.full(count, NOTHING[name][0], np.float32) for name in Sensor._fields))


def sample_sensors(count: int, generator: torch.Generator, *, kind: str | None = None) -> Sensor:
    """Random sensors of one of `KINDS`, or of a mixture of them.

    A strength is uniform in its range; where the range starts at 0 its root is: most cameras have little of
    most faults.
    """
    shares = torch.tensor(SHARES if kind is None else [float(name == kind) for name in KINDS])
    chosen = torch.multinomial(shares, count, replacement=True, generator=generator)
    ranges = torch.tensor([[(NOTHING | kept)[name] for name in Sensor._fields] for kept in KINDS.values()])
    low, high = ranges[chosen].unbind(-1)
    fraction = torch.rand(low.shape, generator=generator)
    strengths = low + (high - low) * torch.where(low == 0.0, fraction.square(), fraction)
    return Sensor(*np.ascontiguousarray(strengths.T.numpy(), dtype=np.float32))
