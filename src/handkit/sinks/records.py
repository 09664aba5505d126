"""Where poses go: JSON lines, and pictures in a folder."""

import json
import math
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from handkit.camera import KEYS, Camera, camera_to_dict
from handkit.files.png import write_png
from handkit.hand import Prediction, rounded
from handkit.shapes import Float, UInt8

SCHEMA = Path(__file__).with_name("records.schema.json")
"""A JSON Schema (2020-12) of this module's records and of `Moment.to_dict`."""
STAGES = ("locate", "estimate", "total")


@runtime_checkable
class TextStream(Protocol):
    """What lines are written to: stdout, an open file, a `StringIO`."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


def frame_record(source: str, camera: Camera | None, prediction: Prediction) -> dict[str, Any]:
    """One frame as JSON holds it: millimeters and pixels to 0.01, null for what is not known.

    The keys are always the same, so that a reader needs no cases: an image that could not be read has no
    hands, a reason, and null for its timings (and for its camera, if that waited for the image's size). `SCHEMA` says
    all of it to programs.
    """
    return {
        "source": source,
        "camera": camera_to_dict(camera) if camera else dict.fromkeys(KEYS),
        **prediction.to_dict(),
        "timings_ms": {stage: rounded(prediction.timings_ms.get(stage, math.nan), 3) for stage in STAGES},
    }


class JsonLines:
    """One line of JSON per record, to a file that this opens or to a stream that stays open (stdout).

    Every line is flushed: an interrupted run keeps what it has seen, and whoever reads a pipe waits for no
    buffer. Raises OSError where the file cannot be written.

    >>> import sys
    >>> with JsonLines(sys.stdout) as sink:
    ...     sink.write({"source": "a.png", "hands": []})
    {"source": "a.png", "hands": []}
    """

    def __init__(self, target: Path | TextStream) -> None:
        self._path = target if isinstance(target, Path) else None
        self._stream: Any = target.open("w", encoding="utf-8") if isinstance(target, Path) else target

    def write(self, record: Mapping[str, Any]) -> None:
        """Raises ValueError on NaN and infinity, which JSON does not have."""
        try:
            self._stream.write(json.dumps(record, allow_nan=False) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:  # a full disk names no file
            raise OSError(error.errno, error.strerror, str(self._path or "stdout")) from error

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._path is not None:
            with suppress(OSError) if error else nullcontext():  # closing a file on a full disk fails once more
                self._stream.close()


class PictureFolder:
    """PNGs in one folder, each named after its source; sources of one name get their folder's name too."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._taken: set[str] = set()

    def write(self, source: Path, picture: UInt8[np.ndarray, "_ _ 3"]) -> Path:
        """Save under a name that no other source of this run has, and return the path."""
        path = self._folder / f"{self._free_name(source)}.png"
        write_png(path, picture)
        return path

    def _free_name(self, source: Path) -> str:
        """`frame`, else `folder-frame`, else `frame-2` and so on; case alone does not tell names apart."""
        names = [source.stem, f"{source.resolve().parent.name}-{source.stem}"]
        names += [f"{source.stem}-{i}" for i in range(2, len(self._taken) + 3)]
        name = next(name for name in names if name.casefold() not in self._taken)
        self._taken.add(name.casefold())
        return name


def save_depth(path: Path, depth: Float[np.ndarray, "H W"]) -> None:
    """Write a 16-bit PNG of whole mm, which `sources.read_frames` reads; raises OSError."""
    millimeters = np.rint(depth).clip(0, np.iinfo(np.uint16).max).astype(np.uint16)
    write_png(path, millimeters)
