"""`handkit study` and `handkit compare`: options that become one call of `handkit.studies.study.run_study`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from handkit.cli.options import Count, Folder, MaybeCount, Refined
from handkit.errors import UsageError

if TYPE_CHECKING:
    from handkit.studies.plan import Study

MaybeStore = Annotated[Path | None, arg(metavar="STORE")]


@dataclass(frozen=True, kw_only=True)
class Trials:
    """On which frames, with what budget."""

    data: MaybeStore = None
    """A packed store that is trained on; without one, frames are rendered."""
    test: MaybeStore = None
    """The store that is measured on."""
    samples: MaybeCount = None
    """Training samples of each row."""
    epochs: MaybeCount = None
    """Passes over the store instead of the published ones."""
    seeds: Annotated[tuple[int, ...], arg(metavar="N...")] = (1,)
    """First weights and frames; every row is trained once with each."""
    resolution: MaybeCount = None
    """Crops of this many pixels a side; 96 of rendered frames by default, the published ones of a store."""
    batch: MaybeCount = None
    """Training frames a step, if not the recipe's."""
    crops: Count = 1024
    """Synthetic frames that are measured on."""
    real: Annotated[tuple[Path, ...], arg(metavar="DIR...")] = ()
    """Folders of PNGs with marked fingertips (labels.json) to measure on as well."""
    jobs: Count = 1
    """Trainings side by side."""
    threads: MaybeCount = None
    """Of each training's network; all cores, divided among the jobs, by default."""
    workers: MaybeCount = None
    """Processes that render or read frames beside each training; 1 by default, none with several jobs."""
    out: Folder = Path("runs/studies")
    """Folder of the table (NAME.md, .csv, .tex), its curves, the trials and their weights."""

    def finish(self, study: "Study", own: str | None = None) -> int:
        """Run what is missing of it, write and print its table."""
        from rich.console import Console

        from handkit.cli.progress import Bar, say
        from handkit.studies.plan import Conditions, frames_in_words, with_own
        from handkit.studies.report import about, markdown, write_tables
        from handkit.studies.study import run_study

        conditions = Conditions(
            self.out, self.data, self.test, self.samples, self.epochs, self.seeds, resolution=self.resolution,
            batch=self.batch, crops=self.crops, real=self.real, jobs=self.jobs, threads=self.threads,
            workers=self.workers, own=own,
        )  # fmt: skip
        trials = run_study(study, conditions, say, watch=Bar)
        whole, dataset, frames = with_own(study, conditions), conditions.dataset, frames_in_words(study, conditions)
        lines = write_tables(
            self.out, whole, trials, dataset=dataset, frames=frames, joints=conditions.skeleton.joints
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
        from handkit.studies.plan import find_study, with_rows

        if self.name is None:
            for study in STUDIES.values():
                print(f"{study.name}: {study.title}. {study.source}")
            return 0
        study = with_rows(find_study(self.name, STUDIES), self.rows)
        if self.synthetic == (self.data is not None):
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
        from handkit.studies.papers import comparison

        return self.finish(comparison(self.networks, refinement=self.center_refinement))
