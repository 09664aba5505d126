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
from handkit.models import HandPoseModel
from handkit.models.checkpoint import save
from handkit.models.handedness import Handedness
from handkit.models.localizer import Localizer
from handkit.recipes import Recipe
from handkit.streams import Targets

CHECKPOINT_SECONDS = 180.0
SPENT = ("step", "samples", "seconds", "resolution")
"""What a run has spent and where it stands; kept across interruptions."""
AVERAGE_EVERY = 8
"""Steps between updates of the averaged weights: each costs a pass over all parameters."""


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


Network = HandPoseModel | Localizer | Handedness


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
        decay = get_ema_multi_avg_fn(recipe.average**AVERAGE_EVERY)
        self.average = AveragedModel(network, multi_avg_fn=decay, use_buffers=True)
        self.average.to(self.fabric.device)
        optimizer = torch.optim.AdamW(
            _parameter_groups(network, recipe.weight_decay), lr=recipe.learning_rate, fused=True
        )
        self.module, self.optimizer = self.fabric.setup(network, optimizer)
        self.step, self.samples, self.seconds = 0, 0, 0.0
        self.resolution = recipe.resolution_at(0.0)

    def advance(self, frame: DepthFrame, *, progress: float) -> dict[str, Tensor]:
        """One optimizer step on one batch; returns the loss terms."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, progress)
        if self.recipe.resolution_at(progress) != self.resolution:
            self.resolution = self.recipe.resolution_at(progress)
            self.average.n_averaged.zero_()  # weights and statistics of two resolutions do not mix: begin again
        targets = self.targets(frame.to(self.fabric.device), self.resolution)
        # The network itself, not Fabric's wrapper: measured on a CPU, calling `loss` through it costs a third.
        # Dropout takes no generator: what it draws depends on the step alone, as the batch does.
        with torch.random.fork_rng(), self.fabric.autocast():
            torch.manual_seed(self.step)
            terms = cast(Network, self.model).loss(**targets)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(torch.stack(list(terms.values())).sum())
        self.fabric.clip_gradients(self.module, self.optimizer, max_norm=1.0)
        self.optimizer.step()
        self.step += 1
        self.samples += len(frame)
        if self.step % AVERAGE_EVERY == 0:
            self.average.update_parameters(self.model)
        return {name: term.detach() for name, term in terms.items()}

    def averaged(self) -> Network:
        """The network whose weights are saved and measured."""
        return cast(Network, self.average.module.eval())

    def state(self) -> dict[str, Any]:
        """What `fabric.save` needs for an exact resume."""
        spent = {key: getattr(self, key) for key in SPENT}
        return {"model": self.module, "optimizer": self.optimizer, "average": self.average, "spent": spent}

    def restore(self, path: Path) -> None:
        """Continue from a state file."""
        state = self.state()
        self.fabric.load(path, state)
        for key in SPENT:
            setattr(self, key, state["spent"][key])


def learning_rate(recipe: Recipe, progress: float) -> float:
    """Linear warm-up, then a cosine to zero."""
    if progress < recipe.warmup:
        return recipe.learning_rate * (progress + 1e-3) / (recipe.warmup + 1e-3)
    return recipe.learning_rate * (1 + math.cos(math.pi * (progress - recipe.warmup) / (1 - recipe.warmup))) / 2


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for convolutions and linear maps only; biases and normalization have none."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    free = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


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
            _log(run, out, Report(progress, run.samples, run.seconds, 0.0, 0, terms, error), tell)
        if progress >= 1:
            return out / "weights.safetensors"
        losses = run.advance(frame, progress=progress)
        if run.step % 20 == 0:
            terms = {name: float(value) for name, value in losses.items()}
            rate, resolution = learning_rate(run.recipe, progress), run.recipe.resolution_at(progress)
            _log(run, out, Report(progress, run.samples, run.seconds, rate, resolution, terms), tell)
    raise AssertionError("the loader is endless")


def _keep(run: Run, out: Path) -> None:
    """State for resuming, then weights for using; each replaces its predecessor in one step."""
    partial = out / "state.partial"
    run.fabric.save(partial, run.state())
    partial.replace(out / "state.ckpt")
    save(out / "weights.safetensors", run.averaged(), recipe=asdict(run.recipe))


def _log(run: Run, out: Path, report: Report, tell: Callable[[Report], None]) -> None:
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(asdict(report)) + "\n")
    tell(report)
