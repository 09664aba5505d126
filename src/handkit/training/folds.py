"""Leave-one-subject-out: a training for each subject, measured on the subject that it left out."""

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from handkit.errors import StoreError, UsageError
from handkit.hub import find_weights
from handkit.models import PARTS
from handkit.models.checkpoint import read_info
from handkit.recipes import CenterSource
from handkit.store.store import PackedFrames
from handkit.training.answers import folds_of, protocol_of
from handkit.training.experiment import Experiment, Fitted, Machine, beginning, fit
from handkit.training.folder import BEST, LAST, Report, begun
from handkit.training.loop import Budget
from handkit.training.measuring import Measured, measure_refined, scored
from handkit.training.seen import check_unseen, learned_from, nameless, overlap
from handkit.training.stored import check_center, of_subject

Watch = Callable[[str], AbstractContextManager[Callable[[Report], None]]]
"""From the title of a training to what hears of its log lines."""


class Fold(NamedTuple):
    """One subject left out, or all of them together (no name, no weights of its own)."""

    subject: str | None
    fitted: Fitted | None
    """None where it was trained before."""
    measured: Measured | None
    """None for parts, which answer no joints."""


def nobody_watches(_title: str) -> AbstractContextManager[Callable[[Report], None]]:
    return nullcontext(lambda report: None)


def fit_folds(
    experiment: Experiment,
    budget_of: Callable[[Experiment], Budget],
    *,
    out: Path,
    machine: Machine | None = None,
    init: str | None = None,
    resume: bool = False,
    watch: Watch = nobody_watches,
    say: Callable[[str], None] = lambda sentence: None,
) -> Generator[Fold]:
    """Every subject left out in turn, then one score of all answers; `resume` skips what is done. As `fit`."""
    store, recipe = _store_of(experiment), experiment.recipe
    subjects = folds_of(store)
    answers = np.full((len(store), len(store.skeleton), 3), np.nan, np.float32)
    for subject in subjects if resume else ():  # also those that are done: all answers are scored together
        asked = beginning(replace(experiment, without=subject)) | {"recipe": json.loads(recipe.to_json())}
        init = begun(out / subject, asked, init=init).get("init", init)
    for subject in subjects:
        folder, one = out / subject, replace(experiment, without=subject)
        done = folder / "report/predictions.npy"
        if not (resume and done.exists()):
            going_on = resume and (folder / "state.ckpt").exists()
            with watch(f"{recipe.network} without {subject}") as tell:
                fitted = fit(
                    one, budget_of(one), out=folder, machine=machine, init=init, resume=going_on, tell=tell, say=say
                )
            yield measure_fold(one, fitted)
        if recipe.network not in PARTS:
            answers[of_subject(store, subject)] = np.load(done)
    if recipe.network in PARTS:
        return
    everyone = np.ones(len(store), bool)
    weights = out / subjects[-1] / LAST
    protocol = protocol_of(weights, store, _center_at_test(experiment), mask=everyone, fold=None)
    pooled = replace(protocol, split=f"each of {len(subjects)} subjects left out in turn; all answers together")
    yield Fold(
        None,
        None,
        scored(weights, store, answers, pooled, mask=everyone, method=recipe.network, out=out / "report"),
    )


def measure_fold(experiment: Experiment, fitted: Fitted) -> Fold:
    """Predictions and report of the subject that was left out, beside the weights."""
    store, subject = _store_of(experiment), experiment.without
    if experiment.recipe.network in PARTS or subject is None:
        return Fold(subject, fitted, None)
    measured = measure_refined(
        fitted.weights, store, of_subject(store, subject), method=experiment.recipe.network,
        out=fitted.weights.parent / "report", localizer=_localizer_at_test(experiment), subject=subject,
    )  # fmt: skip
    return Fold(subject, fitted, measured)


def check_test(experiment: Experiment) -> None:
    """Raise StoreError where the test frames have other joints, cubes on their labels, or were trained on."""
    store, test = experiment.store, experiment.test
    if store is None or test is None:
        return
    if test.skeleton != store.skeleton:
        raise StoreError(
            f"{test.path} has the joints of {test.skeleton.name}, {store.path} those of {store.skeleton.name}; test on "
            "the same data set"
        )
    everyone = np.ones(len(test), bool)
    if not (test.rows["valid"] & np.isfinite(test.rows["joints"]).all(axis=(1, 2))).any():
        raise StoreError(
            f"{test.path} has no labeled frame to measure on; labels that were published later, as HANDS2017's, are "
            "packed with --annotations FILE"
        )
    if center := _center_at_test(experiment):
        check_center(test, center, testing=np.flatnonzero(everyone))
    if seen := overlap([learned_from(store, experiment.learned())], test, everyone):
        raise StoreError(
            f"--test {test.path} holds frames of {', '.join(seen)}, on whom this run is trained; "
            f"{nameless(seen, test)}give other frames"
        )
    check_localizer(experiment, test, everyone)


def check_localizer(experiment: Experiment, store: PackedFrames, mask: Bool[np.ndarray, " N"]) -> None:
    """Raise StoreError where the localizer that moves cubes was trained on frames that are measured on."""
    if experiment.refined_at_test:
        check_unseen(read_info(find_weights(experiment.localizer)), store, mask, remedy="give another --localizer")


def measure_test(experiment: Experiment, fitted: Fitted) -> Generator[Measured]:
    """Predictions and reports of the test frames: of the last weights, then of those that did best on them."""
    store = experiment.test
    if store is None or experiment.recipe.network in PARTS:
        return
    for name, folder in ((LAST, "report"), (BEST, "report-best")):
        path = fitted.weights.with_name(name)
        yield measure_refined(
            path, store, np.ones(len(store), bool), method=experiment.recipe.network,
            out=path.parent / folder, localizer=_localizer_at_test(experiment),
        )  # fmt: skip


def _store_of(experiment: Experiment) -> PackedFrames:
    if experiment.store is None:
        raise UsageError("folds leave a subject of a packed store out; give --data STORE")
    return experiment.store


def _localizer_at_test(experiment: Experiment) -> str | None:
    return experiment.localizer if experiment.refined_at_test else None


def _center_at_test(experiment: Experiment) -> CenterSource | None:
    return CenterSource.LOCALIZER if experiment.refined_at_test else None
