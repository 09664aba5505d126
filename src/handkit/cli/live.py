"""`handkit live`: hands in a camera's depth stream, or a recording, to wherever they are wanted."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import UseAppendAction, arg

from handkit.asked import MINIMUM_CONFIDENCE, Asked, Rotations
from handkit.cli.options import DepthScale
from handkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handkit.live import Keeper, Session
    from handkit.sinks import Moment

EVERY_S = 0.25
"""Between two updates of the line that says what is going on."""


@dataclass(frozen=True)
class Live:
    """Track hands in a camera's depth stream, or a recording: smooth, in camera millimeters. Ctrl-C ends it.

    Of a camera the newest frame is taken, of files every one.
    """

    source: Annotated[str | None, arg(metavar="SOURCE")] = None
    """A camera, a recording, a folder, demo or synthetic; by default the camera plugged in, else a recording."""
    hands: Annotated[int, arg(metavar="N")] = 2
    """At most."""
    handedness: Asked = "auto"
    """Follow only hands of this side; auto: of either, and predict which, by all frames so far."""
    view: bool = False
    """Show depth and hands as they come, in rerun or OpenCV's window."""
    record: Annotated[Path | None, arg(metavar="FILE.mcap")] = None
    """Keep depth, camera and hands in a new file, for `handkit replay`."""
    send: Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(metavar="WHERE...")] = ()
    """udp://HOST:PORT, osc://HOST:PORT, ws://127.0.0.1:PORT, - for stdout, .jsonl, .csv, .bvh or .glb files."""
    camera: Annotated[str | None, arg(metavar="NAME|fx,fy,cx,cy[,k1,k2,p1,p2...]")] = None
    """That took the frames of a folder."""
    depth_scale: DepthScale = None
    """Millimeters per unit of depth, if it is not what the source says."""
    minimum_confidence: Annotated[float, arg(metavar="P")] = MINIMUM_CONFIDENCE
    """Hands whose confidence is less are not followed."""
    rotations: Rotations = 1
    """Of the crop of each hand, averaged: nearer and calmer, for as many times the work."""
    weights: Annotated[str, arg(metavar="NAME|PATH")] = "latent-fusion"
    """A network by name, or its file."""
    backend: Annotated[Literal["onnx", "openvino", "torch"] | None, arg(metavar="onnx|openvino|torch")] = None
    """What runs the networks."""
    threads: Annotated[int, arg(metavar="N")] = 1
    """Of the networks; on a machine that does other work as well, one is the fastest."""

    def run(self) -> int:
        """Answers 0 where a hand was seen and every output is whole, else 1; Ctrl-C is an end like any other."""
        from handkit import live
        from handkit.estimator import HandPoseEstimator
        from handkit.sinks import open_sink
        from handkit.sources.opening import open_default, open_source
        from handkit.tracking import HandTracker

        line = _Line()
        targets = [each for several in self.send for each in several]
        _check_distinct([*targets, *([str(self.record)] if self.record else [])])
        sinks = [open_sink(each, report=line.say) for each in targets]
        if self.source is None:
            source = open_default(depth_scale=self.depth_scale, report=line.say)
        else:
            source = open_source(self.source, camera=self.camera, depth_scale=self.depth_scale, report=line.say)
        estimator = HandPoseEstimator.from_pretrained(self.weights, backend=self.backend, threads=self.threads)
        tracker = HandTracker(
            estimator,
            hands=self.hands,
            handedness=self.handedness,
            minimum_confidence=self.minimum_confidence,
            rotations=self.rotations,
            report=line.say,
        )
        view, recording = viewers(tracker.timings_ms, wanted=self.view), self._recording()
        with line:
            session = live.run(source, tracker, sinks, keepers=[*view, *recording], watch=line.show, report=line.say)
        line.say(session.in_words())
        return 0 if session.with_hands and not {*sinks, *recording} & set(session.failed) else 1

    def _recording(self) -> "list[Keeper]":
        from handkit.recordings.recorder import Recorder

        return [Recorder(self.record)] if self.record else []


def viewers(timings_ms: "Mapping[str, float]", *, wanted: bool) -> "list[Keeper]":
    """The window that rerun or OpenCV has, if it is wanted."""
    from handkit.viewing import open_viewer

    return [open_viewer(timings_ms=timings_ms)] if wanted else []


def _check_distinct(targets: "list[str]") -> None:
    """Raise UsageError where two outputs are one; a second hand's .bvh has `-2` behind the name of the first's."""
    whole = [each if "://" in each or each == "-" else str(Path(each).resolve()) for each in targets]
    animations = [Path(each).stem for each in whole if each.endswith(".bvh")]
    for number, each in enumerate(whole):
        stem, dash, hand = Path(each).stem.rpartition("-")
        further = each.endswith(".bvh") and dash and hand.isdigit() and stem in animations
        if further or each in whole[:number]:
            raise UsageError(f"two outputs go to {targets[number]}; give each a name of its own")


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
