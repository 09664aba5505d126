"""One session: frames from a source, hands by a tracker, out to sinks, a recording, a viewer."""

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Protocol, runtime_checkable

import numpy as np

from handkit.depth import DepthImage, Handless
from handkit.errors import SinkError, UsageError
from handkit.hand import TrackedHand
from handkit.sinks.sink import Moment, Report, Sink, log
from handkit.sources.refusals import Warnings
from handkit.sources.source import Source, TimedFrame
from handkit.tracking import HandTracker

KEPT_AS = (".rrd", ".mp4", ".gif", ".html", ".mcap")
"""Files of frames beside their hands."""
LATEST = 10_000
"""Frames whose latency is kept."""


@runtime_checkable  # for the shape checker that runs under pytest
class Keeper(Protocol):
    """What takes frames beside their hands: a recording, a video, a viewer."""

    def __enter__(self) -> "Keeper":
        """Raises SinkError where a session can do without it, another HandkitError where it had better not begin."""
        ...

    def write(self, frame: TimedFrame, hands: Sequence[TrackedHand]) -> None:
        """Raises SinkError where it takes no more frames; what it has is kept, or the sentence says that it is not."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Raises SinkError where the rest cannot be written."""
        ...


def open_keeper(out: Path, *, timings_ms: Mapping[str, float] | None = None) -> Keeper:
    """By the name of its file: for rerun (.rrd), a video (.mp4, .gif), a report (.html) or a recording (.mcap).

    `timings_ms`: a tracker's, which rerun shows. Raises UsageError for another name.
    """
    suffix = out.suffix.lower()
    if suffix not in KEPT_AS:
        raise UsageError(f"--out {out}: give a name that ends in {', '.join(KEPT_AS)}")
    if suffix == ".mcap":
        from handkit.recordings.recorder import Recorder

        return Recorder(out)
    if suffix == ".html":
        from handkit.reports.recording import RecordingReport

        return RecordingReport(out)
    from handkit.viewing import open_viewer

    return open_viewer(str(out), timings_ms=timings_ms)


@dataclass
class Session:
    """Counts of a session so far."""

    frames: int = 0
    dropped: int = 0
    """Frames of the source that were not looked at: of a camera those for which there was no time, and refused ones."""
    with_hands: int = 0
    reason: str | None = None
    """Why there is no hand in the last frame; None where there is one."""
    ids: set[int] = field(default_factory=set[int])
    latencies_ms: deque[float] = field(default_factory=lambda: deque[float](maxlen=LATEST))
    """From the frame's arrival to its hands being handed over."""
    began: float = field(default_factory=time.perf_counter)
    handless: Handless = field(default_factory=Handless)
    """Whether there is a reason to doubt the camera's numbers."""
    failed: list[Sink | Keeper] = field(default_factory=list[Sink | Keeper])
    """What did not take everything to the end; each has been reported."""

    _next: int = 0

    def count(self, moment: Moment, image: DepthImage, *, latency_ms: float) -> None:
        """`image` is what the moment was seen in."""
        self.handless.add(image, seen=bool(moment.hands))
        self.frames += 1
        self.dropped += max(0, moment.index - self._next)
        self._next = moment.index + 1
        self.with_hands += any(hand.tracked for hand in moment.hands)
        self.reason = moment.reason
        self.ids |= {hand.id for hand in moment.hands}
        self.latencies_ms.append(latency_ms)

    @property
    def frames_per_second(self) -> float:
        return self.frames / max(time.perf_counter() - self.began, 1e-9)

    def latency_ms(self, percent: float) -> float:
        """Percentile of the last frames' latencies, 0 without any."""
        return float(np.percentile(self.latencies_ms, percent)) if self.latencies_ms else 0.0

    def in_words(self) -> str:
        """The whole session, a sentence."""
        if not self.frames:
            return "no frame came from the source"
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        why = f"; at the end: {self.reason}" if not self.with_hands and self.reason else ""
        return (
            f"{self.frames} frames{dropped}, {self.with_hands} with a hand, {len(self.ids)} hands followed; "
            f"{self.frames_per_second:.1f} frames/s, {self.latency_ms(50):.1f} ms a frame (median), "
            f"{self.latency_ms(99):.1f} ms (99th percentile){why}"
        )


def run(
    source: Source,
    tracker: HandTracker,
    sinks: Sequence[Sink] = (),
    *,
    keepers: Sequence[Keeper] = (),
    watch: Callable[[Session, Moment], None] = lambda _, __: None,
    report: Report = log,
) -> Session:
    """Track until the source ends or Ctrl-C, which ends it like the last frame: everything is closed in order.

    So do SIGTERM and SIGHUP in a program's main thread, where no signal interrupts the closing. A sink or
    a keeper that fails is reported, and closed in the end; the others go on. `watch` sees every frame. Raises what
    opening raises, before the first frame.
    """
    session, warnings = Session(), Warnings(report)
    with _ending() as closing, ExitStack() as stack:
        outlets = [_Outlet(sink, session, report, needed=True) for sink in sinks]
        keeping = [_Outlet(keeper, session, report, needed=False) for keeper in keepers]
        for outlet in (*outlets, *keeping):
            stack.enter_context(outlet)
        stack.enter_context(source)
        session.began = time.perf_counter()
        try:
            for frame in source:
                begun = time.perf_counter()
                hands = tracker.update(frame)
                moment = Moment(frame.index, frame.time_s, hands, tracker.reason, tracker.cause, frame.image.warnings)
                _hand_over(frame, moment, outlets, keeping)
                warnings.add(moment.warnings)
                session.count(moment, frame.image, latency_ms=(time.perf_counter() - begun) * 1e3)
                watch(session, moment)
        except KeyboardInterrupt:
            report("stopped")
        finally:
            closing()
    return session


@contextmanager
def _ending() -> Generator[Callable[[], None]]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt, as SIGINT does; what is yielded, called, makes all three do nothing.

    A signal that the program ignores (nohup) stays ignored; where this is not the main thread, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    asked = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
    before = {number: signal.getsignal(number) for number in asked}
    mine = [number for number in asked if before[number] is not signal.SIG_IGN]

    def stop(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt

    def closing() -> None:
        for number in mine:
            signal.signal(number, signal.SIG_IGN)

    for number in mine:
        signal.signal(number, stop)
    try:
        yield closing
    finally:
        for number in mine:
            signal.signal(number, before[number])


def _hand_over(frame: TimedFrame, moment: Moment, outlets: Sequence["_Outlet"], keeping: Sequence["_Outlet"]) -> None:
    for outlet in outlets:
        outlet.write(moment)
    for outlet in keeping:
        outlet.write(frame, moment.hands)


class _Outlet:
    """A sink or a keeper whose failures are reported instead of raised; after one it gets nothing more."""

    def __init__(self, taker: Sink | Keeper, session: Session, report: Report, *, needed: bool) -> None:
        """`needed`: where it cannot be opened, that is raised."""
        self._taker, self._session, self._report, self._needed = taker, session, report, needed
        self._write: Callable[..., None] = taker.write
        self._opened = self._failed = False

    def __enter__(self) -> "_Outlet":
        try:
            self._taker.__enter__()
            self._opened = True
        except SinkError as error:
            if self._needed:
                raise
            self._fail(f"{error}; tracking goes on without it")
        return self

    def write(self, *given: object) -> None:
        if self._failed:
            return
        try:
            self._write(*given)
        except SinkError as error:
            self._fail(f"{error}; tracking goes on without it")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._opened:
                self._taker.__exit__(kind, error, traceback)
        except SinkError as failure:
            self._fail(str(failure))

    def _fail(self, sentence: str) -> None:
        """Only the first failure is said."""
        if not self._failed:
            self._failed = True
            self._session.failed.append(self._taker)
            self._report(sentence)
