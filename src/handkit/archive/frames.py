"""The frames of a source by their number: the same on every machine that lists the same files."""

import shlex
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from handkit.depth import image_size
from handkit.errors import FrameError, HandkitError, SourceError, UsageError
from handkit.recordings.player import depth_topic, raw_frames
from handkit.shapes import Shaped
from handkit.sources.files import count_frames, find_files, read_frames
from handkit.sources.opening import kinds
from handkit.sources.source import Calibration, RawFrame, Report, log

STORE = "store.json"
"""What a folder that is a packed store holds."""


@runtime_checkable  # for the shape checker that runs under pytest
class Frames(Protocol):
    """Can be sent to another process, which reads the same files."""

    @property
    def timed(self) -> bool:
        """Whether frames have times."""
        ...

    def name(self, index: int) -> str:
        """As `handkit predict` names a frame."""
        ...

    def read(self, wanted: Sequence[int]) -> Iterator[RawFrame | HandkitError]:
        """One for each of the ascending numbers; in place of a frame that cannot be read, the reason."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class ImageFiles:
    """Every frame of files: pages of stacks one after the other."""

    paths: list[str]
    first: list[int] = field(repr=False)
    """Number of each file's first frame, and at the end that of all frames."""
    calibration: Calibration
    folder: Path
    """Where relative paths begin."""
    timed = False

    @classmethod
    def of(cls, given: str, calibration: Calibration) -> "ImageFiles":
        """Raises SourceError where nothing is there."""
        files = find_files(given)
        if len(files) == 1 and not files[0].is_file():
            read_frames(files[0])  # which says why
        first = [0, *np.cumsum([count_frames(path) for path in files]).tolist()]
        return cls([str(path) for path in files], first, calibration, Path.cwd())

    def name(self, index: int) -> str:
        number, page = self._place(index)
        path = self.paths[number]
        return path if self.first[number + 1] - self.first[number] == 1 else f"{path}[{page}]"

    def read(self, wanted: Sequence[int]) -> Iterator[RawFrame | HandkitError]:
        load = lru_cache(maxsize=1)(read_frames)  # the pages of a stack are wanted one after the other
        for index in wanted:
            number, page = self._place(index)
            try:
                array = load(self.folder / self.paths[number])[page]
                yield self._raw_frame(array, self.paths[number])
            except IndexError:
                yield SourceError(f"has no frame {page} any more", source=self.paths[number], kind="no frame")
            except FrameError as error:
                yield SourceError(f"holds no depth image: {error.said}", source=self.paths[number], kind=error.kind)
            except HandkitError as error:
                yield error

    def _raw_frame(self, array: Shaped[np.ndarray, "..."], name: str) -> RawFrame:
        return RawFrame(array, self.calibration.pick(*image_size(array), name=name), 0)

    def _place(self, index: int) -> tuple[int, int]:
        """File and page."""
        number = bisect_right(self.first, index) - 1
        return number, index - self.first[number]

    def __len__(self) -> int:
        return self.first[-1]


@dataclass(frozen=True)
class RecordedImages:
    """The depth images of an MCAP recording, which is read from its beginning: what is not wanted is passed over."""

    given: str
    topic: str
    count: int
    calibration: Calibration
    folder: Path
    timed = True

    @classmethod
    def of(cls, given: str, calibration: Calibration, report: Report) -> "RecordedImages":
        """Raises SourceError where there is no recording, MissingExtraError; damage is reported."""
        topic = depth_topic(Path(given))
        damage: list[str] = []
        count = sum(1 for _ in raw_frames(Path(given), topic, calibration, damage=damage))
        for seen in damage:
            report(f"{given} {seen}: what is whole before that is labeled")
        return cls(given, topic, count, calibration, Path.cwd())

    def name(self, index: int) -> str:
        return f"{self.given}[{index}]"

    def read(self, wanted: Sequence[int]) -> Iterator[RawFrame | HandkitError]:
        chosen, left = set(wanted), len(wanted)
        reason = SourceError("ends before this frame", source=self.given)
        images = raw_frames(self.folder / self.given, self.topic, self.calibration, damage=[])
        try:
            for index, raw in enumerate(images):
                if index in chosen:
                    left -= 1
                    yield raw
                if left == 0:
                    return
        except SourceError as error:
            reason = error
        yield from [reason] * left

    def __len__(self) -> int:
        return self.count


def list_frames(given: str, calibration: Calibration, report: Report = log) -> Frames:
    """Of a folder, a file, a glob or an MCAP recording; raises UsageError, SourceError, MissingExtraError."""
    path = Path(given)
    if given.partition(":")[0] in kinds() and not path.exists():
        raise UsageError(f"{given} has no end; record it (`handkit live --record`), or give a folder, a file, a glob")
    if (path / STORE).is_file():
        raise UsageError(
            f"{given} is a packed store: patches around hands that have labels; give the images that it was packed from"
        )
    suffix = path.suffix.lower() if not path.is_dir() else ""
    if suffix in {".bag", ".db3"}:
        raise SourceError(
            f"{given} is a RealSense's recording: `{shlex.join(['handkit', 'convert', given, f'{path.stem}.mcap'])}`, "
            "and give that"
        )
    if suffix == ".mcap":
        return RecordedImages.of(given, calibration, report)
    frames = ImageFiles.of(given, calibration)
    if calibration.camera is None:
        if path.is_file():
            read_frames(path)  # of what is no depth image no camera need be named
        calibration.pick(0, 0, name=given)
    return frames


def checksum(frames: Frames) -> int:
    """CRC-32 of all names in order: which frames these are."""
    total = 0
    for index in range(len(frames)):
        total = zlib.crc32(f"{frames.name(index)}\n".encode("utf-8", "surrogateescape"), total)
    return total
