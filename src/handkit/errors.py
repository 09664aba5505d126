"""What ends a command or a call: one sentence for the user, that says what was seen and what mends it.

Whoever needs no kind catches `HandkitError`. The kinds for a wrong value are a `ValueError` as well.
"""

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class HandkitError(Exception):
    """One sentence, and the exit status of a command that it ends: 1 nothing could be done, 2 wrong usage.

    Where `source` is given, the sentence begins with this name of a file, and `said` is what follows it. `kind` is one
    for all errors of one cause, whose sentences differ in their numbers; by default `said`.
    """

    def __init__(self, said: str, *, status: int = 1, source: Path | str = "", kind: str = "") -> None:
        self.source, self.said, self.status, self.kind = str(source), said, status, kind or said
        super().__init__(f"{source} {said}" if source else said)


class UsageError(HandkitError, ValueError):
    """An argument that cannot be."""

    def __init__(self, said: str, *, status: int = 2, source: Path | str = "", kind: str = "") -> None:
        super().__init__(said, status=status, source=source, kind=kind)


class JointError(UsageError, KeyError):
    """A name that no joint of a skeleton has."""

    __str__ = Exception.__str__  # a KeyError's own puts it between quotes


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
    """A file or folder that every copy of the data set has is not there; `source` is its path."""


class StoreError(HandkitError, ValueError):
    """A store that cannot be read or written."""


class ScoreError(HandkitError, ValueError):
    """What cannot be scored, or is no result: the file, the line and what mends it."""


class TrainingError(HandkitError, RuntimeError):
    """A run that cannot go on: it does not learn any more, or its state cannot be read."""


class StoppedError(TrainingError):
    """A run that Ctrl-C or SIGTERM has ended; its state is on disk."""


def shown(value: object) -> str:
    """What was given instead of what was expected, in a few words.

    >>> import numpy as np
    >>> shown(None), shown("abc"), shown(np.zeros((3, 4)))
    ('None', "'abc'", 'ndarray of shape (3, 4)')
    """
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__} of shape {tuple(shape)}" if shape is not None else reprlib.repr(value)


def suggest(name: str, known: Iterable[str], *, cutoff: float = 0.4) -> str:
    """What may have been meant by an unknown name, to be put before the known ones; empty where nothing is near.

    >>> suggest("SR-300", ["kinect2", "sr300"]), suggest("zzz", ["kinect2", "sr300"])
    ('did you mean sr300? ', '')
    """
    near = get_close_matches(name.lower(), known, n=1, cutoff=cutoff)
    return f"did you mean {near[0]}? " if near else ""


def check_kind(name: str, value: object, kind: type) -> None:
    """Raise UsageError unless an argument of this name is of a class, or has what a protocol asks for."""
    if not isinstance(value, kind):
        raise UsageError(f"{name} must be a {kind.__name__}; got {shown(value)}")
