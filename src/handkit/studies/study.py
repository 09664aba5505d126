"""A study: rows of a paper's table, each trained and measured alike, the paper's figure beside ours.

A trial (a row with a seed) has a folder of its own; `trial.json` is written when it has been measured, so a study that
was interrupted goes on with the trials that are missing. Rows that differ only in how an answer is read, or in where
cubes stand at test, share a training.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from handkit.errors import StoppedError
from handkit.files.atomic import write_whole
from handkit.files.folders import make_folder
from handkit.models import readout_of
from handkit.models.arguments import add_network
from handkit.models.checkpoint import load, save
from handkit.models.facts import count_parameters
from handkit.store.store import PackedFrames
from handkit.studies.conditions import Conditions
from handkit.studies.measuring import Measured, measured, read_real, tips_of
from handkit.studies.plan import (
    check_study,
    experiment_of,
    trained_recipe,
    training_key,
    trial_key,
    with_own,
)
from handkit.studies.side_by_side import run_side_by_side
from handkit.studies.table import Row, Study
from handkit.studies.testing import best_on_store, on_folds, on_rendered, on_store
from handkit.studies.wording import departures
from handkit.training.experiment import Experiment, Machine, fit
from handkit.training.folder import BEST, LAST
from handkit.training.folds import Watch, fit_folds, nobody_watches
from handkit.training.loop import Budget
from handkit.training.provenance import hardware
from handkit.training.run import Spent


@dataclass(frozen=True)
class Trial:
    """What came of a row with a seed."""

    row: str
    seed: int
    weights: str
    """File in the folder of the studies."""
    parameters: int
    training: "Training"
    errors: Measured
    best_mm: float | None = None
    """Of the weights that did best on the test frames while they were trained, `best.safetensors` beside the last."""


class Training(NamedTuple):
    """What a training left in its folder: weights, relative to it, and what they cost."""

    weights: str
    samples: int
    seconds: float
    hardware: str


def run_study(
    study: Study,
    conditions: Conditions,
    say: Callable[[str], None] = lambda sentence: None,
    *,
    watch: Watch = nobody_watches,
) -> list[Trial]:
    """All trials, those that were done before read from disk.

    Raises:
        StoppedError: Ctrl-C or SIGTERM.
        HandkitError: they cannot begin, or one of them cannot go on.
    """
    try:
        return _run_study(study, conditions, say, watch)
    except StoppedError as stopped:
        raise StoppedError(f"{stopped}; the same command goes on from there", status=stopped.status) from None


def _run_study(study: Study, conditions: Conditions, say: Callable[[str], None], watch: Watch) -> list[Trial]:
    study = with_own(study, conditions)
    check_study(study, conditions)
    make_folder(conditions.out)
    pairs = [(row, seed) for seed in conditions.seeds for row in study.rows]
    missing = [pair for pair in pairs if _read(_folder(study, conditions, *pair)) is None]
    for sentence in departures(study, conditions):
        say(sentence)
    say(f"{study.name}: {len(pairs)} trials, {len(pairs) - len(missing)} done before")
    if conditions.jobs > 1 and len(missing) > 1:
        _trainings_side_by_side(study, conditions, missing)
    for row, seed in missing:
        trial = run_trial(study, conditions, row, seed, watch=watch)
        say(f"{row.name}, seed {seed}: {trial.errors.doubt or f'{trial.errors.mean_mm:.3f} mm'}")
    trials = [_read(_folder(study, conditions, *pair)) for pair in pairs]
    return [trial for trial in trials if trial]


def run_trial(study: Study, conditions: Conditions, row: Row, seed: int, *, watch: Watch = nobody_watches) -> Trial:
    """Train what is not trained yet, measure, and write `trial.json`."""
    folder = _folder(study, conditions, row, seed)
    trained = train_trial(study, conditions, row, seed, watch=watch)
    training = _training(trained)
    weights = trained / training.weights
    experiment = experiment_of(study, conditions, row, seed)
    readout = readout_of(experiment.recipe.network)
    asked = {name: value for name, value in row.arguments.items() if name in readout}
    folder.mkdir(parents=True, exist_ok=True)
    model = load(weights, readout=asked)
    if asked:
        weights = folder / LAST
        save(weights, model, recipe=json.loads(experiment.recipe.to_json()))
    test = on_rendered if conditions.test is None else on_store
    tested = on_folds(conditions, experiment, trained) if study.folds else test(conditions, experiment, weights)
    found = measured(tested.errors, tips_of(weights, read_real(conditions.real)), mean_pose_mm=tested.mean_pose)
    place = weights.relative_to(conditions.out).as_posix()
    best = trained / BEST
    alike = not asked and experiment.recipe.test_center is None  # as it was measured while it was trained
    best_mm = best_on_store(conditions, experiment, best) if alike else None
    trial = Trial(row.name, seed, place, count_parameters(model), training, found, best_mm)
    write_whole(folder / "trial.json", json.dumps(asdict(trial)) + "\n")
    return trial


def train_trial(study: Study, conditions: Conditions, row: Row, seed: int, *, watch: Watch = nobody_watches) -> Path:
    """Folder of the training whose weights a trial reads, done or found; interrupted, it goes on where it stopped."""
    if row.own:  # in a process of its own it is not known yet
        add_network(row.own)
    experiment = experiment_of(study, conditions, row, seed)
    test = PackedFrames.open(conditions.test) if conditions.test and not study.folds else None
    experiment = replace(experiment, recipe=trained_recipe(experiment.recipe), test=test)
    key = training_key(study, conditions, row, seed)
    folder = conditions.out / "trainings" / f"{experiment.recipe.network}-{key}"
    if (folder / "finished.json").exists():
        return folder
    train = _train_folds if study.folds else _train
    training = train(experiment, conditions.samples, folder, _machine(conditions), watch=watch)
    write_whole(folder / "finished.json", json.dumps(training._asdict()) + "\n")
    for state in folder.glob("**/state.ckpt"):  # three times the weights
        state.unlink()
    return folder


def _machine(conditions: Conditions) -> Machine:
    """Each job has its share of the cores; without a GPU, several jobs need nobody beside them."""
    cores = max(1, (os.cpu_count() or 1) // conditions.jobs)
    none = 0 if conditions.jobs > 1 and not torch.cuda.is_available() else None
    workers = none if conditions.workers is None else conditions.workers
    return Machine(threads=conditions.threads or cores, workers=workers, cores=cores)


def _train(experiment: Experiment, samples: int | None, folder: Path, machine: Machine, *, watch: Watch) -> Training:
    with watch(folder.name) as tell:
        fitted = fit(
            experiment, experiment.budget(samples=samples), out=folder, machine=machine,
            resume=(folder / "state.ckpt").exists(), measured=experiment.test is not None, tell=tell,
        )  # fmt: skip
    return _left(fitted.weights.name, [fitted.spent])


def _train_folds(
    experiment: Experiment, samples: int | None, folder: Path, machine: Machine, *, watch: Watch
) -> Training:
    """The weights of the first subject stand for all; what was spent before an interruption is not counted."""

    def budget_of(one: Experiment) -> Budget:
        return one.budget(samples=samples)

    folds = list(fit_folds(experiment, budget_of, out=folder, machine=machine, resume=True, watch=watch))
    subjects = sorted(path.parent.name for path in folder.glob(f"*/{LAST}"))
    return _left(f"{subjects[0]}/{LAST}", [fold.fitted.spent for fold in folds if fold.fitted])


def _left(weights: str, spent: Sequence[Spent]) -> Training:
    seconds = sum(each.seconds - each.measuring for each in spent)
    return Training(weights, sum(each.samples for each in spent), seconds, hardware())


def _training(folder: Path) -> Training:
    return Training(**json.loads((folder / "finished.json").read_text(encoding="utf-8")))


def _trainings_side_by_side(study: Study, conditions: Conditions, missing: Sequence[tuple[Row, int]]) -> None:
    """What is to be trained, once for each training, in processes of their own."""
    once = {training_key(study, conditions, row, seed): (study, conditions, row, seed) for row, seed in missing}
    run_side_by_side(train_trial, list(once.values()), jobs=conditions.jobs)


def _folder(study: Study, conditions: Conditions, row: Row, seed: int) -> Path:
    safe = "".join(letter if letter.isalnum() else "-" for letter in row.name)
    return conditions.out / study.name / f"{safe}-seed{seed}-{trial_key(study, conditions, row, seed)}"


def _read(folder: Path) -> Trial | None:
    path = folder / "trial.json"
    if not path.exists():
        return None
    return trial_of(json.loads(path.read_text(encoding="utf-8")))


def trial_of(content: dict[str, Any]) -> Trial:
    """From JSON, as `trial.json` has it, and NAME.json of every trial of a table."""
    parts: dict[str, Any] = {"training": Training(*content["training"]), "errors": Measured(**content["errors"])}
    return Trial(**content | parts)
