"""`handkit export`: what is refused before anything is traced. What is written is tested beside the library."""

import re
import sys
from pathlib import Path

import pytest

from handkit.cli import main
from handkit.errors import MissingExtraError
from handkit.export import write
from handkit.extras import install_command


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--out", "a.onnx", "--precision", "bf16"], 2, "bf16 is for --format openvino"),
        (["--out", "a.xml"], 2, "--format onnx writes .onnx files"),
        (["--out", "a.onnx", "--format", "openvino"], 2, "--format openvino writes .xml files"),
        (["--out", "a.onnx", "--verify", "--count", "0"], 2, "give 1 or more"),
    ],
)
def test_options_that_contradict(options: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]):
    assert main(["export", "latent-fusion", *options]) == status
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["latent-fusion-confidence"], "holds a confidence where the weights of a pose network are needed"),
        (["detector", "--confidence", "latent-fusion-confidence"], "a detector has no confidence network; leave"),
        (["localizer", "--format", "openvino", "--precision", "bf16"], "a localizer is exported in float32 only"),
    ],
)
def test_what_cannot_be_exported(options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / ("a.xml" if "openvino" in options else "a.onnx")
    assert main(["export", *options, "--out", str(out)]) != 0
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.bin").mkdir()
    assert main(["export", "localizer", "--format", "openvino", "--out", str(tmp_path / "a.xml")]) == 1
    assert f"{tmp_path / 'a.bin'} cannot be written: Is a directory" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("name", ["a.onnx", "a.pt"])
def test_what_is_exported_is_weights(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / name).write_bytes(b"something else")
    assert main(["export", str(tmp_path / name), "--out", str(tmp_path / "b.onnx")]) == 1
    assert f"{name} holds no weights of handkit" in capsys.readouterr().err


def test_a_missing_package_ends_in_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "onnxscript.optimizer", None)
    assert main(["export", "detector", "--out", str(tmp_path / "a.onnx")]) == 1
    assert f"ONNX is not installed: {install_command('export')}" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("openvino"))) as caught:
        write(b"", tmp_path / "a.xml", form="openvino")
    assert caught.value.status == 1
