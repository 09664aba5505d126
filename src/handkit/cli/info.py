"""`handkit info`: its options; its work is imported when it runs."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg


@dataclass(frozen=True, kw_only=True)
class Info:
    """Networks and their papers, weights, cameras and versions; of one network its size and all its arguments."""

    network: Annotated[Positional[str | None], arg(metavar="NETWORK|FILE.py:CLASS")] = None
    """Show this one: one of handkit's, or your own."""
    json: bool = False
    """Print JSON instead of tables."""

    def run(self) -> int:
        if self.network is None:
            from handkit.cli.overview import print_overview

            return print_overview(as_json=self.json)
        from handkit.cli.one_network import print_network

        return print_network(self.network, as_json=self.json)
