"""Where weights and figures come from: command, seed, versions, and what they were made on."""

import re
import time
from typing import Any

import torch

from handkit.models.made_on import command, processor, versions

PACKAGES = ("handkit", "torch", "numpy", "numba", "lightning")


def hardware() -> str:
    """What the processor, and a GPU if there is one, call themselves, and the threads that are used."""
    gpu = f" and {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    threads = torch.get_num_threads()
    return f"{processor()}{gpu}, {threads} thread{'s' * (threads != 1)}"


def provenance(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    """What is worth keeping with a training, as JSON values: `more` (seed, data, first weights, ...) and the above."""
    return more | {
        "command": command(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": versions(PACKAGES),
        "hardware": hardware(),
    }


def without_folders(about: Any) -> Any:  # noqa: ANN401
    """The same for everybody to read: of a path from the root only its last two parts, for it names who ran this where.

    >>> without_folders({"command": "train --init /home/jo/runs/a/weights.safetensors --samples 10"})
    {'command': 'train --init a/weights.safetensors --samples 10'}
    """
    if isinstance(about, str):
        return _FROM_ROOT.sub(lambda path: "/".join(path.group().split("/")[-2:]).lstrip("/"), about)
    if isinstance(about, dict):
        return {name: without_folders(value) for name, value in about.items()}
    return [without_folders(each) for each in about] if isinstance(about, list) else about


_FROM_ROOT = re.compile(r"(?<![^\s=:])/[^\s:]*[^\s:/]")
"""Behind a blank, or what stands before a value."""
