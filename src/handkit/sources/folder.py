"""Depth images in files as a source: every frame of a folder, a stack or a glob, at 30 frames a second."""

from collections.abc import Generator
from functools import partial
from pathlib import Path

from handkit.depth import image_size
from handkit.errors import FrameError, HandkitError, SourceError
from handkit.sources.files import find_files, read_frames
from handkit.sources.source import Options, Played, RawFrame

FRAME_NS = 1_000_000_000 // 30
"""Files have no times."""


def open_files(given: str, options: Options) -> Played:
    """Raises SourceError where nothing is there, UsageError where no camera is named."""
    files = find_files(given)
    if len(files) == 1 and not files[0].is_file():
        read_frames(files[0])  # which says why
    if options.camera is None:
        options.pick(0, 0, name=given)
    return Played(given, partial(_raw_frames, files, options), options.report)


def _raw_frames(files: list[Path], options: Options) -> Generator[RawFrame | HandkitError]:
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
                yield RawFrame(array, options.pick(*image_size(array), name=str(path)), count * FRAME_NS)
            except SourceError as error:
                yield error
            except FrameError as error:
                yield SourceError(f"holds no depth image: {error.said}", source=path, kind=error.kind)
            count += 1
