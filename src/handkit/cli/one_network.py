"""`handkit info NETWORK`: its size beside its paper's, its arguments and its weights."""

import json
from typing import Any

from handkit.cli.overview import paper_row, print_table, print_url, weights_rows, wide_console
from handkit.errors import HandkitError
from handkit.models import PARTS
from handkit.models.arguments import Option, network_named, options, write_arguments
from handkit.models.facts import one_network


def print_network(network: str, *, as_json: bool) -> int:
    """To stdout; answers 0. Raises HandkitError where there is no such network."""
    facts = _facts(network)
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    console = wide_console()
    size = _part(facts) if facts["name"] in PARTS else _size(facts)
    print_table(console, facts["name"] if facts["name"] in PARTS else "for the 14 joints of NYU; one crop", [size])
    if facts["url"]:
        print_table(console, "paper, mean joint errors in mm", [paper_row(facts)])
    print_table(console, "arguments", [_argument(option) for option in options(facts["name"]).values()])
    print_table(console, "weights", weights_rows(facts["weights"]))
    print_url(console, facts)
    return 0


def _facts(text: str) -> dict[str, Any]:
    """Raises HandkitError, also where a network of the user's own cannot be built or run."""
    name = network_named(text, parts=True)
    try:
        return one_network(name)
    except Exception as error:  # whatever a user's network raises
        if name == text:
            raise
        sentence = f"{text} cannot be built, or not run on a crop of zeros: {type(error).__name__}: {error}"
        raise HandkitError(sentence) from error


def _size(network: dict[str, Any]) -> dict[str, Any]:
    """For the 14 joints of NYU, one crop."""
    return {
        "network": network["name"],
        "input": network["input"],
        "space": network["space"],
        "parameters": f"{network['parameters']:,}",
        "21 joints": f"{network['parameters_21_joints']:,}",
        "MB": f"{network['megabytes']:.1f}",
        "GFLOPs": f"{network['gflops']:.2f}",
    } | _beside_the_paper(network["reported"])


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


def _part(network: dict[str, Any]) -> dict[str, Any]:
    return {
        "network": network["name"],
        "input": network["input"],
        "parameters": f"{network['parameters']:,}",
        "MB": f"{network['megabytes']:.1f}",
        "about": network["about"],
    }


def _argument(option: Option) -> dict[str, Any]:
    default = write_arguments({option.name: option.default}).partition("=")[2]
    return {"argument": option.name, "default": default, "possible": _possible(option)}


def _possible(option: Option) -> str:
    if not option.choices:
        return option.kinds
    return (" + " if option.several else " | ").join(str(choice).lower() for choice in option.choices)
