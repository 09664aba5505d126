"""What ONNX Runtime leaves behind and says where it runs for handkit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import handkit

LOAD = "from handkit.estimator import HandPoseEstimator; HandPoseEstimator.from_pretrained()"


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is the one of Linux")
def test_nothing_is_written_to_the_users_folder(tmp_path: Path) -> None:
    """ONNX Runtime, imported alone, writes an identifier of the machine there."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if name not in {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}
    }
    path = str(Path(handkit.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        env=kept | {"HOME": str(home), "PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert not list(home.rglob("*"))
