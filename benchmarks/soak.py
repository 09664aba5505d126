"""A long session with the real networks: no crash, no growth, and the same again to the last bit from its recording.

    python benchmarks/soak.py [--frames 3000] [--backend onnx|openvino|torch]

The bundled recording, over and over, at 30 frames a second; frames with drop-outs, empty ones, a hand that jumps, a
second hand (its mirror image) that comes and goes, a clock that jumps back. Exit status 1 where memory grows by more
than 20 MB after the first fifth, or the recording, replayed, gives another hand anywhere.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from report import print_report, run_benchmark

from handkit import live
from handkit.backends.opening import BackendName
from handkit.benchmark.pipeline import RATE, Values, recorded
from handkit.errors import HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.hand import TrackedHand
from handkit.recordings.recorder import Recorder
from handkit.sinks import open_sink
from handkit.sources import open_source
from handkit.sources.source import Played, RawFrame, Source, TimedFrame
from handkit.tracking import HandTracker

MOST_MB = 20.0
SCENE = 150
"""Frames for which one and the same is wrong."""


def main(*, frames: int = 3000, backend: BackendName | None = None, seed: int = 0) -> None:
    """Run, replay, compare."""
    estimator = HandPoseEstimator.from_pretrained(backend=backend)
    source = Played("soak", partial(trouble, recorded("demo"), frames, seed), lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "soak.mcap"
        first, session = run(estimator, source, path, warm=frames // 5)
        again, _ = run(estimator, open_source(str(path), report=print), None, warm=frames // 5)
        size = path.stat().st_size / 1e6
    row = {
        "frames": f"{session.frames}",
        "with a hand": f"{session.with_hands}",
        "hands followed": f"{len(session.ids)}",
        "recording MB": f"{size:.0f}",
        "growth MB, session and replay": f"{first.grown_mb:.1f}, {again.grown_mb:.1f}",
        "frames that differ in the replay": f"{differing(first.digests, again.digests)}",
    }
    print_report("soak", [row])
    same = first.digests == again.digests and session.frames == frames
    sys.exit(0 if same and max(first.grown_mb, again.grown_mb) <= MOST_MB else 1)


def trouble(shown: Sequence[Values], count: int, seed: int) -> Generator[RawFrame | HandkitError]:
    """Frames of the recording with something wrong with them, another thing every five seconds."""
    for index in range(count):
        random = np.random.default_rng((seed, index // SCENE))
        values, camera = shown[index % len(shown)]
        what = random.integers(0, 6)
        values = values.copy()
        if what == 1:
            values[np.random.default_rng((seed, index, 1)).random(values.shape) < 0.4] = 0
        elif what == 2 and index % 50 < 20:
            values[:] = 0
        elif what == 3:
            values = np.roll(values, 160 * (index // 40 % 3), axis=1)
        elif what == 4 and index % 60 < 40:
            values[:, 320:] = values[:, 320 - 1 :: -1]
        elif what == 5:
            values[:] = np.where(values > 0, 1400, 0)
        clock_ns = index * 1_000_000_000 // RATE - (2_000_000_000 if index % 1000 == 999 else 0)
        yield RawFrame(values, camera, clock_ns)


class Watch:
    """A digest of the hands of every frame, and what memory the process takes."""

    def __init__(self, warm: int) -> None:
        self._warm, self._base = warm, 0.0
        self.digests: list[str] = []
        self.grown_mb = 0.0

    def __enter__(self) -> "Watch":
        return self

    def write(self, frame: TimedFrame, hands: Sequence[TrackedHand]) -> None:
        digest = hashlib.sha256(repr((frame.index, frame.time_s)).encode())
        for hand in hands:
            digest.update(repr((hand.id, hand.handedness, hand.confidence, hand.tracked)).encode())
            for each in (hand.joints_mm, hand.raw_mm, hand.velocity_mm_s, hand.uncertainty_mm):
                digest.update(each.tobytes())
        self.digests.append(digest.hexdigest())
        if len(self.digests) == self._warm:
            self._base = resident_mb()
        elif len(self.digests) > self._warm:
            self.grown_mb = max(self.grown_mb, resident_mb() - self._base)

    def __exit__(self, *_: object) -> None:
        pass


def run(
    estimator: HandPoseEstimator, source: Source, recording: Path | None, *, warm: int
) -> tuple[Watch, live.Session]:
    """One session with everything that can be listening."""
    watch = Watch(warm)
    keepers: list[live.Keeper] = [watch, *([Recorder(recording)] if recording else [])]
    tracker = HandTracker(estimator, hands=2, report=lambda _: None)
    return watch, live.run(source, tracker, [open_sink("udp://127.0.0.1:9", report=lambda _: None)], keepers=keepers)


def differing(one: Sequence[str], other: Sequence[str]) -> int:
    """Frames whose digests are not the same."""
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))


def resident_mb() -> float:
    """Of this process, now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    run_benchmark(main)
