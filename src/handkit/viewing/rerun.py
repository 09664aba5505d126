"""rerun's viewer (https://rerun.io): depth in space, hands over it, raw beside smoothed, times; live or `.rrd`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.drawing import FINGER_COLORS, PALM_COLOR
from handkit.errors import SinkError
from handkit.extras import load
from handkit.files.folders import check_writable
from handkit.hand import HandPose
from handkit.shapes import Float32
from handkit.skeleton import HAND21, Skeleton
from handkit.sources.source import TimedFrame
from handkit.viewing.window import RerunWindow

SLOTS = 4
"""Hands shown at once; entities have names of their own, so that each can be hidden."""
EDGE_MM = 250.0
"""Of the cube drawn around a hand."""
COLORED_MM = (200.0, 1500.0)
"""Depth that colors tell apart."""
SLOW_MS = 50.0
"""Top of the chart of times."""
LOOK_S = 1.0
"""Between two looks whether what was logged has arrived: rerun itself says nothing."""
ROOM = 1 << 20
"""Bytes that a file of rerun's needs to begin with."""
PATIENCE_S = 3.0
"""What does not take anything for this long is given up."""


def _check_room(path: Path) -> None:
    """Raise SinkError where a file cannot even begin: on a full disk rerun would wait for its own writer for ever."""
    try:
        with path.open("wb") as file:
            file.write(bytes(ROOM))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SinkError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        path.unlink(missing_ok=True)


class RerunViewer:
    """Writes to `path`, or opens a window where that is None."""

    def __init__(self, path: Path | None = None, *, timings_ms: Mapping[str, float] | None = None) -> None:
        """`timings_ms`: the stages of the latest frame, read at every frame: a tracker's.

        Raises MissingExtraError.
        """
        os.environ.setdefault("RUST_LOG", "off")  # it says at length on stderr what is raised here in a sentence
        self._rr = load("rerun", extra="view")
        self._blueprint = load("rerun.blueprint", extra="view")
        self._path, self._timings_ms = path, timings_ms
        self._stream: Any = None
        self._window: RerunWindow | None = None
        self._camera: Camera | None = None
        self._looked_s = 0.0
        self._lost = False

    def __enter__(self) -> "RerunViewer":
        """Raises SinkError where no window can be opened, HandkitError where there can be no such file."""
        self._stream = self._rr.RecordingStream("handkit")
        if self._path is None:
            self._window = RerunWindow.open()
            self._stream.connect_grpc(self._window.url, default_blueprint=self._layout())
        else:
            check_writable(self._path)
            _check_room(self._path)
            self._stream.save(str(self._path), default_blueprint=self._layout())
        self._looked_s = monotonic()
        self._stream.log("world", self._rr.ViewCoordinates.RDF, static=True)
        self._stream.log("world", self._rr.AnnotationContext([self._description(HAND21)]), static=True)
        return self

    def write(self, frame: TimedFrame, hands: Sequence[HandPose]) -> None:
        """Raises SinkError where the window is closed, or the file cannot be written."""
        if monotonic() - self._looked_s > LOOK_S:
            self._look()
        rr, stream, camera = self._rr, self._stream, frame.image.camera.pinhole
        stream.set_time("time", duration=frame.time_s)
        if camera != self._camera:
            self._camera = camera
            size = {"width": camera.width, "height": camera.height}
            k = {"focal_length": [camera.fx, camera.fy], "principal_point": [camera.cx, camera.cy]}
            stream.log(
                "world/camera", rr.Pinhole(**k, **size, camera_xyz=rr.ViewCoordinates.RDF, image_plane_distance=300.0)
            )
        stream.log("world/camera/depth", self._depth(frame))
        for slot in range(SLOTS):
            if slot < len(hands):
                self._draw(f"world/hands/{slot}", hands[slot], camera)
            else:
                stream.log(f"world/hands/{slot}", rr.Clear(recursive=True))
                stream.log(f"world/camera/hands/{slot}", rr.Clear(recursive=True))
        for stage, value in (self._timings_ms or {}).items():
            stream.log(f"times/{stage}", rr.Scalars(value))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raises SinkError where not all of it arrived; a file is removed then."""
        try:
            if not self._lost:
                self._look()
        finally:
            self._stream.disconnect()
            if self._lost and self._path is not None:
                self._path.unlink(missing_ok=True)

    def _look(self) -> None:
        """Raises SinkError where what was logged does not arrive."""
        try:
            self._stream.flush(timeout_sec=PATIENCE_S)
        except RuntimeError as error:
            self._lost = True
            raise SinkError(self._why(error)) from None
        self._looked_s = monotonic()

    def _why(self, error: RuntimeError) -> str:
        if self._path is not None:
            return f"{self._path} cannot be written, and is removed; is the disk full? rerun says: {error}"
        closed = self._window is not None and self._window.closed
        return "rerun's window was closed" if closed else f"rerun's window does not answer ({error})"

    def _draw(self, name: str, hand: HandPose, camera: Camera) -> None:
        rr, stream = self._rr, self._stream
        known = {"class_ids": 1, "keypoint_ids": np.arange(len(hand.skeleton)), "show_labels": False}
        if hand.skeleton != HAND21:
            known = {"show_labels": False}
        stream.log(f"{name}/joints", rr.Points3D(hand.joints_mm, radii=4.0, **known))
        raw = getattr(hand, "raw_mm", None)
        if raw is not None:
            stream.log(f"{name}/raw", rr.Points3D(raw, radii=2.0, colors=[150, 150, 150]))
        center = hand.center
        stream.log(f"{name}/cube", self._box(center))
        above = rr.Points3D(
            [center - np.array([0, EDGE_MM / 2 + 20, 0])],
            radii=0.1,
            labels=[f"{hand.handedness} {hand.confidence:.2f}"],
            show_labels=True,
        )
        stream.log(f"{name}/label", above)
        seen = name.replace("world", "world/camera")
        stream.log(seen, rr.Points2D(camera.project(hand.joints_mm), radii=2.5, **known))
        stream.log(f"confidence/{name[-1]}", rr.Scalars(hand.confidence))

    def _depth(self, frame: TimedFrame) -> Any:  # noqa: ANN401
        """In space small enough points that joints show between them."""
        depth = frame.image.depth.round().clip(0, 65535).astype(np.uint16)
        return self._rr.DepthImage(depth, meter=1.0, depth_range=COLORED_MM, colormap="turbo", point_fill_ratio=0.4)

    def _box(self, center: Float32[np.ndarray, "3"]) -> Any:  # noqa: ANN401
        rr = self._rr
        return rr.Boxes3D(
            centers=[center],
            half_sizes=[[EDGE_MM / 2] * 3],
            colors=[160, 160, 180],
            fill_mode=rr.components.FillMode.MajorWireframe,
        )

    def _description(self, skeleton: Skeleton) -> Any:  # noqa: ANN401
        """Names and colors of the joints, and the bones between them."""
        rr = self._rr
        points = [
            rr.AnnotationInfo(id=i, label=name, color=FINGER_COLORS.get(name.partition("_")[0], PALM_COLOR)[::-1])
            for i, name in enumerate(skeleton.joints)
        ]
        return rr.ClassDescription(
            info=rr.AnnotationInfo(id=1, label="hand"), keypoint_annotations=points, keypoint_connections=skeleton.bones
        )

    def _layout(self) -> Any:  # noqa: ANN401
        view = self._blueprint
        rows = [
            view.Spatial2DView(origin="world/camera", name="depth"),
            view.TimeSeriesView(origin="confidence", name="confidence", axis_y=view.ScalarAxis(range=(0.0, 1.0))),
        ]
        if self._timings_ms is not None:
            scale = view.ScalarAxis(range=(0.0, SLOW_MS))
            rows.append(view.TimeSeriesView(origin="times", name="ms", axis_y=scale))
        space = view.Spatial3DView(
            origin="world",
            name="space",
            contents=["$origin/**", "- /world/camera/hands/**"],  # the flat ones are for the image
            eye_controls=view.EyeControls3D(position=(-350, -300, -100), look_target=(0, 0, 480), eye_up=(0, -1, 0)),
        )
        return view.Blueprint(view.Horizontal(space, view.Vertical(*rows), column_shares=[3, 2]), collapse_panels=True)
