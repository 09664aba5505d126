"""The example trains, measures and draws."""

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples/train.py"


def test_the_example_trains_measures_and_draws(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLE, "64", tmp_path / "run"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=250, check=True).stdout
    assert " mm after 64 samples" in said
    assert (tmp_path / "run/weights.safetensors").exists()
    assert (tmp_path / "run/frame.png").stat().st_size > 5_000
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 30
