"""`annotate`: the frames of a source into an archive, by this process, by several, or by a Ray cluster."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from handkit.archive.frames import list_frames
from handkit.archive.job import SUFFIX, Job, Labeling
from handkit.archive.workers import work_in_processes
from handkit.depth import DepthImage, Handless
from handkit.errors import HandkitError, SourceError, UsageError
from handkit.extras import load
from handkit.files.folders import make_folder
from handkit.sources.refusals import Warnings
from handkit.sources.source import Calibration, Report, log

Engine = Literal["local", "ray"]
ENGINES = ("local", "ray")
SHARD_FRAMES = 1000
"""Frames of one file: what a kill costs at most."""
LOOKED_AT = 10
"""Frames in which a hand is looked for before any is labeled."""


class Annotated(NamedTuple):
    """What became of an archive."""

    frames: int
    """Of the source."""
    done: int
    """Frames that this call has labeled."""
    missing: int
    """Frames of shards that others are still to do; 0: the archive is finished."""
    with_hand: int
    """Frames of the shards that are there in which there is a hand."""
    refused: int
    """Frames of them that could not be used."""


@dataclass(frozen=True)
class Share:
    """Which shards are this process's: every `world`th from `rank` on."""

    rank: int = 0
    world: int = 1

    @classmethod
    def from_environment(cls) -> "Share":
        """By RANK and WORLD_SIZE, as torchrun and job schedulers set them; raises UsageError."""
        given = {name: os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE")}
        if not any(given.values()):
            return cls()
        try:
            rank, world = int(given["RANK"]), int(given["WORLD_SIZE"])
        except ValueError:
            rank, world = 0, 0
        if not 0 <= rank < world:
            seen = ", ".join(f"{name}={value!r}" for name, value in given.items())
            raise UsageError(f"{seen}: expected a RANK from 0 to WORLD_SIZE - 1; set both or neither")
        return cls(rank, world)

    def of(self, shards: int) -> range:
        """
        >>> list(Share(1, 3).of(8))
        [1, 4, 7]
        """
        return range(self.rank, shards, self.world)


def annotate(
    source: str,
    out: Path | str,
    *,
    labeling: Labeling | None = None,
    camera: str | None = None,
    depth_scale: float | None = None,
    engine: Engine = "local",
    workers: int = 1,
    shard_frames: int = SHARD_FRAMES,
    report: Report = log,
    tell: Callable[[int, int], None] = lambda frames, total: None,
) -> Annotated:
    """Label every frame of a folder, a file, a glob or an MCAP recording into the archive `out`, or what it lacks.

    `out` is a folder of Parquet files whose name ends in .parquet, exactly one row a frame; see `archive.rows.schema`.
    Whoever is killed at any moment leaves finished files, and the same call goes on. With the environment's RANK and
    WORLD_SIZE this process does every WORLD_SIZE-th shard; on Ray `workers` actors share them. `camera` is that of
    files, a name or `fx,fy,cx,cy`, `depth_scale` the mm of one unit; `tell` is called with the number of frames done
    since, and that of all that are this process's. What is doubtful about the camera's numbers is
    reported before the first frame.

    Raises UsageError, SourceError, CheckpointError, MissingExtraError, HandkitError.
    """
    load("pyarrow", extra="archive")
    out = Path(out)
    _check(out, engine=engine, workers=workers, shard_frames=shard_frames)
    frames = list_frames(source, Calibration.of(camera, depth_scale), report)
    if len(frames) == 0:
        raise SourceError(f"{source} has no frames")
    facts = {"source": source, "camera": camera, "depth_scale": depth_scale}
    job = Job.of(frames, labeling or Labeling(), out, shard_frames=shard_frames, source=facts)
    make_folder(out)
    share = Share.from_environment()
    own = share.of(job.shards)
    mine = [shard for shard in job.missing() if shard in own]
    if share.rank == 0 and len(mine) == len(own):  # else it was done
        _tell_doubts(job, Warnings(report))
    total, todo = job.count(own), job.count(mine)
    tell(total - todo, total)
    _do(job, mine, engine=engine, workers=workers, tell=lambda shard: tell(job.count([shard]), total), report=report)
    left = job.missing()
    job.sweep()
    return Annotated(len(frames), todo, job.count(left), *_outcome(job))


def _do(
    job: Job, shards: list[int], *, engine: Engine, workers: int, tell: Callable[[int], None], report: Report
) -> None:
    """`tell` is called with each shard that is done."""
    if not shards:
        return
    if engine == "ray":
        from handkit.archive.on_ray import work_on_ray

        work_on_ray(job, shards, workers=workers, tell=tell)
    elif workers > 1:
        work_in_processes(job, shards, workers=workers, tell=tell, report=report)
    else:
        for shard in job.work(shards):
            tell(shard)


def _check(out: Path, *, engine: str, workers: int, shard_frames: int) -> None:
    if out.suffix != SUFFIX:
        raise UsageError(f"an archive is a folder whose name ends in {SUFFIX}; got {out}, try {out}{SUFFIX}")
    if engine not in ENGINES:
        raise UsageError(f"engine is {engine!r}; it must be {' or '.join(ENGINES)}")
    if workers < 1:
        raise UsageError(f"workers is {workers}; it must be 1 or more")
    if shard_frames < 1:
        raise UsageError(f"a shard has {shard_frames} frames; it must be 1 or more")


def _tell_doubts(job: Job, warnings: Warnings) -> None:
    """What is likely wrong with the camera's numbers, by a few frames from all over."""
    estimator, handless, count = job.labeling.open(), Handless(), len(job.frames)
    for raw in job.frames.read(range(0, count, -(-count // LOOKED_AT))):
        with suppress(HandkitError, MemoryError):
            if not isinstance(raw, HandkitError):
                image = DepthImage.of(raw.values, raw.camera)
                warnings.add(image.warnings)
                handless.add(image, seen=bool(estimator.run(image, hands=1).hands))
    with suppress(MemoryError):
        doubt = estimator.doubt_of_camera(*handless.doubtful())
        warnings.add([doubt] if doubt else [])


def _outcome(job: Job) -> tuple[int, int]:
    """Of the shards that are there: frames with a hand, and frames that were refused."""
    parquet = load("pyarrow.parquet", extra="archive")
    with_hand, refused = 0, 0
    for path in filter(Path.exists, map(job.path, range(job.shards))):
        causes = parquet.read_table(path, columns=["reason", "cause"]).to_pydict()
        with_hand += causes["reason"].count(None)
        refused += causes["cause"].count("refused")
    return with_hand, refused
