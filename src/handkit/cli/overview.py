"""`handkit info`: networks, bundled weights, cameras and versions, as tables or as JSON."""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handkit.cli.networks import network_facts
from handkit.errors import CheckpointError
from handkit.models import MODELS, PARTS
from handkit.models.checkpoint import read_info
from handkit.models.pretrained import weights_folders
from handkit.named_cameras import CAMERAS

PIPED_WIDTH = 150
NUMBERS = ("parameters", "21 joints", "MB", "GFLOPs", "paper says", "ours", "ratio", "megabytes")
PACKAGES = ("handkit", "torch", "numpy", "opencv-python-headless", "numba", "safetensors")


def print_overview(*, as_json: bool) -> int:
    """To stdout; answers 0."""
    facts = overview()
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    console = wide_console()
    for title, rows in (
        ("networks, for the 14 joints of NYU; one crop", _networks(facts)),
        ("parts", _parts(facts)),
        ("weights", weights_rows(facts["weights"])),
        ("cameras", _cameras(facts)),
    ):
        print_table(console, title, rows)
    versions = "  ".join(f"{name} {number}" for name, number in facts["versions"].items())
    console.print(f"{versions}  on {facts['device']}", highlight=False, style="dim", soft_wrap=True)
    return 0


def wide_console() -> Console:
    """Stdout; a pipe is as wide as the widest table."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)


def overview() -> dict[str, Any]:
    """All of it; JSON values only."""
    return {
        "networks": [network_facts(name) for name in (*MODELS, *PARTS)],
        "weights": weights_files(),
        "cameras": {name: camera._asdict() for name, camera in CAMERAS.items()},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
    }


def _weights_file(path: Path) -> dict[str, Any]:
    """What one file says of itself, or why it cannot be used."""
    megabytes = round(path.stat().st_size / 1e6, 2)
    try:
        content = asdict(read_info(path))
    except CheckpointError as error:
        return {"name": path.stem, "megabytes": megabytes, "folder": str(path.parent), "error": str(error)}
    kept = {key: content[key] for key in ("model", "arguments", "notes", "crc32")}
    return {"name": path.stem, "megabytes": megabytes, "folder": str(path.parent), **kept}


def _networks(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "network": network["name"],
            "paper": network.get("paper", "-"),
            "input": network["input"],
            "space": network["space"],
            "parameters": f"{network['parameters']:,}",
            "21 joints": f"{network['parameters_21_joints']:,}",
            "MB": f"{network['megabytes']:.1f}",
            "GFLOPs": f"{network['gflops']:.2f}",
        }
        | _beside_the_paper(network.get("reported"))
        for network in facts["networks"]
        if network["name"] in MODELS
    ]


def _beside_the_paper(reported: dict[str, Any] | None) -> dict[str, Any]:
    """The paper's figure, ours in its unit, and ours over the paper's."""
    if reported is None:
        return {"paper says": "-", "ours": "", "ratio": "", "in": "no size reported"}
    return {
        "paper says": f"{reported['value']:g}",
        "ours": f"{reported['ours']:.2f}",
        "ratio": f"{reported['ratio']:.3f}",
        "in": reported["unit"],
    }


def _parts(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "network": network["name"],
            "input": network["input"],
            "parameters": f"{network['parameters']:,}",
            "MB": f"{network['megabytes']:.1f}",
            "about": network["about"],
        }
        for network in facts["networks"]
        if network["name"] in PARTS
    ]


def weights_files() -> list[dict[str, Any]]:
    """Every weights file that is found by name, as it describes itself."""
    return [_weights_file(path) for folder in weights_folders() for path in sorted(folder.glob("*.safetensors"))]


def weights_rows(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same as rows of a table."""
    return [
        {
            "name": weights["name"],
            "megabytes": f"{weights['megabytes']:.1f}",
            "network": weights.get("model", "-"),
            "notes": weights.get("error") or ", ".join(f"{k} {v}" for k, v in weights["notes"].items()),
            "folder": weights["folder"],
        }
        for weights in files
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


def print_table(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    """One line for each row; all rows have the same columns."""
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
