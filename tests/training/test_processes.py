"""Several processes: they are one training, agree on what is left out, and say so when one of them is gone."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training.ranks import INFINITE

from handkit.cli import main
from handkit.errors import UsageError
from handkit.models.checkpoint import read_info
from handkit.training.processes import Machine
from handkit.training.streams import Share

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}


def test_two_processes_are_one_training(tmp_path):
    """With the same batch: a row without a label is replaced, and a step that is not finite in one is undone in both.

    Batch statistics are those of a process's share, as of a batch in two parts; the running ones are their mean.
    What is drawn in a step, noise of depth values here, is that of a part, too.
    """
    for launch in (TORCHRUN, [sys.executable]):
        script = ROOT / "tests/training/ranks.py"
        subprocess.run([*launch, script, tmp_path], check=True, env=ENVIRONMENT, timeout=200)
    first, second, one = (torch.load(tmp_path / f"{name}.pt") for name in ("rank0", "rank1", "alone"))
    for (state, losses, counts), (other, other_losses, other_counts) in zip(first, second, strict=True):
        assert (losses, counts) == (other_losses, other_counts)
        assert all(torch.equal(state[name], other[name]) for name in state)
    for (state, losses, counts), (alone, alone_losses, alone_counts), spoiled in zip(first, one, (1, 0), strict=True):
        assert (counts[0], alone_counts[0]) == (1, 0)
        assert counts[1] == alone_counts[1] == spoiled
        assert losses == pytest.approx(alone_losses, rel=1e-5)
        parameters = [name for name in state if "running" not in name and "num_batches" not in name]
        assert len(parameters) > 1
        for name in parameters:
            torch.testing.assert_close(state[name], alone[name], rtol=1e-4, atol=1e-6)
        assert all(int(state[name]) == int(alone[name]) for name in state if "num_batches" in name)
    assert first[0][1][INFINITE] == float("inf")


def test_shares_make_up_the_batch():
    rows = list(range(12))
    assert [row for number in range(3) for row in rows[Share(number, 3).rows(12)]] == rows


def told_after(command: list[str], log: Path, number: signal.Signals) -> list[str]:
    """What a run says whose last process gets this signal once it has learned something."""
    begun = log.stat().st_size if log.exists() else 0
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        while not log.exists() or log.stat().st_size <= begun:
            assert process.poll() is None
            time.sleep(0.1)
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
        os.kill(int(children.stdout.split()[-1]), number)
        told = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert not any("Traceback" in line for line in told.splitlines() if "handkit" in line)
    return [line for line in told.splitlines() if line.startswith("handkit:")]


def test_a_process_that_is_gone_ends_the_run_which_resumes(tmp_path):
    """Told to stop: both do, and the state is that of this moment. Killed: the other one says so, and the run goes on
    from the last state, to its end."""
    out = tmp_path / "run"
    train = ["-m", "handkit", "train", "latent-fusion", "--resolution", "32", "--batch", "4", "--workers", "0"]
    command = [*TORCHRUN, *train, "--out", str(out), "--samples"]
    stopped = told_after([*command, "4000"], out / "log.jsonl", signal.SIGTERM)
    assert len(stopped) == 2
    (kept,) = {int(re.findall(r"stopped by SIGTERM after (\d+) samples", line)[0]) for line in stopped}
    (killed,) = told_after([*command, "4000", "--resume"], out / "log.jsonl", signal.SIGKILL)
    assert "another of the 2 processes of this run has ended, after" in killed
    assert "the last state on disk is whole, --resume continues it" in killed
    subprocess.run([*command, str(kept + 8), "--resume"], env=ENVIRONMENT, timeout=100, check=True)
    lines = [json.loads(line)["samples"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert lines == sorted(lines)
    assert lines[-1] == kept + 8
    assert read_info(out / "weights.safetensors").notes["samples"] == kept + 8


def test_devices_that_are_not_there(monkeypatch, tmp_path, capsys):
    for machine, sentence in (
        (Machine(devices=3, accelerator="cpu"), "this is one process; begin with `torchrun --nproc-per-node 3 -m hand"),
        (Machine(nodes=2, accelerator="cpu"), "torchrun --nnodes 2 --node-rank R --master-addr HOST --nproc-per-node"),
        (Machine(devices=0), "give at least 1 of each"),
        (Machine(accelerator="cuda"), "torch finds no CUDA device here; leave --accelerator out"),
    ):
        with pytest.raises(UsageError, match=sentence.replace("(", "\\(")):
            machine.fabric("32-true")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match="--devices 4: this machine has 2 GPUs; give --devices 2"):
        Machine(devices=4).fabric("32-true")
    monkeypatch.undo()
    train = ["train", "latent-fusion", "--samples", "2", "--devices", "2", "--out", str(tmp_path)]
    assert main(train) == 2
    assert "--devices 2: this is one process; begin with" in capsys.readouterr().err.replace("\n", " ")
