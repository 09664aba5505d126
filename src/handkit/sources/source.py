"""What every source is: one after the other, depth images with their times."""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from numbers import Real
from types import TracebackType
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from handkit.camera import Camera, CameraChoice
from handkit.depth import DepthImage
from handkit.errors import HandkitError, UsageError, shown
from handkit.shapes import Shaped
from handkit.sources.refusals import Refusals

Report = Callable[[str], None]
"""Given a sentence each for what is wrong and does not end a source: a frame refused, a camera unplugged."""
CAMERAS = ("realsense", "orbbec", "oak", "record3d")
"""Kinds of source that are plugged in."""
log: Report = logging.getLogger("handkit").warning


@dataclass(frozen=True, eq=False)
class TimedFrame:
    """One depth image of a source."""

    image: DepthImage
    time_s: float
    """Since the first frame that was taken from the source, by the camera's clock, in whole nanoseconds."""
    index: int
    """How many frames came before it: a gap is a frame that was dropped, or refused."""
    values: Shaped[np.ndarray, "H W"]
    """As the camera gave them, in units of `image.camera.unit_mm`: what a recording keeps."""


class RawFrame(NamedTuple):
    """What a camera or a file gives, before anything is checked."""

    values: Shaped[np.ndarray, "..."]
    camera: Camera
    time_ns: int
    """By the camera's clock."""
    origin_ns: int | None = None
    """What that clock showed at the first frame, if this is not it."""


@runtime_checkable  # for the shape checker that runs under pytest
class Source(Protocol):
    """Iterated inside its `with`, once; iteration ends where a recording ends, a camera's only with the `with`."""

    name: str
    live: bool
    """Whether only the newest frame counts: those for which nobody had time are dropped. Else every frame comes."""
    refusals: Refusals
    """Frames that could not be used, reported once for each reason, and with their number at the end of the `with`."""

    def __enter__(self) -> "Source":
        """Raises SourceError where it cannot be opened."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

    def __iter__(self) -> Iterator[TimedFrame]: ...


@dataclass(frozen=True)
class Calibration:
    """What a user says of the camera of a source."""

    camera: CameraChoice | Camera | None = None
    """That took the images of a folder or a file; what names its own camera keeps to that."""
    unit_mm: float | None = None
    """Of a depth value, where it is another than the source says."""

    def __post_init__(self) -> None:
        unit = self.unit_mm
        if unit is not None and not (isinstance(unit, Real) and 0 < unit < float("inf")):
            raise UsageError(f"--depth-scale {shown(unit)} is not a positive number of mm per unit")
        if not isinstance(self.camera, CameraChoice | Camera | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"camera is {shown(self.camera)}; it must be a Camera, a name, or fx,fy,cx,cy")

    @classmethod
    def of(cls, camera: str | Camera | None, depth_scale: float | None) -> "Calibration":
        """As users say it: a name, fx,fy,cx,cy or a camera. Raises CameraError, UsageError."""
        return cls(CameraChoice.parse(camera) if isinstance(camera, str) else camera, depth_scale)

    @property
    def known(self) -> Camera | None:
        """The camera, where it does not wait for an image's size."""
        camera = self.camera.known if isinstance(self.camera, CameraChoice) else self.camera
        return self.fit(camera) if camera else None

    def fit(self, camera: Camera) -> Camera:
        """The camera that a source names, with the user's unit."""
        return camera if self.unit_mm is None else replace(camera, unit_mm=self.unit_mm)

    def pick(self, width: int, height: int, *, name: str) -> Camera:
        """For an image that names no camera: the user's. Raises UsageError where there is none, SourceError by size."""
        if self.camera is None:
            raise UsageError(
                f"{name} does not say which camera took it; name the camera (--camera NAME, see `handkit info`) or "
                "give its fx,fy,cx,cy"
            )
        if isinstance(self.camera, Camera):
            return self.fit(self.camera)
        return self.fit(self.camera.fit(width, height, source=name))


Opener = Callable[[str, Calibration, Report], Source]
"""Makes a source of what stands behind the colon of `kind:argument` (empty without a colon); the report is told
what is wrong and does not end it."""


class Gate:
    """Raw frames in, frames out: each checked by `DepthImage.of`, others are refused."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._start_ns: int | None = None

    def frame(self, raw: RawFrame | HandkitError, index: int) -> TimedFrame | None:
        """None where it is refused; an error says why there is nothing to check."""
        name = f"frame {index}"
        if isinstance(raw, HandkitError):
            self._refusals.add(raw, frame=name)
            return None
        if self._start_ns is None:
            self._start_ns = raw.time_ns if raw.origin_ns is None else raw.origin_ns
        time_s = (raw.time_ns - self._start_ns) / 1e9
        try:
            image = DepthImage.of(raw.values, raw.camera)
        except HandkitError as error:
            self._refusals.add(error, frame=name)
            return None
        return TimedFrame(image, time_s, index, raw.values.reshape(image.depth.shape))


class Played:
    """Every frame of what is stored, or made as it is asked for."""

    live = False

    def __init__(
        self, name: str, raw_frames: Callable[[], Generator[RawFrame | HandkitError]], report: Report = log
    ) -> None:
        """`raw_frames` gives, in place of a frame that cannot be read, the reason."""
        self.name, self.refusals = name, Refusals(report)
        self._raw_frames, self._count = raw_frames, 0

    def __enter__(self) -> "Played":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.refusals.tell(self._count)

    def __iter__(self) -> Iterator[TimedFrame]:
        gate = Gate(self.refusals)
        with closing(self._raw_frames()) as raw_frames:
            for index, raw in enumerate(raw_frames):
                self._count = index + 1
                if (frame := gate.frame(raw, index)) is not None:
                    yield frame
