"""Depth images in files as a source: every frame of a folder, a stack or a glob, at 30 frames a second."""

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from pathlib import Path

from handkit.camera import CameraChoice
from handkit.depth import image_size
from handkit.errors import CameraError, FrameError, HandkitError, SourceError
from handkit.sources.files import OwnCamera, find_files, read_frames, read_own_camera
from handkit.sources.source import Calibration, Played, RawFrame, Report

FRAME_NS = 1_000_000_000 // 30
"""Most files have no times."""


def open_files(given: str, calibration: Calibration, report: Report) -> Played:
    """Raises SourceError where nothing is there, UsageError where no camera is named."""
    files = find_files(given)
    if len(files) == 1 and not files[0].is_file():
        read_frames(files[0])  # which says why
    own = read_own_camera(files[0]) if len(files) == 1 else None
    if own is not None:
        times_ns = [round(time_s * 1e9) for time_s in own.times_s]
        calibration = calibration if calibration.camera else _with_camera(own, calibration, given)
    else:
        times_ns = list[int]()
    if calibration.camera is None:
        if len(files) == 1:
            read_frames(files[0])  # of what is no depth image no camera need be named
        calibration.pick(0, 0, name=given)
    return Played(given, partial(_raw_frames, files, calibration, times_ns), report)


def _with_camera(own: OwnCamera, calibration: Calibration, given: str) -> Calibration:
    """The camera and the unit that the file names, if the user does not; raises SourceError."""
    try:
        camera = CameraChoice(given, own.numbers)
        camera.fit(1, 1)
    except (CameraError, ValueError) as error:
        raise SourceError(f"says of its camera what none has: {error}", source=given) from None
    return replace(
        calibration, camera=camera, unit_mm=own.unit_mm if calibration.unit_mm is None else calibration.unit_mm
    )


def _raw_frames(files: list[Path], calibration: Calibration, times_ns: list[int]) -> Generator[RawFrame | HandkitError]:
    """Frames in the files' order; a file or an image that cannot be used gives its error."""
    count = 0
    for path in files:
        try:
            arrays = read_frames(path)
        except SourceError as error:
            yield error
            continue
        for array in arrays:
            try:
                time_ns = times_ns[count] if count < len(times_ns) else count * FRAME_NS
                yield RawFrame(array, calibration.pick(*image_size(array), name=str(path)), time_ns)
            except SourceError as error:
                yield error
            except FrameError as error:
                yield SourceError(f"holds no depth image: {error.said}", source=path, kind=error.kind)
            count += 1
