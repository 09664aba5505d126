"""`handkit info`: networks beside their papers, bundled weights, cameras and versions; of one network its arguments."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handkit.cli.saying import WIDE
from handkit.models import MODELS, PARTS
from handkit.models.arguments import Option, check_network, options, write_arguments
from handkit.models.facts import one_network, overview

NUMBERS = ("parameters", "21 joints", "MB", "GFLOPs", "paper says", "ours", "ratio", "megabytes")


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
    return console if console.is_terminal else Console(width=WIDE)


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
            "default": write_arguments({option.name: option.default}).partition("=")[2],
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
