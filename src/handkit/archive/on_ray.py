"""Shards shared among the machines of a Ray cluster that see the same folders.

Ray Data moves numbers of shards, not frames: each is read, labeled and written whole by an actor. A shard whose actor
dies is given to another, and one that was written twice is there once, so the files are the checkpoint; one that
Ray Data keeps itself would need unique ids, blocks of its own and all ids in memory.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handkit.archive.job import Job, sentence_of
from handkit.errors import HandkitError
from handkit.extras import load

SPARE_CPUS = 2
"""Of a cluster that is started here, beyond one for each actor: Ray Data's reading waits for a CPU of its own."""


class ShardWorker:
    """Labels a shard; an actor keeps one."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """`{"shard": numbers}` as given, with a sentence for each: empty, or why it could not be done."""
        shards = [int(shard) for shard in batch["shard"]]
        reason = ""
        try:
            for _ in self._job.work([shard for shard in shards if not self._job.path(shard).exists()]):
                pass
        except (HandkitError, OSError) as error:
            reason = sentence_of(error)
        return {"shard": np.array(shards), "reason": np.array([reason] * len(shards))}


def work_on_ray(job: Job, shards: Sequence[int], *, workers: int, tell: Callable[[int], None]) -> None:
    """Do these shards; `tell` is called with each that is done.

    On the cluster of RAY_ADDRESS, or one that is started on this machine. Raises MissingExtraError, HandkitError.
    """
    ray, data = load("ray", extra="ray"), load("ray.data", extra="ray")
    mine = not ray.is_initialized()
    if mine:
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers + SPARE_CPUS, "include_dashboard": False}
        ray.init(log_to_driver=False, **local)
    try:
        data.DataContext.get_current().enable_progress_bars = False
        numbers = data.from_items([{"shard": shard} for shard in shards], override_num_blocks=len(shards))
        actors = data.ActorPoolStrategy(min_size=1, max_size=workers)
        done = numbers.map_batches(ShardWorker, fn_constructor_args=(job,), batch_size=1, compute=actors, num_cpus=1)
        for row in done.iter_rows():
            if row["reason"]:
                raise HandkitError(f"{row['reason']}; what is finished stays: run the same command again")
            tell(int(row["shard"]))
    except ray.exceptions.RayError as error:
        reason = str(error).strip().partition("\n")[0]
        raise HandkitError(f"Ray gave up ({reason}); what is finished stays") from None
    finally:
        if mine:
            ray.shutdown()
