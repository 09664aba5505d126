"""From one way of keeping depth images to another, values and unit as they are."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import cv2
import numpy as np

from handkit.camera import Camera
from handkit.errors import SourceError
from handkit.files.atomic import replacing, write_whole, written_whole
from handkit.files.folders import check_writable, make_folder
from handkit.files.png import write_png
from handkit.recordings.recorder import Recorder
from handkit.sources.source import Report, Source, TimedFrame, log

Write = Callable[[TimedFrame], None]
KINDS = (".mcap", ".npz", ".tif", ".tiff")
"""Of files; a name without a suffix is a folder."""


class Converted(NamedTuple):
    """What was written."""

    frames: int
    camera: Camera | None
    """Of the last frame; only a recording says it itself."""

    def options(self) -> str:
        """With which commands read what was written, where it is no recording; empty without a frame."""
        if self.camera is None:
            return ""
        numbers = (self.camera.fx, self.camera.fy, self.camera.cx, self.camera.cy, *(self.camera.distortion or ()))
        scale = "" if self.camera.unit_mm == 1 else f" --depth-scale {self.camera.unit_mm:g}"
        return f"--camera {','.join(f'{each:.10g}' for each in numbers)}{scale}"


def convert(source: Source, out: Path, *, report: Report = log) -> Converted:
    """Write every frame of a source to a recording, an `.npz`, a stack in a TIFF, or a folder of 16-bit PNGs.

    Ctrl-C is the end of a camera; of what is stored it leaves nothing in `out`, and KeyboardInterrupt is raised.
    Raises HandkitError where `out` is none of these, is there already or cannot be written, OSError on a full disk.
    """
    suffix = out.suffix.lower()
    if suffix and suffix not in KINDS:
        raise SourceError(f"{out} is none of {', '.join(KINDS)}; a name without a suffix is a folder of 16-bit PNGs")
    if out.exists():
        raise SourceError(f"{out} exists; give another name")
    openers: dict[str, Any] = {".mcap": _recording, ".npz": _arrays, ".tif": _stack, ".tiff": _stack, "": _folder}
    if suffix:
        check_writable(out)
    kept = nullcontext() if source.live else whole_or_gone(out, source.name, report)
    with kept, openers[suffix](out, report) as write, source:
        return _write_all(source, write)


@contextmanager
def whole_or_gone(out: Path, name: str, report: Report) -> Generator[None]:
    """While in here Ctrl-C leaves nothing of `out`, which is made of `name`, and KeyboardInterrupt is raised."""
    try:
        yield
    except KeyboardInterrupt:
        if out.is_dir():
            rmtree(out)
        else:
            out.unlink(missing_ok=True)
        report(f"{out} is not kept: it would hold some frames of {name} only")
        raise


def _write_all(source: Source, write: Write) -> Converted:
    count, camera = 0, None
    try:
        for frame in source:
            write(frame)
            count, camera = count + 1, frame.image.camera
    except KeyboardInterrupt:
        if not source.live:
            raise
    return Converted(count, camera)


@contextmanager
def _recording(out: Path, report: Report) -> Generator[Write]:
    with Recorder(out) as recorder:
        yield recorder.write


@contextmanager
def _folder(out: Path, report: Report) -> Generator[Write]:
    """Values that 16 bits do not hold go to `.npy` files."""
    make_folder(out)

    def write(frame: TimedFrame) -> None:
        path = out / f"{frame.index:06d}.png"
        if _fits(frame.values):
            write_png(path, frame.values.astype(np.uint16))
        else:
            with written_whole(path.with_suffix(".npy")) as file:
                np.save(file, frame.values)

    yield write


@contextmanager
def _arrays(out: Path, report: Report) -> Generator[Write]:
    """One array a frame, and `camera` (fx, fy, cx, cy, distortion), `unit_mm` and `time_s` beside them."""
    frames: dict[str, np.ndarray] = {}
    times: list[float] = []
    cameras: list[Camera] = []

    def write(frame: TimedFrame) -> None:
        if cameras and frame.image.camera != cameras[0]:
            raise SourceError(
                f"{out} holds the frames of one camera, and frame {frame.index} is of another; a .mcap can"
            )
        frames[f"{frame.index:06d}"] = frame.values
        times.append(frame.time_s)
        cameras.append(frame.image.camera)

    yield write
    if not cameras:
        return
    camera = cameras[-1]
    numbers = [camera.fx, camera.fy, camera.cx, camera.cy, *(camera.distortion or ())]
    with replacing(out) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file, allow_pickle=False, **frames, camera=np.array(numbers), unit_mm=np.array([camera.unit_mm]),
            time_s=np.array(times),
        )  # fmt: skip


@contextmanager
def _stack(out: Path, report: Report) -> Generator[Write]:
    pages: list[np.ndarray] = []

    def write(frame: TimedFrame) -> None:
        pages.append(frame.values.astype(np.uint16 if _fits(frame.values) else np.float32))

    yield write
    if not pages:
        return
    whole, content = cv2.imencodemulti(".tiff", pages)
    if not whole:
        raise SourceError(f"{out} cannot be written as a TIFF of {len(pages)} pages")
    write_whole(out, content.tobytes())


def _fits(values: np.ndarray) -> bool:
    """Whether these are whole numbers of 16 bits."""
    if values.dtype == np.uint16:
        return True
    return values.dtype.kind in "ui" and values.min(initial=0) >= 0 and values.max(initial=0) < 1 << 16
