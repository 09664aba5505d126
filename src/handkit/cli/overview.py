"""`handkit info`: networks beside their papers, bundled weights, cameras and versions; of one network its arguments."""

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
from handkit.cli.variants import Option, check_network, options, write_variant
from handkit.errors import CheckpointError
from handkit.hub import weights_folders
from handkit.models import MODELS, PARTS
from handkit.models.checkpoint import read_info
from handkit.named_cameras import CAMERAS

PIPED_WIDTH = 150
NUMBERS = ("parameters", "21 joints", "MB", "GFLOPs", "paper says", "ours", "ratio", "megabytes")
PACKAGES = ("handkit", "torch", "numpy", "opencv-python-headless", "numba", "safetensors")


def print_overview(network: str | None = None, *, as_json: bool) -> int:
    """To stdout; answers 0. Raises HandkitError where there is no such network."""
    facts = overview() if network is None else one_network(check_network(network, parts=True))
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    console = wide_console()
    for title, rows in _tables(facts) if network is None else _tables_of_one(facts):
        print_table(console, title, rows)
    for each in facts["networks"] if network is None else [facts]:
        if "url" in each:  # whole, however narrow the terminal
            console.print(f"{each['name']}: {each['url']}", highlight=False, style="dim", soft_wrap=True)
    if network is None:
        versions = "  ".join(f"{name} {number}" for name, number in facts["versions"].items())
        console.print(f"{versions}  on {facts['device']}", highlight=False, style="dim", soft_wrap=True)
    return 0


def _tables(facts: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [
        ("networks, for the 14 joints of NYU; one crop", _networks(facts)),
        ("papers, and their mean joint errors in mm, each under its own protocol", _papers(facts)),
        ("parts", _parts(facts)),
        ("weights", weights_rows(facts["weights"])),
        ("cameras", _cameras(facts)),
    ]


def _tables_of_one(facts: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    one = {"networks": [facts]}
    of_paper = [(facts["name"], _networks(one)), ("paper, mean joint errors in mm", _papers(one))]
    tables = of_paper if facts["name"] in MODELS else [(facts["name"], _parts(one))]
    return [*tables, ("arguments", _arguments(facts["name"])), ("weights", weights_rows(facts["weights"]))]


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


def one_network(name: str) -> dict[str, Any]:
    """What is known of one, its constructor's arguments, and the weights of it that are found by name."""
    arguments = {
        option.name: {"default": option.default, "choices": list(option.choices), "several": option.several}
        for option in options(name).values()
    }
    weights = [each for each in weights_files() if each.get("model") == name]
    return network_facts(name) | {"arguments": arguments, "weights": weights}


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


def _papers(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "network": network["name"],
            "paper": network["paper"],
            **{name: f"{network['reported_errors_mm'].get(name, '-')}" for name in ("nyu", "icvl", "msra", "hands17")},
        }
        for network in facts["networks"]
        if network["name"] in MODELS
    ]


def _arguments(name: str) -> list[dict[str, Any]]:
    return [
        {
            "argument": option.name,
            "default": write_variant({option.name: option.default}).partition("=")[2],
            "possible": _possible(option),
        }
        for option in options(name).values()
    ]


def _possible(option: Option) -> str:
    if not option.choices:
        return option.kinds
    return (" + " if option.several else " | ").join(str(choice).lower() for choice in option.choices)


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
