"""`handkit replay`: a recording once more, through the same tracker or another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from handkit.cli.saying import say
from handkit.cli.tracked import Tracked


@dataclass(frozen=True, kw_only=True)
class Replay(Tracked):
    """Track the hands of a recording once more: the same poses again, or those of other weights."""

    recording: Annotated[Positional[str], arg(metavar="RECORDING")]
    """.mcap of handkit or ROS 2, RealSense .db3 or .bag, or a folder of depth images."""
    out: Annotated[Path | None, arg(metavar="OUT.rrd|mp4|gif|html|mcap")] = None
    """Write a file for rerun (.rrd), a video (.mp4, .gif), a report (.html) or a recording (.mcap)."""

    def run(self) -> int:
        """Answers 1 where no hand was seen, or the file could not be written to its end."""
        from handkit import live
        from handkit.sources.opening import open_source

        source = open_source(self.recording, camera=self.camera, depth_scale=self.depth_scale, report=say)
        tracker = self.tracker(say)
        view = self.viewers(tracker)
        out = [live.open_keeper(self.out, timings_ms=tracker.timings_ms)] if self.out else []
        session = live.run(source, tracker, keepers=[*view, *out], report=say)
        print(session.in_words())
        return 0 if session.with_hands and not set(out) & set(session.failed) else 1
