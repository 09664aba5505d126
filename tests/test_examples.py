"""The example trains, measures and draws."""

import runpy
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples/train.py"


def test_the_example_trains_measures_and_draws(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "64", str(tmp_path / "run")])
    runpy.run_path(str(EXAMPLE))
    assert " mm after 64 samples" in capsys.readouterr().out
    assert (tmp_path / "run/weights.safetensors").exists()
    assert (tmp_path / "run/frame.png").stat().st_size > 5_000
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 30
