"""The stack on which signals are handled, kept as it is while a library is at work.

OpenVINO 2026.4 gives the calling thread a signal stack of its own when it compiles a model, and frees it with the
model: the next signal, a Ctrl-C or the end of a child process, then ends the process with a segmentation fault.
"""

import ctypes
import sys
from collections.abc import Generator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """stack_t of sigaltstack(2)."""

    _fields_ = (("place", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def kept_signal_stack() -> Generator[None]:
    """Give the thread back the signal stack that it had, or none; does nothing but on Linux."""
    if sys.platform != "linux":
        yield
        return
    change = ctypes.CDLL(None).sigaltstack
    before = _Stack()
    change(None, ctypes.byref(before))
    try:
        yield
    finally:
        change(ctypes.byref(before), None)
