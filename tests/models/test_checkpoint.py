import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from handkit.errors import CheckpointError
from handkit.models.checkpoint import (
    _crc32,  # pyright: ignore[reportPrivateUsage]
    load,
    load_fitting,
    load_part,
    read_info,
    save,
)
from handkit.models.latent_fusion import LatentFusion, Plane
from handkit.models.localizer import Localizer
from handkit.skeleton import FINGERS, HAND21, MSRA21, NYU14, Skeleton


def latent_fusion(**arguments: Any) -> LatentFusion:
    torch.manual_seed(0)
    arguments = {"resolution": 32, **arguments}
    network = LatentFusion(NYU14, **arguments)
    network(torch.rand(2, 3, network.resolution, network.resolution))  # batch statistics of their own
    return network.eval()


def rewritten(path: Path, **changes: object) -> Path:
    """The same tensors under other metadata; a change to None leaves the key out."""
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    metadata |= {key: json.dumps(value) for key, value in changes.items()}
    save_file(tensors, path, {key: value for key, value in metadata.items() if changes.get(key, 0) is not None})
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.safetensors"


@pytest.fixture
def written(path: Path) -> Path:
    save(path, latent_fusion())
    return path


def test_whole_precision_returns_every_bit(path: Path):
    network = latent_fusion(planes=["xy", "yz"], reinjection=False)
    save(path, network, half=False)
    again = load(path)
    assert isinstance(again, LatentFusion)
    assert again.skeleton == NYU14
    assert again.arguments == network.arguments
    assert not again.training
    loaded = again.state_dict()
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded[name], tensor), name


def test_half_precision_halves_the_file_and_keeps_vectors(path: Path):
    network = latent_fusion()
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    save(path, network)
    assert path.stat().st_size < 1.06 * 2 * sum(parameter.numel() for parameter in network.parameters())
    again = load(path)
    assert isinstance(again, nn.Module)
    loaded = again.state_dict()
    for name, tensor in network.state_dict().items():
        assert loaded[name].dtype == tensor.dtype
        tolerance = 1e-3 * tensor.abs().max() if tensor.dim() >= 2 else 0
        assert (loaded[name] - tensor).abs().max() <= tolerance, name
    points = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(again(points), network(points), rtol=0, atol=1e-3)


def test_localizer_comes_back(path: Path):
    network = Localizer(features="residual", hidden=16).eval()
    save(path, network, half=False)
    again = load_part(path, Localizer)
    assert again.arguments == network.arguments
    points = torch.rand(2, 3, 128, 128)
    torch.testing.assert_close(again(points), network(points), rtol=0, atol=0)


def test_file_tells_what_it_is(path: Path):
    save(path, latent_fusion(), recipe={"rate": 0.001}, notes={"samples": 12})
    info = read_info(path)
    assert (info.model, info.skeleton) == ("latent-fusion", NYU14)
    assert (info.recipe, info.notes) == ({"rate": 0.001}, {"samples": 12})
    assert info.arguments["resolution"] == 32


def test_an_older_file_lacks_what_has_its_default_now(written: Path):
    arguments = {name: value for name, value in latent_fusion().arguments.items() if name != "hourglasses"}
    older = rewritten(written, arguments=arguments)
    assert load(older).arguments["hourglasses"] == 1


def test_an_older_file_has_y_where_it_was_then(written: Path):
    """The first edition's files say nothing of `yz`: their planes were trained with y along the rows."""
    with safe_open(written, framework="pt") as file:
        arguments = json.loads(file.metadata()["arguments"])
    assert arguments.pop("yz") == "vertical"
    assert load(rewritten(written, arguments=arguments)).arguments["yz"] == "horizontal"


def test_what_fits_begins_one_plane_from_three(written: Path):
    plane = latent_fusion(planes=["xy"], channels=128)
    assert load_fitting(written, plane) == []
    whole = cast(nn.Module, load(written)).state_dict()
    assert all(torch.equal(tensor, whole[name]) for name, tensor in plane.state_dict().items())


def test_what_fits_leaves_the_head_of_other_joints_new(written: Path):
    torch.manual_seed(1)
    other = LatentFusion(HAND21, resolution=32, planes=["xy"])
    head = other.state_dict()["branches.0.maps.weight"].clone()
    assert load_fitting(written, other) == ["sharpness", "branches.0.maps.weight", "branches.0.maps.bias"]
    assert torch.equal(other.state_dict()["branches.0.maps.weight"], head)


@pytest.mark.parametrize("planes", [["xy"], ["xy", "xz", "yz"]])
def test_the_head_of_the_same_joints_is_put_in_their_order(tmp_path: Path, planes: list[Plane]):
    """HAND21 and MSRA21 have the same 21 joints."""
    torch.manual_seed(1)
    ours, points = LatentFusion(HAND21, resolution=32, planes=planes, initial_std=None), torch.rand(2, 3, 32, 32)
    save(tmp_path / "w.safetensors", ours, half=False)
    other = LatentFusion(MSRA21, resolution=32, planes=planes, initial_std=None)
    said = list[str]()
    assert load_fitting(tmp_path / "w.safetensors", other, say=said.append) == []
    assert [sentence.partition(" are put in the order of ")[2] for sentence in said] == ["msra21's joints"]
    found = other.eval()(points)
    assert torch.allclose(found, MSRA21.convert(ours.eval()(points), HAND21), atol=1e-5)
    assert not torch.allclose(found, ours(points), atol=1e-2), "joints that are not told apart would prove nothing"


def test_the_head_of_some_of_the_joints_is_theirs(tmp_path: Path):
    torch.manual_seed(1)
    ours, points = LatentFusion(HAND21, resolution=32, planes=["xy"], initial_std=None), torch.rand(2, 3, 32, 32)
    save(tmp_path / "w.safetensors", ours, half=False)
    tips = Skeleton("tips", tuple(f"{finger}_tip" for finger in FINGERS[::-1]), (), (), ())
    other = LatentFusion(tips, resolution=32, planes=["xy"], initial_std=None)
    assert load_fitting(tmp_path / "w.safetensors", other) == []
    assert torch.allclose(other.eval()(points), tips.convert(ours.eval()(points), HAND21), atol=1e-5)


def test_the_head_of_as_many_other_joints_is_new_too(tmp_path: Path):
    save(tmp_path / "w.safetensors", LatentFusion(HAND21, resolution=32, planes=["xy"]), half=False)
    strange = replace(MSRA21, name="strange", joints=tuple(f"{joint}_2" for joint in MSRA21.joints))
    assert load_fitting(tmp_path / "w.safetensors", LatentFusion(strange, resolution=32, planes=["xy"])) == [
        "sharpness", "branches.0.maps.weight", "branches.0.maps.bias"
    ]  # fmt: skip


def test_what_does_not_fit_at_all_is_refused(written: Path):
    with pytest.raises(CheckpointError, match=r"next to nothing in .* fits this latent-fusion network"):
        load_fitting(written, latent_fusion(channels=32))
    with pytest.raises(CheckpointError, match=r"holds the weights of latent-fusion, and localizer was to be filled"):
        load_fitting(written, Localizer())


def test_pose_network_and_localizer_are_not_mistaken(path: Path):
    save(path, Localizer(hidden=4))
    with pytest.raises(CheckpointError, match="holds a localizer where the weights of a pose network are needed"):
        load(path)
    save(path, latent_fusion())
    with pytest.raises(CheckpointError, match="holds a latent-fusion network where the weights of a localizer"):
        load_part(path, Localizer)


def test_missing_file(path: Path):
    with pytest.raises(CheckpointError, match=r"there is no weights file .*weights.safetensors"):
        load(path)


def test_folder_instead_of_file(tmp_path: Path):
    with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a weights file at all", b"\x89PNG\r\n\x1a\n" + bytes(64)])
def test_another_kind_of_file(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="no whole safetensors file"):
        load(path)


@pytest.mark.parametrize("kept", [4, 1000, 100_000, -1])
def test_truncated(written: Path, kept: int):
    written.write_bytes(written.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="no whole safetensors file"):
        load(written)


def test_flipped_bit_in_the_weights(written: Path):
    content = bytearray(written.read_bytes())
    content[-1000] ^= 1
    written.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged: its checksum"):
        load(written)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_not_loaded(written: Path, value: float):
    """As another program may have written them: with a checksum that is right."""
    with safe_open(written, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    name = next(name for name in tensors if tensors[name].is_floating_point())
    tensors[name].view(-1)[0] = value
    save_file(tensors, written, metadata | {"crc32": str(_crc32(tensors))})
    with pytest.raises(CheckpointError, match=f"{name} hold values that are not finite"):
        load(written)


@pytest.mark.parametrize("name", ["a.pt", "a.onnx", "a.pkl", "a"])
def test_another_kind_of_file_by_its_name(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"not a weights file at all")
    with pytest.raises(CheckpointError, match=r"holds no weights of handkit, which are \.safetensors files"):
        load(tmp_path / name)


def test_safetensors_of_somebody_else(path: Path):
    save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(CheckpointError, match="was not written by handkit"):
        load(path)
    save_file({"weight": torch.ones(2)}, path, {"format": "pt"})  # what other libraries write there
    with pytest.raises(CheckpointError, match="was not written by handkit"):
        load(path)


def test_incomplete_metadata(written: Path):
    with pytest.raises(CheckpointError, match=r"metadata are incomplete .*arguments"):
        load(rewritten(written, arguments=None))


def test_unknown_network_is_answered_with_the_nearest_name(written: Path):
    with pytest.raises(CheckpointError, match="unknown network, latent-fussion; did you mean latent-fusion"):
        load(rewritten(written, model="latent-fussion"))


def test_later_format(written: Path):
    with pytest.raises(CheckpointError, match=r"has format 2 .* reads up to 1; update handkit"):
        load(rewritten(written, format=2))


def test_arguments_that_build_nothing(written: Path):
    with pytest.raises(CheckpointError, match=r"no latent-fusion network can be built .*depth_first"):
        load(rewritten(written, arguments={"depth_first": True}))


def test_tensors_of_other_arguments_are_named(written: Path):
    arguments = {**latent_fusion().arguments, "fusion": "mean"}
    with pytest.raises(CheckpointError, match=r"it has unknown .*reinject.* more"):
        load(rewritten(written, arguments=arguments))


def test_diverged_network_is_not_written(path: Path):
    network = latent_fusion()
    with torch.no_grad():
        network.get_parameter("branches.0.maps.weight")[0, 0] = float("nan")
    with pytest.raises(CheckpointError, match=r"branches.0.maps.weight hold values that are not finite"):
        save(path, network)
    assert not path.exists()


def test_failed_write_leaves_the_old_file_and_no_part(written: Path, monkeypatch: pytest.MonkeyPatch):
    before = written.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="cannot be written: No space left on device"):
        save(written, latent_fusion(initial_std=None))
    assert written.read_bytes() == before
    assert [file.name for file in written.parent.iterdir()] == [written.name]


def test_foreign_network_is_refused(path: Path):
    class Stranger(LatentFusion):
        pass

    with pytest.raises(CheckpointError, match="Stranger is none of handkit's networks"):
        save(path, Stranger(NYU14, resolution=32))
