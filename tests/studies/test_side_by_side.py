"""Processes of a study: they end with the one that began them, and no other is begun then."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = '''
import sys, time
from pathlib import Path
from handkit.errors import HandkitError, UsageError
from handkit.studies.side_by_side import run_side_by_side
from handkit.training.loop import noted_signals

def work(folder, name):
    """As a training: until a signal comes, then what it has is saved, which takes a while."""
    with noted_signals() as received:
        (folder / f"{name}.begun").write_text("")
        if name == "wrong":
            while not (folder / "first.begun").exists():
                time.sleep(0.01)
            raise UsageError("this one is wrong")
        while not received:
            time.sleep(0.01)
        time.sleep(1)
        (folder / f"{name}.saved").write_text("")

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    try:
        run_side_by_side(work, [(folder, name) for name in sys.argv[2:]], jobs=2)
    except HandkitError as error:
        print(error)
        sys.exit(error.status)
'''


def until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def begun(tmp_path: Path, *names: str) -> subprocess.Popen:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path), *names]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True)


@pytest.mark.parametrize(
    ("number", "send"),
    [
        (signal.SIGTERM, os.kill),
        (signal.SIGKILL, os.kill),
        (signal.SIGTERM, os.killpg),
        (signal.SIGINT, os.killpg),
        (signal.SIGHUP, os.killpg),
    ],
)
def test_trainings_end_saved_with_the_process_that_began_them(tmp_path, number, send):
    """The signal reaches that one alone, which does not even hear SIGKILL, or the whole group, as a terminal's does."""
    parent = begun(tmp_path, "first", "second", "third")
    until(lambda: len(list(tmp_path.glob("*.begun"))) == 2)
    send(parent.pid, number)
    said, _ = parent.communicate(timeout=60)
    until(lambda: len(list(tmp_path.glob("*.saved"))) == 2)
    if number != signal.SIGKILL:
        assert parent.returncode == 128 + number
        assert said == f"stopped by {number.name}, what was begun is saved\n"
    assert sorted(path.name for path in tmp_path.glob("*.begun")) == ["first.begun", "second.begun"]


def test_an_error_ends_the_others_saved(tmp_path):
    parent = begun(tmp_path, "first", "wrong", "third")
    said, _ = parent.communicate(timeout=60)
    assert (parent.returncode, said) == (2, "this one is wrong\n")
    assert (tmp_path / "first.saved").exists()
    assert not (tmp_path / "third.begun").exists()


SEEING = """
import os, sys, time
from pathlib import Path
import torch
from handkit.studies.side_by_side import run_side_by_side

def see(folder, name):
    (folder / f"{name}.gpu").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
    while len(list(folder.glob("*.gpu"))) < min(3, int(name) + 3):  # the first three are at work together
        time.sleep(0.01)

if __name__ == "__main__":
    torch.cuda.device_count = lambda: int(sys.argv[2])
    run_side_by_side(see, [(Path(sys.argv[1]), name) for name in "0123"], jobs=3)
    print(os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
"""


@pytest.mark.parametrize(
    ("count", "given", "seen"),
    [("0", None, {"none"}), ("2", None, {"0", "1"}), ("4", None, {"0", "1", "2"}), ("2", "GPU-7, 3", {"GPU-7", "3"})],
)
def test_each_training_has_a_gpu_of_its_own(tmp_path: Path, count: str, given: str | None, seen: set[str]):
    (tmp_path / "script.py").write_text(SEEING)
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    environment |= {"OMP_NUM_THREADS": "1"} | ({"CUDA_VISIBLE_DEVICES": given} if given else {})
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path), count]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
    assert run.stdout.strip() == (given or "none"), "the environment of the one that began them is as it was"
    assert {(tmp_path / f"{name}.gpu").read_text() for name in "012"} == seen
