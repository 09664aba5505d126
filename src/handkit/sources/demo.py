"""The bundled recording as a source: three synthetic seconds of an SR300, four frames a second; needs no extra."""

import json
from collections.abc import Generator
from pathlib import Path

from handkit.camera import Camera
from handkit.errors import HandkitError, UsageError
from handkit.sources.files import read_frames
from handkit.sources.source import Options, Played, Reading

RECORDING = Path(__file__).parents[1] / "recording"
"""Frames in mm and their labels, as `handkit render` writes them."""
FRAME_NS = 250_000_000


def open_demo(argument: str, options: Options) -> Played:
    """Raises UsageError for an argument: there is but one."""
    if argument:
        raise UsageError(f"demo:{argument} is no recording; the bundled one is demo")
    return Played("demo", _readings, options.report)


def _readings() -> Generator[Reading | HandkitError]:
    for index, line in enumerate((RECORDING / "labels.jsonl").read_text(encoding="utf-8").splitlines()):
        record = json.loads(line)
        (values,) = read_frames(RECORDING / record["source"])
        yield Reading(values, Camera(**record["camera"]), index * FRAME_NS)
