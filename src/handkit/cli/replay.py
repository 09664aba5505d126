"""`handkit replay`: a recording once more, through the same tracker or another."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from handkit.asked import MINIMUM_CONFIDENCE, Asked, Rotations
from handkit.cli.live import viewers
from handkit.cli.options import DepthScale
from handkit.cli.saying import say
from handkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handkit.live import Keeper

OUTPUTS = (".rrd", ".mp4", ".gif", ".html", ".mcap")


@dataclass(frozen=True)
class Replay:
    """Track the hands of a recording once more: the same poses again, or those of other weights."""

    recording: Annotated[Positional[str], arg(metavar="RECORDING")]
    """.mcap of handkit or ROS 2, RealSense .db3 or .bag, or a folder of depth images."""
    camera: Annotated[str | None, arg(metavar="NAME|fx,fy,cx,cy")] = None
    """That took the images, where they do not say."""
    depth_scale: DepthScale = None
    """Millimeters per unit of depth."""
    weights: Annotated[str, arg(metavar="NAME|PATH")] = "latent-fusion"
    """A network by name, or its file."""
    hands: int = 2
    """At most."""
    handedness: Asked = "auto"
    """Follow only hands of this side; auto: of either, and predict it."""
    backend: Annotated[Literal["onnx", "openvino", "torch"] | None, arg(metavar="onnx|openvino|torch")] = None
    """What runs the networks."""
    threads: int = 1
    """Of the networks."""
    minimum_confidence: Annotated[float, arg(metavar="P")] = MINIMUM_CONFIDENCE
    """Hands whose confidence is less are not followed."""
    rotations: Rotations = 1
    """Of the crop of each hand, averaged: nearer and calmer, for as many times the work."""
    view: bool = False
    """Show depth and hands as they come, in rerun or OpenCV's window."""
    out: Annotated[Path | None, arg(metavar="OUT.rrd|mp4|gif|html|mcap")] = None
    """Write a file for rerun (.rrd), a video (.mp4, .gif), a report (.html) or a recording (.mcap)."""

    def run(self) -> int:
        """Answers 1 where no hand was seen, or the file could not be written to its end."""
        from handkit import live
        from handkit.estimator import HandPoseEstimator
        from handkit.sources.opening import open_source
        from handkit.tracking import HandTracker

        source = open_source(self.recording, camera=self.camera, depth_scale=self.depth_scale, report=say)
        estimator = HandPoseEstimator.from_pretrained(self.weights, backend=self.backend, threads=self.threads)
        tracker = HandTracker(
            estimator,
            hands=self.hands,
            handedness=self.handedness,
            minimum_confidence=self.minimum_confidence,
            rotations=self.rotations,
            report=say,
        )
        view, out = viewers(tracker.timings_ms, wanted=self.view), self._out(tracker.timings_ms)
        session = live.run(source, tracker, keepers=[*view, *out], report=say)
        print(session.in_words())
        return 0 if session.with_hands and not set(out) & set(session.failed) else 1

    def _out(self, timings_ms: "Mapping[str, float]") -> "list[Keeper]":
        from handkit.recordings.recorder import Recorder
        from handkit.reports.recording import RecordingReport
        from handkit.viewing import open_viewer

        if self.out is None:
            return []
        suffix = self.out.suffix.lower()
        if suffix not in OUTPUTS:
            raise UsageError(f"--out {self.out}: give a name that ends in {', '.join(OUTPUTS)}")
        makers = {".mcap": Recorder, ".html": RecordingReport}
        return [makers[suffix](self.out) if suffix in makers else open_viewer(str(self.out), timings_ms=timings_ms)]
