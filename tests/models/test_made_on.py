"""What weights and figures are made on."""

import platform

import pytest

from handkit.models.made_on import command, processor, versions


@pytest.mark.parametrize("program", ["/usr/bin/handkit", "/somewhere/handkit/__main__.py"])
def test_a_command_is_as_it_was_typed_but_for_its_folder(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [program, "train", "srn"])
    assert command() == "handkit train srn"


def test_versions_are_those_of_what_is_installed() -> None:
    assert processor()
    found = versions(["numpy", "no-such-package"])
    assert found.keys() == {"python", "numpy"}
    assert found["python"] == platform.python_version()
