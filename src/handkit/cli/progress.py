"""`handkit train`: checks the options, starts the run, and shows how it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from handkit.cli.errors import CommandError, make_folder
from handkit.cli.experiment import Localize, build, frames_of, recipe_of, targets_of, validation_frames
from handkit.cli.variants import check_network, read_variant
from handkit.evaluation import evaluate_crops
from handkit.geometry.skeleton import HAND21, Skeleton
from handkit.models import PARTS, HandPoseModel
from handkit.models.checkpoint import CheckpointError, load_weights
from handkit.models.pretrained import find_weights
from handkit.recipes import Recipe

try:
    from handkit.training import Budget, Report, Run, TrainingError, train
except ModuleNotFoundError as missing:
    raise CommandError(f"training needs {missing.name}: pip install 'handkit[train]'") from None

DEFAULT_MINUTES = 60.0
VALIDATION_BATCHES = 16


@dataclass(frozen=True)
class Training:
    """What the user asked for."""

    network: str
    data: str
    minutes: float | None
    samples: int | None
    start: str | None
    """Weights to begin with, by name or path."""
    seed: int
    out: Path
    resume: bool
    variant: tuple[str, ...] = ()
    """Constructor arguments as `key=value`."""
    resolution: int | None = None
    localize: Localize | None = None
    fold: str | None = None
    """Subject that a packed store's training leaves out, or all of them in turn."""


def train_network(asked: Training) -> int:
    """Answers 0 when the budget is spent; raises CommandError where the options make no run."""
    budget = budget_of(asked)
    if asked.fold:
        raise CommandError(f"--fold {asked.fold} leaves a subject of a packed store out; give --data STORE", status=2)
    variant = read_variant(check_network(asked.network, parts=True), asked.variant)
    recipe = recipe_of(asked.network, variant, resolution=asked.resolution, localize=asked.localize)
    recipe = recipe.continued() if asked.start else recipe
    run, frames = begin(asked, recipe), frames_of(recipe, seed=asked.seed)
    with Bar(asked.network) as bar:
        try:
            weights = train(run, frames, budget, out=asked.out, measure=_measure(run, asked.localize), tell=bar.show)
        except (TrainingError, CheckpointError) as error:
            raise CommandError(f"{asked.out}: {error}") from None
    bar.console.print(f"{weights}: {run.samples} samples, {run.seconds / 60:.1f} minutes", highlight=False)
    return 0


class Bar:
    """Share of the budget spent, samples a second, loss terms, and the latest error on validation frames."""

    def __init__(self, network: str) -> None:
        self.console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}"),
            console=self.console,
        )
        self._task = self._progress.add_task(network, total=1.0, state="")
        self._error = ""

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, report: Report) -> None:
        """One step's report; on a console without a bar, a line for every measured error."""
        if report.error_mm is not None:
            self._error = f"{report.error_mm:.1f} mm"
            if not self.console.is_terminal:
                self.console.print(f"{report.progress:.0%} {report.samples} samples {self._error}")
        terms = " ".join(f"{name} {value:.4f}" for name, value in report.terms.items())
        rate = report.samples / max(report.seconds, 1e-9)
        state = f"{report.samples} samples, {rate:.0f}/s  {terms}  {self._error}"
        self._progress.update(self._task, completed=report.progress, state=state)


def budget_of(asked: Training, *, samples: int | None = None) -> Budget:
    """As asked, else so many samples, else an hour."""
    if asked.minutes is not None and asked.samples is not None:
        raise CommandError("give --minutes or --samples, not both", status=2)
    if asked.minutes is None and asked.samples is None:
        return Budget(samples=samples, minutes=None if samples else DEFAULT_MINUTES)
    for name, given in (("--minutes", asked.minutes), ("--samples", asked.samples)):
        if given is not None and not 0 < given < float("inf"):
            raise CommandError(f"{name} {given:g} trains nothing; give a number of more than 0", status=2)
    return Budget(samples=asked.samples, minutes=asked.minutes)


def begin(asked: Training, recipe: Recipe, skeleton: Skeleton = HAND21) -> Run:
    """A fresh run, one from given weights, or the one that a state file continues."""
    state = asked.out / "state.ckpt"
    if asked.resume and not state.exists():
        raise CommandError(f"there is no {state} to resume; leave --resume out to begin a run")
    if not asked.resume and state.exists():
        raise CommandError(f"{asked.out} already holds a run; --resume it, or name another --out", status=2)
    make_folder(asked.out)
    model = build(recipe, seed=asked.seed, skeleton=skeleton)
    if asked.start and not asked.resume:
        try:
            load_weights(find_weights(asked.start), model)
        except CheckpointError as error:
            raise CommandError(f"--start {asked.start}: {error}") from None
    run = Run(model, recipe, targets_of(recipe, model))
    try:
        if asked.resume:
            run.restore(state)
    except TrainingError as error:
        raise CommandError(str(error)) from None
    return run


def _measure(run: Run, localize: Localize | None) -> Callable[[HandPoseModel], float] | None:
    """Mean joint error on frames that no training run sees; parts answer no joints."""
    recipe: Recipe = run.recipe
    if recipe.network in PARTS:
        return None
    batches = validation_frames(
        recipe, batches=VALIDATION_BATCHES, size=recipe.batch, localize=localize, device=run.fabric.device
    )
    return lambda model: evaluate_crops(model, batches, protocol="jittered cubes").mean_mm
