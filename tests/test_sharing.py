"""Weights to share: what is packed, pushed and fetched; the Hub's client is replaced where it would need a network."""

import json
import re
import sys
import types
from pathlib import Path

import pytest
import torch

from handkit import HAND21, sharing
from handkit.errors import HandkitError, MissingExtraError, UsageError
from handkit.extras import install_command
from handkit.hub import SHARED, fetch, find_network, is_shared
from handkit.models.checkpoint import load, save
from handkit.models.latent_fusion import LatentFusion
from handkit.sharing import CARD, CONFIG, MODEL_WEIGHTS, pack, push, share


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("hub") / "weights.safetensors"
    model = LatentFusion(HAND21, resolution=32, planes=["xy"], channels=16)
    save(path, model, recipe={"data": "synthetic"}, notes={"samples": 1234})
    return path


def test_a_packed_folder_holds_the_same_weights(weights: Path, tmp_path: Path) -> None:
    folder = pack(weights, folder=tmp_path / "mine")
    assert sorted(path.name for path in folder.iterdir()) == sorted([MODEL_WEIGHTS, CONFIG, CARD])
    again = load(fetch(str(folder)))
    points = torch.rand(1, 3, 32, 32)
    assert torch.equal(again(points), load(weights)(points))
    assert json.loads((folder / CONFIG).read_text())["arguments"]["channels"] == 16


def test_the_card_says_what_was_measured_and_nothing_else(weights: Path, tmp_path: Path) -> None:
    result = tmp_path / "evaluate.json"
    result.write_text(json.dumps({"images": 2000, "mean_error_mm": 7.901, "curve": [1, 2]}))
    text = (pack(weights, folder=tmp_path / "with", results=[result]) / CARD).read_text()
    assert text.startswith("---\nlicense: apache-2.0\n")
    assert "| evaluate.json | mean_error_mm | 7.901 |" in text
    assert "1,234 samples" in text
    assert "trained on handkit's own synthetic frames, 1,234 samples in the last training" in text
    assert "curve" not in text
    assert "Nothing was measured" in (pack(weights, folder=tmp_path / "without") / CARD).read_text()


def test_the_card_names_every_data_set_that_was_learned_from(tmp_path: Path) -> None:
    """Of weights begun from others too, and their terms; weights without a recipe say nothing of synthetic frames."""
    model, path = LatentFusion(HAND21, resolution=32, planes=["xy"], channels=16), tmp_path / "weights.safetensors"
    seen = [{"dataset": "nyu", "split": "train", "subjects": ["1"], "frames": 72757}]
    save(path, model, recipe={}, notes={"data": "synthetic", "init": "nyu.safetensors", "trained_on": seen})
    text = (pack(path, folder=tmp_path / "begun") / CARD).read_text()
    assert text.startswith("---\nlicense: other\n")
    assert "trained on handkit's own synthetic frames and nyu (train)" in text
    assert "the terms of these data sets hold" in text
    save(path, model)
    text = (pack(path, folder=tmp_path / "unknown") / CARD).read_text()
    assert "frames that their file does not name" in text
    assert "synthetic" not in text.partition("## Limits")[0]


@pytest.mark.parametrize(("content", "said"), [("[1, 2]", "a JSON object is needed"), ("{", "holds no result")])
def test_a_file_that_is_no_result(weights: Path, tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    with pytest.raises(HandkitError, match=said):
        pack(weights, folder=tmp_path / "out", results=[path])


def test_a_folder_without_weights_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(
        HandkitError, match=r"holds no model.onnx and no model.safetensors \(there is: pytorch_model.bin\)"
    ):
        fetch(str(tmp_path))


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/pose").mkdir()
    assert is_shared("somebody/hand")
    assert not is_shared("runs/pose")
    assert not is_shared("somebody/hand.safetensors")
    with pytest.raises(UsageError, match="OWNER/NAME"):
        push("hand", tmp_path)


def client(monkeypatch: pytest.MonkeyPatch, **functions: object) -> None:
    """A stand-in for huggingface_hub."""
    module = types.ModuleType("huggingface_hub")
    for name, function in functions.items():
        setattr(module, name, function)
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)


def test_only_known_files_are_downloaded_and_uploaded(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, asked = pack(weights, folder=tmp_path / "mine"), {}

    def download(name: str, *, allow_patterns: list[str]) -> str:
        asked["download"] = (name, allow_patterns)
        return str(folder)

    def upload(**options: object) -> None:
        asked["upload"] = options

    client(monkeypatch, snapshot_download=download, create_repo=lambda name, exist_ok: None, upload_folder=upload)
    assert find_network("somebody/hand") == folder / MODEL_WEIGHTS
    assert push("somebody/hand", folder) == "https://huggingface.co/somebody/hand"
    assert asked["download"][1] == list(SHARED)
    assert asked["upload"]["allow_patterns"] == asked["download"][1]


def test_no_network_and_no_client_are_a_sentence_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object, **__: object) -> str:
        raise OSError("Temporary failure in name resolution.\nmore")

    client(monkeypatch, snapshot_download=fails, create_repo=fails)
    with pytest.raises(HandkitError, match=r"cannot be fetched.*name resolution; check the name"):
        fetch("somebody/hand")
    with pytest.raises(HandkitError, match=r"was not written.*hf auth login"):
        push("somebody/hand", tmp_path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("hub"))):
        fetch("somebody/hand")


def test_what_is_shared_is_packed_on_the_way(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[tuple[str, set[str]]] = []

    def keep(name: str, folder: Path) -> str:
        pushed.append((name, {path.name for path in folder.iterdir()}))
        return "its address"

    monkeypatch.setattr(sharing, "push", keep)
    assert share("me/mine", str(weights)) == "its address"
    assert pushed == [("me/mine", {MODEL_WEIGHTS, CONFIG, CARD})]
