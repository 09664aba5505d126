"""`handkit completion`: commands and options at the press of TAB."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

from tyro.conf import Positional, arg, subcommand
from tyro.extras import subcommand_cli_from_dict


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Print what completes commands and options in a shell: `source <(handkit completion bash)`."""

    shell: Annotated[Positional[Literal["bash", "zsh", "fish"]], arg(metavar="SHELL")]
    """That reads it."""

    def run(self) -> int:
        from handkit.cli import COMMANDS, GROUPS

        commands: dict[str, Any] = dict(COMMANDS)
        for name, inner in GROUPS.items():
            commands[name] = Union[tuple(Annotated[each, subcommand(key)] for key, each in inner.items())]  # noqa: UP007
        subcommand_cli_from_dict(commands, prog="handkit", args=["--tyro-print-completion", self.shell])
        return 0
