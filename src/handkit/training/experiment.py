"""From a recipe to weights and their error: what a notebook, `handkit train` and the studies share.

experiment = Experiment(synthetic_recipe("latent-fusion").at(64))
fitted = fit(experiment, experiment.budget(samples=2000), out=Path("runs/mine"))
print(evaluate(experiment, fitted.weights).mean())
"""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch.utils.data import Dataset

from handkit.asked import check_seed
from handkit.drawing import Picture
from handkit.errors import CheckpointError, HandkitError, StoppedError, StoreError, TrainingError, UsageError
from handkit.evaluation.metrics import joint_distances
from handkit.files.folders import make_folder
from handkit.geometry.frame import LabeledFrame
from handkit.graph import load_localizer
from handkit.hub import find_weights
from handkit.models import MODELS, PARTS, HandPoseModel
from handkit.models.checkpoint import LEARNS_FROM, MEASURED_ON, TRAINED_ON, load, load_fitting, read_info
from handkit.models.network import Network, check_answer
from handkit.recipes import CenterSource, Recipe
from handkit.skeleton import HAND21, Skeleton
from handkit.store.store import NO_ROOM, PackedFrames
from handkit.training.crops import crop_errors
from handkit.training.detection import WholeFrames, detection_targets
from handkit.training.folder import LAST, STATE, Report, begun, held
from handkit.training.loop import Budget, train
from handkit.training.pictures import SHOWN, prediction_sheet
from handkit.training.processes import Machine, is_first
from handkit.training.provenance import provenance
from handkit.training.run import Run, Spent
from handkit.training.seen import learned_from
from handkit.training.stored import StoredFrames, in_test_cubes, of_subject, predict, rows_to_learn
from handkit.training.streams import LOCATED_MARGIN, WHOLE, Hypotheses, Share, SyntheticFrames
from handkit.training.targets import (
    Targets,
    confidence_targets,
    located_targets,
    location_targets,
    pose_targets,
    relocate,
)

LOCALIZER = "localizer"
"""Weights of the localizer that moves centers, if no others are named."""
POSE = "latent-fusion"
"""Weights of the pose network that confidence learns from, if no others are named."""
DEFAULT_MINUTES = 60.0
VALIDATION_SEED = 7_000_001
"""No training batch starts from this seed."""
VALIDATION_BATCHES = 16
MEASURED = 1024
"""Frames of the subject that is left out on which a fold is measured while it trains."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """What makes a training what it is, but for its budget."""

    recipe: Recipe
    _: KW_ONLY
    seed: int = 1
    """Of first weights, frames and their order."""
    store: PackedFrames | None = None
    """Whose frames are learned; without one they are rendered."""
    without: str | None = None
    """Subject of the store that is left out and measured on."""
    test: PackedFrames | None = None
    """Frames to measure on instead; the weights that do best on them are kept beside the last."""
    pose: str = POSE
    """Weights, by name or path, of the pose network that confidence learns from."""
    localizer: str = LOCALIZER
    """Weights of the localizer, for recipes whose centers are its answers."""

    def __post_init__(self) -> None:
        check_seed(self.seed)

    @property
    def skeleton(self) -> Skeleton:
        """Of the joints that are learned: the store's, or ours."""
        return self.store.skeleton if self.store else HAND21

    @property
    def refined_at_test(self) -> bool:
        """Whether a localizer moves the cubes that are measured on."""
        return CenterSource.LOCALIZER in {self.recipe.center, self.recipe.test_center}

    def network(self) -> Network:
        """With first weights; raises UsageError where the recipe's arguments make none."""
        with torch.random.fork_rng():  # layers take no generator for their first weights
            torch.manual_seed(self.seed)
            try:
                if self.recipe.network in PARTS:
                    return PARTS[self.recipe.network](**self.recipe.arguments)
                return MODELS[self.recipe.network](self.skeleton, **self.recipe.arguments)
            except ValueError as error:
                raise UsageError(f"{self.recipe.network}: {error}") from None

    def targets(self, model: Network) -> Targets:
        """What the network learns from a frame."""
        if self.recipe.network == "localizer":
            return location_targets
        if self.recipe.network == "detector":
            return detection_targets
        if self.recipe.network == "confidence":
            return confidence_targets(load(find_weights(self.pose)))
        targets = pose_targets(cast(HandPoseModel, model), self.recipe.augment)
        if self.recipe.center is not CenterSource.LOCALIZER:
            return targets
        finder = load_localizer(self.localizer)
        return located_targets(targets, finder.localizer, finder.edge_mm)

    def frames(self, share: Share = WHOLE) -> Dataset[Any]:
        """Whole images for the detector, hypotheses for confidence, crops for all others; raises StoreError.

        Of every batch only a share is made.
        """
        recipe = self.recipe
        if self.store:
            return StoredFrames(self.store, recipe, self.learned(), self.seed, recipe.batch, share)
        if recipe.network == "detector":
            return WholeFrames(recipe, seed=self.seed, size=recipe.batch, share=share)
        if recipe.network == "confidence":
            return Hypotheses(recipe, seed=self.seed, size=recipe.batch, share=share)
        return crops_of(recipe, seed=self.seed, share=share)

    def budget(self, *, samples: int | None = None, minutes: float | None = None) -> Budget:
        """As asked, else the recipe's epochs of the store, else an hour; raises UsageError where it trains nothing."""
        if minutes is not None and samples is not None:
            raise UsageError("give --minutes or --samples, not both")
        if minutes is None and samples is None:
            if self.store is None or self.recipe.epochs is None:
                return Budget(minutes=DEFAULT_MINUTES)
            return Budget(samples=len(self.learned()) * self.recipe.epochs)
        for name, given in (("--minutes", minutes), ("--samples", samples)):
            if given is not None and not 0 < given < math.inf:
                raise UsageError(f"{name} {given:g} trains nothing; give a number of more than 0")
        return Budget(samples=samples, minutes=minutes)

    def measure(self) -> Callable[[HandPoseModel], float] | None:
        """Mean joint error, mm, on frames that no training sees; None for parts, and where a store has none."""
        if self.recipe.network in PARTS or (self.store and self.without is None and self.test is None):
            return None
        if self.test:
            return self._measure_on(self.test, np.ones(len(self.test), bool))
        if self.store and self.without:
            return self._measure_on(self.store, of_subject(self.store, self.without))
        batches = validation_frames(self, batches=VALIDATION_BATCHES, size=self.recipe.batch)

        def measure(model: HandPoseModel) -> float:
            device = next(model.parameters()).device
            frames = [frame.to(device) for frame in batches]
            return float(crop_errors(model, frames).mean())

        return measure

    def learned(self) -> Int[np.ndarray, " N"]:
        """Rows of the store that are trained on; raises StoreError where they make no batch."""
        if self.store is None:
            return np.empty(0, int)
        rows = rows_to_learn(self.store, without=self.without)
        if len(rows) < self.recipe.batch:
            others = f" beside those of {self.without}" if self.without else ""
            raise StoreError(
                f"{self.store.path} has {len(rows)} labeled frames to train on{others}, a batch takes "
                f"{self.recipe.batch}; pack more, or give --batch {max(2, len(rows))}"
            )
        return rows

    def _measure_on(self, store: PackedFrames, mask: Bool[np.ndarray, " N"]) -> Callable[[HandPoseModel], float]:
        """On some frames of these; no weights are chosen by those of a subject that is left out."""
        mine = np.flatnonzero(mask & store.rows["valid"] & np.isfinite(store.rows["joints"]).all(axis=(1, 2)))
        rows = mine[:: max(1, len(mine) // MEASURED)]
        finder = load_localizer(self.localizer) if self.refined_at_test else None

        def measure(model: HandPoseModel) -> float:
            device = next(model.parameters()).device
            answers = predict(model, store, self.recipe, rows=rows, finder=finder, device=device)
            return float(np.nanmean(joint_distances(estimated=answers[rows], truth=store.rows["joints"][rows])))

        return measure


class Fitted(NamedTuple):
    """What a training leaves behind."""

    weights: Path
    spent: Spent
    dropped: int
    skipped: int


def fit(
    experiment: Experiment,
    budget: Budget,
    *,
    out: Path,
    machine: Machine | None = None,
    init: str | None = None,
    resume: bool = False,
    measured: bool = True,
    tell: Callable[[Report], None] = lambda report: None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Fitted:
    """Train until the budget is spent; checkpoints, weights and a log go to the folder `out`.

    Args:
        experiment: what is trained on what.
        budget: `experiment.budget(...)`.
        out: folder, made if it is not there.
        machine: threads and workers.
        init: weights, by name or path, of which what fits is taken.
        resume: continue the run in `out` exactly where it stopped.
        measured: measure the error at each checkpoint.
        tell: hears of every line of the log.
        say: hears what a user should know, such as which tensors begin anew.

    Raises:
        HandkitError: the recipe makes no network, or `out` holds another run, or nothing can be learned any more.
    """
    make_folder(out)
    machine = machine or Machine()
    with held(out) if is_first() else nullcontext():
        before = check_folder(experiment, out, init=init, resume=resume)
        run = _begin(experiment, out, machine, init=init, resume=resume, say=say)
        frames = _held_by(run.fabric.device, experiment.frames(run.share), machine, say)
        about = _provenance(experiment, before.get("init", init), out=out if resume else None)
        about |= {"processes": run.team.count} | before
        in_memory = isinstance(frames, StoredFrames) and frames.store.resident
        workers = 0 if in_memory else machine.loaders(on_gpu=run.fabric.device.type != "cpu")
        measure = experiment.measure() if measured else None
        if run.team.rank == 0:
            first = (
                " once the renderer is compiled (up to a minute, the first time)" if experiment.store is None else ""
            )
            begins = f"{experiment.recipe.network} {'goes on to' if resume else 'trains for'} {budget.in_words()}"
            say(f"{begins}{first}; checkpoints go to {out}")
        try:
            weights = train(
                run, frames, budget, out=out, workers=workers, about=about, measure=measure, tell=tell,
                best=experiment.test is not None, draw=drawing_of(experiment) if measured else None,
            )  # fmt: skip
            return Fitted(weights, run.spent, *run.counts())
        except StoppedError as stopped:
            raise StoppedError(f"{out}: {stopped}", status=stopped.status) from None
        except (TrainingError, CheckpointError) as error:
            raise HandkitError(f"{out}: {error}") from None


def evaluate(experiment: Experiment, weights: Path, *, crops: int = 1024) -> Float[np.ndarray, "N J"]:
    """Joint errors, mm, on synthetic frames that no training sees, their cubes as the recipe has them at test."""
    model = load(weights)
    size = min(32, crops)
    batches = validation_frames(experiment, batches=-(-crops // size), size=size)
    return crop_errors(model, batches)


def check_folder(experiment: Experiment, out: Path, *, init: str | None = None, resume: bool = False) -> dict[str, Any]:
    """Make the folder of a run, and tell how the one that `resume` continues was begun.

    Raises HandkitError where it cannot be made, holds a run or none against `resume`, or one that was begun otherwise.
    """
    state = out / STATE
    if resume and not state.exists():
        raise HandkitError(f"there is no {state} to resume; leave --resume out to begin a run")
    if not resume and state.exists():
        raise UsageError(f"{out} already holds a run; --resume it, or name another --out")
    make_folder(out)
    return begun(out, beginning(experiment), init=init) if resume else {}


def _begin(
    experiment: Experiment, out: Path, machine: Machine, *, init: str | None, resume: bool, say: Callable[[str], None]
) -> Run:
    """A fresh run, one from given weights, or the one that a state file continues."""
    model = experiment.network()
    if isinstance(model, HandPoseModel):
        check_answer(model)
    if init and not resume:
        try:
            names = load_fitting(find_weights(init), model, say=lambda each: say(f"--init {init}: {each}"))
        except CheckpointError as error:
            raise HandkitError(f"--init {init}: {error}") from None
        if names:
            listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
            say(f"--init {init}: {listed} begin anew")
    if machine.threads:
        torch.set_num_threads(machine.threads)
    run = Run(model, experiment.recipe, experiment.targets(model), machine=machine, say=say)
    if resume:
        run.restore(out / STATE)
    return run


def _held_by(device: torch.device, frames: Dataset[Any], machine: Machine, say: Callable[[str], None]) -> Dataset[Any]:
    """The same frames; those of a store from the device's memory where `machine` has it so."""
    if not isinstance(frames, StoredFrames) or not machine.holds(frames.store.resident_bytes, device):
        return frames
    said = f"{frames.store.path} goes to the memory of {device}, {frames.store.resident_bytes / 1e9:.2f} GB"
    try:
        frames = replace(frames, store=frames.store.held_by(device))
    except StoreError as error:
        if machine.patches == "memory" or error.kind != NO_ROOM:
            raise
        said = f"{error}, as they are"  # another process was faster
    if is_first():
        say(said)
    return frames


def _seen_before(init: str | None, out: Path | None) -> list[dict[str, Any]]:
    """What the weights that a run begins with have seen; of a run that goes on in `out`, its own."""
    own = out / LAST if out else None
    if own and own.exists():
        return read_info(own).notes.get(TRAINED_ON, [])
    return read_info(find_weights(init)).notes.get(TRAINED_ON, []) if init else []


def beginning(experiment: Experiment) -> dict[str, Any]:
    """What stays the same from a run's first step to its last, whatever the recipe: its seed and its frames."""
    store, test = experiment.store, experiment.test
    return {
        "seed": experiment.seed,
        "fold": experiment.without,
        LEARNS_FROM: learned_from(store, experiment.learned()) if store else None,
        MEASURED_ON: learned_from(test, np.arange(len(test))) if test else None,
    }


def _provenance(experiment: Experiment, init: str | None, *, out: Path | None) -> dict[str, Any]:
    data = str(experiment.store.path) if experiment.store else "synthetic"
    about = provenance(data=data, init=init) | beginning(experiment)
    seen = _seen_before(init, out)
    if experiment.recipe.center is CenterSource.LOCALIZER:  # who moves the cubes has a share in what is learned
        seen += read_info(find_weights(experiment.localizer)).notes.get(TRAINED_ON, [])
    if experiment.store:
        seen.append(about[LEARNS_FROM])
    about |= {TRAINED_ON: [each for number, each in enumerate(seen) if each not in seen[:number]]}
    if experiment.recipe.network != "confidence":
        return about
    pose = read_info(find_weights(experiment.pose))
    return about | {"pose": {"model": pose.model, "arguments": pose.arguments, "crc32": pose.crc32}}


def drawing_of(experiment: Experiment) -> Callable[[HandPoseModel], Picture] | None:
    """A sheet of predictions for frames that no training sees, else for some that it does; None for parts."""
    if experiment.recipe.network in PARTS:
        return None
    if store := experiment.test or experiment.store:
        rows = of_subject(store, experiment.without) if experiment.without else np.ones(len(store), bool)
        rows = np.flatnonzero(rows & store.rows["valid"] & np.isfinite(store.rows["joints"]).all(axis=(1, 2)))
        frame = in_test_cubes(store, rows[:: max(1, len(rows) // SHOWN)][:SHOWN], experiment.recipe, center=None)
    else:
        frame = validation_frames(experiment, batches=1, size=SHOWN)[0]
    return lambda model: prediction_sheet(model, frame, title=f"{experiment.recipe.network}, labels as rings")


def crops_of(recipe: Recipe, *, seed: int, size: int | None = None, share: Share = WHOLE) -> SyntheticFrames:
    """The synthetic stream of a seed: the same frames for every pose network, in batches of `size`."""
    margin = 1.0 if recipe.center is CenterSource.MEAN else LOCATED_MARGIN
    return SyntheticFrames(recipe, seed=seed, size=size or recipe.batch, margin=margin, share=share)


def validation_frames(experiment: Experiment, *, batches: int, size: int) -> list[LabeledFrame]:
    """Synthetic frames that no training sees, with cubes as the recipe has them at test."""
    stream = crops_of(experiment.recipe, seed=VALIDATION_SEED, size=size)
    frames = [stream[index] for index in range(batches)]
    if not experiment.refined_at_test:
        return frames
    finder = load_localizer(experiment.localizer)
    return [relocate(frame, finder.localizer, edge_mm=finder.edge_mm) for frame in frames]
