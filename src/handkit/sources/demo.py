"""The bundled recording as a source: three synthetic seconds of an SR300, four frames a second; needs no extra."""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from handkit.camera import Camera, camera_from_dict
from handkit.errors import HandkitError, UsageError
from handkit.shapes import Float32, Shaped
from handkit.sources.files import read_frames
from handkit.sources.source import Calibration, Played, RawFrame, Report

RECORDING = Path(__file__).parents[1] / "recording"
"""Frames in mm and their labels, as `handkit render` writes them."""
FRAME_NS = 250_000_000


class Recorded(NamedTuple):
    """One depth image of the recording, and the hand in it (camera mm)."""

    name: str
    values: Shaped[np.ndarray, "H W"]
    camera: Camera
    joints_mm: Float32[np.ndarray, "J 3"]


def read_recording() -> Iterator[Recorded]:
    """All of it."""
    for line in (RECORDING / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        (values,) = read_frames(RECORDING / record["source"])
        joints = np.array(record["hands"][0]["joints_mm"], np.float32)
        yield Recorded(record["source"], values, camera_from_dict(record["camera"]), joints)


def open_demo(argument: str, calibration: Calibration, report: Report) -> Played:
    """Raises UsageError for an argument: there is but one."""
    if argument:
        raise UsageError(f"demo:{argument} is no recording; the bundled one is demo")
    return Played("demo", _raw_frames, report)


def _raw_frames() -> Generator[RawFrame | HandkitError]:
    for index, frame in enumerate(read_recording()):
        yield RawFrame(frame.values, frame.camera, index * FRAME_NS)
