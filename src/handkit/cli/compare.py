"""`handkit compare`: networks of the user's choice."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from handkit.cli.options import Refined
from handkit.cli.trials import Trials


@dataclass(frozen=True, kw_only=True)
class Compare(Trials):
    """Networks of your choice, trained and measured alike: a study of its own, called compare.

    Interrupted, the same command goes on with the trials that are missing.
    """

    networks: Annotated[
        Positional[tuple[str, ...]], arg(metavar="NETWORK[:KEY=VALUE,...]...", help_behavior_hint="")
    ] = ()
    """Such as srn or srn:stages=1,theta=0.6, or your own, FILE.py:CLASS; all five by default. `handkit info NETWORK`
    names its arguments."""
    center_refinement: Refined = None
    """Coarse centers: as they are, moved by the localizer at test, or in training too."""

    def run(self) -> int:
        from handkit.studies.comparison import comparison

        return self.finish(comparison(self.networks, refinement=self.center_refinement))
