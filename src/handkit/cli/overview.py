"""`handkit info`: networks, bundled weights, cameras and versions, as tables or as JSON."""

import json
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from torch import nn

from handkit.geometry.camera import CAMERAS
from handkit.geometry.skeleton import HAND21
from handkit.inference import MORE_WEIGHTS, WEIGHTS
from handkit.models import MODELS, PARTS
from handkit.models.checkpoint import CheckpointError, read_info

PIPED_WIDTH = 120
NUMBERS = ("parameters", "megabytes")
PACKAGES = ("handkit", "torch", "numpy", "opencv-python-headless", "numba", "safetensors")


def print_overview(*, as_json: bool) -> int:
    """To stdout; answers 0."""
    facts = overview()
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    for title, rows in (
        ("networks", _networks(facts)),
        ("bundled weights", _weights(facts)),
        ("cameras", _cameras(facts)),
    ):
        _print_table(console, title, rows)
    versions = "  ".join(f"{name} {number}" for name, number in facts["versions"].items())
    console.print(f"{versions}  on {facts['device']}", highlight=False, style="dim", soft_wrap=True)
    return 0


def overview() -> dict[str, Any]:
    """All of it; JSON values only."""
    return {
        "networks": [_network(name) for name in (*MODELS, *PARTS)],
        "weights": [
            _weights_file(path) for folder in (WEIGHTS, MORE_WEIGHTS) for path in sorted(folder.glob("*.safetensors"))
        ],
        "cameras": {name: camera._asdict() for name, camera in CAMERAS.items()},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
    }


def _network(name: str) -> dict[str, Any]:
    """A network as its constructor makes it without arguments, for the 21 joints."""
    model = cast(nn.Module, PARTS[name]() if name in PARTS else MODELS[name](HAND21))
    document = sys.modules[type(model).__module__].__doc__ or ""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "name": name,
        "parameters": parameters,
        "megabytes": round(4 * parameters / 1e6, 2),
        "about": document.partition("\n\n")[0].replace("\n", " "),
    }


def _weights_file(path: Path) -> dict[str, Any]:
    """What one file says of itself, or why it cannot be used."""
    megabytes = round(path.stat().st_size / 1e6, 2)
    try:
        content = asdict(read_info(path))
    except CheckpointError as error:
        return {"name": path.stem, "megabytes": megabytes, "error": str(error)}
    kept = {key: content[key] for key in ("model", "arguments", "notes", "crc32")}
    return {"name": path.stem, "megabytes": megabytes, **kept}


def _networks(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        network | {"parameters": f"{network['parameters']:,}", "megabytes": f"{network['megabytes']:.1f} (float32)"}
        for network in facts["networks"]
    ]


def _weights(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": weights["name"],
            "megabytes": f"{weights['megabytes']:.1f}",
            "network": weights.get("model", "-"),
            "notes": weights.get("error") or ", ".join(f"{k} {v}" for k, v in weights["notes"].items()),
        }
        for weights in facts["weights"]
    ]


def _cameras(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "size": f"{camera['width']}x{camera['height']}",
            "fx,fy,cx,cy": "{fx:g},{fy:g},{cx:g},{cy:g}".format(**camera),
            "source": camera["source"],
        }
        for name, camera in facts["cameras"].items()
    ]


def _print_table(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print(f"{title}: none", highlight=False)
        return
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None)
    for column in rows[0]:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    console.print(table)
    console.print()
