"""One training loop for every network: batches of frames in, safetensors weights and a log out.

    batches -> DepthFrame with a jittered cube -> crop_hand -> points, joints -> model.loss

Lightning Fabric places tensors and holds the precision. Batch `i` is drawn from the seed and `i` alone, so a run that
was stopped and resumed sees what an uninterrupted one sees.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from handkit.geometry.frame import DepthFrame
from handkit.models import HandPoseModel, Part
from handkit.models.checkpoint import save
from handkit.recipes import Recipe
from handkit.streams import Targets, usable

CHECKPOINT_SECONDS = 180.0
SPENT = ("step", "samples", "seconds", "resolution", "dropped", "skipped")
"""What a run has spent and where it stands; kept across interruptions."""
AVERAGE_EVERY = 8
"""Steps between updates of the averaged weights: each costs a pass over all parameters."""
LEAST_ROWS = 2
"""Batch statistics need as many."""
PATIENCE = 200
"""Steps in a row without anything learned after which a run is given up."""


class TrainingError(RuntimeError):
    """A run that does not learn any more; the message is one sentence for the user."""


@dataclass(frozen=True)
class Budget:
    """When to stop: after so many samples or, without those, so many minutes of training."""

    samples: int | None = None
    minutes: float | None = None

    def progress(self, *, samples: int, seconds: float) -> float:
        """Share of the budget that is spent, 0 to 1."""
        if self.samples is not None:
            return min(samples / self.samples, 1.0)
        return min(seconds / 60 / (self.minutes or 1e-9), 1.0)


@dataclass(frozen=True)
class Report:
    """The state of a run, one line of its log."""

    progress: float
    samples: int
    seconds: float
    learning_rate: float
    resolution: int
    terms: dict[str, float]
    error_mm: float | None = None
    dropped: int = 0
    """Rows left out so far: not finite, or nothing in the crop."""
    skipped: int = 0
    """Steps left out so far: too few rows, or a loss or gradient that was not finite."""


Network = HandPoseModel | Part


class Run:
    """A network in training: weights, their running average, optimizer, and what has been spent."""

    def __init__(
        self,
        model: Network,
        recipe: Recipe,
        targets: Targets,
        *,
        accelerator: str = "auto",
        precision: Literal["bf16-mixed", "32-true"] = "bf16-mixed",
    ) -> None:
        network = cast(nn.Module, model)
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.recipe, self.model, self.targets = recipe, network, targets
        self.fabric = Fabric(accelerator=accelerator, devices=1, precision=precision)
        self.average_every = AVERAGE_EVERY if recipe.average > 0 else 1
        decay = get_ema_multi_avg_fn(recipe.average**self.average_every)
        self.average = AveragedModel(network, multi_avg_fn=decay, use_buffers=True)
        self.average.to(self.fabric.device)
        self.module, self.optimizer = self.fabric.setup(network, _optimizer(network, recipe))
        self.statistics = [buffer.clone() for buffer in self.model.buffers()]
        self.step, self.samples, self.seconds = 0, 0, 0.0
        self.dropped, self.skipped, self.skipped_in_a_row = 0, 0, 0
        self.resolution = recipe.resolution_at(0.0)

    def advance(self, frame: DepthFrame, *, progress: float) -> dict[str, Tensor]:
        """One optimizer step on one batch; returns the loss terms, none where there was nothing to learn from.

        Rows that are not `usable` are left out. A step whose loss or gradient is not finite is undone. Both are
        counted. Raises TrainingError after `PATIENCE` steps in a row without anything learned.
        """
        self._follow(progress)
        step, device = self.step, self.fabric.device
        self.step, self.samples = step + 1, self.samples + len(frame)
        # What is drawn depends on the step alone, as the batch does.
        generator = torch.Generator(device).manual_seed(step)
        targets = self.targets(frame.to(device), self.resolution, generator)
        rows = usable(targets)
        count = int(rows.sum())
        self.dropped += len(rows) - count
        terms: dict[str, Tensor] = {}
        if count >= LEAST_ROWS:
            kept = targets if count == len(rows) else {name: part[rows] for name, part in targets.items()}
            terms = self._learn(kept, seed=step)
        self.skipped += not terms
        self.skipped_in_a_row = 0 if terms else self.skipped_in_a_row + 1
        if self.skipped_in_a_row >= PATIENCE:
            raise TrainingError(
                f"nothing could be learned from {PATIENCE} batches in a row, up to step {self.step}: the loss is not "
                "finite, or the crops are empty; the last weights and state on disk are whole, a lower learning rate "
                "or other frames may help"
            )
        if self.step % self.average_every == 0:
            self.average.update_parameters(self.model)
        return terms

    def _follow(self, progress: float) -> None:
        """Learning rate and resolution of this part of the budget."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate_at(progress)
        if self.recipe.resolution_at(progress) != self.resolution:
            self.resolution = self.recipe.resolution_at(progress)
            self.average.n_averaged.zero_()  # weights and statistics of two resolutions do not mix: begin again

    def _learn(self, targets: dict[str, Tensor], *, seed: int) -> dict[str, Tensor]:
        """Forward, backward, step; the loss terms, or none if they or the gradient were not finite."""
        for kept, buffer in zip(self.statistics, self.model.buffers(), strict=True):
            kept.copy_(buffer)
        # The network itself, not Fabric's wrapper: measured on a CPU, calling `loss` through it costs a third.
        # Dropout takes no generator.
        with torch.random.fork_rng(), self.fabric.autocast():
            torch.manual_seed(seed)
            terms = cast(Network, self.model).loss(**targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss = torch.stack(list(terms.values())).sum()
        self.fabric.backward(loss)
        if loss.isfinite() and self._clip().isfinite():
            self.optimizer.step()
            return {name: term.detach() for name, term in terms.items()}
        for kept, buffer in zip(self.statistics, self.model.buffers(), strict=True):
            buffer.copy_(kept)
        return {}

    def _clip(self) -> Tensor:
        """Clip the gradient as the recipe says; its norm before that."""
        limit, by_norm = self.recipe.optimizer.clip, self.recipe.optimizer.clip_by == "norm"
        parameters = list(self.model.parameters())
        norm = nn.utils.clip_grad_norm_(parameters, limit if limit and by_norm else math.inf)
        if limit and not by_norm:
            nn.utils.clip_grad_value_(parameters, limit)
        return norm

    def averaged(self) -> Network:
        """The network whose weights are saved and measured."""
        return cast(Network, self.average.module.eval())

    def state(self) -> dict[str, Any]:
        """What `fabric.save` needs for an exact resume."""
        spent = {key: getattr(self, key) for key in SPENT} | {"recipe": self.recipe.to_json()}
        return {"model": self.module, "optimizer": self.optimizer, "average": self.average, "spent": spent}

    def restore(self, path: Path) -> None:
        """Continue from a state file; raises TrainingError where another network or recipe began it."""
        state = self.state()
        try:
            self.fabric.load(path, state)
            same = state["spent"].get("recipe") in {None, self.recipe.to_json()}  # older files do not say
        except (KeyError, RuntimeError, ValueError):
            same = False
        if not same:
            raise TrainingError(
                f"{path} is the state of another run, or damaged; give the network, --variant, --resolution, "
                "--localize and --start that began it, or name another --out"
            )
        for key in SPENT:
            setattr(self, key, state["spent"].get(key, 0))  # older files do not count what was left out


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    groups = _parameter_groups(model, recipe.weight_decay, vectors=recipe.optimizer.decay_vectors)
    rate, momentum = recipe.learning_rate, recipe.optimizer.momentum
    if recipe.optimizer.kind == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=momentum)
    kind = torch.optim.Adam if recipe.optimizer.kind == "adam" else torch.optim.AdamW
    return kind(groups, lr=rate, betas=(momentum, 0.999), fused=True)


def _parameter_groups(model: nn.Module, weight_decay: float, *, vectors: bool = False) -> list[dict[str, Any]]:
    """Weight decay for convolutions and linear maps; for biases and normalization only with `vectors`."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    free = [p for p in model.parameters() if p.ndim <= 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": weight_decay if vectors else 0.0},
    ]


def train(
    run: Run,
    frames: Dataset[DepthFrame],
    budget: Budget,
    *,
    out: Path,
    workers: int = 1,
    measure: Callable[[Any], float] | None = None,
    tell: Callable[[Report], None] = lambda report: None,
) -> Path:
    """Train until the budget is spent, with a state file every few minutes; returns the path of the weights.

    `measure` answers the error in mm of the averaged network; `tell` hears of every twentieth step.
    """
    out.mkdir(parents=True, exist_ok=True)
    indices = range(run.step, 2**31)
    loader = DataLoader(
        frames, batch_size=None, sampler=indices, num_workers=workers, prefetch_factor=4 if workers else None
    )
    saved = begun = time.monotonic()
    spent = run.seconds
    terms: dict[str, float] = {}
    for frame in loader:
        run.seconds = spent + time.monotonic() - begun
        progress = budget.progress(samples=run.samples, seconds=run.seconds)
        due = time.monotonic() - saved > CHECKPOINT_SECONDS
        if due or progress >= 1:
            saved = time.monotonic()
            _keep(run, out)
            error = measure(run.averaged()) if measure else None
            _log(out, _report(run, progress, terms, error_mm=error), tell)
        if progress >= 1:
            return out / "weights.safetensors"
        losses = run.advance(frame, progress=progress)
        if run.step % 20 == 0:
            terms = {name: float(value) for name, value in losses.items()} or terms
            _log(out, _report(run, progress, terms), tell)
    raise AssertionError("the loader is endless")


def _keep(run: Run, out: Path) -> None:
    """State for resuming, then weights for using; each replaces its predecessor in one step."""
    partial = out / "state.partial"
    try:
        run.fabric.save(partial, run.state())
        partial.replace(out / "state.ckpt")
    finally:
        partial.unlink(missing_ok=True)  # three times the weights: not on a disk that is full
    save(out / "weights.safetensors", run.averaged(), recipe=asdict(run.recipe))


def _report(run: Run, progress: float, terms: dict[str, float], *, error_mm: float | None = None) -> Report:
    """Where the run stands, with the learning rate and resolution of its last step."""
    rate = run.recipe.learning_rate_at(progress)
    return Report(progress, run.samples, run.seconds, rate, run.resolution, terms, error_mm, run.dropped, run.skipped)


def _log(out: Path, report: Report, tell: Callable[[Report], None]) -> None:
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(asdict(report)) + "\n")
    tell(report)
