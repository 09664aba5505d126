"""`handkit train`: checks the options, starts the run, and shows how it goes."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from torch.utils.data import Dataset

from handkit.cli.errors import make_folder
from handkit.cli.experiment import (
    POSE,
    Localize,
    build,
    features_of,
    frames_of,
    recipe_of,
    targets_of,
    validation_frames,
)
from handkit.cli.variants import check_network, read_variant
from handkit.errors import CheckpointError, HandkitError, StoppedError, TrainingError
from handkit.evaluation import evaluate_crops
from handkit.geometry.frame import LabeledFrame
from handkit.models import PARTS, HandPoseModel
from handkit.models.checkpoint import load_fitting, read_info
from handkit.models.pretrained import find_weights
from handkit.recipes import Recipe
from handkit.recipes.recipe import Precision
from handkit.skeleton import HAND21, Skeleton

try:
    from handkit.training.loop import Budget, Report, Run, train
    from handkit.training.provenance import provenance
    from handkit.training.seen import NOTE
except ModuleNotFoundError as missing:
    raise HandkitError(f"training needs {missing.name}: pip install 'handkit[train]'") from None

DEFAULT_MINUTES = 60.0
VALIDATION_BATCHES = 16
PRECISIONS: dict[str, Precision] = {"bf16": "bf16-mixed", "f32": "32-true"}
LEARN_FROM_POSES = ("handedness", "confidence")
"""Networks that learn from what a frozen pose network answers."""


@dataclass(frozen=True)
class Training:
    """What the user asked for."""

    network: str
    data: str
    minutes: float | None
    samples: int | None
    init: str | None
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
    batch: int | None = None
    learning_rate: float | None = None
    precision: Literal["bf16", "f32"] | None = None
    threads: int | None = None
    workers: int | None = None
    localizer: str = "localizer"
    """Its weights, by name or path."""
    test: str | None = None
    """A packed store on which a training on another is measured; its best weights are kept beside the last."""
    allow_test: bool = False
    pose: str | None = None
    """Weights of the pose network that handedness and confidence learn from, by name or path."""


def train_network(asked: Training) -> int:
    """Answers 0 when the budget is spent; raises HandkitError where the options make no run."""
    budget = budget_of(asked)
    if asked.test:
        raise HandkitError(f"--test {asked.test} is for a training on a packed store; give --data STORE", status=2)
    if asked.fold:
        raise HandkitError(f"--fold {asked.fold} leaves a subject of a packed store out; give --data STORE", status=2)
    variant = read_variant(check_network(asked.network, parts=True), asked.variant)
    recipe = recipe_of(asked.network, variant, resolution=asked.resolution, localize=asked.localize)
    recipe = changed(recipe.continued() if asked.init else recipe, asked)
    if asked.pose and asked.network not in LEARN_FROM_POSES:
        raise HandkitError(f"--pose is for {' and '.join(LEARN_FROM_POSES)}, {asked.network} is neither", status=2)
    if asked.network == "confidence":
        recipe = replace(recipe, arguments={"features": features_of(asked.pose or POSE)} | recipe.arguments)
    run, frames = begin(asked, recipe), frames_of(recipe, seed=asked.seed)
    learn(run, frames, budget, asked, measure=_measure(run, asked))
    return 0


def changed(recipe: Recipe, asked: Training) -> Recipe:
    """The recipe with the batch, the learning rate and the precision that are asked for."""
    for name, given in (("--batch", asked.batch), ("--learning-rate", asked.learning_rate)):
        if given is not None and not 0 < given < math.inf:
            raise HandkitError(f"{name} {given:g} trains nothing; give more than 0", status=2)
    return replace(
        recipe,
        batch=asked.batch or recipe.batch,
        learning_rate=asked.learning_rate or recipe.learning_rate,
        precision=PRECISIONS[asked.precision] if asked.precision else recipe.precision,
    )


def learn(
    run: Run,
    frames: Dataset[LabeledFrame],
    budget: Budget,
    asked: Training,
    *,
    title: str | None = None,
    measure: Callable[[HandPoseModel], float] | None = None,
    learned: dict[str, Any] | None = None,
) -> Path:
    """Train with a bar, a folder that says where its weights come from, and every failure in one sentence."""
    about = provenance(seed=asked.seed, data=asked.data, init=asked.init, fold=asked.fold)
    about |= {NOTE: _seen_before(asked) + ([learned] if learned else [])}
    if asked.network in LEARN_FROM_POSES:
        pose = read_info(find_weights(asked.pose or POSE))
        about |= {"pose": {"model": pose.model, "arguments": pose.arguments, "crc32": pose.crc32}}
    on_gpu = run.fabric.device.type != "cpu"
    workers = asked.workers if asked.workers is not None else max(1, (os.cpu_count() or 1) - 1) if on_gpu else 1
    with Bar(title or asked.network) as bar:
        try:
            weights = train(
                run, frames, budget, out=asked.out, workers=workers, about=about, measure=measure, tell=bar.show,
                best=asked.test is not None,
            )  # fmt: skip
        except StoppedError as stopped:
            raise HandkitError(f"{asked.out}: {stopped}", status=stopped.status) from None
        except (TrainingError, CheckpointError) as error:
            raise HandkitError(f"{asked.out}: {error}") from None
    spent = run.spent
    bar.console.print(f"{weights}: {spent.samples} samples, {spent.seconds / 60:.1f} minutes", highlight=False)
    return weights


def _seen_before(asked: Training) -> list[dict[str, Any]]:
    """What the weights that a run begins with have seen; of a run that goes on, what its own began with."""
    own = asked.out / "weights.safetensors"
    if asked.resume and own.exists():
        return read_info(own).notes.get(NOTE, [])[:-1]
    return read_info(find_weights(asked.init)).notes.get(NOTE, []) if asked.init else []


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
        raise HandkitError("give --minutes or --samples, not both", status=2)
    if asked.minutes is None and asked.samples is None:
        return Budget(samples=samples, minutes=None if samples else DEFAULT_MINUTES)
    for name, given in (("--minutes", asked.minutes), ("--samples", asked.samples)):
        if given is not None and not 0 < given < math.inf:
            raise HandkitError(f"{name} {given:g} trains nothing; give a number of more than 0", status=2)
    return Budget(samples=asked.samples, minutes=asked.minutes)


def begin(asked: Training, recipe: Recipe, skeleton: Skeleton = HAND21) -> Run:
    """A fresh run, one from given weights, or the one that a state file continues."""
    state = asked.out / "state.ckpt"
    if asked.resume and not state.exists():
        raise HandkitError(f"there is no {state} to resume; leave --resume out to begin a run")
    if not asked.resume and state.exists():
        raise HandkitError(f"{asked.out} already holds a run; --resume it, or name another --out", status=2)
    make_folder(asked.out)
    model = build(recipe, seed=asked.seed, skeleton=skeleton)
    if asked.init and not asked.resume:
        try:
            _say_what_is_new(load_fitting(find_weights(asked.init), model), asked.init)
        except CheckpointError as error:
            raise HandkitError(f"--init {asked.init}: {error}") from None
    torch.set_num_threads(asked.threads or max(1, os.cpu_count() or 1))
    run = Run(model, recipe, targets_of(recipe, model, pose=asked.pose or POSE, localizer=asked.localizer))
    try:
        if asked.resume:
            run.restore(state)
    except TrainingError as error:
        raise HandkitError(str(error)) from None
    return run


def _say_what_is_new(names: list[str], init: str) -> None:
    """Which tensors begin from random values all the same."""
    if names:
        listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        Console(stderr=True).print(f"--init {init}: {listed} begin anew", highlight=False)


def _measure(run: Run, asked: Training) -> Callable[[HandPoseModel], float] | None:
    """Mean joint error on frames that no training run sees; parts answer no joints."""
    recipe: Recipe = run.recipe
    if recipe.network in PARTS:
        return None
    batches = validation_frames(
        recipe, batches=VALIDATION_BATCHES, size=recipe.batch, localize=asked.localize, device=run.fabric.device,
        localizer=asked.localizer,
    )  # fmt: skip
    return lambda model: evaluate_crops(model, batches, protocol="jittered cubes").mean_mm
