"""Where networks are looked for, in a clone and beside a wheel."""

from pathlib import Path

import pytest

from handkit import hub
from handkit.extras import clone_of


def test_a_wheel_has_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lib/site-packages/handkit"
    package.mkdir(parents=True)
    assert clone_of(package) is None
    (tmp_path / "lib/pyproject.toml").touch()
    assert clone_of(package) == tmp_path / "lib"
    monkeypatch.setattr(hub, "REPOSITORY", None)
    assert hub.weights_folders() == [hub.BUNDLED, Path("weights")]


def test_the_working_folder_of_a_clone_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "REPOSITORY", tmp_path / "weights")
    assert hub.weights_folders() == [hub.BUNDLED, tmp_path / "weights", Path("weights")]
    monkeypatch.chdir(tmp_path)
    assert hub.weights_folders() == [hub.BUNDLED, tmp_path / "weights"]
