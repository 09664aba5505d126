"""`handkit list`: what can be trained, in which variants, and which weights there are."""

import json
from typing import Any

from handkit.cli.overview import print_table, weights_files, weights_rows, wide_console
from handkit.cli.variants import Option, options, write_variant
from handkit.models import MODELS, PARTS


def print_list(*, as_json: bool) -> int:
    """To stdout; answers 0."""
    weights = weights_files()
    if as_json:
        networks = {name: _variants(name) for name in (*MODELS, *PARTS)}
        print(json.dumps({"networks": networks, "weights": weights}, indent=2))
        return 0
    console = wide_console()
    for name in (*MODELS, *PARTS):
        rows = [
            {
                "variant": option.name,
                "default": write_variant({option.name: option.default}).partition("=")[2],
                "possible": _possible(option),
            }
            for option in options(name).values()
        ]
        print_table(console, name, rows)
    print_table(console, "weights", weights_rows(weights))
    return 0


def _variants(name: str) -> dict[str, dict[str, Any]]:
    return {
        option.name: {"default": option.default, "choices": list(option.choices), "several": option.several}
        for option in options(name).values()
    }


def _possible(option: Option) -> str:
    if not option.choices:
        return option.kinds
    return (" + " if option.several else " | ").join(str(choice).lower() for choice in option.choices)
