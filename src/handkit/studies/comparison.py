"""`handkit compare`: the same recipe, frames and budget for every network; a table, curves, and the README's table.

Each training has a folder below `runs`, named by everything that makes it what it is:

    state.ckpt           while it goes on, at most one for all trainings (three times the weights); deleted at its end
    weights.safetensors  the averaged weights
    finished.json        what was spent; when it is there, the training is not done again

A row of the table is written when its network has been measured, so whatever is interrupted goes on where it was.
Variants that differ only in how an answer is read (DenseReg's `weighted`, `top`, `sigma`) share one training.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from handkit.errors import HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.evaluation.marked import MarkedFrames, read_marked_frames, tip_errors
from handkit.evaluation.metrics import success_curve
from handkit.files.atomic import write_whole
from handkit.files.folders import make_folder
from handkit.geometry.frame import LabeledFrame
from handkit.models import MODELS, HandPoseModel, readout_of
from handkit.models.arguments import options, read_named, write_arguments
from handkit.models.checkpoint import load, save
from handkit.models.facts import count_parameters
from handkit.recipes import Recipe, synthetic_recipe
from handkit.studies.table import THRESHOLDS_MM, Curves, Table, find_markers
from handkit.training.adapt import Refinement, recipe_of
from handkit.training.crops import crop_errors
from handkit.training.experiment import Experiment, Machine, fit, validation_frames
from handkit.training.folds import Watch, nobody_watches
from handkit.training.loop import Budget
from handkit.training.provenance import hardware

BATCH = 32
"""Crops at a time when a network is measured."""


@dataclass(frozen=True)
class Comparison:
    """What the user asked for."""

    networks: tuple[str, ...]
    """`NETWORK` or `NETWORK:key=value,...`; none means all."""
    samples: int
    seeds: tuple[int, ...]
    resolution: int
    out: Path
    runs: Path
    real: tuple[Path, ...] = ()
    center_refinement: Refinement | None = None
    batch: int | None = None
    crops: int = 1024
    """Of the synthetic validation set."""
    workers: int = 1
    readme: Path | None = None


@dataclass(frozen=True)
class Contestant:
    """One training of the comparison."""

    recipe: Recipe
    arguments: dict[str, Any]
    """What was asked for; empty for the recipe's own."""
    seed: int
    samples: int
    center_refinement: Refinement | None

    @property
    def variant(self) -> str:
        """The arguments as text."""
        return write_arguments(self.arguments)

    def key(self) -> dict[str, str]:
        """Everything that makes it what it is: the first columns of its row."""
        return {
            "network": self.recipe.network,
            "variant": self.variant,
            "center_refinement": self.center_refinement or "",
            "resolution": str(self.recipe.arguments["resolution"]),
            "batch": str(self.recipe.batch),
            "samples": str(self.samples),
            "seed": str(self.seed),
        }

    def folder(self) -> str:
        """The key as the name of a folder."""
        parts = [value and f"{name}{value}" for name, value in list(self.key().items())[3:]]
        names = [
            self.recipe.network,
            *self.variant.split(","),
            self.center_refinement and f"refinement-{self.center_refinement}",
            *parts,
        ]
        return "_".join(name.replace("/", "-") for name in names if name)


def compare_networks(
    asked: Comparison, *, watch: Watch = nobody_watches, say: Callable[[str], None] = lambda sentence: None
) -> Table:
    """Train and measure all that is not there yet; raises HandkitError where the options make no comparison."""
    contestants = contestants_of(asked)
    real = read_real(asked.real)
    readme = asked.readme and find_markers(asked.readme)
    table = Table.read(asked.out)
    make_folder(asked.out)
    judge = Judge(asked, real)
    for number, contestant in enumerate(contestants, 1):
        title = f"{number}/{len(contestants)} {contestant.folder()}"
        if table.holds(contestant.key(), judge.columns(), crops=asked.crops):
            say(f"{title}: done before")
            continue
        finished = train_one(contestant, asked, watch)
        figures, curves = judge.measure(asked.runs / contestant.folder() / "weights.safetensors")
        table.put(contestant.key() | finished | figures, curves)
        table.write([contestant.key() for contestant in contestants], readme=readme)
        say(f"{title}: {figures['synthetic_mm']} mm")
    table.write([contestant.key() for contestant in contestants], readme=readme)
    say(f"{asked.out / 'compare.csv'}")
    return table


def contestants_of(asked: Comparison) -> list[Contestant]:
    """All trainings, seed after seed; raises HandkitError before anything is trained."""
    if asked.samples < 1 or not asked.seeds or asked.crops < 1:
        raise HandkitError("a comparison needs at least 1 of --samples, --seeds and --crops", status=2)
    if asked.workers < 0:
        raise HandkitError(f"--workers {asked.workers}: give 0 to render in the same process, or more", status=2)
    if asked.batch is not None and asked.batch < 2:
        raise HandkitError(f"--batch {asked.batch}: batch statistics need at least 2 frames", status=2)
    named = [_told_apart(*read_named(text)) for text in asked.networks or tuple(MODELS)]
    contestants = [
        contestant_of(asked, network, arguments, seed=seed) for seed in asked.seeds for network, arguments in named
    ]
    for contestant in contestants:
        with torch.device("meta"):
            Experiment(contestant.recipe).network()
    twice = {contestant.folder() for contestant in contestants}
    if len(twice) < len(contestants):
        raise HandkitError("a network with the same variant and seed is named twice; name each once", status=2)
    return contestants


def read_real(folders: Sequence[Path]) -> list[MarkedFrames]:
    """Marked frames of each folder; raises HandkitError also where two have one name, which is a column's."""
    real = [read_marked_frames(folder) for folder in folders]
    names = [marked.name for marked in real]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise HandkitError(f"two --real folders are called {twice}, as their column would be; rename one", status=2)
    return real


def _told_apart(network: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Without the arguments that our recipe has anyway: the same network has one name."""
    ours = {name: option.default for name, option in options(network).items()} | synthetic_recipe(network).arguments
    same = {
        name
        for name, value in arguments.items()
        if write_arguments({name: value}) == write_arguments({name: ours[name]})
    }
    return network, {name: value for name, value in arguments.items() if name not in same or name == "resolution"}


def contestant_of(asked: Comparison, network: str, arguments: dict[str, Any], *, seed: int) -> Contestant:
    """One training, whose samples are whole batches."""
    recipe = recipe_of(network, arguments, resolution=asked.resolution, refinement=asked.center_refinement)
    recipe = replace(recipe, batch=asked.batch or recipe.batch)
    steps = -(-asked.samples // recipe.batch)
    return Contestant(recipe, arguments, seed, steps * recipe.batch, asked.center_refinement)


def train_one(contestant: Contestant, asked: Comparison, watch: Watch) -> dict[str, str]:
    """Train it, or go on where it stopped, or find that it was done before; answers what was spent."""
    network, readout = contestant.recipe.network, readout_of(contestant.recipe.network)
    if readout.isdisjoint(contestant.arguments):
        return _train(contestant, asked, watch)
    others = {name: value for name, value in contestant.arguments.items() if name not in readout}
    trained = contestant_of(asked, network, others, seed=contestant.seed)
    finished, folder = train_one(trained, asked, watch), asked.runs / contestant.folder()
    folder.mkdir(parents=True, exist_ok=True)
    model = load(asked.runs / trained.folder() / "weights.safetensors", readout=contestant.arguments)
    save(folder / "weights.safetensors", model, recipe=asdict(contestant.recipe))
    return finished


def _train(contestant: Contestant, asked: Comparison, watch: Watch) -> dict[str, str]:
    """As `train_one`, for a contestant that has a training of its own."""
    folder = asked.runs / contestant.folder()
    done, state = folder / "finished.json", folder / "state.ckpt"
    _same_recipe(folder, contestant.recipe)
    if done.exists():
        state.unlink(missing_ok=True)
        return json.loads(done.read_text(encoding="utf-8"))
    experiment = Experiment(contestant.recipe, contestant.seed)
    with watch(contestant.folder()) as tell:
        fitted = fit(
            experiment,
            Budget(samples=contestant.samples),
            out=folder,
            machine=Machine(workers=asked.workers),
            resume=state.exists(),
            measured=False,
            tell=tell,
        )
    finished = {
        "parameters": str(count_parameters(load(fitted.weights))),
        "seconds": f"{fitted.spent.seconds:.0f}",
        "samples_per_second": f"{fitted.spent.samples / max(fitted.spent.seconds, 1e-9):.1f}",
        "dropped": str(fitted.dropped),
        "skipped": str(fitted.skipped),
        "hardware": hardware(),
    }
    write_whole(done, json.dumps(finished))
    state.unlink(missing_ok=True)
    return finished


def _same_recipe(folder: Path, recipe: Recipe) -> None:
    """Keep the recipe beside the run; raises HandkitError where another one began or finished it."""
    path, content = folder / "recipe.json", recipe.to_json()
    begun = any((folder / name).exists() for name in ("state.ckpt", "finished.json"))
    if begun and path.exists() and json.loads(path.read_text(encoding="utf-8")) != json.loads(content):
        raise HandkitError(
            f"{folder} holds a run that another recipe began; remove it, or name another --runs", status=2
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)


class Judge:
    """Measures every network on the same frames, which are rendered once, when the first one is to be measured."""

    def __init__(self, asked: Comparison, real: Sequence[MarkedFrames]) -> None:
        self.asked, self.real = asked, real
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._batches: list[LabeledFrame] = []

    def columns(self) -> list[str]:
        """What `measure` answers for each real folder."""
        return [f"real_{marked.name}_tips_mm" for marked in self.real]

    def measure(self, weights: Path) -> tuple[dict[str, str], Curves]:
        """Figures and curves of the weights in a file; raises HandkitError where it holds none."""
        model = load(weights)
        errors = self._synthetic(model)
        figures = {
            "crops": str(self.asked.crops),
            "synthetic_mm": f"{errors.mean():.3f}",
            "synthetic_within_20mm": f"{(errors.max(1) <= 20).mean():.4f}",
        } | self._real(weights)
        curve = success_curve(errors, thresholds_mm=THRESHOLDS_MM)
        return figures, Curves(curve.round(4).tolist(), errors.mean(0).round(3).tolist())

    def _synthetic(self, model: HandPoseModel) -> np.ndarray:
        """Joint errors (N, J), mm, on crops whose cubes stray as in training."""
        asked = self.asked
        if not self._batches:
            recipe = recipe_of(next(iter(MODELS)), {}, resolution=asked.resolution, refinement=asked.center_refinement)
            size = min(BATCH, asked.crops)
            frames = validation_frames(Experiment(recipe), batches=-(-asked.crops // BATCH), size=size)
            self._batches = [frame.to(self.device) for frame in frames]
        network: Any = model
        network.to(self.device)
        return crop_errors(model, self._batches)

    def _real(self, weights: Path) -> dict[str, str]:
        if not self.real:
            return {}
        estimator = HandPoseEstimator.from_pretrained(str(weights), backend="torch", threads=torch.get_num_threads())
        found = {marked.name: tip_errors(estimator, marked) for marked in self.real}
        medians = {f"real_{name}_tips_mm": f"{tips.median_mm:.3f}" for name, tips in found.items()}
        return medians | {f"real_{name}_missed": str(tips.missed) for name, tips in found.items()}
