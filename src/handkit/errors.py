"""What ends a command or a call: one sentence for the user, that says what was seen and what mends it.

Whoever needs no kind catches `HandkitError`. The kinds for a wrong value are a `ValueError` as well.
"""

from pathlib import Path


class HandkitError(Exception):
    """One sentence, and the exit status of a command that it ends: 1 nothing could be done, 2 wrong usage.

    `about` is the file with whose name the sentence begins, where that is known.
    """

    def __init__(self, sentence: str, *, status: int = 1, about: str = "") -> None:
        super().__init__(sentence)
        self.status, self.about = status, about


class UsageError(HandkitError, ValueError):
    """An argument that cannot be."""

    def __init__(self, sentence: str, *, status: int = 2, about: str = "") -> None:
        super().__init__(sentence, status=status, about=about)


class CameraError(HandkitError, ValueError):
    """Numbers that are no camera's, or a name that no camera has."""


class FrameError(HandkitError, ValueError):
    """A depth image that cannot be used: what was seen, what was expected, what mends it."""


class SourceError(HandkitError, ValueError):
    """A file that cannot be read as a depth image, or a camera that does not fit it."""


class MissingExtraError(HandkitError, ImportError):
    """A package that an optional part needs, and the command that installs it."""


class SinkError(HandkitError, OSError):
    """A file or a receiver that poses cannot be written to."""


class CheckpointError(HandkitError, ValueError):
    """A weights file that cannot be used."""


class DatasetError(HandkitError, ValueError):
    """A file of a data set: the file, the line where there is one, what was seen, what was expected, what mends it."""


class MissingError(DatasetError):
    """A file or folder that every copy of the data set has is not there."""

    def __init__(self, path: Path, remedy: str) -> None:
        super().__init__(f"{path} is missing; {remedy}")
        self.path = path


class StoreError(HandkitError, ValueError):
    """A store that cannot be read or written."""


class ScoreError(HandkitError, ValueError):
    """Why a file cannot be scored: the file, the line and what mends it."""


class ResultError(HandkitError, ValueError):
    """A file that holds no result."""


class TrainingError(HandkitError, RuntimeError):
    """A run that cannot go on: it does not learn any more, or its state cannot be read."""


class StoppedError(TrainingError):
    """A run that Ctrl-C or SIGTERM has ended; its state is on disk."""


class LostProcessError(TrainingError):
    """A run of several processes of which one has ended; the state on disk continues it."""
