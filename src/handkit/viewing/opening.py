"""From what a user types to a viewer."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

from handkit.errors import UsageError
from handkit.hand import HandPose
from handkit.sources.source import TimedFrame

VIDEOS = (".mp4", ".gif")


@runtime_checkable  # for the shape checker that runs under pytest
class Viewer(Protocol):
    """Given frames beside their hands inside its `with`."""

    def __enter__(self) -> "Viewer": ...

    def write(self, frame: TimedFrame, hands: Sequence[HandPose]) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...


def open_viewer(target: str = "", *, timings_ms: Mapping[str, float] | None = None) -> Viewer:
    """Empty: rerun's window or, without rerun, OpenCV's. `.rrd`: a file for rerun. `.mp4`, `.gif`: a video.

    `timings_ms`: the stages of the latest frame (a tracker's), which rerun shows. Raises UsageError for another name,
    MissingExtraError where neither rerun nor a window is there.
    """
    suffix = Path(target).suffix.lower()
    if suffix in VIDEOS:
        from handkit.viewing.video import VideoFile

        return VideoFile(Path(target))
    if target and suffix != ".rrd":
        raise UsageError(f"{target} is no view; give a name that ends in .rrd, {' or '.join(VIDEOS)}")
    if not target and importlib.util.find_spec("rerun") is None:
        from handkit.viewing.video import Window, has_window

        if has_window():
            return Window()
    from handkit.viewing.rerun import RerunViewer

    return RerunViewer(Path(target) if target else None, timings_ms=timings_ms)
