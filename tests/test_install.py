"""What `pip install handkit` brings, in an environment of its own, where wheels can be had."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_MEGABYTES = 400
FIRST_POSE_S = 2.0
NEEDED = {"handkit", "numpy", "opencv-python-headless", "onnxruntime", "tyro", "rich"}
UNWANTED = {"torch", "numba", "jaxtyping", "safetensors", "lightning", "scipy"}

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def environment() -> Iterator[Path]:
    """A fresh virtual environment with the package alone, which everybody can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield install(Path(folder))


def install(folder: Path) -> Path:
    """Into `folder`; skips the test where packages cannot be had."""
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "own/bin/python"), "install", "--quiet"]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "own")], check=True)
    unneeded = shutil.ignore_patterns(".venv", ".git", "runs", "__pycache__", "node_modules")
    source = shutil.copytree(ROOT, folder / "source", ignore=unneeded)
    done = subprocess.run(
        [*pip, "--constraint", "constraints.txt", "."], cwd=source, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no wheels to be had: {done.stderr.strip()[-200:]}")
    return folder / "own"


def run(environment: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command of that environment; nothing of this one's packages or settings."""
    kept = {"PATH": os.environ["PATH"], "HOME": str(cwd), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [str(environment / "bin/handkit"), *arguments],
        cwd=cwd, env=kept, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def site_packages(environment: Path) -> Path:
    (folder,) = environment.glob("lib/python*/site-packages")
    return folder


def test_it_is_small(environment: Path):
    files = [path for path in site_packages(environment).rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) < MOST_MEGABYTES * 1e6
    names = {
        path.name.partition("-")[0].replace("_", "-").lower() for path in site_packages(environment).glob("*.dist-info")
    }
    assert names >= NEEDED
    assert not names & UNWANTED


def test_the_demo_runs(environment: Path, tmp_path: Path):
    done = run(environment, "demo", "--out", "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "mean joint error" in done.stdout
    assert (tmp_path / "demo/demo.png").stat().st_size > 10_000


def test_the_first_pose_comes_soon(environment: Path, tmp_path: Path):
    """From the start of the process, nothing cached: its CPU time, for others may be working on this machine too."""
    frame = site_packages(environment) / "handkit/recording/00.png"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(environment, "predict", str(frame), "--camera", "sr300", cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["hands"]) == 1
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < FIRST_POSE_S


def test_help_info_and_score(environment: Path, tmp_path: Path):
    listed = run(environment, "info", cwd=tmp_path).stdout
    assert [word for word in ("kinect2", "CVPR 2019", "latent-fusion", "handkit[train]") if word not in listed] == []
    assert "srn-table-1" in run(environment, "study", cwd=tmp_path).stdout
    assert run(environment, "score", "--help", cwd=tmp_path).returncode == 0
    for extra, command in {"train": ("train", "srn"), "export": ("export", "detector", "--out", "a.onnx")}.items():
        missing = run(environment, *command, cwd=tmp_path)
        assert missing.returncode == 1
        assert missing.stderr.endswith(f"pip install 'handkit[{extra}]'\n")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become nobody")
def test_nobody_without_a_home_can_use_it(environment: Path):
    """As in a container with `USER nobody`: neither home nor site-packages can be written to."""
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not Path(python).exists():
        pytest.skip(f"no {python}: the interpreter of this environment may lie where nobody cannot read it")
    packages = site_packages(environment)
    done = subprocess.run(
        [python, "-m", "handkit", "predict", str(packages / "handkit/recording/00.png"), "--camera", "sr300"],
        cwd="/", env={"HOME": "/nonexistent", "PYTHONPATH": str(packages)}, capture_output=True, text=True, check=False,
        user="nobody", group="nogroup", extra_groups=[], timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["hands"]) == 1
