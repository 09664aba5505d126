"""`handkit study` and `handkit compare`: options that become one call of `handkit.studies.study.run_study`."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, Suppress, arg

from handkit.cli.options import Count, Folder, MaybeCount, MaybeStore, Refined
from handkit.errors import UsageError
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
    """Some rows of the table, such as "T = 1" "T = 2", the first of which the others are compared with."""
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


@dataclass(frozen=True, kw_only=True)
class Compare(Trials):
    """Networks of your choice, trained and measured alike: a study of its own, called compare.

    Interrupted, the same command goes on with the trials that are missing.
    """

    networks: Annotated[
        Positional[tuple[str, ...]], arg(metavar="NETWORK[:KEY=VALUE,...]...", help_behavior_hint="")
    ] = ()
    """Such as srn or srn:stages=1,theta=0.6; all five by default. `handkit info NETWORK` names its arguments."""
    center_refinement: Refined = None
    """Coarse centers: as they are, moved by the localizer at test, or in training too."""

    def run(self) -> int:
        from handkit.studies.comparison import comparison

        return self.finish(comparison(self.networks, refinement=self.center_refinement))
