"""The bundled recording as a source: three synthetic seconds of an SR300, four frames a second; needs no extra."""

import json
from collections.abc import Generator
from pathlib import Path

from handkit.camera import Camera
from handkit.errors import HandkitError, UsageError
from handkit.sources.files import read_frames
from handkit.sources.source import Calibration, Played, RawFrame, Report

RECORDING = Path(__file__).parents[1] / "recording"
"""Frames in mm and their labels, as `handkit render` writes them."""
FRAME_NS = 250_000_000


def open_demo(argument: str, calibration: Calibration, report: Report) -> Played:
    """Raises UsageError for an argument: there is but one."""
    if argument:
        raise UsageError(f"demo:{argument} is no recording; the bundled one is demo")
    return Played("demo", _raw_frames, report)


def _raw_frames() -> Generator[RawFrame | HandkitError]:
    for index, line in enumerate((RECORDING / "labels.jsonl").read_text(encoding="utf-8").splitlines()):
        record = json.loads(line)
        (values,) = read_frames(RECORDING / record["source"])
        yield RawFrame(values, Camera(**record["camera"]), index * FRAME_NS)
