"""A source that another package brings: whatever it raises, or is instead of a source, is one sentence."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import TracebackType

from handkit.errors import HandkitError, SourceError, shown
from handkit.sources.source import Calibration, Opener, Report, Source, TimedFrame


class Foreign:
    """A `Source`; its own errors of handkit pass as they are, all others as SourceError that names the package."""

    def __init__(
        self, opener: Opener, argument: str, calibration: Calibration, report: Report, *, brought: str
    ) -> None:
        """`brought` names the source and its package. Raises SourceError where it is no source."""
        self._brought = brought
        with self._failing():
            source: object = opener(argument, calibration, report)
        if not isinstance(source, Source):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise SourceError(
                f"{brought}, which gave {shown(source)} and no Source (name, live, refusals, `with`, iteration)"
            )
        self._source = source
        self.name, self.live, self.refusals = source.name, source.live, source.refusals

    def __enter__(self) -> "Foreign":
        with self._failing():
            self._source.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._failing():
            self._source.__exit__(kind, error, traceback)

    def __iter__(self) -> Iterator[TimedFrame]:
        with self._failing():
            frames = iter(self._source)
        while True:
            with self._failing():
                try:
                    frame: object = next(frames)
                except StopIteration:
                    return
            if not isinstance(frame, TimedFrame):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise SourceError(f"{self._brought}, which gave {shown(frame)} where a TimedFrame is expected")
            yield frame

    @contextmanager
    def _failing(self) -> Generator[None]:
        try:
            yield
        except HandkitError:
            raise
        except Exception as error:  # whatever another package does
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise SourceError(f"{self._brought}, which has failed ({reason})") from error
