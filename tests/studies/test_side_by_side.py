"""Processes of a study: they end with the one that began them, and no other is begun then."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from handkit.studies import side_by_side

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
    (folder / f"{name}.gpu").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
    while name == "first" and not (folder / "third.gpu").exists():
        time.sleep(0.01)

if __name__ == "__main__":
    torch.cuda.device_count = lambda: 2
    run_side_by_side(see, [(Path(sys.argv[1]), name) for name in ("first", "second", "third")], jobs=2)
    print(os.environ["CUDA_VISIBLE_DEVICES"])
"""


def test_each_training_has_a_gpu_of_its_own(tmp_path: Path):
    """The third begins when the second has ended, and has its GPU."""
    (tmp_path / "script.py").write_text(SEEING)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "GPU-7, 3"}
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
    assert run.stdout == "GPU-7, 3\n", "the environment of the one that began them is as it was"
    seen = [(tmp_path / f"{name}.gpu").read_text() for name in ("first", "second", "third")]
    assert seen == ["GPU-7", "3", "3"]


@pytest.mark.parametrize(
    ("count", "given", "names"),
    [(0, None, []), (3, None, ["0", "1", "2"]), (2, "GPU-7, 3", ["GPU-7", "3"]), (0, "", []), (1, "0,-1,1", ["0"])],
)
def test_the_gpus_that_can_be_seen(monkeypatch, count, given, names):
    monkeypatch.setattr(side_by_side.torch.cuda, "device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert side_by_side._visible_gpus() == names
    with side_by_side._seeing(None):
        assert os.environ.get("CUDA_VISIBLE_DEVICES") == given, "without one nothing changes"
