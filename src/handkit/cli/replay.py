"""`handkit replay`: a recording once more, through the same tracker or another."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

if TYPE_CHECKING:
    from handkit.live import Keeper


@dataclass(frozen=True)
class Replay:
    """Track the hands of a recording once more: the same poses again, or those of other weights."""

    recording: Annotated[Positional[str], arg(metavar="RECORDING")]
    """.mcap of handkit or ROS 2, RealSense .db3 or .bag, or a folder of depth images."""
    camera: Annotated[str | None, arg(metavar="NAME|fx,fy,cx,cy")] = None
    """That took the images, where they do not say."""
    depth_scale: Annotated[float | None, arg(metavar="MM_PER_UNIT")] = None
    """Millimeters per unit of depth."""
    weights: Annotated[str, arg(metavar="NAME|PATH")] = "latent-fusion"
    """A network by name, or its file."""
    hands: int = 2
    """At most."""
    handedness: Literal["auto", "left", "right"] = "auto"
    """Follow only hands of this side; auto: of either, and predict it."""
    backend: Annotated[Literal["onnx", "openvino", "torch"] | None, arg(metavar="onnx|openvino|torch")] = None
    """What runs the networks."""
    threads: int = 1
    """Of the networks."""
    view: bool = False
    """Show depth and hands as they come, in rerun or OpenCV's window."""
    out: Annotated[Path | None, arg(metavar="OUT.rrd|mp4|gif|html|mcap")] = None
    """Write a file for rerun, a video, a report, or a recording with the new poses."""

    def run(self) -> int:
        """Answers 1 where no hand was seen."""
        from handkit import live
        from handkit.estimator import HandPoseEstimator
        from handkit.sources.opening import open_source
        from handkit.tracking import HandTracker

        def tell(sentence: str) -> None:
            print(f"handkit: {sentence}", file=sys.stderr)

        source = open_source(self.recording, camera=self.camera, depth_scale=self.depth_scale, report=tell)
        estimator = HandPoseEstimator.from_pretrained(self.weights, backend=self.backend, threads=self.threads)
        tracker = HandTracker(estimator, hands=self.hands, handedness=self.handedness)
        session = live.run(source, tracker, keepers=self._keepers(), report=tell)
        print(
            f"{session.frames} frames, {session.with_hands} with hands, {len(session.ids)} hands in all, "
            f"{session.frames_per_second:.0f} frames a second, latency {session.latency_ms(50):.1f} ms (median)"
        )
        return int(not session.with_hands)

    def _keepers(self) -> "list[Keeper]":
        from handkit.recordings.recorder import Recorder
        from handkit.reports.recording import RecordingReport
        from handkit.viewing import open_viewer

        keepers: list[Keeper] = [open_viewer()] if self.view else []
        if self.out is not None:
            suffix = self.out.suffix.lower()
            makers = {".mcap": Recorder, ".html": RecordingReport}
            keepers.append(makers[suffix](self.out) if suffix in makers else open_viewer(str(self.out)))
        return keepers
