"""Milliseconds from a frame to its hands, stage by stage, by what runs the networks.

capture    the check that every frame goes through
locate     the search for hands in the whole image
estimate   crop, networks, joints in camera mm
track      follow, decide, smooth
hand over  as a datagram
"""

import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from handkit.asked import Asked, Rotations
from handkit.backends.opening import BACKENDS, BackendName
from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import HandkitError, SourceError
from handkit.estimator import HandPoseEstimator
from handkit.hand import HandPose, Prediction
from handkit.shapes import Float32, Shaped
from handkit.sinks.sink import Moment
from handkit.sources.opening import open_source
from handkit.sources.source import TimedFrame
from handkit.tracking import HandTracker

STAGES = ("capture", "locate", "estimate", "track", "hand over", "total")
CPU = "cpu"
"""Beside them in `Laps`: CPU time of the process."""
RATE = 30
"""Frames a second."""
MOST = 900
"""Frames of a source that are played."""
TRACKED, SEARCHED = "tracking", "frame by frame"
Laps = dict[str, float]
"""Milliseconds of the stages that one frame went through."""


class Values(NamedTuple):
    """A frame as a camera gives it."""

    depth: Shaped[np.ndarray, "H W"]
    camera: Camera


@dataclass(frozen=True)
class Spread:
    """Of many frames, ms."""

    median: float
    p99: float
    fastest: float
    """On a busy machine nearest to what a core needs when left alone."""

    @classmethod
    def of(cls, times_ms: Sequence[float]) -> "Spread":
        return cls(*(round(float(each), 3) for each in np.percentile(times_ms, (50, 99, 0))))


@dataclass(frozen=True)
class Row:
    """One backend's times on one way."""

    backend: str
    way: str
    frames: int
    stages: dict[str, Spread]
    """Each over the frames that went through it."""
    cpu_ms: float
    """Of the process, mean of a frame."""

    @classmethod
    def of(cls, backend: str, way: str, laps: Sequence[Laps]) -> "Row":
        reached = {stage: [lap[stage] for lap in laps if stage in lap] for stage in STAGES}
        spreads = {stage: Spread.of(times) for stage, times in reached.items() if times}
        return cls(backend, way, len(laps), spreads, round(float(np.mean([lap[CPU] for lap in laps])), 3))


def available(
    weights: str, backends: Sequence[BackendName], *, threads: int, report: Callable[[str], None]
) -> dict[str, HandPoseEstimator]:
    """The estimators of these backends, or with none given of all that can be opened; the others are reported.

    Raises HandkitError where one that was asked for cannot be opened, or none at all.
    """
    found: dict[str, HandPoseEstimator] = {}
    failure: HandkitError | None = None
    for name in backends or BACKENDS:
        try:
            found[name] = HandPoseEstimator.from_pretrained(weights, backend=name, threads=threads)
        except HandkitError as error:
            if backends:
                raise
            failure = failure or error
            report(f"{name} is left out: {error}")
    if failure is not None and not found:
        raise failure
    return found


def _doctor(source: str, camera: str | None) -> str:
    return shlex.join(["handkit", "doctor", source, *(["--camera", camera] if camera else [])])


def recorded(source: str, camera: str | None = None) -> list[Values]:
    """The first frames of a source as `steady` shows them. Raises as `open_source`, SourceError where there is none."""
    with open_source(source, camera=camera) as opened:
        frames = list(islice(opened, MOST))
    if not frames:
        raise SourceError(f"{source} has no frame that can be used; what is wrong with it: {_doctor(source, camera)}")
    return steady(frames)


def steady(frames: Sequence[TimedFrame], rate: int = RATE) -> list[Values]:
    """What a camera of `rate` sees of a recording, at least one frame, that is played to its end and back again."""
    times = np.array([frame.time_s for frame in frames])
    steps = times[0] + np.arange(int((times[-1] - times[0]) * rate + 1e-6) + 1) / rate
    forth = [int(np.searchsorted(times, step + 1e-9, side="right")) - 1 for step in steps]
    return [Values(frames[i].values, frames[i].image.camera) for i in [*forth, *reversed(forth)]]


def measure(
    estimators: Mapping[str, HandPoseEstimator], shown: Sequence[Values], *, hands: int, rounds: int
) -> list[Row]:
    """Every backend tracks `shown`, and searches some of it frame by frame, round after round; the first is warm-up.

    Backends take turns, so that whatever else the machine does hits all of them.
    """
    some = shown[:: max(1, len(shown) // 40)]
    tracked: dict[str, list[Laps]] = {name: [] for name in estimators}
    searched: dict[str, list[Laps]] = {name: [] for name in estimators}
    for turn in range(rounds + 1):
        for name, estimator in estimators.items():
            laps = list(track(estimator, shown, hands=hands)), list(search(estimator, some, hands=hands))
            if turn:
                tracked[name] += laps[0]
                searched[name] += laps[1]
    return [
        Row.of(name, way, laps[name]) for way, laps in ((TRACKED, tracked), (SEARCHED, searched)) for name in estimators
    ]


def track(estimator: HandPoseEstimator, shown: Sequence[Values], *, hands: int) -> Iterator[Laps]:
    """One session."""
    timed = Timed(estimator)
    tracker = HandTracker(timed, hands=hands)
    for index, (depth, camera) in enumerate(shown):
        timed.laps = {}
        begun, used = time.perf_counter(), time.process_time()
        image = DepthImage.of(depth, camera)
        checked = time.perf_counter()
        found = tracker.track(image, index / RATE)
        followed = time.perf_counter()
        Moment(index, index / RATE, found, tracker.reason).datagram()
        ended = time.perf_counter()
        own = (followed - checked) * 1e3 - sum(timed.laps.values())
        spans = {"capture": checked - begun, "hand over": ended - followed, "total": ended - begun}
        spent = (time.process_time() - used) * 1e3
        yield {**{stage: span * 1e3 for stage, span in spans.items()}, **timed.laps, "track": own, CPU: spent}


def search(estimator: HandPoseEstimator, shown: Sequence[Values], *, hands: int) -> Iterator[Laps]:
    """Every frame on its own."""
    for depth, camera in shown:
        begun, used = time.perf_counter(), time.process_time()
        image = DepthImage.of(depth, camera)
        checked = time.perf_counter()
        laps = estimator.run(image, hands=hands).timings_ms
        spans = {"capture": checked - begun, "total": time.perf_counter() - begun}
        spent = (time.process_time() - used) * 1e3
        yield {**laps, **{stage: span * 1e3 for stage, span in spans.items()}, CPU: spent}


class Timed:
    """An estimator that says how long it took: what it adds to `laps`, a tracker's own work is not."""

    def __init__(self, estimator: HandPoseEstimator) -> None:
        self.estimator = estimator
        self.laps: Laps = {}

    def run(
        self,
        image: DepthImage,
        *,
        hands: int,
        handedness: Asked,
        minimum_confidence: float,
        known: Sequence[Float32[np.ndarray, "3"]],
    ) -> Prediction:
        begun = time.perf_counter()
        prediction = self.estimator.run(
            image, hands=hands, handedness=handedness, minimum_confidence=minimum_confidence, known=known
        )
        self.laps["locate"] = prediction.timings_ms["locate"]
        self._add("estimate", (time.perf_counter() - begun) * 1e3 - self.laps["locate"])
        return prediction

    def follow(
        self,
        image: DepthImage,
        centers: Float32[np.ndarray, "N 3"],
        *,
        left: Sequence[bool | None],
        rotations: Rotations,
    ) -> list[HandPose]:
        begun = time.perf_counter()
        poses = self.estimator.follow(image, centers, left=left, rotations=rotations)
        self._add("estimate", (time.perf_counter() - begun) * 1e3)
        return poses

    def _add(self, stage: str, spent_ms: float) -> None:
        self.laps[stage] = self.laps.get(stage, 0.0) + spent_ms
