"""Weights on disk: one safetensors file that says which network it is (`handkit.models.header`).

No pickle, so no code runs on loading.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor

from handkit.errors import CheckpointError, suggest
from handkit.files.atomic import write_whole
from handkit.models import MODELS, PARTS
from handkit.models.header import FORMAT, CheckpointInfo, read_header
from handkit.models.network import AnyNetwork, HandPoseModel, Network
from handkit.skeleton import HAND21, NYU14, Skeleton

LEAST_FIT = 0.1
"""Share of a network's values that first weights must have for it."""
TRAINED_ON = "trained_on"
"""Of the notes: data sets and subjects that the weights have seen (`training.seen`)."""
MEASURED_ON = "measured_on"
"""Of the notes: the test frames of the training, in the same form, or None; `error_mm` beside it: the best weights on
them."""
LEARNS_FROM = "learns_from"
"""Of the notes: the frames of the training itself, in the same form; None where they are rendered."""


def save(
    path: Path | str,
    model: Network,
    *,
    recipe: dict[str, Any] | None = None,
    notes: dict[str, Any] | None = None,
    half: bool = True,
) -> None:
    """Write a network atomically: the file is whole or, if this is interrupted, as it was before.

    Args:
        path: of the file, whose folder exists.
        model: uncompiled, of a class that `MODELS` or `PARTS` names.
        recipe: JSON values: what it was trained with.
        notes: further JSON values, such as samples seen and validation error.
        half: store convolution and matrix weights in half precision. Vectors (biases, batch statistics)
            always keep theirs: they are small, and a variance of 1e-7 is no half precision number.

    Raises:
        CheckpointError: the class has no name, the weights are not finite or too large for half precision,
            or the folder cannot be written to.
    """
    tensors = {name: _stored(tensor, half=half) for name, tensor in model.state_dict().items()}
    if broken := _not_finite(tensors):
        raise CheckpointError(f"{path} was not written: {_listed(broken)} hold values that are not finite")
    skeleton = asdict(model.skeleton) if isinstance(model, HandPoseModel) else None
    content = {
        "format": FORMAT,
        "model": name_of(type(model)),
        "arguments": model.arguments,
        "skeleton": skeleton,
        "recipe": recipe,
        "notes": notes or {},
        "crc32": _crc32(tensors),
    }
    metadata = {key: json.dumps(value) for key, value in content.items()}
    _write(Path(path), to_safetensors(tensors, metadata))


def load(path: Path | str, *, readout: dict[str, Any] | None = None) -> HandPoseModel:
    """The pose network in a weights file, on the CPU, float32, in evaluation mode.

    Args:
        path: of the file.
        readout: other values of arguments that decide only how joints are decoded (`readout_of`).

    Raises:
        CheckpointError: as `read_info`; or the file holds a localizer, or arguments or tensors that make
            no network, or its checksum is wrong.
    """
    info, tensors = _read(Path(path))
    if info.skeleton is None:
        raise CheckpointError(f"{path} holds a {info.model} where the weights of a pose network are needed")
    try:
        model = MODELS[info.model](info.skeleton, **info.arguments | (readout or {}))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: no {info.model} network can be built from it: {error}") from error
    _fill(model, info, tensors)
    return model.eval()


def load_part(path: Path | str, kind: type[AnyNetwork]) -> AnyNetwork:
    """The part (a localizer, detector, ...) in a weights file, on the CPU, float32, in evaluation mode.

    Raises:
        CheckpointError: as `load`, the other way round.
    """
    info, tensors = _read(Path(path))
    name = name_of(kind)
    if info.model != name:
        raise CheckpointError(f"{path} holds a {info.model} network where the weights of a {name} are needed")
    try:
        model = kind(**info.arguments)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: no {name} can be built from it: {error}") from error
    _fill(model, info, tensors)
    return model.eval()


def load_fitting(path: Path | str, model: Network, *, say: Callable[[str], None] = lambda sentence: None) -> list[str]:
    """Fill what fits of a network from a file of the same kind; the names of the tensors that keep their first values.

    So one plane is begun from three, and a network of other joints from one of ours: its features fit, its head is new,
    also where there are as many joints. Where the file has all of the model's joints, what `by_joint` names
    is put in the model's order, which is said.

    Raises:
        CheckpointError: as `load`; or the file is of another kind of network, or nothing in it fits.
    """
    info, tensors = _read(Path(path))
    name = name_of(type(model))
    if info.model != name:
        raise CheckpointError(f"{path} holds the weights of {info.model}, and {name} was to be filled")
    _refuse_damaged(info, tensors)
    ours: dict[str, Tensor] = model.state_dict()
    fitting = {key: value for key, value in tensors.items() if key in ours and value.shape == ours[key].shape}
    if info.skeleton and isinstance(model, HandPoseModel) and info.skeleton.joints != model.skeleton.joints:
        ordered = _in_order(model, info.skeleton, tensors)
        fitting = {key: value for key, value in fitting.items() if key not in _head(model)} | ordered
        if ordered:
            say(f"{_listed(list(ordered))} are put in the order of {model.skeleton.name}'s joints")
    if sum(value.numel() for value in fitting.values()) < LEAST_FIT * sum(value.numel() for value in ours.values()):
        raise CheckpointError(f"next to nothing in {path} fits this {name} network: it has other sizes throughout")
    model.load_state_dict(ours | fitting)
    return [key for key in ours if key not in fitting]


def _in_order(model: HandPoseModel, before: Skeleton, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those of the tensors that hold joint after joint, in the model's order; none where it has others."""
    if not set(model.skeleton.joints) <= set(before.joints):
        return {}
    order, count, ours = torch.tensor(model.skeleton.indices_in(before)), len(before), model.state_dict()
    found: dict[str, Tensor] = {}
    for key, value in tensors.items():
        for axis in (axis for end, axis in model.by_joint.items() if key.endswith(end)):
            rows = torch.cat([order + start for start in range(0, value.shape[axis], count)])
            found[key] = value.index_select(axis, rows)
    return {key: value for key, value in found.items() if key in ours and value.shape == ours[key].shape}


def _head(model: HandPoseModel) -> set[str]:
    """Names of the tensors whose size depends on the number of joints."""
    other = NYU14 if len(model.skeleton) != len(NYU14) else HAND21
    with torch.device("meta"):
        theirs = type(model)(other, **model.arguments).state_dict()
    ours = model.state_dict()
    return {key for key, value in ours.items() if key not in theirs or theirs[key].shape != value.shape}


def read_info(path: Path | str) -> CheckpointInfo:
    """What a weights file says about itself.

    Raises:
        CheckpointError: the file is missing or unreadable, is no safetensors file or a truncated one, was not
            written by handkit or by a later version of it, or names a network that does not exist.
    """
    info = read_header(Path(path))
    kind = (MODELS | PARTS).get(info.model)
    if kind is None:
        known = (*MODELS, *PARTS)
        raise CheckpointError(
            f"{path} holds an unknown network, {info.model}; {suggest(info.model, known)}known: {', '.join(known)}"
        )
    return replace(info, arguments=kind.before | info.arguments)


def name_of(kind: type[Network]) -> str:
    """In `MODELS` or `PARTS`; raises CheckpointError for a class that is in neither."""
    for name, known in (PARTS | MODELS).items():
        if known is kind:
            return name
    raise CheckpointError(f"{kind.__name__} is none of handkit's networks: {', '.join(MODELS)}")


def _stored(tensor: Tensor, *, half: bool) -> Tensor:
    shortened = half and tensor.dim() >= 2 and tensor.is_floating_point()
    return (tensor.half() if shortened else tensor).detach().cpu().contiguous()


def _crc32(tensors: dict[str, Tensor]) -> int:
    value = 0
    for name in sorted(tensors):
        value = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().tobytes(), value)
    return value


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror}") from error


def _read(path: Path) -> tuple[CheckpointInfo, dict[str, Tensor]]:
    """The file's word about itself, and its tensors as they lie there."""
    info = read_info(path)
    try:
        with safe_open(path, framework="pt") as file:
            return info, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _fill(network: Network, info: CheckpointInfo, theirs: dict[str, Tensor]) -> None:
    """Load the tensors once it is sure that they are this network's, and whole."""
    ours: dict[str, Tensor] = network.state_dict()
    missing = [name for name in ours if name not in theirs]
    strange = [name for name in theirs if name not in ours]
    reshaped = [
        f"{name} as {tuple(theirs[name].shape)} instead of {tuple(ours[name].shape)}"
        for name in ours
        if name in theirs and theirs[name].shape != ours[name].shape
    ]
    named = {"it lacks": missing, "it has unknown": strange, "it has": reshaped}
    reasons = [f"{verb} {_listed(names)}" for verb, names in named.items() if names]
    if reasons:
        raise CheckpointError(
            f"{info.path} does not hold the weights of this {info.model} network: {'; '.join(reasons)}"
        )
    _refuse_damaged(info, theirs)
    network.load_state_dict(theirs)


def _refuse_damaged(info: CheckpointInfo, tensors: dict[str, Tensor]) -> None:
    if _crc32(tensors) != info.crc32:
        raise CheckpointError(f"{info.path} is damaged: its checksum is not that of its weights; fetch it again")
    if broken := _not_finite(tensors):
        raise CheckpointError(
            f"{info.path} holds a network that answers nothing: {_listed(broken)} hold values that are not finite; "
            "take weights from before its training failed"
        )


def _not_finite(tensors: dict[str, Tensor]) -> list[str]:
    return [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
