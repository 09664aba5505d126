"""A camera as a source: a thread keeps its newest frame, waits for it when it is unplugged, and opens it again."""

import threading
from collections import deque
from collections.abc import Iterator
from time import monotonic
from types import TracebackType
from typing import Protocol, runtime_checkable

from handkit.errors import HandkitError, SourceError
from handkit.sources.refusals import Refusals
from handkit.sources.source import Gate, RawFrame, Report, TimedFrame

AGAIN_S = 1.0
"""Between two attempts to open a camera that is gone."""
SILENT_S = 3.0
"""A camera that has given nothing for this long is opened anew."""
WAKE_S = 0.2
"""Longest sleep of whoever waits for a frame."""


@runtime_checkable  # for the shape checker that runs under pytest
class Device(Protocol):
    """A camera's package in four words; all but `name` are called by one thread at a time."""

    name: str

    def open(self) -> None:
        """Start the depth stream. Raises SourceError where there is no such camera."""
        ...

    def read(self) -> RawFrame | None:
        """The next frame; None where none came for about a second. Raises SourceError where the camera is gone."""
        ...

    def close(self) -> None:
        """After `open`, whether or not the camera is still there; raises nothing."""
        ...


class Live:
    """The newest frame of a camera, each at most once: a slow consumer drops frames and queues none."""

    live = True

    def __init__(self, device: Device, report: Report) -> None:
        self.name = device.name
        self.refusals = Refusals(report)
        self._device, self._report, self._count = device, report, 0
        self._changed = threading.Condition()
        self._newest: tuple[int, RawFrame] | None = None
        self._notices: deque[str] = deque(maxlen=20)
        self._crash: Exception | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"handkit {self.name}", daemon=True)

    def __enter__(self) -> "Live":
        """Start the camera and the thread that reads it; raises SourceError, MissingExtraError."""
        try:
            self._device.open()
        except HandkitError:
            raise
        except Exception as error:  # whatever a driver raises
            raise self._failed(error) from error
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop reading, wait for the camera to close, and report the frames that were refused."""
        self._stopped.set()
        self._thread.join(timeout=2 * SILENT_S)
        self.refusals.tell(self._count)

    def __iter__(self) -> Iterator[TimedFrame]:
        """Ends with the `with` alone; raises SourceError for whatever the camera's package raised unforeseen."""
        gate = Gate(self.refusals)
        while not self._stopped.is_set():
            newest = self._wait()
            while self._notices:
                self._report(self._notices.popleft())
            if self._crash is not None:
                raise self._failed(self._crash) from self._crash
            if newest is None:
                continue
            self._count += 1
            if (frame := gate.frame(newest[1], newest[0])) is not None:
                yield frame

    def _wait(self) -> tuple[int, RawFrame] | None:
        with self._changed:
            if self._newest is None:
                self._changed.wait(WAKE_S)
            newest, self._newest = self._newest, None
            return newest

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as error:  # raised where the frames are taken
            self._crash = error
        finally:
            self._device.close()

    def _watch(self) -> None:
        index, heard = 0, monotonic()
        while not self._stopped.is_set():
            try:
                raw = self._device.read()
                if raw is None and monotonic() - heard > SILENT_S:
                    raise SourceError(f"{self.name} has given no frame for {SILENT_S:g} s")
            except HandkitError as error:
                self._notices.append(f"{error}; waiting for the camera")
                self._open_again()
                raw, heard = None, monotonic()
            if raw is not None:
                heard = monotonic()
                with self._changed:
                    self._newest = (index, raw)
                    self._changed.notify()
                index += 1

    def _failed(self, error: Exception) -> SourceError:
        return SourceError(f"{self.name}: its package has failed ({type(error).__name__}: {error})")

    def _open_again(self) -> None:
        """Return when the camera is back, or nobody wants it any more."""
        self._device.close()
        while not self._stopped.wait(AGAIN_S):
            try:
                self._device.open()
            except Exception:  # a vendor's package may raise anything while a camera comes back
                continue
            self._notices.append(f"{self.name} is back")
            return
