"""`handkit completion`: commands and options at the press of TAB."""

from collections.abc import Mapping
from typing import Annotated, Any, Union

from tyro.conf import subcommand
from tyro.extras import subcommand_cli_from_dict


def print_completion(shell: str, commands: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a script for `shell`; `groups` are commands that have commands of their own. Ends in SystemExit."""
    nested: dict[str, Any] = dict(commands)
    for name, inner in groups.items():
        nested[name] = Union[tuple(Annotated[each, subcommand(key)] for key, each in inner.items())]  # noqa: UP007
    subcommand_cli_from_dict(nested, prog="handkit", args=["--tyro-print-completion", shell])
