"""What `handkit study` and `handkit compare` have in common: one call of `handkit.studies.study.run_study`."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Suppress, arg

from handkit.cli.options import Count, Folder, MaybeCount, MaybeStore
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
    crops: Count = Conditions.crops
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
        from handkit.studies.plan import dataset_of, frames_in_words, skeleton_of, with_own
        from handkit.studies.report import about, markdown, write_tables
        from handkit.studies.study import run_study

        conditions = Conditions(**{each.name: getattr(self, each.name) for each in fields(Conditions)})
        conditions = replace(conditions, own=own)
        trials = run_study(study, conditions, say, watch=Bar)
        whole, dataset, frames = with_own(study, conditions), dataset_of(conditions), frames_in_words(study, conditions)
        lines = write_tables(
            self.out, whole, trials, dataset=dataset, frames=frames, joints=skeleton_of(conditions).joints
        )  # fmt: skip
        console = Console(soft_wrap=True, highlight=False, markup=False)
        console.print(markdown(lines))
        console.print(about(whole, trials, dataset=dataset, frames=frames))
        console.print(f"{self.out / study.name}.md")
        return 0
