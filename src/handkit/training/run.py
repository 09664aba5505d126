"""A network in training: its weights, their running average, the optimizer, and what has been spent.

    DepthFrame with a jittered cube -> crop_hand -> points, joints -> model.loss

Lightning Fabric places tensors, holds the precision and averages the gradients of several processes. Nothing in a step
waits for the device: what is counted is counted there, and read when a line is logged.
"""

import copy
import json
import math
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Int64
from torch import Tensor, nn

from handkit.errors import TrainingError
from handkit.geometry.frame import DepthFrame, each_tensor
from handkit.models.network import Network
from handkit.recipes import Recipe
from handkit.recipes.recipe import differences
from handkit.training.processes import Machine, Team
from handkit.training.streams import Share
from handkit.training.targets import Targets, usable

AVERAGE_EVERY = 8
"""Steps between updates of the averaged weights: each costs a pass over all parameters."""
LEAST_ROWS = 2
"""Batch statistics need as many in every part of a batch."""
PATIENCE = 200
"""Steps in a row without anything learned after which a run is given up."""


@dataclass
class Spent:
    """What a run has spent and where it stands; kept across interruptions."""

    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    """From first batches on, of which `measuring` went to errors at checkpoints."""
    measuring: float = 0.0
    resolution: int = 0
    best_mm: float = math.inf
    """Least error that was measured."""


class Average:
    """Exponential moving average of weights and statistics.

    The decay rises with the number of updates n as (1 + n) / (10 + n), up to `decay`: a short run is not dragged by its
    first weights. With a decay of 0 it is the network itself.
    """

    def __init__(self, network: Network, *, decay: float) -> None:
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
        machine: Machine | None = None,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.recipe, self.model, self.targets, self.say = recipe, model, targets, say
        self.fabric = (machine or Machine()).fabric(recipe.precision)
        self.team = Team(self.fabric)
        self.share = self.team.share(recipe.batch, least=LEAST_ROWS)
        """Of each batch, which this process sees."""
        self.module, self.optimizer = self.fabric.setup(model, _optimizer(model, recipe))
        self.module.mark_forward_method("loss")
        self.average_every = AVERAGE_EVERY if recipe.average > 0 else 1
        self.average = Average(model, decay=recipe.average**self.average_every)
        self.statistics = [buffer.clone() for buffer in self.model.buffers()]
        self.parts = -(-recipe.accumulate // self.team.count)
        """That this process's share of a batch passes the network in: the recipe's, or what the memory allows."""
        self.drawn = max(min(self.parts, recipe.batch // self.team.count // LEAST_ROWS), 1)
        """Parts that draw for themselves what is drawn in a step: the recipe's, as so many processes would."""
        self.spent = Spent(resolution=recipe.resolution_at(0.0))
        self.left_out = torch.zeros(3, dtype=torch.int64, device=self.fabric.device)
        """Rows dropped, steps skipped, steps skipped in a row."""

    def advance(self, frame: DepthFrame, *, progress: float) -> dict[str, Tensor]:
        """One optimizer step on this process's share of a batch; returns the loss terms, means over all processes.

        Rows that are not `usable` are replaced by one that is. A step with too few of those, or whose loss or gradient
        is not finite, is undone, in all processes or in none. Both are counted.

        Raises:
            TrainingError: a few frames alone need more memory than there is.
        """
        self._follow(progress)
        step, device = self.spent.step, self.fabric.device
        self.spent.step, self.spent.samples = step + 1, self.spent.samples + len(frame) * self.team.count
        # What is drawn depends on the step and the part of the batch alone, as the batch does.
        seed = (step * self.team.count + self.team.rank) * self.drawn
        targets = self._targets(each_tensor(frame, lambda part: part.to(device, non_blocking=True)), seed)
        rows = usable(targets)
        places = torch.where(rows, torch.arange(len(rows), device=device), rows.int().argmax())
        terms, learned, lost = self._learn({name: part[places] for name, part in targets.items()}, rows, seed=seed)
        dropped, skipped, in_a_row = self.left_out
        undone = (~learned).long()
        self.left_out = torch.stack([dropped + lost, skipped + undone, (in_a_row + 1) * undone])
        if self.spent.step % self.average_every == 0:
            self.average.update(self.model)
        return terms

    def _targets(self, frame: DepthFrame, seed: int) -> dict[str, Tensor]:
        """Of a share of a batch, from seed number `seed` for its first part on."""
        device, found = self.fabric.device, list[dict[str, Tensor]]()
        for number, cut in enumerate(_cuts(len(frame), min(self.drawn, len(frame)))):
            generator = torch.Generator(device).manual_seed(seed + number)
            found.append(self.targets(frame[cut], self.spent.resolution, generator))
        return found[0] if len(found) == 1 else {name: torch.cat([part[name] for part in found]) for name in found[0]}

    def _follow(self, progress: float) -> None:
        """Learning rate and resolution of this part of the budget."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate_at(progress)
        if self.recipe.resolution_at(progress) != self.spent.resolution:
            self.spent.resolution = self.recipe.resolution_at(progress)
            self.average.updates = 0  # weights and statistics of two resolutions do not mix: begin again

    def _learn(
        self, targets: dict[str, Tensor], rows: Bool[Tensor, " B"], *, seed: int
    ) -> tuple[dict[str, Tensor], Bool[Tensor, ""], Int64[Tensor, ""]]:
        """Forward and backward for each part, step; the loss terms, whether the step was taken, and rows dropped."""
        buffers = list(self.model.buffers())
        for kept, buffer in zip(self.statistics, buffers, strict=True):
            kept.copy_(buffer)
        terms = self._gradients(targets, most=max(len(rows) // LEAST_ROWS, 1), seed=seed)
        fine = torch.stack(list(terms.values())).sum().isfinite() & self._clip().isfinite()
        fine = fine & (rows.sum() >= LEAST_ROWS)
        sums = self.team.sums(torch.stack([*terms.values(), (~fine).float(), (~rows).sum().float()]))
        learned = sums[-2] == 0
        # What gradient scalers tell a fused optimizer: it leaves weights and moments alone where this is 1.
        self.optimizer.optimizer.found_inf = (~learned).float()
        self.optimizer.step()
        self.team.merge(buffers, self.statistics)
        for kept, buffer in zip(self.statistics, buffers, strict=True):
            buffer.copy_(torch.where(learned, buffer, kept))
        return dict(zip(terms, sums / self.team.count, strict=False)), learned, sums[-1].long()

    def _gradients(self, targets: dict[str, Tensor], *, most: int, seed: int) -> dict[str, Tensor]:
        """The gradient of all parts of the batch, left in the parameters; the mean loss terms.

        Where they need more memory than there is, they are made half as large (at most `most` parts), which is said.
        """
        while True:
            parts = _parts(targets, min(self.parts, most))
            self.optimizer.zero_grad(set_to_none=True)
            try:
                found = [
                    self._backward(part, of=len(parts), last=part is parts[-1], seed=seed + number)
                    for number, part in enumerate(parts)
                ]
                return {name: torch.stack([part[name] for part in found]).sum(0) for name in found[0]}
            except torch.OutOfMemoryError:
                self._halve(len(parts), most)
            for kept, buffer in zip(self.statistics, self.model.buffers(), strict=True):
                buffer.copy_(kept)
            torch.cuda.empty_cache()

    def _halve(self, parts: int, most: int) -> None:
        """Twice the parts from here on; raises TrainingError where there are no more, or other processes wait."""
        if 2 * parts > most or self.team.count > 1:
            remedy = "give a smaller --batch" + (", or a higher --accumulate" if self.team.count > 1 else "")
            raise TrainingError(
                f"{self.recipe.network} does not fit into the memory of {self.fabric.device} with batches of "
                f"{self.recipe.batch} at {self.spent.resolution} pixels; {remedy}"
            ) from None
        self.parts = 2 * parts
        self.say(
            f"out of memory in step {self.spent.step}: each batch passes the network in {2 * parts} parts from here "
            "on, and batch statistics are those of a part"
        )

    def _backward(self, targets: dict[str, Tensor], *, of: int, last: bool, seed: int) -> dict[str, Tensor]:
        """Add the gradient of one of `of` parts of the batch; its loss terms, times its share of the batch."""
        with torch.random.fork_rng():  # dropout takes no generator
            torch.manual_seed(seed)
            if self.team.count == 1:
                # The network itself, not Fabric's wrapper: measured on a CPU, calling `loss` through it costs a third.
                with self.fabric.autocast():
                    terms = self.model.loss(**targets)
                return self._add(terms, of)
            with self.fabric.no_backward_sync(self.module, enabled=not last):
                return self._add(self.module.loss(**targets), of)

    def _add(self, terms: dict[str, Tensor], of: int) -> dict[str, Tensor]:
        terms = {name: term / of for name, term in terms.items()}
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
        return self.average.module.eval()

    def save(self, path: Path) -> None:
        """All that an exact resume needs; to be called by the first process only."""
        spent = asdict(self.spent) | {
            "recipe": self.recipe.to_json(), "updates": self.average.updates, "left_out": self.left_out.tolist()
        }  # fmt: skip
        parts = {"model": self.model, "optimizer": self.optimizer, "average": self.average.module}
        self.fabric.strategy.save_checkpoint(path, parts | {"spent": spent})

    def restore(self, path: Path) -> None:
        """Continue from a state file; raises TrainingError where another recipe began it, or it is damaged."""
        try:
            found = self.fabric.load(path)
            spent: dict[str, Any] = found["spent"]
            began = json.loads(spent.pop("recipe"))
        except (KeyError, RuntimeError, TypeError, ValueError, EOFError, pickle.UnpicklingError):
            raise TrainingError(f"{path} is damaged; begin the run again, in another --out") from None
        if differing := differences(began, json.loads(self.recipe.to_json())):
            raise TrainingError(
                f"{path} was begun with another recipe: {'; '.join(differing)}; give the options that began it, or "
                "name another --out"
            )
        try:
            for name, part in (("model", self.model), ("optimizer", self.optimizer), ("average", self.average.module)):
                part.load_state_dict(found[name])
            self.average.updates = spent.pop("updates")
            self.left_out = torch.tensor(spent.pop("left_out"), device=self.fabric.device)
            self.spent = Spent(**spent)
        except (KeyError, RuntimeError, TypeError, ValueError):
            raise TrainingError(
                f"{path} is the state of another network, or damaged; give the --data and --model-args that began it, "
                "or name another --out"
            ) from None


def _parts(targets: dict[str, Tensor], count: int) -> list[dict[str, Tensor]]:
    """A batch cut into `count` parts of (nearly) the same size, at least one."""
    rows = len(next(iter(targets.values())))
    return [{name: part[cut] for name, part in targets.items()} for cut in _cuts(rows, max(count, 1))]


def _cuts(rows: int, count: int) -> list[slice]:
    """As the shares of so many processes are cut."""
    return [Share(number, count).rows(rows) for number in range(count)]


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
