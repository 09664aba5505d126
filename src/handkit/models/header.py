"""What a weights file says of itself, read without its tensors and without torch.

The metadata of the safetensors file are JSON strings: `format`, `model` (name), `arguments`, `skeleton` (whole, null
for parts such as the localizer), `recipe`, `notes` and `crc32` of the tensors' bytes.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open

from handkit.errors import CheckpointError
from handkit.files.regular import open_regular
from handkit.hub import WEIGHTS
from handkit.skeleton import Skeleton

FORMAT = 1


@dataclass(frozen=True)
class CheckpointInfo:
    """All of it but the format."""

    path: Path
    model: str
    """Name in `MODELS` or `PARTS`."""
    arguments: dict[str, Any]
    skeleton: Skeleton | None
    recipe: dict[str, Any] | None
    """What it was trained with."""
    notes: dict[str, Any]
    """Whatever else was written with it."""
    crc32: int
    """Of the tensors' bytes, in the order of their names."""


def read_header(path: Path) -> CheckpointInfo:
    """What stands there, whether or not there is such a network.

    Raises:
        CheckpointError: the file is missing or unreadable, is no safetensors file or a truncated one, or was not
            written by handkit or by a later version of it.
    """
    try:
        with open_regular(path):  # tells a missing file from a forbidden one, which safetensors does not
            pass
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no weights file {path}; give the path of a .safetensors file") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except SafetensorError as error:
        if path.suffix != WEIGHTS:
            raise CheckpointError(
                f"{path} holds no weights of handkit, which are {WEIGHTS} files; give one of these, or a name of "
                "`handkit info`"
            ) from error
        raise CheckpointError(
            f"{path} is no whole safetensors file ({error}): another kind of file, or damaged; fetch it again"
        ) from error
    return _parse(path, metadata)


def _parse(path: Path, metadata: dict[str, str]) -> CheckpointInfo:
    try:
        content = {key: json.loads(value) for key, value in metadata.items()}
        written = int(content["format"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} was not written by handkit: its metadata name no format") from error
    if written > FORMAT:
        raise CheckpointError(
            f"{path} has format {written} and this version of handkit reads up to {FORMAT}; update handkit"
        )
    try:
        joints = content["skeleton"]
        skeleton = joints and Skeleton(**{key: cast(Any, _tuples(value)) for key, value in joints.items()})
        return CheckpointInfo(
            path=path,
            model=str(content["model"]),
            arguments=dict(content["arguments"]),
            skeleton=skeleton,
            recipe=content["recipe"],
            notes=dict(content["notes"]),
            crc32=int(content["crc32"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: its metadata are incomplete ({error})") from error


def _tuples(value: object) -> object:
    """JSON's lists as the tuples that a frozen dataclass holds."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in cast(list[object], value))
    return value
