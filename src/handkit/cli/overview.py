"""`handkit info`: networks and their papers, weights and graphs, cameras, versions."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handkit.cli.saying import WIDE
from handkit.extras import install_command
from handkit.models.listing import overview

TRAINED = "samples, last training"
"""Those of the weights that it was begun from are not in the file."""
NUMBERS = ("parameters", "21 joints", "MB", "GFLOPs", "paper says", "ours", "ratio", TRAINED, "seed")


def print_overview(*, as_json: bool) -> int:
    """To stdout; answers 0."""
    facts = overview()
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    console = wide_console()
    print_table(console, "papers, and their mean joint errors in mm, each under its own protocol", _papers(facts))
    print_table(console, "weights", weights_rows(facts["weights"]))
    print_table(console, "graphs, which run without torch", weights_rows(facts["graphs"]))
    print_table(console, "cameras", _cameras(facts))
    for each in facts["networks"]:
        print_url(console, each)
    versions = "  ".join(f"{name} {number}" for name, number in facts["versions"].items())
    console.print(versions, highlight=False, style="dim", soft_wrap=True)
    more = "" if find_spec("torch") else f" needs torch: {install_command('train')}"
    console.print(
        f"sizes and arguments of a network: handkit info NETWORK{more}", markup=False, style="dim", soft_wrap=True
    )
    return 0


def print_url(console: Console, network: Mapping[str, Any]) -> None:
    """Of its paper, whole, however narrow the terminal."""
    if network["url"]:
        console.print(f"{network['name']}: {network['url']}", highlight=False, style="dim", soft_wrap=True)


def wide_console() -> Console:
    """Stdout; a pipe is as wide as the widest table."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def paper_row(network: Mapping[str, Any]) -> dict[str, Any]:
    """Where it was published, and the errors that stand there."""
    errors = network["reported_errors_mm"]
    return {
        "network": network["name"],
        "paper": network["paper"],
        **{name: f"{errors.get(name, '-')}" for name in ("nyu", "icvl", "msra", "hands17")},
    }


def _papers(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [paper_row(network) | {"size": _size(network["reported"])} for network in facts["networks"]]


def _size(reported: Mapping[str, Any] | None) -> str:
    return f"{reported['value']:g} {reported['unit']}" if reported else "-"


def weights_rows(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Files that are found by name, and of weights what they were trained on."""
    return [
        {"name": file["name"], "MB": f"{file['megabytes']:.1f}"} | _trained(file) | {"folder": file["folder"]}
        for file in files
    ]


def _trained(file: dict[str, Any]) -> dict[str, Any]:
    if "error" in file:
        return {"network": "-", TRAINED: "", "of": file["error"], "seed": ""}
    if "model" not in file:
        return {}
    notes = file["notes"]
    samples = f"{notes['samples']:,}" if "samples" in notes else ""
    return {"network": file["model"], TRAINED: samples, "of": notes.get("data", ""), "seed": notes.get("seed", "")}


def _cameras(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "size": f"{camera['width']}x{camera['height']}",
            "fx,fy,cx,cy": "{fx:g},{fy:g},{cx:g},{cy:g}".format(**camera),
            "unit mm": f"{camera['unit_mm']:g}",
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
