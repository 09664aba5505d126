"""One training loop for every network: batches of frames in, safetensors weights and a log out.

    batches -> DepthFrame with a jittered cube -> crop_hand -> points, joints -> model.loss

Lightning Fabric places tensors and holds the precision. Batch `i` is drawn from the seed and `i` alone, so a run that
was stopped and resumed sees what an uninterrupted one sees. Nothing in a step waits for the device: what is counted is
counted there, and read when a line is logged.
"""

import contextlib
import copy
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Bool
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from handkit.errors import StoppedError, TrainingError
from handkit.files.atomic import replacing
from handkit.geometry.frame import DepthFrame
from handkit.models import HandPoseModel, Part
from handkit.models.checkpoint import save
from handkit.recipes import Recipe
from handkit.training.targets import Targets, usable

CHECKPOINT_SECONDS = 180.0
LOG_EVERY = 20
"""Steps between lines of the log."""
AVERAGE_EVERY = 8
"""Steps between updates of the averaged weights: each costs a pass over all parameters."""
LEAST_ROWS = 2
"""Batch statistics need as many in every part of a batch."""
PATIENCE = 200
"""Steps in a row without anything learned after which a run is given up."""

Network = HandPoseModel | Part


@dataclass(frozen=True)
class Budget:
    """When to stop: after a number of samples or, without one, of minutes of training."""

    samples: int | None = None
    minutes: float | None = None

    def progress(self, *, samples: int, seconds: float) -> float:
        """Share of the budget that is spent, 0 to 1."""
        if self.samples is not None:
            return min(samples / self.samples, 1.0)
        return min(seconds / 60 / (self.minutes or 1e-9), 1.0)


@dataclass
class Spent:
    """What a run has spent and where it stands; kept across interruptions."""

    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    resolution: int = 0
    best_mm: float = math.inf
    """Least error that was measured."""


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
    """Rows replaced so far: not finite, or nothing in the crop."""
    skipped: int = 0
    """Steps undone so far: too few rows, or a loss or gradient that was not finite."""


class Average:
    """Exponential moving average of weights and statistics.

    The decay rises with the number of updates n as (1 + n) / (10 + n), up to `decay`: a short run is not dragged by its
    first weights. With a decay of 0 it is the network itself.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.module = copy.deepcopy(network).requires_grad_(requires_grad=False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        kept = 0.0 if self.updates == 0 else min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        ours, theirs = self.module.state_dict(), network.state_dict()
        numbers = [name for name, value in ours.items() if value.is_floating_point()]
        averaged, current = ([state[name] for name in numbers] for state in (ours, theirs))
        torch._foreach_lerp_(averaged, current, 1 - kept)  # pyright: ignore[reportPrivateImportUsage, reportPrivateUsage]
        for name in ours.keys() - set(numbers):
            ours[name].copy_(theirs[name])


class Run:
    """A network in training: weights, their running average, optimizer, and what has been spent."""

    def __init__(
        self,
        model: Network,
        recipe: Recipe,
        targets: Targets,
        *,
        accelerator: str = "auto",
    ) -> None:
        network = cast(nn.Module, model)
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.recipe, self.model, self.targets = recipe, network, targets
        self.fabric = Fabric(accelerator=accelerator, devices=1, precision=recipe.precision)
        self.module, self.optimizer = self.fabric.setup(network, _optimizer(network, recipe))
        self.average_every = AVERAGE_EVERY if recipe.average > 0 else 1
        self.average = Average(network, decay=recipe.average**self.average_every)
        self.statistics = [buffer.clone() for buffer in self.model.buffers()]
        self.spent = Spent(resolution=recipe.resolution_at(0.0))
        self.left_out = torch.zeros(3, dtype=torch.int64, device=self.fabric.device)
        """Rows dropped, steps skipped, steps skipped in a row."""

    def advance(self, frame: DepthFrame, *, progress: float) -> dict[str, Tensor]:
        """One optimizer step on one batch; returns the loss terms.

        Rows that are not `usable` are replaced by one that is. A step with too few of those, or whose loss or gradient
        is not finite, is undone. Both are counted.
        """
        self._follow(progress)
        step, device = self.spent.step, self.fabric.device
        self.spent.step, self.spent.samples = step + 1, self.spent.samples + len(frame)
        # What is drawn depends on the step alone, as the batch does.
        generator = torch.Generator(device).manual_seed(step)
        targets = self.targets(frame.to(device), self.spent.resolution, generator)
        rows = usable(targets)
        places = torch.where(rows, torch.arange(len(rows), device=device), rows.int().argmax())
        terms, learned = self._learn({name: part[places] for name, part in targets.items()}, rows, seed=step)
        dropped, skipped, in_a_row = self.left_out
        lost = (~learned).long()
        self.left_out = torch.stack([dropped + (~rows).sum(), skipped + lost, (in_a_row + 1) * lost])
        if self.spent.step % self.average_every == 0:
            self.average.update(self.model)
        return terms

    def _follow(self, progress: float) -> None:
        """Learning rate and resolution of this part of the budget."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate_at(progress)
        if self.recipe.resolution_at(progress) != self.spent.resolution:
            self.spent.resolution = self.recipe.resolution_at(progress)
            self.average.updates = 0  # weights and statistics of two resolutions do not mix: begin again

    def _learn(
        self, targets: dict[str, Tensor], rows: Bool[Tensor, " B"], *, seed: int
    ) -> tuple[dict[str, Tensor], Bool[Tensor, ""]]:
        """Forward and backward for each part, step; the mean loss terms, and whether the step was taken."""
        for kept, buffer in zip(self.statistics, self.model.buffers(), strict=True):
            kept.copy_(buffer)
        self.optimizer.zero_grad(set_to_none=True)
        parts = _parts(targets, min(self.recipe.accumulate, len(rows) // LEAST_ROWS))
        with torch.random.fork_rng():  # dropout takes no generator
            torch.manual_seed(seed)
            found = [self._backward(part, share=1 / len(parts)) for part in parts]
        terms = {name: torch.stack([part[name] for part in found]).sum(0) for name in found[0]}
        loss = torch.stack(list(terms.values())).sum()
        learned = loss.isfinite() & self._clip().isfinite() & (rows.sum() >= LEAST_ROWS)
        # What gradient scalers tell a fused optimizer: it leaves weights and moments alone where this is 1.
        self.optimizer.optimizer.found_inf = (~learned).float()
        self.optimizer.step()
        for kept, buffer in zip(self.statistics, self.model.buffers(), strict=True):
            buffer.copy_(torch.where(learned, buffer, kept))
        return terms, learned

    def _backward(self, targets: dict[str, Tensor], *, share: float) -> dict[str, Tensor]:
        """Add the gradient of a part of the batch; its loss terms, times its share of the batch."""
        # The network itself, not Fabric's wrapper: measured on a CPU, calling `loss` through it costs a third.
        with self.fabric.autocast():
            terms = cast(Network, self.model).loss(**targets)
        terms = {name: term * share for name, term in terms.items()}
        self.fabric.backward(torch.stack(list(terms.values())).sum())
        return {name: term.detach() for name, term in terms.items()}

    def _clip(self) -> Tensor:
        """Clip the gradient as the recipe says; its norm before that."""
        limit, by_norm = self.recipe.optimizer.clip, self.recipe.optimizer.clip_by == "norm"
        parameters = list(self.model.parameters())
        norm = nn.utils.clip_grad_norm_(parameters, limit if limit and by_norm else math.inf)
        if limit and not by_norm:
            nn.utils.clip_grad_value_(parameters, limit)
        return norm

    def counts(self) -> tuple[int, int]:
        """Rows dropped and steps skipped so far; raises TrainingError where nothing was learned for long."""
        dropped, skipped, in_a_row = (int(count) for count in self.left_out.tolist())
        if in_a_row >= PATIENCE:
            raise TrainingError(
                f"nothing could be learned from {in_a_row} batches in a row, up to step {self.spent.step}: the loss is "
                "not finite, or the crops are empty; the last weights and state on disk are whole, a lower learning "
                "rate or other frames may help"
            )
        return dropped, skipped

    def averaged(self) -> Network:
        """The network whose weights are saved and measured."""
        return cast(Network, self.average.module.eval())

    def state(self) -> dict[str, Any]:
        """What `fabric.save` needs for an exact resume."""
        spent = asdict(self.spent) | {
            "recipe": self.recipe.to_json(), "updates": self.average.updates, "left_out": self.left_out.tolist()
        }  # fmt: skip
        return {"model": self.module, "optimizer": self.optimizer, "average": self.average.module, "spent": spent}

    def restore(self, path: Path) -> None:
        """Continue from a state file; raises TrainingError where another network or recipe began it."""
        state = self.state()
        try:
            self.fabric.load(path, state)
            spent: dict[str, Any] = state["spent"]
            same = spent.pop("recipe") == self.recipe.to_json()
            self.average.updates = spent.pop("updates")
            self.left_out = torch.tensor(spent.pop("left_out"), device=self.fabric.device)
            self.spent = Spent(**spent)
        except (KeyError, RuntimeError, TypeError, ValueError):
            same = False
        if not same:
            raise TrainingError(
                f"{path} is the state of another run, or damaged; give the network, --model-args, "
                "--resolution, --center-refinement and --init that began it, or name another --out"
            )


def _parts(targets: dict[str, Tensor], count: int) -> list[dict[str, Tensor]]:
    """A batch cut into `count` parts of (nearly) the same size, at least one."""
    cut = {name: rows.tensor_split(max(count, 1)) for name, rows in targets.items()}
    return [dict(zip(cut, part, strict=True)) for part in zip(*cut.values(), strict=True)]


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    groups = _parameter_groups(model, recipe.weight_decay, vectors=recipe.optimizer.decay_vectors)
    rate, momentum = recipe.learning_rate, recipe.optimizer.momentum
    if recipe.optimizer.kind == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=momentum, fused=True)
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
    about: dict[str, Any] | None = None,
    measure: Callable[[Any], float] | None = None,
    tell: Callable[[Report], None] = lambda report: None,
    best: bool = False,
) -> Path:
    """Train until the budget is spent, with a state file every few minutes; returns the path of the weights.

    `about` (seed, command, versions, ...) is written to `run.json` and into the weights. `measure` returns the error in
    mm of the averaged network; with `best` the weights of the least one are kept beside the last as `best.safetensors`.
    `tell` hears of every line of the log.

    Raises:
        TrainingError: nothing can be learned any more.
        StoppedError: Ctrl-C or SIGTERM; the state was saved.
    """
    notes, log = about or {}, _Log(out, run.spent.samples, tell)
    (out / "run.json").write_text(json.dumps(notes | {"recipe": asdict(run.recipe)}, indent=1) + "\n", encoding="utf-8")
    saved = begun = time.monotonic()
    spent = run.spent.seconds
    terms: dict[str, Tensor] = {}
    with _signals() as received:
        for frame in _batches(frames, run.spent.step, workers):
            run.spent.seconds = spent + time.monotonic() - begun
            progress = budget.progress(samples=run.spent.samples, seconds=run.spent.seconds)
            if received or progress >= 1 or time.monotonic() - saved > CHECKPOINT_SECONDS:
                saved = time.monotonic()
                error = measure(run.averaged()) if measure and not received else None
                _keep_best(run, out, notes, error if best else None)
                _keep(run, out, notes)
                log.write(_report(run, progress, terms, error_mm=error))
            if received:
                raise StoppedError(
                    f"stopped by {received[0].name} after {run.spent.samples} samples, its state is kept; --resume "
                    "continues it",
                    status=128 + received[0],
                )
            if progress >= 1:
                return out / "weights.safetensors"
            terms = run.advance(frame, progress=progress)
            if run.spent.step % LOG_EVERY == 0:
                log.write(_report(run, progress, terms))
    raise AssertionError("the loader is endless")


def _batches(frames: Dataset[DepthFrame], first: int, workers: int) -> DataLoader[DepthFrame]:
    """Batches from number `first` on, without end."""
    return DataLoader(
        frames,
        batch_size=None,
        sampler=range(first, 2**31),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_leave_signals if workers else None,
    )


def _leave_signals(worker: int) -> None:
    """In a worker: Ctrl-C reaches the whole group, and the loop ends the workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _signals() -> Generator[list[signal.Signals]]:
    """A list that holds SIGINT or SIGTERM once it came; the same signal again does what it always does."""
    received: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _: object) -> None:
        received.append(signal.Signals(number))
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _keep(run: Run, out: Path, notes: dict[str, Any]) -> None:
    """State for resuming, then weights for using; each replaces its predecessor in one step."""
    with replacing(out / "state.ckpt") as partial:
        run.fabric.save(partial, run.state())
    _write_weights(run, out / "weights.safetensors", notes)


def _keep_best(run: Run, out: Path, notes: dict[str, Any], error_mm: float | None) -> None:
    """The weights, if none measured so far were as good."""
    if error_mm is not None and error_mm < run.spent.best_mm:
        run.spent.best_mm = error_mm
        _write_weights(run, out / "best.safetensors", notes | {"error_mm": error_mm})


def _write_weights(run: Run, path: Path, notes: dict[str, Any]) -> None:
    notes = notes | {"samples": run.spent.samples, "seconds": round(run.spent.seconds)}
    save(path, run.averaged(), recipe=asdict(run.recipe), notes=notes)


def _report(run: Run, progress: float, terms: dict[str, Tensor], *, error_mm: float | None = None) -> Report:
    """Where the run stands, with the learning rate and resolution of its last step."""
    rate = run.recipe.learning_rate_at(progress)
    numbers = {name: float(value) for name, value in terms.items()}
    spent = run.spent
    return Report(progress, spent.samples, spent.seconds, rate, spent.resolution, numbers, error_mm, *run.counts())


class _Log:
    """`log.jsonl` of one run; what was there of another run, or came after the state that is continued, goes."""

    def __init__(self, out: Path, samples: int, tell: Callable[[Report], None]) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.path, self.tell = out / "log.jsonl", tell
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() and samples else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["samples"] <= samples]
        self.path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def write(self, report: Report) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(report)) + "\n")
        self.tell(report)
