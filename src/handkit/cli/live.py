"""`handkit live`: hands in a camera's depth stream, or a recording, to wherever they are wanted."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import UseAppendAction, arg

from handkit.cli.tracked import Tracked
from handkit.errors import UsageError

if TYPE_CHECKING:
    from handkit.live import Keeper, Session
    from handkit.sinks import Moment
    from handkit.tracking import HandTracker

EVERY_S = 0.25
"""Between two updates of the line that says what is going on."""


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """Where frames come from and hands go: a class of its own, for help lists the last base's options first."""

    source: Annotated[str | None, arg(metavar="SOURCE")] = None
    """A camera, a recording, a folder, demo or synthetic; by default the camera plugged in, else a recording."""
    record: Annotated[Path | None, arg(metavar="FILE.mcap")] = None
    """Keep depth, camera and hands in a new file, for `handkit replay`."""
    send: Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(metavar="WHERE...")] = ()
    """udp://HOST:PORT, osc://HOST:PORT, ws://127.0.0.1:PORT, - for stdout, .jsonl, .csv, .bvh or .glb files."""


@dataclass(frozen=True, kw_only=True)
class Live(Tracked, _Ends):
    """Track hands in a camera's depth stream, or a recording: smooth, in camera millimeters. Ctrl-C ends it.

    Of a camera the newest frame is taken, of files every one.
    """

    def run(self) -> int:
        """Answers 0 where a hand was seen and every output is whole, else 1; Ctrl-C is an end like any other."""
        from handkit import live
        from handkit.sinks import open_sinks
        from handkit.sources.opening import open_default, open_source

        if self.source is None and self.camera is not None:
            raise UsageError(
                f"--camera {self.camera} is that of files; a camera that is plugged in has its own: leave it out, or "
                "name the files with --source"
            )
        line, recorded = _Line(), [self.record] if self.record else []
        sinks = open_sinks([each for several in self.send for each in several], beside=recorded, report=line.say)
        if self.source is None:
            source = open_default(depth_scale=self.depth_scale, report=line.say)
        else:
            source = open_source(self.source, camera=self.camera, depth_scale=self.depth_scale, report=line.say)
        tracker = self.tracker(line.say)
        view, recording = self.viewers(tracker), self._recording()
        with line:
            session = live.run(source, tracker, sinks, keepers=[*view, *recording], watch=line.show, report=line.say)
        line.say(session.in_words())
        if doubt := _doubt(tracker, session):
            line.say(f"warning: {doubt}")
        return 0 if session.with_hands and not {*sinks, *recording} & set(session.failed) else 1

    def _recording(self) -> "list[Keeper]":
        from handkit.recordings.recorder import Recorder

        return [Recorder(self.record)] if self.record else []


class _Line:
    """One line on stderr that says what is going on; where that is no terminal, only what is out of the ordinary."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._status = self._console.status("waiting for the first frame")
        self._shown_s = float("-inf")

    def say(self, sentence: str) -> None:
        self._console.print(sentence, markup=False)

    def show(self, session: "Session", moment: "Moment") -> None:
        from time import monotonic

        if self._console.is_terminal and monotonic() - self._shown_s > EVERY_S:
            self._shown_s = monotonic()
            self._status.update(_state(session, moment))

    def __enter__(self) -> None:
        if self._console.is_terminal:
            self._status.start()

    def __exit__(self, *_: object) -> None:
        self._status.stop()


def _doubt(tracker: "HandTracker", session: "Session") -> str | None:
    """What is likely wrong with the camera's numbers, where most frames have no hand."""
    from handkit.estimator import HandPoseEstimator

    estimator = tracker.estimator
    return estimator.doubt_of_camera(*session.handless.doubtful()) if isinstance(estimator, HandPoseEstimator) else None


def _state(session: "Session", moment: "Moment") -> str:
    """What is seen now.

    A hand is `right #1 0.97 at (12, -30, 512) mm`.
    """
    places = [(hand, hand.center.round().astype(int).tolist()) for hand in moment.hands]
    seen = [
        f"{hand.handedness} #{hand.id} {hand.confidence:.2f} at ({x}, {y}, {z}) mm"
        for hand, (x, y, z) in places
        if hand.tracked
    ]
    what = "   ".join(seen) or moment.reason or "no hand"
    return f"{session.frames_per_second:.0f} frames/s  {session.latency_ms(50):.1f} ms  {what}"
