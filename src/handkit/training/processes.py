"""One training in several processes, which torchrun starts: one for each device, each with a share of every batch.

    torchrun --nproc-per-node 4 -m handkit train srn --data DIR

Gradients are averaged (Lightning Fabric, DistributedDataParallel); what one process decides, all of them decide.
"""

import inspect
import logging
import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
import torch.distributed
from lightning.fabric import Fabric
from lightning.fabric.strategies.ddp import DDPStrategy
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from handkit.asked import check_threads
from handkit.errors import UsageError
from handkit.recipes.recipe import Precision
from handkit.store.resident import room_on
from handkit.training.streams import Share

Accelerator = Literal["auto", "cpu", "cuda"]
Patches = Literal["auto", "memory", "disk"]
OWN_BUFFERS = next(
    name
    for name in ("forward_sync_buffers", "broadcast_buffers")  # older torch has the second
    if name in inspect.signature(DistributedDataParallel).parameters
)
"""Off, so that no process's statistics are written over all others': `Team.merge` puts them together."""
GONE = re.compile(r"gloo|nccl|peer|broken pipe|socket|process group", re.IGNORECASE)
"""In what torch says where another process does not answer: over gloo a RuntimeError like any other."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How a training is run; nothing here is meant to change what is learned."""

    threads: int | None = None
    """Of the network in each process; torch's own choice by default."""
    workers: int | None = None
    """Processes that render or read frames beside it; 1 by default, on a GPU one for every core but one."""
    cores: int | None = None
    """That this training may use; all by default."""
    accelerator: Accelerator = "auto"
    """`auto`: a GPU if there is one."""
    devices: int | None = None
    """Of each machine, with a process for each; as many as torchrun has started by default."""
    nodes: int | None = None
    """Machines."""
    patches: Patches = "auto"
    """Of a packed store: in the memory of the device, or read from disk. `auto`: a GPU's, if half of what is free there
    is enough."""

    def __post_init__(self) -> None:
        if self.threads is not None:
            check_threads(self.threads)
        if self.workers is not None and self.workers < 0:
            raise UsageError(f"--workers {self.workers}: give 0 to render in the same process, or more")

    def check(self) -> None:
        """Raise UsageError for devices that are not there."""
        self._check(*started())

    def fabric(self, precision: Precision) -> Fabric:
        """Which has joined the other processes; raises UsageError for devices that are not there."""
        for logger in ("lightning.fabric", "lightning.pytorch"):  # whichever was imported last speaks
            logging.getLogger(logger).setLevel(logging.WARNING)
        nodes, devices = started()
        self._check(nodes, devices)
        alone = nodes * devices == 1
        own: dict[str, Any] = {OWN_BUFFERS: False}
        fabric = Fabric(
            accelerator=self.accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy="auto" if alone else DDPStrategy(**own),
            precision=precision,
        )
        fabric.launch()
        return fabric

    def loaders(self, *, on_gpu: bool) -> int:
        """Processes that render or read frames for one process of the training."""
        if self.workers is not None:
            return self.workers
        cores = self.cores or os.cpu_count() or 1
        return max(1, cores // started()[1] - 1) if on_gpu else 1

    def holds(self, size: int, device: torch.device) -> bool:
        """Whether patches of so many bytes are to lie in the memory of the device."""
        if self.patches == "auto":
            return device.type == "cuda" and size < room_on(device) / 2
        return self.patches == "memory"

    def _check(self, nodes: int, devices: int) -> None:
        asked = tuple(there if own is None else own for own, there in ((self.nodes, nodes), (self.devices, devices)))
        if min(asked) < 1:
            raise UsageError(f"--nodes {asked[0]} --devices {asked[1]}: give at least 1 of each")
        there = torch.cuda.device_count()
        if self.accelerator == "cuda" and not there:
            raise UsageError("--accelerator cuda: torch finds no CUDA device here; leave --accelerator out")
        if self.accelerator != "cpu" and 0 < there < asked[1]:
            raise UsageError(
                f"--devices {asked[1]}: this machine has {there} GPU{'s' * (there > 1)}; give --devices {there}"
            )
        if asked != (nodes, devices):
            machines = f" --nnodes {asked[0]} --node-rank R --master-addr HOST" if asked[0] > 1 else ""
            found = f"torchrun has started {nodes} x {devices}" if nodes * devices > 1 else "this is one process"
            raise UsageError(
                f"--nodes {asked[0]} --devices {asked[1]}: {found}; begin with "
                f"`torchrun{machines} --nproc-per-node {asked[1]} -m handkit train ...`"
            )


def started() -> tuple[int, int]:
    """Machines and processes on each, as torchrun has started them."""
    if not torch.distributed.is_torchelastic_launched():
        return 1, 1
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    return int(os.environ["WORLD_SIZE"]) // here, here


def is_first() -> bool:
    """Whether this process speaks and writes for all."""
    return not torch.distributed.is_torchelastic_launched() or os.environ["RANK"] == "0"


class Team:
    """The processes of a run as one of them sees them."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.count, self.rank = fabric.world_size, fabric.global_rank

    def share(self, batch: int, *, least: int) -> Share:
        """This process's; raises UsageError where they cannot be shared equally."""
        if batch % self.count or batch < least * self.count:
            raise UsageError(
                f"a batch of {batch} frames cannot be shared by {self.count} processes of {least} frames or more; give "
                f"--batch {max(least, -(-batch // self.count)) * self.count}"
            )
        return Share(self.rank, self.count)

    def greatest(self, *numbers: float) -> list[float]:
        """Of each number what is greatest in any process; nothing waits for a GPU."""
        if self.count == 1:
            return list(numbers)
        agreed = torch.tensor(numbers, dtype=torch.float64)
        torch.distributed.all_reduce(agreed, torch.distributed.ReduceOp.MAX, group=self._cpu)
        return agreed.tolist()

    def sums(self, numbers: Tensor) -> Tensor:
        """Of numbers on the device, over all processes."""
        if self.count == 1:
            return numbers
        total: Any = self.fabric.all_reduce(numbers, reduce_op="sum")
        return total

    def merge(self, buffers: list[Tensor], before: list[Tensor]) -> None:
        """Statistics become the mean of all processes', counters (whole numbers) count what all have counted."""
        if self.count == 1:
            return
        for whole in (False, True):
            pairs = [(new, old) for new, old in zip(buffers, before, strict=True) if new.is_floating_point() != whole]
            if not pairs:
                continue
            changes = torch.cat([(new - old).flatten() for new, old in pairs])
            changes = self.sums(changes) if whole else self.sums(changes) / self.count
            parts = changes.split([new.numel() for new, _ in pairs])
            for (new, old), change in zip(pairs, parts, strict=True):
                new.copy_(old + change.view_as(new))

    def misses_another(self, error: RuntimeError) -> bool:
        """Whether this is what torch says where another process does not answer any more."""
        return self.count > 1 and (isinstance(error, torch.distributed.DistError) or bool(GONE.search(str(error))))

    @cached_property
    def _cpu(self) -> Any:  # noqa: ANN401
        """The same processes, for numbers in the processor's memory."""
        return torch.distributed.new_group(backend="gloo")
