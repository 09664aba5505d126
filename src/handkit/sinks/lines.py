"""Hands as lines of a file: JSON, one frame a line; CSV, one hand a line."""

import csv
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from handkit.errors import SinkError
from handkit.sinks.records import JsonLines
from handkit.sinks.sink import Moment
from handkit.skeleton import HAND21, Skeleton


class JsonSink:
    """`Moment.to_dict` of every frame; to stdout where the path is `-`.

    A session that ends before its first frame leaves no file, so that the name stays free.
    Whoever reads stdout ends it by leaving: BrokenPipeError, as of any other program in a pipe, and no SinkError.
    """

    def __init__(self, path: str) -> None:
        self.name = "stdout" if path == "-" else path
        self._path, self._written = path, False
        self._stack = ExitStack()

    def __enter__(self) -> "JsonSink":
        try:
            lines = JsonLines(sys.stdout if self._path == "-" else Path(self._path))
        except OSError as error:
            raise unwritable(self._path, error) from None
        self._lines = self._stack.enter_context(lines)
        return self

    def write(self, moment: Moment) -> None:
        self._written = True
        try:
            self._lines.write(moment.to_dict())
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritable(self.name, error) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._stack.close()
        except OSError as failure:
            raise unwritable(self.name, failure) from None
        if not self._written and self._path != "-":
            _remove(Path(self._path))


class CsvSink:
    """One line for each hand of each frame: what it is, then x, y, z of its joints in camera mm, to 0.01.

    Every line is flushed. All hands have the joints of the first one; without any the head has HAND21's, so that there
    always is one. A session that ends in an error before its first frame leaves no file.
    """

    HEAD = ("index", "time_s", "id", "handedness", "confidence", "tracked")

    def __init__(self, path: str) -> None:
        self.name, self._written = path, False
        self._joints: tuple[str, ...] = ()

    def __enter__(self) -> "CsvSink":
        try:
            self._file = open(self.name, "w", encoding="utf-8", newline="")
        except OSError as error:
            raise unwritable(self.name, error) from None
        self._rows = csv.writer(self._file)
        return self

    def write(self, moment: Moment) -> None:
        self._written = True
        try:
            for hand in moment.hands:
                self._begin(hand.skeleton)
                row: list[Any] = [moment.index, f"{moment.time_s:.6f}", hand.id, hand.handedness]
                row += [f"{hand.confidence:.3f}", int(hand.tracked)]
                self._rows.writerow([*row, *(f"{value:.2f}" for value in hand.joints_mm.reshape(-1))])
            self._file.flush()
        except OSError as error:
            raise unwritable(self.name, error) from None

    def _begin(self, skeleton: Skeleton) -> None:
        """The head, once."""
        if not self._joints:
            self._joints = skeleton.joints
            axes = [f"{joint}_{axis}" for joint in self._joints for axis in "xyz"]
            self._rows.writerow([*self.HEAD, *axes])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._begin(HAND21)
            self._file.close()
        except OSError as failure:
            raise unwritable(self.name, failure) from None
        if error and not self._written:
            _remove(Path(self.name))


def _remove(path: Path) -> None:
    """A file, and no pipe or device, in which there is no frame."""
    if path.is_file():
        path.resolve().unlink()


def unwritable(name: str, error: OSError) -> SinkError:
    """One sentence for what the system says."""
    return SinkError(f"{name} cannot be written: {error.strerror or error}")
