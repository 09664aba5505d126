"""What the Containerfile runs, run as the user it names; no image is built."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
PYTHON = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
SHOWN = 20
"""Frames that are waited for."""


def instruction(name: str) -> str:
    """What follows the last `name` at the beginning of a line."""
    return re.findall(rf"^{name} (.*)$", TEXT, re.MULTILINE)[-1]


def test_everything_that_is_copied_is_there_and_ignored_folders_are_not_needed() -> None:
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").split()
    for name in ("src", "pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        assert (ROOT / name).exists()
        assert name not in ignored


def test_it_runs_without_rights() -> None:
    user, group = map(int, instruction("USER").split(":"))
    assert user > 0
    assert group > 0


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(not PYTHON.exists(), reason=f"needs {PYTHON}: another interpreter may lie where nobody can read it")
def test_synthetic_hands_are_tracked_by_that_user(home: Path) -> None:
    """The rendering loops are compiled first, which takes minutes."""
    user, group = map(int, instruction("USER").split(":"))
    settings = dict(each.split("=", 1) for each in instruction("ENV").split()) | {"HOME": str(home)}
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    settings["PYTHONPATH"] = f"{ROOT / 'src'}:{Path(spec.origin).parents[1]}"
    command = [PYTHON, *json.loads(instruction("ENTRYPOINT"))[1:], *json.loads(instruction("CMD"))]
    with subprocess.Popen(
        command, cwd=home, env=settings, stdout=subprocess.PIPE, text=True, user=user, group=group, extra_groups=[]
    ) as running:
        assert running.stdout is not None
        records = [json.loads(line) for line in islice(running.stdout, SHOWN)]
        running.terminate()
    assert len(records) == SHOWN
    assert sum(bool(record["hands"]) for record in records) > SHOWN // 2


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody may write to; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)
