"""What is to be labeled and how, cut into shards of which each is one Parquet file.

    DIR.parquet/part-00003-of-00040.parquet

A shard has its name when all of it is on the disk, says in its schema what it was made of, and depends on no other:
whoever does it, and however often, it holds the same frames. So what was interrupted goes on with the shards that
are missing, on one machine or many.
"""

import json
import math
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from handkit.archive.frames import Frames, checksum
from handkit.archive.rows import METADATA, row, schema
from handkit.asked import MINIMUM_CONFIDENCE, Asked, check_asked
from handkit.backends.opening import BackendName, find_pose
from handkit.depth import DepthImage
from handkit.errors import CheckpointError, HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.extras import load
from handkit.files.atomic import replacing
from handkit.files.regular import read_regular
from handkit.hand import Prediction
from handkit.sources.source import RawFrame

FORMAT = 2
SUFFIX = ".parquet"


@dataclass(frozen=True)
class Labeling:
    """How frames are labeled; as for `HandPoseEstimator`."""

    weights: str = "latent-fusion"
    backend: BackendName | None = None
    hands: int = 2
    handedness: Asked = "auto"
    minimum_confidence: float = MINIMUM_CONFIDENCE

    def __post_init__(self) -> None:
        """Raises UsageError."""
        check_asked(hands=self.hands, handedness=self.handedness, minimum_confidence=self.minimum_confidence)

    def checksum(self) -> str:
        """SHA-256 of the pose network; raises CheckpointError where there is none."""
        path = find_pose(self.weights, self.backend)
        try:
            return sha256(read_regular(path)).hexdigest()
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from None

    def open(self) -> HandPoseEstimator:
        """Raises CheckpointError, UsageError, MissingExtraError."""
        return HandPoseEstimator.from_pretrained(self.weights, backend=self.backend)

    def label(self, estimator: HandPoseEstimator, raw: RawFrame | HandkitError) -> Prediction:
        """Of a frame that cannot be used, no hands and the reason."""
        if isinstance(raw, HandkitError):
            return Prediction([], str(raw), {}, cause="refused")
        try:
            return estimator.run(
                DepthImage.of(raw.values, raw.camera),
                hands=self.hands,
                handedness=self.handedness,
                minimum_confidence=self.minimum_confidence,
            )
        except (HandkitError, MemoryError) as error:
            return Prediction([], str(error) or type(error).__name__, {}, cause="refused")


@dataclass(frozen=True)
class Job:
    """Frames, the way to label them, and the folder of shards that this makes."""

    frames: Frames
    labeling: Labeling
    out: Path
    shard_frames: int
    about: str
    """JSON: what every shard says of the archive."""

    @classmethod
    def of(cls, frames: Frames, labeling: Labeling, out: Path, *, shard_frames: int, source: dict[str, Any]) -> "Job":
        """`source` is how the frames were named; raises CheckpointError."""
        skeleton = labeling.open().skeleton
        facts = {
            "format": FORMAT,
            "handkit": version("handkit"),
            **source,
            "frames": len(frames),
            "names_crc32": checksum(frames),
            "shard_frames": shard_frames,
            **asdict(labeling),
            "weights_sha256": labeling.checksum(),
            "skeleton": skeleton.name,
            "joints": list(skeleton.joints),
        }
        return cls(frames, labeling, out.absolute(), shard_frames, json.dumps(facts))

    @cached_property
    def shards(self) -> int:
        """How many there are; the last one may hold fewer frames than `shard_frames`."""
        return math.ceil(len(self.frames) / self.shard_frames)

    def path(self, shard: int) -> Path:
        """The file of one shard, in `out`."""
        return self.out / f"part-{shard:05d}-of-{self.shards:05d}{SUFFIX}"

    def numbers(self, shard: int) -> range:
        """Which frames of the archive one shard holds."""
        return range(shard * self.shard_frames, min((shard + 1) * self.shard_frames, len(self.frames)))

    def count(self, shards: Iterable[int]) -> int:
        """How many frames these shards hold together."""
        return sum(len(self.numbers(shard)) for shard in shards)

    def missing(self) -> list[int]:
        """Shards that are still to be done; raises HandkitError where some are of another job."""
        parquet = load("pyarrow.parquet", extra="archive")
        for path in sorted(self.out.glob(f"*{SUFFIX}")):
            try:
                metadata = parquet.read_metadata(path).metadata or {}
            except (OSError, ValueError) as error:
                raise HandkitError(f"{path} is damaged ({error}); delete it and run the same command again") from None
            if METADATA not in metadata:
                raise HandkitError(f"{path} is of no archive of handkit's; give another --out")
            refuse_other(self.out, json.loads(metadata[METADATA]), json.loads(self.about))
        return [shard for shard in range(self.shards) if not self.path(shard).exists()]

    def work(self, shards: Sequence[int], *, alive: Callable[[], bool] = lambda: True) -> Iterator[int]:
        """Do these shards, ascending; the number of each when it is on the disk. Ends where `alive()` is False."""
        estimator = self.labeling.open()
        wanted = [number for shard in shards for number in self.numbers(shard)]
        raw_frames = self.frames.read(wanted)
        for shard in shards:
            rows: list[dict[str, Any]] = []
            for number in self.numbers(shard):
                if not alive():
                    return
                rows.append(self._row(estimator, number, next(raw_frames)))
            self._write(shard, rows)
            yield shard

    def _row(self, estimator: HandPoseEstimator, number: int, raw: RawFrame | HandkitError) -> dict[str, Any]:
        prediction = self.labeling.label(estimator, raw)
        known = None if isinstance(raw, HandkitError) else raw
        name = self.frames.name(number)
        return row(number, name, raw=known, timed=self.frames.timed, prediction=prediction)

    def _write(self, shard: int, rows: list[dict[str, Any]]) -> None:
        """Two that do the same shard at once write two files, and the later takes the place of the earlier."""
        arrow, parquet = load("pyarrow", extra="archive"), load("pyarrow.parquet", extra="archive")
        table = arrow.Table.from_pylist(rows, schema=schema(self.about))
        own = self.out / f".{self.path(shard).name}.{socket.gethostname()}-{os.getpid()}.partial"
        with replacing(self.path(shard), beside=own) as partial:
            parquet.write_table(table, partial, compression="zstd")

    def sweep(self) -> None:
        """Remove what those left behind that were killed while they wrote a shard that is there now."""
        for path in self.out.glob(".part-*.partial"):
            if (self.out / path.name[1:].partition(SUFFIX)[0]).with_suffix(SUFFIX).exists():
                with suppress(OSError):
                    path.unlink()


def refuse_other(out: Path, found: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raises HandkitError where an archive was begun with other settings, or of other frames."""
    for key in asked:
        if found.get(key) != asked[key]:
            raise HandkitError(
                f"{out} was begun with {key} {found.get(key)!r}, and this is {asked[key]!r}; give the same, or another "
                "--out"
            )


def sentence_of(error: HandkitError | OSError) -> str:
    """What it says, and of which file."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
