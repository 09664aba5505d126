"""Wheel and source distribution, built, and installed into fresh environments of every Python that is here."""

import functools
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
UNNEEDED = shutil.ignore_patterns(".venv", ".git", "runs", "__pycache__", "node_modules", "build", "_build")
CONSUMER = """
import numpy as np
from handkit import Camera, DepthImage, HandPoseEstimator, HandTracker, Prediction, open_source

camera = Camera.named("kinect2")
estimator = HandPoseEstimator.from_pretrained("latent-fusion", rotations=1)
for hand in estimator.predict(np.zeros((424, 512), np.uint16), camera, hands=1):
    reveal_type(hand.handedness)
    reveal_type(hand.confidence)
    reveal_type(hand.skeleton.joints)
    reveal_type(hand.to_dict())
    reveal_type(hand.joints_mm)
prediction: Prediction = estimator.run(DepthImage.of(np.zeros((424, 512)), camera))
with open_source("frames/", camera=camera) as source, HandTracker(estimator, hands=1) as tracker:
    for frame in source:
        reveal_type([hand.id for hand in tracker.update(frame)])
"""

pytestmark = [pytest.mark.extra, pytest.mark.timeout(900)]


@functools.cache
def python(version: str) -> str | None:
    """An interpreter of that version that runs, from PATH or from pyenv."""
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for candidate in (shutil.which(f"python{version}"), *map(str, found)):
        if candidate and subprocess.run([candidate, "-V"], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def environment(folder: Path, version: str) -> Path:
    """A fresh one, without pip; skips the test where there is no such Python."""
    interpreter = python(version)
    if interpreter is None:
        pytest.skip(f"no Python {version} here")
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    return folder


def pip(environment: Path, *words: str | Path) -> None:
    """Skips the test where packages cannot be had."""
    command = [sys.executable, "-m", "pip", "--python", environment / "bin/python", "install", "--quiet", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        pytest.skip(f"no wheels to be had: {done.stderr.strip()[-200:]}")


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """A folder with the wheel and the source distribution."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        source = shutil.copytree(ROOT, here / "source", ignore=UNNEEDED)
        builder = environment(here / "builder", "{}.{}".format(*sys.version_info))
        pip(builder, "hatchling>=1.27,<2")
        command = [builder / "bin/python", "-m", "hatchling", "build", "-d", here / "dist"]
        subprocess.run(command, cwd=source, check=True, capture_output=True)
        yield here / "dist"


def check(environment: Path, folder: Path) -> None:
    """Its demo runs, and one frame has its hand, with nothing of this environment's packages."""
    folder.mkdir(exist_ok=True)
    demo = [environment / "bin/handkit", "demo", "--out", "demo"]
    done = subprocess.run(demo, cwd=folder, env={}, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "mean joint error" in done.stdout
    (package,) = environment.glob("lib/python*/site-packages/handkit")
    predict = [environment / "bin/handkit", "predict", package / "recording/00.png", "--camera", "sr300"]
    done = subprocess.run(predict, cwd=folder, env={}, capture_output=True, text=True, check=True, timeout=200)
    assert len(json.loads(done.stdout)["hands"]) == 1


def test_the_wheel_holds_what_runs_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"handkit", wheel.name.rsplit("-", 3)[0] + ".dist-info"}
    for needed in ("py.typed", "weights/latent-fusion.onnx", "weights/detector.onnx", "recording/labels.jsonl"):
        assert f"handkit/{needed}" in names
    assert not [name for name in names if name.endswith((".pyc", ".nbi", ".nbc"))]


@pytest.mark.parametrize("version", PYTHONS)
def test_the_wheel_runs_in_a_fresh_environment(built: Path, tmp_path: Path, version: str) -> None:
    fresh = environment(tmp_path / "own", version)
    pip(fresh, next(built.glob("*.whl")))
    check(fresh, tmp_path / "here")


def test_the_source_distribution_makes_the_same_package(built: Path, tmp_path: Path) -> None:
    fresh = environment(tmp_path / "own", "{}.{}".format(*sys.version_info))
    pip(fresh, next(built.glob("*.tar.gz")))
    check(fresh, tmp_path / "here")


def test_types_are_known_outside(built: Path, tmp_path: Path) -> None:
    """A strict checker sees the types that are written, in an environment without torch."""
    fresh = environment(tmp_path / "own", "{}.{}".format(*sys.version_info))
    pip(fresh, next(built.glob("*.whl")))
    (tmp_path / "consumer.py").write_text("# pyright: strict\n" + CONSUMER, encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--pythonpath", fresh / "bin/python", "--outputjson", "consumer.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    diagnostics = json.loads(done.stdout)["generalDiagnostics"]
    assert [each["message"] for each in diagnostics if each["severity"] == "error"] == []
    revealed = [each["message"].partition(" is ")[2] for each in diagnostics]
    expected = ["\"Literal['left', 'right']\"", '"float"', '"tuple[str, ...]"', '"dict[str, Any]"', '"list[int]"']
    assert revealed[:4] + revealed[5:] == expected
    assert revealed[4].startswith('"ndarray[')
