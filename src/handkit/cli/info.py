"""`handkit info`: its options; its work is imported when it runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg


@dataclass(frozen=True, kw_only=True)
class Info:
    """Networks and their papers, weights, cameras and versions; of one network its size and all its arguments; of a
    packed store or a weights file what it holds and what it was trained on."""

    network: Annotated[Positional[str | None], arg(metavar="NETWORK|FILE.py:CLASS|STORE|FILE.safetensors")] = None
    """Show this one: one of handkit's, or your own; or what is in a store or a weights file."""
    json: bool = False
    """Print JSON instead of tables."""

    def run(self) -> int:
        if self.network is None:
            from handkit.cli.overview import print_overview

            return print_overview(as_json=self.json)
        from handkit.cli.one_file import is_file_of_ours, print_file

        if is_file_of_ours(Path(self.network)):
            return print_file(Path(self.network), as_json=self.json)
        from handkit.cli.one_network import print_network

        return print_network(self.network, as_json=self.json)
