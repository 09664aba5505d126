"""`handkit info`: its options; its work is imported when it runs."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated

from tyro.conf import Positional, arg


@dataclass(frozen=True, kw_only=True)
class Info:
    """Networks beside their papers, weights, cameras and versions; of one network all its arguments."""

    network: Annotated[Positional[str | None], arg(metavar="NETWORK")] = None
    """Show this one."""
    json: bool = False
    """Print JSON instead of tables."""

    def run(self) -> int:
        if self.network is None and find_spec("torch") is None:
            from handkit.cli.installed import print_installed

            return print_installed(as_json=self.json)
        from handkit.cli.overview import print_overview

        return print_overview(self.network, as_json=self.json)
