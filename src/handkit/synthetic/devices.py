"""What differs between depth cameras: ranges of strengths by kind of device, and what software does to some images.

Measured on real frames (results/sensor.md): what is left of a surface after a quadric fit is never white. Everywhere it
comes in blobs of about 3 pixels (autocorrelation 0.35 to 0.5 at a shift of 1, about 0.1 at 2, below 0 at 4).
"""

from typing import NamedTuple

import numpy as np
import torch

from .strengths import NOTHING, Ranges, Sensor

GRAIN: Ranges = {"white": (0.0, 0.6), "grain_cell": (1.3, 2.8)}
"""Blobs of about 3 pixels, as every real camera has them."""

NEARLY_CLEAN: Ranges = {
    "outline": (0.0, 0.5),
    "outline_cell": (1.5, 5.0),
    "noise": (0.0, 0.6),
    **GRAIN,
    "wave_at_meter": (0.0, 1.5),
    "wave_cell": (2.0, 10.0),
    "step": (0.0, 1.0),
    "offset": (-2.0, 2.0),
}

STRUCTURED_LIGHT: Ranges = {
    "outline": (0.2, 1.3),
    "outline_cell": (2.5, 6.0),
    "smooth": (0.7, 2.3),
    "noise": (0.01, 0.12),
    "noise_at_meter": (0.0, 0.5),
    **GRAIN,
    "grazing_noise": (0.0, 0.15),
    "wave_at_meter": (0.0, 1.0),
    "wave_cell": (4.0, 14.0),
    "stray": (0.0, 0.0002),
    "rim": (0.3, 2.9),
    "rim_level": (0.0, 4.0),
    "rim_gap": (0.0, 80.0),
    "baseline": (-80.0, 80.0),
    "dropout": (0.0, 0.0004),
    "grazing_limit": (3.5, 9.0),
    "hole_level": (3.0, 7.0),
    "hole_cell": (2.0, 9.0),
    "reach": (1.7, 6.0),
    "average": (0.0, 1.8),
    "similar": (3.0, 15.0),
    "step": (0.0, 0.6),
    "scale": (-0.006, 0.006),
    "offset": (-3.0, 3.0),
    "nearest": (100.0, 220.0),
    "farthest": (1200.0, 8000.0),
}
"""Coded light (SR300, SR305): smooth surfaces, scalloped outlines, shadows."""

SPECKLE: Ranges = STRUCTURED_LIGHT | {
    "noise": (0.0, 0.3),
    "noise_at_meter": (0.0, 1.5),
    "white": (0.0, 0.8),
    "grain_cell": (1.5, 4.0),
    "wave_at_meter": (0.0, 1.8),
    "flying": (0.0, 0.2),
    "dropout": (0.0, 0.0015),
    "disparity_step": (0.0, 5.0),
}
"""One speckle pattern, matched in blocks (Kinect v1, PrimeSense): disparity steps."""

TIME_OF_FLIGHT: Ranges = {
    "outline": (0.0, 0.5),
    "outline_cell": (2.5, 6.0),
    "noise": (0.4, 2.4),
    "noise_at_meter": (0.0, 2.0),
    **GRAIN,
    "grazing_noise": (0.0, 0.3),
    "wave_at_meter": (0.0, 4.0),
    "wave_cell": (4.0, 14.0),
    "interlace": (0.0, 5.0),
    "stripes": (0.0, 0.6),
    "flying": (0.0, 0.4),
    "blend": (0.0, 0.5),
    "stray": (0.0, 0.0004),
    "rim": (0.4, 4.9),
    "rim_level": (0.5, 4.0),
    "rim_gap": (10.0, 140.0),
    "dropout": (0.0, 0.0008),
    "grazing_limit": (4.0, 10.0),
    "hole_level": (3.0, 7.0),
    "hole_cell": (2.0, 6.0),
    "reach": (2.5, 8.0),
    "average": (0.0, 1.8),
    "similar": (4.0, 25.0),
    "step": (0.0, 1.2),
    "scale": (-0.008, 0.008),
    "offset": (-6.0, 6.0),
    "nearest": (100.0, 220.0),
    "farthest": (1500.0, 8000.0),
}
"""Phase measured and filtered by the device (Kinect v2, Azure Kinect): seams, interlaced rows."""

RAW_TIME_OF_FLIGHT: Ranges = TIME_OF_FLIGHT | {
    "noise": (0.3, 2.0),
    "noise_at_meter": (0.0, 10.0),
    "interlace": (0.0, 0.5),
    "flying": (0.0, 0.3),
    "blend": (0.5, 1.0),
    "rim": (0.0, 1.4),
    "average": (0.0, 1.2),
}
"""Phase measured and little filtered (DepthSense, small industrial cameras): mixed pixels all along the outlines."""

STEREO: Ranges = {
    "outline": (0.2, 1.2),
    "outline_cell": (2.5, 7.0),
    "smooth": (0.5, 2.5),
    "fatten": (0.0, 2.0),
    "noise": (0.0, 0.3),
    "noise_at_meter": (0.0, 2.0),
    "white": (0.0, 0.6),
    "grain_cell": (1.5, 5.0),
    "grazing_noise": (0.0, 0.2),
    "wave_at_meter": (1.0, 7.0),
    "wave_cell": (3.0, 14.0),
    "flying": (0.0, 0.25),
    "stray": (0.0, 0.0004),
    "rim": (0.0, 2.9),
    "rim_level": (-1.0, 2.0),
    "rim_gap": (0.0, 80.0),
    "baseline": (-60.0, 60.0),
    "dropout": (0.0, 0.001),
    "grazing_limit": (3.0, 8.0),
    "hole_level": (3.0, 7.0),
    "hole_cell": (2.0, 12.0),
    "reach": (2.0, 8.0),
    "average": (0.0, 2.9),
    "similar": (5.0, 25.0),
    "step": (0.0, 1.2),
    "disparity_step": (0.0, 5.0),
    "scale": (-0.01, 0.01),
    "offset": (-3.0, 3.0),
    "nearest": (100.0, 220.0),
    "farthest": (1500.0, 8000.0),
}

KINDS: dict[str, Ranges] = {
    "nearly clean": NEARLY_CLEAN,
    "structured light": STRUCTURED_LIGHT,
    "speckle": SPECKLE,
    "time of flight": TIME_OF_FLIGHT,
    "raw time of flight": RAW_TIME_OF_FLIGHT,
    "stereo": STEREO,
}
SHARES = (0.18, 0.20, 0.14, 0.18, 0.12, 0.18)
"""How often `sample_sensors` draws each of `KINDS`."""


class Fault(NamedTuple):
    """Something that happens to some images of any device, and how often."""

    chance: float
    ranges: Ranges


FAULTS = (
    Fault(0.03, {"grid": (1.5, 3.2), "grid_mode": (1.0, 1.0)}),
    Fault(0.08, {"grid": (0.5, 2.0), "grid_mode": (2.0, 4.999)}),
    Fault(0.05, {"blur": (1.0, 4.9)}),
    Fault(0.05, {"median": (1.0, 2.9)}),
    Fault(0.04, {"smear": (0.1, 0.6), "smear_right": (-2.9, 2.9), "smear_down": (-2.9, 2.9)}),
    Fault(0.04, {"grow": (1.0, 2.9)}),
    Fault(0.06, {"fill": (1.0, 4.999), "fill_width": (2.0, 40.0)}),
    Fault(0.06, {"bow": (-0.3, 0.5), "bow_reach": (2.0, 7.9)}),
    Fault(0.04, {"step": (2.0, 10.0)}),
    Fault(0.03, {"disparity_step": (4.0, 14.0)}),
    Fault(0.02, {"jitter": (0.1, 0.5), "dropout": (0.001, 0.01), "stray": (0.0005, 0.003)}),
)
"""Each drawn for itself, so that some images have several."""


def perfect(count: int) -> Sensor:
    """Sensors that answer the clean depth."""
    return Sensor(*(np.full(count, NOTHING[name][0], np.float32) for name in Sensor._fields))


def sample_sensors(count: int, generator: torch.Generator, *, kind: str | None = None) -> Sensor:
    """Random sensors of one of `KINDS`, as they leave the device; or a mixture of all kinds, some with `FAULTS`.

    A strength is uniform in its range; where the range starts at 0 its root is: most cameras have little of
    most faults.
    """
    shares = torch.tensor(SHARES if kind is None else [float(name == kind) for name in KINDS])
    chosen = torch.multinomial(shares, count, replacement=True, generator=generator)
    strengths = _draw([NOTHING | ranges for ranges in KINDS.values()], chosen, generator)
    for fault in FAULTS if kind is None else ():
        faulty = torch.rand(count, generator=generator) < fault.chance
        drawn = _draw([NOTHING | fault.ranges], torch.zeros_like(chosen), generator)
        named = torch.tensor([name in fault.ranges for name in Sensor._fields])
        strengths = torch.where(faulty[:, None] & named, drawn, strengths)
    return Sensor(*np.ascontiguousarray(strengths.T.numpy(), dtype=np.float32))


def _draw(table: list[Ranges], chosen: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One row of strengths for each row of the table that was chosen."""
    ranges = torch.tensor([[kept[name] for name in Sensor._fields] for kept in table])
    low, high = ranges[chosen].unbind(-1)
    fraction = torch.rand(low.shape, generator=generator)
    return low + (high - low) * torch.where(low == 0.0, fraction.square(), fraction)
