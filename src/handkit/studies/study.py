"""A study: rows of a paper's table, each trained and measured alike, the paper's figure beside ours.

A trial (a row with a seed) has a folder of its own; `trial.json` is written when it has been measured, so a study that
was interrupted goes on with the trials that are missing. Rows that differ only in how an answer is read, or in where
cubes stand at test, share a training.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from handkit.asked import check_seed
from handkit.errors import UsageError
from handkit.evaluation.metrics import joint_distances
from handkit.files.atomic import write_whole
from handkit.files.folders import make_folder
from handkit.models import readout_of
from handkit.models.arguments import add_network
from handkit.models.checkpoint import load, save
from handkit.models.facts import count_parameters
from handkit.recipes import CenterSource, Recipe
from handkit.recipes.augment import Augment
from handkit.skeleton import HAND21, Skeleton
from handkit.store.store import PackedFrames
from handkit.studies.measuring import Measured, measured, read_real, tips_of
from handkit.training.adapt import Refinement, recipe_of, recipe_on
from handkit.training.answers import answers_of
from handkit.training.experiment import Experiment, Machine, evaluate, fit
from handkit.training.folds import Watch, check_test, fit_folds, nobody_watches
from handkit.training.loop import Budget
from handkit.training.provenance import hardware
from handkit.training.run import Spent
from handkit.training.seen import refuse_test_split
from handkit.training.stored import find_localizer

SYNTHETIC_RESOLUTION = 96
"""Of all crops of a study of rendered frames, if none is asked for: a multiple of 32 suits every network."""


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of the network's constructor."""
    reported_mm: Mapping[str, float] = field(default_factory=dict[str, float])
    """The paper's mean joint error by data set."""
    refinement: Refinement | None = None
    augmented: bool = True
    network: str | None = None
    """If not the study's."""
    learning_rate: float | None = None
    """Of the published experiment, if not its network's."""


@dataclass(frozen=True)
class Study:
    """A table or figure of a paper; its first row is the one that the others are compared with."""

    name: str
    title: str
    source: str
    """Where the figures come from: table, and section of the reference."""
    network: str
    rows: tuple[Row, ...]
    folds: bool = False
    """Every subject of the store left out in turn."""


@dataclass(frozen=True)
class Conditions:
    """What all trials of a study have in common."""

    out: Path
    train: Path | None = None
    """Stores; frames are rendered without them."""
    test: Path | None = None
    samples: int | None = None
    epochs: int | None = None
    seeds: tuple[int, ...] = (1,)
    resolution: int | None = None
    batch: int | None = None
    """Training frames a step."""
    crops: int = 1024
    """Synthetic frames that are measured on."""
    real: tuple[Path, ...] = ()
    """Folders of frames with marked fingertips (`evaluation.marked`) that are measured on as well."""
    jobs: int = 1
    threads: int | None = None
    """Of each training's network; all cores, divided among the jobs, by default."""
    workers: int | None = None
    """Processes that render or read frames beside each training; 1 by default, none with several jobs."""
    own: str | None = None
    """`FILE.py:CLASS`, a network of the user's own, which becomes the last row."""

    @property
    def dataset(self) -> str:
        """Whose frames are measured on; raises StoreError."""
        return PackedFrames.open(self.test).manifest.settings.dataset if self.test else "synthetic"

    @property
    def skeleton(self) -> Skeleton:
        """Of what is measured; raises StoreError."""
        return PackedFrames.open(self.test).skeleton if self.test else HAND21


@dataclass(frozen=True)
class Trial:
    """What came of a row with a seed."""

    row: str
    seed: int
    weights: str
    parameters: int
    training: "Training"
    errors: Measured


class Training(NamedTuple):
    """What a training left in its folder: weights, relative to it, and what they cost."""

    weights: str
    samples: int
    seconds: float
    hardware: str


def find_study(name: str, studies: Mapping[str, Study]) -> Study:
    """By its name; raises UsageError that suggests the nearest."""
    if name in studies:
        return studies[name]
    near = get_close_matches(name, studies, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"there is no study {name!r}; {hint}known: {', '.join(studies)}")


def run_study(
    study: Study,
    conditions: Conditions,
    say: Callable[[str], None] = lambda sentence: None,
    *,
    watch: Watch = nobody_watches,
) -> list[Trial]:
    """All trials, those that were done before read from disk; raises HandkitError where they cannot begin."""
    study = with_own(study, conditions)
    _check(study, conditions)
    make_folder(conditions.out)
    pairs = [(row, seed) for seed in conditions.seeds for row in study.rows]
    missing = [pair for pair in pairs if _read(_folder(study, conditions, *pair)) is None]
    say(f"{study.name}: {len(pairs)} trials, {len(pairs) - len(missing)} done before")
    if conditions.jobs > 1 and len(missing) > 1:
        _trainings_side_by_side(study, conditions, missing)
    for row, seed in missing:
        trial = run_trial(study, conditions, row, seed, watch=watch)
        say(f"{row.name}, seed {seed}: {trial.errors.mean_mm:.3f} mm")
    trials = [_read(_folder(study, conditions, *pair)) for pair in pairs]
    return [trial for trial in trials if trial]


def with_own(study: Study, conditions: Conditions) -> Study:
    """The study with the user's own network, if there is one, as its last row; raises HandkitError."""
    if conditions.own is None:
        return study
    name = add_network(conditions.own)
    return replace(study, rows=(*study.rows, Row(name, network=name)))


def run_trial(study: Study, conditions: Conditions, row: Row, seed: int, *, watch: Watch = nobody_watches) -> Trial:
    """Train what is not trained yet, measure, and write `trial.json`."""
    folder = _folder(study, conditions, row, seed)
    trained = train_trial(study, conditions, row, seed, watch=watch)
    training = _training(trained)
    weights = trained / training.weights
    experiment = _experiment(study, conditions, row, seed)
    readout = readout_of(experiment.recipe.network)
    asked = {name: value for name, value in row.arguments.items() if name in readout}
    folder.mkdir(parents=True, exist_ok=True)
    model = load(weights, readout=asked)
    if asked:
        weights = folder / "weights.safetensors"
        save(weights, model, recipe=json.loads(experiment.recipe.to_json()))
    errors = _errors_of_folds(trained, conditions) if study.folds else _errors(conditions, experiment, weights)
    found = measured(errors, tips_of(weights, read_real(conditions.real)))
    trial = Trial(row.name, seed, str(weights), count_parameters(model), training, found)
    write_whole(folder / "trial.json", json.dumps(asdict(trial)) + "\n")
    return trial


def train_trial(study: Study, conditions: Conditions, row: Row, seed: int, *, watch: Watch = nobody_watches) -> Path:
    """Folder of the training whose weights a trial reads, done or found; interrupted, it goes on where it stopped."""
    if conditions.own:  # in a process of its own it is not known yet
        add_network(conditions.own)
    experiment = _experiment(study, conditions, row, seed)
    experiment = replace(experiment, recipe=_trained(experiment.recipe))
    key = hashlib.sha256(f"{experiment.recipe.to_json()} {seed} {conditions.samples} {conditions.train}".encode())
    folder = conditions.out / "trainings" / f"{experiment.recipe.network}-{key.hexdigest()[:12]}"
    if (folder / "finished.json").exists():
        return folder
    threads = conditions.threads or max(1, (os.cpu_count() or 1) // conditions.jobs)
    workers = conditions.workers if conditions.workers is not None else int(conditions.jobs == 1)
    machine = Machine(threads=threads, workers=workers)
    train = _train_folds if study.folds else _train
    training = train(experiment, conditions.samples, folder, machine, watch=watch)
    write_whole(folder / "finished.json", json.dumps(training._asdict()) + "\n")
    for state in folder.glob("**/state.ckpt"):  # three times the weights
        state.unlink()
    return folder


def _train(experiment: Experiment, samples: int | None, folder: Path, machine: Machine, *, watch: Watch) -> Training:
    with watch(folder.name) as tell:
        fitted = fit(
            experiment, experiment.budget(samples=samples), out=folder, machine=machine,
            resume=(folder / "state.ckpt").exists(), measured=False, tell=tell,
        )  # fmt: skip
    return _left(fitted.weights.name, [fitted.spent])


def _train_folds(
    experiment: Experiment, samples: int | None, folder: Path, machine: Machine, *, watch: Watch
) -> Training:
    """The weights of the first subject stand for all; what was spent before an interruption is not counted."""

    def budget_of(one: Experiment) -> Budget:
        return one.budget(samples=samples)

    folds = list(fit_folds(experiment, budget_of, out=folder, machine=machine, resume=True, watch=watch))
    subjects = sorted(path.parent.name for path in folder.glob("*/weights.safetensors"))
    return _left(f"{subjects[0]}/weights.safetensors", [fold.fitted.spent for fold in folds if fold.fitted])


def _left(weights: str, spent: Sequence[Spent]) -> Training:
    return Training(weights, sum(each.samples for each in spent), sum(each.seconds for each in spent), hardware())


def _training(folder: Path) -> Training:
    return Training(**json.loads((folder / "finished.json").read_text(encoding="utf-8")))


def _check(study: Study, conditions: Conditions) -> None:
    if (conditions.train is None) != (conditions.test is None):
        raise UsageError("a study of packed frames needs both: --data TRAIN and --test TEST")
    if conditions.train is None and conditions.samples is None:
        raise UsageError("a study of synthetic frames needs a budget: --samples N")
    if conditions.train is None and study.folds:
        raise UsageError(f"{study.name} leaves subjects out in turn; give --data STORE --test STORE, the same store")
    _check_numbers(conditions)
    if conditions.train and conditions.test:
        _check_stores(study, conditions, PackedFrames.open(conditions.train), PackedFrames.open(conditions.test))
    read_real(conditions.real)
    for row in study.rows:
        experiment = _experiment(study, conditions, row, 1)
        if conditions.samples is not None:
            experiment.budget(samples=conditions.samples)
        with torch.device("meta"):
            experiment.network()


def _check_stores(study: Study, conditions: Conditions, train: PackedFrames, test: PackedFrames) -> None:
    """Raises StoreError where the frames are too few, not of one data set, or the test's are trained on."""
    if study.folds:
        if train.path.resolve() != test.path.resolve():
            raise UsageError(f"{study.name} leaves subjects of one store out in turn; give --data and --test the same")
        return
    refuse_test_split(train)
    for row in study.rows:
        experiment = replace(_experiment(study, conditions, row, 1), test=test)
        experiment.frames()
        check_test(experiment)


def _check_numbers(conditions: Conditions) -> None:
    if conditions.batch is not None and conditions.batch < 2:
        raise UsageError(f"--batch {conditions.batch}: batch statistics need at least 2 frames")
    Machine(conditions.threads, conditions.workers)  # raises UsageError
    for seed in conditions.seeds:
        check_seed(seed)
    counts = {"crops": conditions.crops, "jobs": conditions.jobs, "seeds": len(conditions.seeds)}
    for name, given in counts.items():
        if given < 1:
            raise UsageError(f"a study needs at least 1 of --{name}")


def _experiment(study: Study, conditions: Conditions, row: Row, seed: int) -> Experiment:
    network, arguments = row.network or study.network, dict(row.arguments)
    if conditions.train is None:
        size = conditions.resolution if conditions.resolution is not None else SYNTHETIC_RESOLUTION
        recipe = recipe_of(network, arguments, resolution=size, refinement=row.refinement)
        return Experiment(_plain(replace(recipe, batch=conditions.batch or recipe.batch), row), seed)
    store = PackedFrames.open(conditions.train)
    recipe = recipe_on(store, network, arguments, resolution=conditions.resolution, refinement=row.refinement)
    changed = replace(
        recipe,
        epochs=conditions.epochs or recipe.epochs,
        batch=conditions.batch or recipe.batch,
        learning_rate=row.learning_rate or recipe.learning_rate,
    )
    return Experiment(_plain(changed, row), seed, store)


def _plain(recipe: Recipe, row: Row) -> Recipe:
    """Without augmentation where the row has none; the errors of coarse centers stay, which are none."""
    if row.augmented:
        return recipe
    kept = recipe.augment if recipe.center is CenterSource.COARSE else Augment()
    return replace(recipe, augment=Augment(center_mm=kept.center_mm, far_mm=kept.far_mm, far=kept.far))


def _trained(recipe: Recipe) -> Recipe:
    """The same without what makes a difference only when it is measured."""
    readout = readout_of(recipe.network)
    arguments = {name: value for name, value in recipe.arguments.items() if name not in readout}
    return replace(recipe, arguments=arguments, test_center=None)


def _errors(conditions: Conditions, experiment: Experiment, weights: Path) -> Float[np.ndarray, "N J"]:
    """Joint errors, mm, on the same frames for every row; NaN where there is no label or no answer."""
    if conditions.test is None:
        full = recipe_of(experiment.recipe.network, {}, resolution=conditions.resolution)
        augment = experiment.recipe.augment if experiment.recipe.center is not CenterSource.MEAN else full.augment
        recipe = replace(experiment.recipe, augment=replace(augment, scale=full.augment.scale))
        return evaluate(replace(experiment, recipe=recipe), weights, crops=conditions.crops)
    store = PackedFrames.open(conditions.test)
    finder = find_localizer(experiment.localizer) if experiment.refined_at_test else None
    answers = answers_of(weights, store, np.ones(len(store), bool), finder=finder)
    return joint_distances(estimated=answers, truth=store.rows["joints"])


def _errors_of_folds(trained: Path, conditions: Conditions) -> Float[np.ndarray, "N J"]:
    """Of every subject's frames by the weights that have not seen it."""
    assert conditions.test is not None
    answers = np.load(trained / "report/predictions.npy")
    return joint_distances(estimated=answers, truth=PackedFrames.open(conditions.test).rows["joints"])


def _trainings_side_by_side(study: Study, conditions: Conditions, missing: Sequence[tuple[Row, int]]) -> None:
    """What is to be trained, once for each training, in processes of their own."""
    once = {_trained(_experiment(study, conditions, row, seed).recipe).to_json() + str(seed): (row, seed)
            for row, seed in missing}  # fmt: skip
    with ProcessPoolExecutor(conditions.jobs, mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(train_trial, study, conditions, row, seed) for row, seed in once.values()]:
            future.result()


def _folder(study: Study, conditions: Conditions, row: Row, seed: int) -> Path:
    """Named by everything that makes the trial what it is."""
    key = repr((row, seed, replace(conditions, out=Path(), seeds=(), jobs=1, threads=None, workers=None)))
    safe = "".join(letter if letter.isalnum() else "-" for letter in row.name)
    return conditions.out / study.name / f"{safe}-seed{seed}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def _read(folder: Path) -> Trial | None:
    path = folder / "trial.json"
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    training, errors = Training(*content["training"]), Measured(**content["errors"])
    return Trial(**content | {"training": training, "errors": errors})
