"""`handkit study`: a table of a paper."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from handkit.cli.trials import Trials
from handkit.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class RunStudy(Trials):
    """A table of one of the papers, trained and measured here, the paper's figures beside ours; without a name, a list.

    Interrupted, the same command goes on with the trials that are missing.
    """

    name: Annotated[Positional[str | None], arg(metavar="NAME")] = None
    """Which one."""
    synthetic: bool = False
    """From rendered frames, with a budget in --samples, instead of --data and --test."""
    rows: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ()
    """Some rows alone, such as "T = 1" "T = 2", in this order: the others are compared with the first."""
    network: Annotated[str | None, arg(metavar="FILE.py:CLASS")] = None
    """A network of your own as the last row."""

    def run(self) -> int:
        from handkit.studies.papers import STUDIES

        if self.name is None:
            for study in STUDIES.values():
                print(f"{study.name}: {study.title}. {study.source}")
            return 0
        from handkit.studies.plan import find_study, with_rows

        study = with_rows(find_study(self.name, STUDIES), self.rows)
        if self.synthetic == (self.train is not None):
            raise UsageError("give --synthetic, or --data TRAIN and --test TEST")
        return self.finish(study, self.network)
