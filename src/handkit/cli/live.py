"""`handkit live`, as it is typed; its work is imported when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

if TYPE_CHECKING:
    from handkit.live import Session
    from handkit.sinks import Moment

EVERY_S = 0.25
"""Between two updates of the line that says what is going on."""


def live(
    *,
    source: Annotated[str, arg(metavar="SOURCE")] = "synthetic",
    hands: Annotated[int, arg(metavar="1|2|N")] = 2,
    handedness: Literal["auto", "left", "right"] = "auto",
    send: Annotated[tuple[str, ...], arg(metavar="WHERE...")] = (),
    record: Annotated[Path | None, arg(metavar="FILE.mcap")] = None,
    camera: Annotated[str | None, arg(metavar="NAME|fx,fy,cx,cy[,k1,k2,p1,p2...]")] = None,
    depth_scale: Annotated[float | None, arg(metavar="MM_PER_UNIT")] = None,
    minimum_confidence: Annotated[float, arg(metavar="P")] = 0.5,
    weights: Annotated[str, arg(metavar="NAME|PATH")] = "latent-fusion",
    backend: Literal["onnx", "openvino", "torch"] | None = None,
    threads: Annotated[int, arg(metavar="N")] = 1,
) -> int:
    """Track hands in a camera's depth stream, or a recording: smooth, in camera millimeters. Ctrl-C ends it.

    Of a camera the newest frame is taken, of files every one.

    Args:
        source: synthetic, a folder of frames, a recording, or a camera (see `handkit cameras`).
        hands: At most so many.
        handedness: Which hands; auto follows both and predicts which is which, from all frames so far.
        send: udp://HOST:PORT, osc://HOST:PORT, ws://127.0.0.1:PORT, - (lines of JSON on stdout), a .jsonl, .csv, .bvh
            or .glb file; several if need be.
        record: Keep depth, camera and hands in a new file, for `handkit replay`.
        camera: That took the frames of a folder: a name (see `handkit info`), or its intrinsics in pixels.
        depth_scale: Millimeters per unit of depth, if it is not what the source says.
        minimum_confidence: Hands that are less likely right than this are not followed.
        weights: Bundled weights by name, or a file.
        backend: What runs the networks; by default the fastest that is installed.
        threads: Of the networks; on a machine that does other work as well, one is the fastest.
    """
    import handkit
    from handkit.live import Keeper, run
    from handkit.sinks import open_sink
    from handkit.tracking import HandTracker

    line = _Line()
    sinks = [open_sink(each, report=line.say) for each in send]
    opened = handkit.open_source(source, camera=camera, depth_scale=depth_scale, report=line.say)
    estimator = handkit.HandPoseEstimator.from_pretrained(weights, backend=backend, threads=threads)
    tracker = HandTracker(
        estimator, hands=hands, handedness=handedness, minimum_confidence=minimum_confidence, report=line.say
    )
    keepers: list[Keeper] = []
    if record:
        from handkit.recordings.recorder import Recorder

        keepers.append(Recorder(record, line.say))
    with line:
        session = run(opened, tracker, sinks, keepers=keepers, watch=line.show, report=line.say)
    line.say(_summary(session))
    return 0 if session.with_hands else 1


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
    places = [(hand, hand.joints_mm.mean(axis=0).round().astype(int).tolist()) for hand in moment.hands]
    seen = [
        f"{hand.handedness} #{hand.id} {hand.confidence:.2f} at ({x}, {y}, {z}) mm"
        for hand, (x, y, z) in places
        if hand.tracked
    ]
    what = "   ".join(seen) or moment.reason or "no hand"
    return f"{session.frames_per_second:.0f} frames/s  {session.latency_ms(50):.1f} ms  {what}"


def _summary(session: "Session") -> str:
    """Of a whole session."""
    dropped = f", {session.dropped} dropped" if session.dropped else ""
    return (
        f"{session.frames} frames{dropped}, {session.with_hands} with a hand, {len(session.ids)} hands followed; "
        f"{session.frames_per_second:.1f} frames/s, {session.latency_ms(50):.1f} ms a frame (median), "
        f"{session.latency_ms(99):.1f} ms (99th percentile)"
    )
