"""Writing a recording: what a camera gave, as it gave it, and the hands that were found in it.

An MCAP file (https://mcap.dev) of ROS 2 messages in zstd chunks, which ROS 2, Foxglove and rerun open as well:

    /depth/image        sensor_msgs/Image        the depth values
    /depth/camera_info  sensor_msgs/CameraInfo   their camera
    /hands/joints       sensor_msgs/PointCloud2  all joints, m
    /handkit/frame      std_msgs/String          JSON: index, time, unit; the hands as `HandPose.to_dict`

Chunks go to the disk as they are full: a recording that is killed plays to its last whole chunk.
"""

import atexit
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.errors import SinkError, SourceError
from handkit.extras import load
from handkit.hand import HandPose
from handkit.recordings.messages import CAMERA_INFO, DEFINITIONS, IMAGE, POINTS, TEXT, camera_info, image, points
from handkit.shapes import Shaped
from handkit.sources.source import TimedFrame, log

DEPTH, CAMERA, JOINTS, FRAME = "/depth/image", "/depth/camera_info", "/hands/joints", "/handkit/frame"
CHUNK_BYTES = 1 << 19
"""Before compression: less than a 640x480 frame, which is a chunk of its own."""
LATEST_NS = (2**31 - 1) * 1_000_000_000
"""A stamp of ROS holds no later time; the frame's own time is kept beside it, whatever that is."""
WAITING = 30
"""Frames that may wait for the disk; after that `write` waits."""


@dataclass(frozen=True, eq=False)
class _Item:
    """One frame as it is written."""

    index: int
    time_s: float
    camera: Camera
    values: Shaped[np.ndarray, "H W"] | None
    hands: Sequence[HandPose]


class Recorder:
    """A recording being written, by a thread of its own, so that Ctrl-C at any moment leaves it whole.

    A disk that is full, or gone, ends the recording with the frames that are whole: the next `write`, or `close`,
    raises SinkError, once.
    """

    def __init__(self, path: Path) -> None:
        """Raises SourceError where the file cannot begin: another suffix, a file that is there, no right to write."""
        writer = load("mcap_ros2.writer", extra="record")
        if path.suffix.lower() != ".mcap":
            raise SourceError(f"{path} is no name for a recording; give one that ends in .mcap")
        self._file = _Unbuffered(path)
        self.path, self.frames = path, 0
        self._whole = 0
        self._origin_ns = time.time_ns()
        try:
            self._writer: Any = writer.Writer(self._file, chunk_size=CHUNK_BYTES)
        except OSError as error:
            self._file.close()
            path.unlink(missing_ok=True)
            raise SourceError(f"{path} cannot be written: {error.strerror or error}") from None
        self._schemas = {name: self._writer.register_msgdef(name, text) for name, text in DEFINITIONS.items()}
        self._waiting: queue.Queue[_Item | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._raised = False
        self._thread = threading.Thread(target=self._run, name=f"handkit {path.name}", daemon=True)
        self._thread.start()
        atexit.register(self._forgotten)  # a process that ends without closing it keeps its recording, and does end

    def write(self, frame: TimedFrame, hands: Sequence[HandPose] = ()) -> None:
        """One frame, and what was found in it."""
        self._put(_Item(frame.index, frame.time_s, frame.image.camera, frame.values, tuple(hands)))

    def write_hands(self, hands: Sequence[HandPose], *, index: int, time_s: float, camera: Camera) -> None:
        """What was found in a frame that is not at hand."""
        self._put(_Item(index, time_s, camera, None, tuple(hands)))

    def _put(self, item: _Item) -> None:
        self._raise()
        self._waiting.put(item)

    def close(self) -> None:
        """Write what is waiting, and the end of the file."""
        atexit.unregister(self._forgotten)
        self._end()
        self._raise()

    def _end(self) -> None:
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()
        if not self.frames and self._error is not None:
            self.path.unlink(missing_ok=True)

    def _forgotten(self) -> None:
        self._end()
        if self._error is not None and not self._raised:
            log(str(self._error))

    def _raise(self) -> None:
        if self._error is not None and not self._raised:
            self._raised = True
            raise self._error

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        if error is not None and not self.frames:  # a source that did not open: the name stays free
            self.path.unlink(missing_ok=True)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            self._try(self._append, item)
        self._try(self._writer.finish)
        self._file.close()

    def _try(self, step: Callable[..., None], *arguments: object) -> None:
        """Nothing after a step that could not be written; its error is raised where frames are given."""
        if self._error is not None:
            return
        try:
            step(*arguments)
        except OSError as error:
            self.frames = self._whole
            kept = f"ends early, with {self.frames} whole frames" if self.frames else "cannot be written"
            self._error = SinkError(f"{self.path} {kept}: {error.strerror or error}")
        except BaseException as error:
            self._error = error

    def _append(self, item: _Item) -> None:
        since = round(item.time_s * 1e9) if math.isfinite(item.time_s) else 0
        at = min(max(self._origin_ns + since, 0), LATEST_NS)
        joints = [hand.joints_mm for hand in item.hands]
        messages = [
            (FRAME, TEXT, {"data": _record(item)}),
            (CAMERA, CAMERA_INFO, camera_info(item.camera, at)),
            (JOINTS, POINTS, points(np.concatenate(joints) if joints else np.zeros((0, 3)), at)),
        ]
        if item.values is not None:
            messages.append((DEPTH, IMAGE, image(item.values, item.camera, at)))
        last = len(messages) - 1
        for place, (topic, schema, message) in enumerate(messages):
            size = self._file.size
            try:
                self._writer.write_message(topic, self._schemas[schema], message, at, at, item.index)
            finally:
                if self._file.size > size:  # a chunk, with everything up to here
                    self._whole = self.frames + (place == last)
        self.frames += 1


class _Unbuffered:
    """A new file; every write is whole and with the system, or raises OSError and has left nothing."""

    def __init__(self, path: Path) -> None:
        """Raises SourceError."""
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError:
            raise SourceError(f"{path} exists; give the recording another name") from None
        except OSError as error:
            raise SourceError(f"{path} cannot be written: {error.strerror or error}") from None
        self.size = 0

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            with suppress(OSError):
                self._file.truncate(self.size)
            raise
        self.size += len(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        pass

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()


def _record(item: _Item) -> str:
    """Whatever the other messages do not hold to the last digit."""
    record: dict[str, Any] = {"index": item.index, "time_s": item.time_s, "unit_mm": item.camera.unit_mm}
    if item.values is not None:
        record["kind"] = item.values.dtype.newbyteorder("=").str[1:]
    return json.dumps(record | {"hands": [hand.to_dict() for hand in item.hands]})
