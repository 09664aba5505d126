"""OpenVINO leaves the signal stack as it was: one that it frees later ends the process with the next signal."""

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes
from handkit.backends.openvino import OpenvinoGraph
from handkit.backends.signal_stack import _Stack
from handkit.hub import find_network

def now():
    stack = _Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
    return stack.place, stack.flags, stack.size

before = now()
graph = OpenvinoGraph(find_network("latent-fusion"), kind="hand")
assert now() == before, now()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sigaltstack as Linux has it")
def test_the_signal_stack_is_what_it_was() -> None:
    pytest.importorskip("openvino")
    subprocess.run([sys.executable, "-c", SCRIPT], timeout=120, check=True)
