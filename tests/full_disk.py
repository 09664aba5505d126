"""A disk with little room, as a limit of this process on the size of any file."""

import signal
from collections.abc import Generator
from contextlib import contextmanager

import pytest

resource = pytest.importorskip("resource")


@contextmanager
def full_disk(room: int) -> Generator[None]:
    """Writing past this many bytes of a file is an OSError, File too large.

    As Python has it, which ignores the signal that ends a process there; depthai, once imported, does not.
    """
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before if before is not None else signal.SIG_IGN)
