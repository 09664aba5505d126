"""The command that a missing package is answered with fits the handkit that runs."""

import re
import sys
from pathlib import Path

import pytest

from handkit import extras
from handkit.errors import MissingExtraError
from handkit.extras import explained, install_command, load, missing_extra

ROOT = Path(__file__).parents[1]


@pytest.fixture
def own_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.shutil, "which", lambda _: str(Path(sys.executable).with_name("pip")))


@pytest.mark.usefixtures("own_pip")
def test_a_clone_installs_itself_and_a_wheel_what_the_index_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert install_command("train") == "pip install -e '.[train]'"
    monkeypatch.chdir(tmp_path)
    assert install_command("train") == f"pip install -e '{ROOT}[train]'"
    monkeypatch.setattr(extras, "PACKAGE", tmp_path / "lib/python3.11/site-packages/handkit")
    assert install_command("train") == "pip install 'handkit[train]'"


@pytest.mark.parametrize("found", [None, "/somewhere/else/bin/pip"])
def test_another_pip_would_install_it_elsewhere(found: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(extras.shutil, "which", lambda _: found)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    assert install_command("view").startswith(f"{tmp_path}/.venv/bin/python -m pip install ")
    monkeypatch.chdir(tmp_path)
    assert install_command("view").startswith(".venv/bin/python -m pip install ")


def test_a_package_that_is_missing_or_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "broken_camera.py").write_text("import a_driver_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    command = re.escape(install_command("oak"))
    with pytest.raises(MissingExtraError, match=f"^no_camera is not installed: {command}$"):
        load("no_camera.part", extra="oak")
    with pytest.raises(MissingExtraError, match=rf"^broken_camera cannot be loaded \(.*not_there.*\): {command}$"):
        load("broken_camera", extra="oak")
    (tmp_path / "bare_camera.py").write_text("raise ImportError('libusb-1.0.so.0: cannot open shared object file')")
    with pytest.raises(MissingExtraError, match=r"^bare_camera .*libusb.*: install that library with the system's"):
        load("bare_camera", extra="oak")
    assert str(missing_extra("this", extra="oak")) == f"this: {install_command('oak')}"


@pytest.mark.parametrize(("package", "named", "extra"), [("numba", "torch", "train"), ("scipy", "scipy", "data")])
def test_a_package_that_an_extra_brings(package: str, named: str, extra: str):
    error = explained(ModuleNotFoundError(name=f"{package}.part"), what="this")
    assert str(error) == f"this needs {named}, which is not installed: {install_command(extra)}"
    unknown = ModuleNotFoundError(name="nobody_s")
    assert explained(unknown, what="this") is unknown
