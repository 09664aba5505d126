"""What the Containerfile runs, run as the user it names; no image is built."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
PYTHON = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")


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
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(not PYTHON.exists(), reason=f"needs {PYTHON}: another interpreter may lie where nobody can read it")
def test_synthetic_hands_are_tracked_by_that_user(request: pytest.FixtureRequest) -> None:
    """Rendering is compiled first, into a folder that this user may write to: minutes."""
    user, group = map(int, instruction("USER").split(":"))
    cache = tempfile.mkdtemp(dir="/tmp")  # pytest's own folder is closed to others
    request.addfinalizer(lambda: shutil.rmtree(cache))
    Path(cache).chmod(0o777)
    settings = dict(each.split("=", 1) for each in instruction("ENV").split()) | {"NUMBA_CACHE_DIR": cache}
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    packages = f"{ROOT / 'src'}:{Path(spec.origin).parents[1]}"
    command = [PYTHON, *json.loads(instruction("ENTRYPOINT"))[1:], *json.loads(instruction("CMD"))]
    done = subprocess.run(
        command, cwd="/tmp", env={"HOME": "/nonexistent", "PYTHONPATH": packages, **settings}, capture_output=True,
        text=True, check=False, user=user, group=group, extra_groups=[], timeout=290,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 300
    assert sum(bool(record["hands"]) for record in records) > 250
