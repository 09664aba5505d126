"""`handkit study`: options that become one call of `handkit.studies.study.run_study`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from handkit.cli.options import Count, Folder, MaybeCount

MaybeStore = Annotated[Path | None, arg(metavar="STORE")]


@dataclass(frozen=True, kw_only=True)
class RunStudy:
    """A table of one of the papers, trained and measured here, the paper's figures beside ours; without a name, a list.

    Interrupted, the same command goes on with the trials that are missing.
    """

    name: Annotated[Positional[str | None], arg(metavar="NAME")] = None
    """Which one."""
    synthetic: bool = False
    """From rendered frames, with a budget in --samples."""
    data: MaybeStore = None
    """Or from packed stores: the one that is trained on."""
    test: MaybeStore = None
    """The one that is measured on."""
    samples: MaybeCount = None
    """Training samples of each row."""
    epochs: MaybeCount = None
    """Passes over the store instead of the published ones."""
    seeds: Annotated[tuple[int, ...], arg(metavar="N...")] = (1,)
    """First weights and frames; every row is trained once with each."""
    resolution: MaybeCount = None
    """Crops of this many pixels a side."""
    crops: Count = 1024
    """Synthetic frames that are measured on."""
    jobs: Count = 1
    """Trainings side by side."""
    network: Annotated[str | None, arg(metavar="FILE.py:CLASS")] = None
    """A network of your own as the last row."""
    out: Folder = Path("runs/studies")
    """Folder of the table (NAME.md, .csv, .tex), the trials and their weights."""

    def run(self) -> int:
        from rich.console import Console

        from handkit.cli.progress import say
        from handkit.errors import UsageError
        from handkit.studies.papers import STUDIES
        from handkit.studies.report import markdown, table_of, write_tables
        from handkit.studies.study import Conditions, find_study, run_study, with_own

        console = Console(soft_wrap=True, highlight=False, markup=False)
        if self.name is None:
            for study in STUDIES.values():
                console.print(f"{study.name}: {study.title}. {study.source}")
            return 0
        study = find_study(self.name, STUDIES)
        if self.synthetic == (self.data is not None):
            raise UsageError("give --synthetic, or --data TRAIN and --test TEST")
        conditions = Conditions(
            self.out, self.data, self.test, self.samples, self.epochs, self.seeds,
            resolution=self.resolution, crops=self.crops, jobs=self.jobs, own=self.network,
        )  # fmt: skip
        trials = run_study(study, conditions, say)
        lines = table_of(with_own(study, conditions), trials, dataset=conditions.dataset)
        write_tables(self.out, study, lines)
        console.print(markdown(lines))
        console.print(f"{self.out / study.name}.md")
        return 0
