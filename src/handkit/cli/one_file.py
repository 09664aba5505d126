"""`handkit info STORE` and `handkit info FILE.safetensors`: what is in it, and what weights were trained on."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from handkit.cli.results import result_console
from handkit.errors import UsageError
from handkit.hub import WEIGHTS

STORE = {"store.json", "packing.json"}
"""Of a packed store; the second while it is being packed."""


def is_file_of_ours(path: Path) -> bool:
    """Whether it is meant as a store or a weights file, and not as a network, by name or `FILE.py:CLASS`."""
    if ".py" in path.suffix:
        return False
    return path.suffix == WEIGHTS or len(path.parts) > 1 or any((path / name).exists() for name in STORE)


def print_file(path: Path, *, as_json: bool) -> int:
    """To stdout; answers 0. Raises HandkitError where the file or store cannot be read, UsageError for another file."""
    if path.is_file() and path.suffix != WEIGHTS:
        raise UsageError(f"{path} is neither a packed store nor weights; info takes a folder or a {WEIGHTS} file")
    facts = _weights(path) if path.suffix == WEIGHTS else _store(path)
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    width = max(map(len, facts))
    for name, value in facts.items():
        line = f"{name.replace('_', ' '):{width}}  {_in_words(value)}"
        result_console().print(line, highlight=False, markup=False, soft_wrap=True)
    return 0


def _store(path: Path) -> dict[str, Any]:
    from handkit.store.store import PackedFrames

    store = PackedFrames.open(path)
    settings = store.manifest.settings
    labeled = np.isfinite(store.rows["joints"]).all(axis=(1, 2))
    return {
        "store": str(path),
        "dataset": settings.dataset,
        "split": settings.split,
        "frames": len(store),
        "labeled": int(labeled.sum()),
        "faulty": len(store.manifest.faults),
        "subjects": sorted(name.decode() for name in np.unique(store.rows["subject"])),
        "joints": settings.skeleton,
        "centers": settings.center_words,
        "cubes": settings.cube,
        "margin": settings.margin,
        "codec": settings.codec,
    }


def _weights(path: Path) -> dict[str, Any]:
    from handkit.models.header import read_header

    info = read_header(path)
    return {
        "weights": str(path),
        "network": info.model,
        "arguments": info.arguments,
        "joints": info.skeleton.name if info.skeleton else None,
        "recipe": info.recipe,
        **info.notes,
    }


def _in_words(value: object) -> str:
    """Names as they are, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
