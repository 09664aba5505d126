"""Frames with their hands as pictures: a video file, or OpenCV's window where its package has one."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from handkit.drawing import Picture, draw_hands, draw_text
from handkit.errors import SinkError, UsageError
from handkit.files.atomic import write_whole
from handkit.files.folders import check_writable
from handkit.hand import HandPose, TrackedHand
from handkit.sources.source import TimedFrame
from handkit.viewing.window import check_screen

WIDTH = 640
"""Pictures are enlarged in whole multiples to about this many pixels."""
MOST_GIF_FRAMES = 600
"""A GIF is written at its end, and held until then."""


def picture(frame: TimedFrame, hands: Sequence[HandPose]) -> Picture:
    """The depth image with every hand over it."""
    shown = draw_hands(frame.image.depth, hands, width=WIDTH, caption=_caption)
    draw_text(shown, f"{frame.time_s:.2f} s", (8, shown.shape[0] - 8), height=12)
    return shown


def _caption(hand: HandPose) -> str:
    number = f"{hand.id} " if isinstance(hand, TrackedHand) else ""
    return f"{number}{hand.handedness} {hand.confidence:.2f}"


class VideoFile:
    """MP4 or GIF at the pace of the frames' times; frames of another size than the first are fitted into it."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where the name is taken."""
        if path.exists():
            raise UsageError(f"{path} exists; give the video another name")
        self.path = path
        self._held: list[tuple[float, Picture]] = []
        self._writer: Any = None
        self._size = (0, 0)

    def __enter__(self) -> "VideoFile":
        """Raises HandkitError where it cannot be written."""
        check_writable(self.path)
        return self

    def write(self, frame: TimedFrame, hands: Sequence[HandPose]) -> None:
        """Raises SinkError where the file cannot be written, or holds no more."""
        shown = picture(frame, hands)
        if self._writer is not None:
            self._writer.write(self._fitted(shown))
            return
        if len(self._held) == MOST_GIF_FRAMES:
            raise SinkError(f"{self.path} ends early, with {MOST_GIF_FRAMES} frames: give a name in .mp4 for more")
        self._held.append((frame.time_s, shown))
        if self.path.suffix.lower() == ".mp4" and len(self._held) == 30:
            self._begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raises SinkError where not all of it is on the disk; then there is no file."""
        if self.path.suffix.lower() == ".gif":
            self._write_gif()
            return
        if self._writer is None and self._held:
            self._begin()
        if self._writer is not None:
            self._writer.release()
            self._check()

    def _begin(self) -> None:
        """An MP4 has one frame rate: that of its first second."""
        self._size = self._held[0][1].shape[1::-1]
        rate = 1000 / self._pause_ms()
        self._writer = cv2.VideoWriter(str(self.path), cv2.VideoWriter.fourcc(*"mp4v"), rate, self._size)
        if not self._writer.isOpened():
            raise SinkError(f"{self.path} cannot be written as a video; give another folder, or a name in .gif")
        for _, shown in self._held:
            self._writer.write(self._fitted(shown))
        self._held.clear()

    def _check(self) -> None:
        """OpenCV says nothing of a full disk."""
        if not _is_whole(self.path):
            self.path.unlink(missing_ok=True)
            raise SinkError(f"{self.path} could not be written to its end, and is removed; is the disk full?")

    def _write_gif(self) -> None:
        if not self._held:
            return
        self._size = self._held[0][1].shape[1::-1]
        animation = cv2.Animation()
        animation.frames = [self._fitted(shown) for _, shown in self._held]
        animation.durations = [max(20, round(self._pause_ms()))] * len(self._held)
        encoded, content = cv2.imencodeanimation(".gif", animation)
        if not encoded:
            raise SinkError(f"{self.path} cannot be written as a GIF; give a name in .mp4")
        try:
            write_whole(self.path, content.tobytes())
        except OSError as error:
            raise SinkError(f"{self.path} cannot be written: {error.strerror or error}") from None

    def _pause_ms(self) -> float:
        """Median time between frames."""
        steps = np.diff([time_s for time_s, _ in self._held])
        return 1000 * float(np.clip(np.median(steps), 0.005, 1.0)) if len(steps) else 33.0

    def _fitted(self, shown: Picture) -> Picture:
        return shown if shown.shape[1::-1] == self._size else cv2.resize(shown, self._size)


def _is_whole(path: Path) -> bool:
    """Whether an MP4 file ends with its last box, and has the one that says where its frames are.

    A box: its length with these 8 bytes (1: in 8 more), its name. ISO/IEC 14496-12, 4.2.
    """
    names, at, size = list[bytes](), 0, path.stat().st_size
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(16).ljust(16, b"\0")
            short = int.from_bytes(head[:4], "big")
            length = int.from_bytes(head[8:], "big") if short == 1 else short
            if length < 8:
                return False
            names.append(head[4:8])
            at += length
    return at == size and b"moov" in names


def has_window() -> bool:
    """Whether OpenCV was built with one: `opencv-python` is, `opencv-python-headless` is not."""
    return "GUI:                           NONE" not in cv2.getBuildInformation()


class Window:
    """OpenCV's window; closing it ends nothing."""

    title = "handkit"
    _shown = False

    def __enter__(self) -> "Window":
        """Raises SinkError where there is no screen."""
        check_screen()
        return self

    def write(self, frame: TimedFrame, hands: Sequence[HandPose]) -> None:
        """Raises SinkError where there is no screen."""
        try:
            cv2.imshow(self.title, picture(frame, hands))
            cv2.waitKey(1)
            self._shown = True
        except cv2.error:
            raise SinkError(
                "OpenCV has no window here; record with --record, then `handkit replay FILE.mcap --out FILE.mp4`"
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(cv2.error):
            if self._shown:
                cv2.destroyWindow(self.title)
