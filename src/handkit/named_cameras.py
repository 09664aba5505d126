"""Cameras by name."""

import re
from typing import NamedTuple

from handkit.errors import suggest


class DataSheet(NamedTuple):
    """What a data sheet, a calibration or a data set's page says of one camera: pixels, and mm per unit of depth."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    source: str
    unit_mm: float = 1.0


CAMERAS: dict[str, DataSheet] = {
    # The data sets: docs/reference.md, 1.1.
    "icvl": DataSheet(240.99, 240.96, 160.0, 120.0, 320, 240, "ICVL, as evaluated"),
    "nyu": DataSheet(588.03, 587.07, 320.0, 240.0, 640, 480, "NYU, as evaluated"),
    "msra": DataSheet(241.42, 241.42, 160.0, 120.0, 320, 240, "MSRA15, as evaluated"),
    "hands17": DataSheet(475.065948, 475.065857, 315.944855, 245.287079, 640, 480, "HANDS2017, as evaluated"),
    "kinect2": DataSheet(363.9, 363.9, 255.4, 206.3, 512, 424, "factory calibration of one Kinect v2"),
    "sr305": DataSheet(476.007, 476.007, 313.683, 242.755, 640, 480, "factory calibration of one SR305", 0.125),
    "sr300": DataSheet(475.066, 475.066, 315.945, 245.287, 640, 480, "the SR300 that recorded HANDS2017"),
    "d415": DataSheet(925.0, 925.0, 640.0, 360.0, 1280, 720, "nominal: 69.4 degrees across 1280 px"),
    "d435": DataSheet(425.0, 425.0, 424.0, 240.0, 848, 480, "nominal: about 90 degrees across 848 px"),
    "l515": DataSheet(458.0, 458.0, 320.0, 240.0, 640, 480, "nominal: 70 degrees across 640 px", 0.25),
    "azure-kinect": DataSheet(504.0, 504.0, 320.0, 288.0, 640, 576, "nominal: NFOV unbinned, 75 x 65 degrees"),
    "kinect1": DataSheet(585.0, 585.0, 320.0, 240.0, 640, 480, "nominal: 57 degrees across 640 px"),
}
"""Named cameras. Nominal entries are data-sheet fields of view: use your device's own calibration for millimeters."""

FAMILIES = {
    "realsense": ("sr305", "sr300", "d415", "d435", "l515"),
    "kinect": ("kinect1", "kinect2", "azure-kinect"),
}
"""What people call several cameras by."""


def suggest_camera(name: str) -> str:
    """What may have been meant by an unknown name, to be put into a sentence."""
    letters = re.sub(r"[^a-z]", "", name)
    if letters in FAMILIES and name not in CAMERAS and not any(each.isdigit() for each in name):
        return f"which one: {', '.join(FAMILIES[letters])}? "
    return f"{suggest(name, CAMERAS)}known: {', '.join(CAMERAS)}; "
