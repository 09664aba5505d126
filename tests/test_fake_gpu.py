"""A training step stays on the GPU that it begins on, and nothing in it waits for one: tried without a GPU."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch.utils.backend_registration")
SCRIPT = Path(__file__).with_name("fake_gpu.py")


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What the script says of each of its checks; it makes a device known to its whole process."""
    ended = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, timeout=250, check=False)
    assert ended.returncode == 0, ended.stderr
    return dict(line.split(" = ", 1) for line in ended.stdout.splitlines())


def test_every_network_loss_crop_and_augmentation(said: dict[str, str]) -> None:
    assert len(said) >= 35
    assert {name: text for name, text in said.items() if text != "works"} == {}


def test_what_it_would_find(said: dict[str, str]) -> None:
    """Two devices, a number asked for, numbers carried over."""
    assert said["found: two devices"] == "works"
    assert said["found: a number asked for"] == "works"
    assert said["found: numbers carried over"] == "works"
