"""A finished archive as a recording, for ROS 2, Foxglove and rerun."""

import json
import shlex
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from handkit.archive.frames import Frames, checksum, list_frames
from handkit.archive.job import SUFFIX
from handkit.archive.rows import METADATA, hand_of
from handkit.camera import Camera, camera_from_dict
from handkit.errors import HandkitError, SourceError
from handkit.extras import load
from handkit.hand import HandPose
from handkit.recordings.convert import Converted, whole_or_gone
from handkit.recordings.recorder import Recorder
from handkit.skeleton import SKELETONS, Skeleton
from handkit.sources.folder import FRAME_NS
from handkit.sources.refusals import Refusals
from handkit.sources.source import Calibration, Gate, RawFrame, Report, log


class Archive(NamedTuple):
    """A finished archive."""

    about: dict[str, Any]
    """See `job.Job.of`."""
    files: list[Path]
    """In the order of their frames."""

    @property
    def skeleton(self) -> Skeleton:
        """Of the hands."""
        return SKELETONS[self.about["skeleton"]]

    @classmethod
    def open(cls, folder: Path) -> "Archive":
        """Raises SourceError where this is none, or it is not finished."""
        parquet = load("pyarrow.parquet", extra="archive")
        files = sorted(folder.glob(f"part-*-of-*{SUFFIX}"))
        if not files:
            raise SourceError(
                f"{folder} holds no archive; `handkit annotate SOURCE --out {shlex.quote(str(folder))}` makes one"
            )
        try:
            about = json.loads(parquet.read_metadata(files[0]).metadata[METADATA])
            count = -(-about["frames"] // about["shard_frames"])
        except (OSError, ValueError, KeyError, TypeError):
            raise SourceError(f"{files[0]} is damaged, or of no archive of handkit's") from None
        if len(files) != count:
            raise SourceError(
                f"{folder} is not finished: {len(files)} of {count} files are there; run the same `handkit annotate` "
                "again"
            )
        return cls(about, files)

    def rows(self) -> Iterator[dict[str, Any]]:
        """One for each frame, in order."""
        parquet = load("pyarrow.parquet", extra="archive")
        for path in self.files:
            yield from parquet.read_table(path).to_pylist()

    def frames(self, report: Report) -> Frames | None:
        """Those that it was made of; None, and reported, where they are not there any more."""
        about = self.about
        try:
            calibration = Calibration.of(about["camera"], about["depth_scale"])
            frames = list_frames(about["source"], calibration, lambda sentence: None)
        except HandkitError as error:
            reason = str(error)
        else:
            if (len(frames), checksum(frames)) == (about["frames"], about["names_crc32"]):
                return frames
            reason = f"{about['source']} has other frames than it had"
        report(f"without the depth images: {reason}")
        return None


def archive_to_recording(archive: Path, *, out: Path, report: Report = log) -> Converted:
    """Hands and, where the source is still there, depth images into an `.mcap`; frames that were refused are left out.

    Frames of files are 1/30 s apart. Ctrl-C leaves nothing of `out`. Raises SourceError, MissingExtraError, OSError.
    """
    if out.exists():
        raise SourceError(f"{out} exists; give another name")
    opened = Archive.open(archive)
    frames = opened.frames(report)
    camera: Camera | None = None
    refusals, unread = Refusals(report), list[str]()
    gate = Gate(refusals)
    with whole_or_gone(out, str(archive), report), Recorder(out) as recorder:
        for moment in _moments(opened, frames, unread):
            camera = moment.camera
            if moment.raw is None:
                recorder.write_hands(moment.hands, index=moment.index, time_s=moment.time_ns / 1e9, camera=camera)
            elif frame := gate.frame(moment.raw, moment.index):
                recorder.write(frame, moment.hands)
    refusals.tell(opened.about["frames"])
    if unread:
        report(
            f"{len(unread)} of {opened.about['frames']} frames could not be read and are left out, such as {unread[0]}"
        )
    return Converted(recorder.frames, camera)


@dataclass(frozen=True, eq=False)
class _Moment:
    """A row that could be read."""

    index: int
    time_ns: int
    """Since the first."""
    camera: Camera
    hands: list[HandPose]
    raw: RawFrame | None
    """The depth image, where it is at hand."""


def _moments(archive: Archive, frames: Frames | None, unread: list[str]) -> Generator[_Moment]:
    """Of a frame that could not be read, its number and the reason are appended to `unread`."""
    start_ns: int | None = None
    for row, raw in _with_raw_frames(archive, frames):
        if row["camera"] is None:
            unread.append(f"frame {row['index']}: {row['reason']}")
            continue
        time_ns = row["index"] * FRAME_NS if row["time_ns"] is None else row["time_ns"]
        start_ns = time_ns if start_ns is None else start_ns
        since = time_ns - start_ns
        timed = None if raw is None else raw._replace(time_ns=since, origin_ns=0)
        hands = [hand_of(hand, archive.skeleton) for hand in row["hands"]]
        yield _Moment(row["index"], since, camera_from_dict(row["camera"]), hands, timed)


def _with_raw_frames(archive: Archive, frames: Frames | None) -> Generator[tuple[dict[str, Any], RawFrame | None]]:
    """Rows, and the depth images where they are to be had."""
    raw_frames = frames.read(range(len(frames))) if frames is not None else None
    for row in archive.rows():
        raw = next(raw_frames) if raw_frames is not None else None
        yield row, None if isinstance(raw, HandkitError) else raw
