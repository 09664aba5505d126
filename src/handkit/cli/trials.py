"""What `handkit study` and `handkit compare` have in common: one call of `handkit.studies.report.run_and_write`."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Suppress, arg

from handkit.cli.options import Count, Folder, MaybeCount, MaybeStore, Weights
from handkit.studies.conditions import Conditions

if TYPE_CHECKING:
    from handkit.studies.table import Study


@dataclass(frozen=True, kw_only=True)
class Trials(Conditions):
    """Of a study on the command line: their names and metavars; meaning and defaults are the conditions' own."""

    train: Annotated[MaybeStore, arg(name="data")] = Conditions.train
    test: MaybeStore = Conditions.test
    samples: MaybeCount = Conditions.samples
    epochs: MaybeCount = Conditions.epochs
    seeds: Annotated[tuple[int, ...], arg(metavar="N...")] = Conditions.seeds
    resolution: MaybeCount = Conditions.resolution
    batch: MaybeCount = Conditions.batch
    precision: Annotated[Literal["bf16", "f32"] | None, arg(metavar="bf16|f32")] = Conditions.precision
    crops: Count = Conditions.crops
    localizer: Weights = Conditions.localizer
    real: Annotated[tuple[Path, ...], arg(metavar="DIR...")] = Conditions.real
    jobs: Count = Conditions.jobs
    threads: MaybeCount = Conditions.threads
    workers: MaybeCount = Conditions.workers
    out: Folder = Conditions.out
    own: Suppress[str | None] = Conditions.own

    def finish(self, study: "Study", own: str | None = None) -> int:
        """Run what is missing of it, write and print its table."""
        from rich.console import Console

        from handkit.cli.progress import Bar, say
        from handkit.studies.report import run_and_write

        conditions = Conditions(**{each.name: getattr(self, each.name) for each in fields(Conditions)})
        table = run_and_write(study, replace(conditions, own=own), say, watch=Bar)
        console = Console(soft_wrap=True, highlight=False, markup=False)
        console.print(table.text)
        console.print(table.path)
        return 0
