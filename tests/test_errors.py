"""One base, which `main` turns into a sentence and an exit status."""

import pickle
from pathlib import Path

import pytest

import handkit.errors
from handkit.cli import main
from handkit.errors import HandkitError, MissingError


def test_kinds_are_one_family() -> None:
    kinds = [kind for kind in vars(handkit.errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) == 15
    for kind in kinds:
        assert issubclass(kind, HandkitError)
        error = kind("is missing; download it", source="a.png", kind="missing")
        back = pickle.loads(pickle.dumps(error))
        assert (type(back), str(back), back.source, back.kind, back.status) == (
            kind, "a.png is missing; download it", "a.png", "missing", error.status,
        )  # fmt: skip
    assert handkit.HandkitError is HandkitError


def test_status_and_sentence() -> None:
    error = HandkitError("--count 0 measures nothing", status=2)
    assert (str(error), error.status) == ("--count 0 measures nothing", 2)
    assert HandkitError("gone").status == 1


def test_main_says_any_kind_in_a_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise MissingError("is missing; download it", source=Path("Testing/test_seq_1.txt"))

    monkeypatch.setattr("handkit.cli.GROUPS", {"data": {"check": fail}})
    assert main(["data", "check"]) == 1
    assert capsys.readouterr().err == "handkit: Testing/test_seq_1.txt is missing; download it\n"
