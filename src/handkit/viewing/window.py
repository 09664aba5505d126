"""rerun's window as a process of its own, which outlives the session; and whether there is a screen for any window."""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, sleep

from handkit.errors import SinkError

PORT = 9876
"""rerun's own."""
START_S = 15.0
"""A window that is not there by then does not come."""
OPTIONS = ("--bind", "127.0.0.1", "--expect-data-soon", "--memory-limit", "75%")
"""For this computer alone: by default rerun listens to all others as well."""


def check_screen() -> None:
    """Raise SinkError where no window can be."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SinkError(
            "there is no screen for a window (DISPLAY is not set); record with --record, then `handkit replay "
            "FILE.mcap --out FILE.mp4`, or .rrd for rerun"
        )


@dataclass(frozen=True)
class RerunWindow:
    """A viewer that takes what is logged to `url`."""

    url: str
    process: subprocess.Popen[bytes] | None
    """None for one that was there before, of an earlier session."""

    @classmethod
    def open(cls) -> "RerunWindow":
        """The one that is there, or a new one; raises SinkError where none starts."""
        url = f"rerun+http://127.0.0.1:{PORT}/proxy"
        if _answers():
            return cls(url, None)
        check_screen()
        process = subprocess.Popen(
            [*_command(), "--port", str(PORT), *OPTIONS],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for the session
        )  # fmt: skip
        began = monotonic()
        while not _answers():
            if process.poll() is not None:
                raise SinkError("rerun's window does not open; `rerun` in a terminal says why")
            if monotonic() - began > START_S:
                process.kill()
                raise SinkError(f"rerun's window did not open within {START_S:g} s")
            sleep(0.05)
        return cls(url, process)

    @property
    def closed(self) -> bool:
        return self.process is not None and self.process.poll() is not None


def _command() -> list[str]:
    """rerun's package brings it: no PATH is needed, and no other version can be found there."""
    return [sys.executable, "-m", "rerun_cli"]


def _answers() -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", PORT), timeout=0.5):
        return True
    return False
