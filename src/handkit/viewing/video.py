"""Frames with their hands as pictures: a video file, or OpenCV's window where its package has one."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from handkit.drawing import Picture, depth_range, draw_hand, draw_text, enlarge, show_depth
from handkit.errors import HandkitError, UsageError
from handkit.files.folders import check_writable
from handkit.hand import HandPose
from handkit.sources.source import TimedFrame

WIDTH = 640
"""Pictures are enlarged in whole multiples to about this many pixels."""
MOST_GIF_FRAMES = 600
"""A GIF is written at its end, and held until then."""


def picture(frame: TimedFrame, hands: Sequence[HandPose]) -> Picture:
    """The depth image with every hand over it."""
    depth = frame.image.depth
    near, far = depth_range(depth, np.concatenate([hand.joints_mm for hand in hands]) if hands else None)
    factor = max(1, round(WIDTH / depth.shape[1]))
    shown = enlarge(show_depth(depth, near=near, far=far), factor)
    for hand in hands:
        number = getattr(hand, "id", None)
        caption = f"{'' if number is None else f'{number} '}{hand.handedness} {hand.confidence:.2f}"
        joints_px = (hand.joints_px + 0.5) * factor - 0.5
        draw_hand(shown, joints_px, hand.skeleton, caption=caption, depth_mm=hand.joints_mm[:, 2])
    draw_text(shown, f"{frame.time_s:.2f} s", (8, shown.shape[0] - 8), height=12)
    return shown


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
        """Raises HandkitError where the file cannot be written."""
        shown = picture(frame, hands)
        if self._writer is not None:
            self._writer.write(self._fitted(shown))
            return
        if len(self._held) < MOST_GIF_FRAMES:
            self._held.append((frame.time_s, shown))
        if self.path.suffix.lower() == ".mp4" and len(self._held) == 30:
            self._begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.path.suffix.lower() == ".gif":
            self._write_gif()
            return
        if self._writer is None and self._held:
            self._begin()
        if self._writer is not None:
            self._writer.release()

    def _begin(self) -> None:
        """An MP4 has one frame rate: that of its first second."""
        self._size = self._held[0][1].shape[1::-1]
        rate = 1000 / self._pause_ms()
        self._writer = cv2.VideoWriter(str(self.path), cv2.VideoWriter.fourcc(*"mp4v"), rate, self._size)
        if not self._writer.isOpened():
            raise HandkitError(f"{self.path} cannot be written as a video; give another folder, or a name in .gif")
        for _, shown in self._held:
            self._writer.write(self._fitted(shown))
        self._held.clear()

    def _write_gif(self) -> None:
        if not self._held:
            return
        self._size = self._held[0][1].shape[1::-1]
        animation = cv2.Animation()
        animation.frames = [self._fitted(shown) for _, shown in self._held]
        animation.durations = [max(20, round(self._pause_ms()))] * len(self._held)
        if not cv2.imwriteanimation(str(self.path), animation):
            raise HandkitError(f"{self.path} cannot be written as a GIF; give a name in .mp4")

    def _pause_ms(self) -> float:
        """Median time between frames."""
        steps = np.diff([time_s for time_s, _ in self._held])
        return 1000 * float(np.clip(np.median(steps), 0.005, 1.0)) if len(steps) else 33.0

    def _fitted(self, shown: Picture) -> Picture:
        return shown if shown.shape[1::-1] == self._size else cv2.resize(shown, self._size)


def has_window() -> bool:
    """Whether OpenCV was built with one: `opencv-python` is, `opencv-python-headless` is not."""
    return "GUI:                           NONE" not in cv2.getBuildInformation()


class Window:
    """OpenCV's window; closing it ends nothing."""

    title = "handkit"

    def __enter__(self) -> "Window":
        return self

    def write(self, frame: TimedFrame, hands: Sequence[HandPose]) -> None:
        """Raises HandkitError where there is no screen."""
        try:
            cv2.imshow(self.title, picture(frame, hands))
            cv2.waitKey(1)
        except cv2.error:
            raise HandkitError("OpenCV has no window here; write a video instead: --view OUT.mp4") from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        cv2.destroyWindow(self.title)
