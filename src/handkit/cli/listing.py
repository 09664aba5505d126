"""`handkit list`: what can be trained, in which variants, and which weights there are."""

import json
from typing import Any

from handkit.cli.overview import print_table, weights_files, weights_rows, wide_console
from handkit.cli.variants import options, write_variant
from handkit.models import MODELS, PARTS


def print_list(*, as_json: bool) -> int:
    """To stdout; answers 0."""
    networks = {name: _variants(name) for name in (*MODELS, *PARTS)}
    weights = weights_files()
    if as_json:
        print(json.dumps({"networks": networks, "weights": weights}, indent=2))
        return 0
    console = wide_console()
    for name, arguments in networks.items():
        rows = [
            {
                "variant": argument,
                "default": write_variant({argument: about["default"]}).partition("=")[2],
                "possible": _possible(about),
            }
            for argument, about in arguments.items()
        ]
        print_table(console, name, rows)
    print_table(console, "weights", weights_rows(weights))
    return 0


def _variants(name: str) -> dict[str, dict[str, Any]]:
    return {
        option.name: {"default": option.default, "choices": list(option.choices), "several": option.several}
        for option in options(name).values()
    }


def _possible(about: dict[str, Any]) -> str:
    if not about["choices"]:
        return "a number"
    return (" + " if about["several"] else " | ").join(str(choice).lower() for choice in about["choices"])
