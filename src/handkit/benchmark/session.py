"""A live session in real time, alone or beside busy processes: how old hands are when they are handed over."""

import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from handkit.benchmark.pipeline import RATE, Values
from handkit.estimator import HandPoseEstimator
from handkit.sinks.sink import Moment
from handkit.sources.live import Live
from handkit.sources.source import RawFrame
from handkit.tracking import HandTracker

SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(10_000))"
"""Ends with whoever began it."""


@dataclass(frozen=True)
class Latency:
    """One backend's session; from a frame's arrival to its hands being handed over, ms."""

    backend: str
    neighbors: int
    seconds: float
    frames: int
    dropped: int
    median_ms: float
    p99_ms: float


class Paced:
    """A camera that shows `shown` over and over, `RATE` frames a second; a frame nobody fetched in time is dropped."""

    name = "a recording at the pace of a camera"

    def __init__(self, shown: Sequence[Values]) -> None:
        self._shown = shown
        self._count = 0
        self.opened_ns = 0

    def open(self) -> None:
        self.opened_ns = time.perf_counter_ns()

    def read(self) -> RawFrame:
        due_ns = self.opened_ns + self._count * 1_000_000_000 // RATE
        time.sleep(max(0, due_ns - time.perf_counter_ns()) / 1e9)
        depth, camera = self._shown[self._count % len(self._shown)]
        self._count += 1
        return RawFrame(depth, camera, max(due_ns, self.opened_ns), self.opened_ns)

    def close(self) -> None:
        pass


def session(
    name: str, estimator: HandPoseEstimator, shown: Sequence[Values], *, hands: int, neighbors: int, seconds: float
) -> Latency:
    """Track for `seconds` while `neighbors` processes keep a core busy each; the first second is not counted."""
    device, tracker = Paced(shown), HandTracker(estimator, hands=hands)
    ages: list[float] = []
    first = last = -1
    with busy(neighbors), Live(device, lambda _: None) as source:
        for frame in source:
            Moment(frame.index, frame.time_s, tracker.update(frame), tracker.reason).datagram()
            now_s = (time.perf_counter_ns() - device.opened_ns) / 1e9
            if now_s > seconds + 1:
                break
            if now_s > 1:
                first = frame.index if first < 0 else first
                last = frame.index
                ages.append((now_s - frame.time_s) * 1e3)
    median, p99 = (round(float(each), 2) for each in np.percentile(ages or [np.nan], (50, 99)))
    return Latency(name, neighbors, seconds, len(ages), last - first + 1 - len(ages) if ages else 0, median, p99)


@contextmanager
def busy(count: int) -> Generator[None]:
    """Processes that compute until the end of the `with`."""
    neighbors = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for each in neighbors:
            each.kill()
            each.wait()
