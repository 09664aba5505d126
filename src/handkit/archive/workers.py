"""Shards shared among processes that have nothing in common but the folder: whichever is killed is started again."""

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from handkit.archive.job import Job, sentence_of
from handkit.errors import HandkitError
from handkit.sources.source import Report

INTERVAL_S = 0.5
"""Between two looks at what is done."""
MOST_LOSSES = 3
"""Times that one worker may be killed without having finished a shard."""


@dataclass
class _Worker:
    """A process and its part of the shards."""

    job: Job
    shards: list[int]
    losses: int = 0
    process: BaseProcess = field(init=False)
    errors: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Not forked: threads of the networks do not survive that."""
        context = multiprocessing.get_context("spawn")
        self.errors, end = context.Pipe(duplex=False)
        self.process = context.Process(target=_run, args=(self.job, self.shards, end), daemon=True)
        self.process.start()
        end.close()

    def take_done(self) -> list[int]:
        """Shards that are there now, which leave the list."""
        done = [shard for shard in self.shards if self.job.path(shard).exists()]
        if done:
            self.losses = 0
            self.shards = [shard for shard in self.shards if shard not in set(done)]
        return done

    def end(self) -> HandkitError | None:
        """Of a process that has ended: the error that it ended with, None where it was killed or is done."""
        self.process.join()
        with suppress(EOFError, OSError):
            if self.errors.poll():
                sentence, status = self.errors.recv()
                return HandkitError(sentence, status=status)
        return None


def work_in_processes(
    job: Job, shards: Sequence[int], *, workers: int, tell: Callable[[int], None], report: Report
) -> None:
    """Do these shards; `tell` is called with each that is done.

    A worker that is killed is started again with what it has left, and reported. Raises HandkitError where one ends
    with an error, or is killed again and again at the same shard.
    """
    running: list[_Worker] = []
    try:
        for number in range(min(workers, len(shards))):
            running.append(_Worker(job, list(shards[number::workers])))
        while running:
            wait([worker.process.sentinel for worker in running], timeout=INTERVAL_S)
            running = [worker for worker in running if _goes_on(worker, tell, report)]
    finally:
        for worker in running:
            worker.process.terminate()
            worker.process.join()


def _goes_on(worker: _Worker, tell: Callable[[int], None], report: Report) -> bool:
    """Whether a worker is still at work, or again."""
    ended = not worker.process.is_alive()
    for shard in worker.take_done():
        tell(shard)
    if not ended:
        return True
    error = worker.end()
    if error is not None:
        raise error
    if not worker.shards:
        return False
    worker.losses += 1
    code = worker.process.exitcode
    how = f"by signal {-code}" if code is not None and code < 0 else f"with status {code}"
    file = worker.job.path(worker.shards[0]).name
    if worker.losses > MOST_LOSSES:
        raise HandkitError(
            f"a worker was ended {how} {worker.losses} times at {file}; what is finished stays: free memory or give "
            "fewer --workers, and run the same command again"
        )
    report(f"a worker was ended {how} at {file}; another goes on from there")
    worker.start()
    return True


def _run(job: Job, shards: list[int], errors: Connection) -> None:
    """What a worker does; it ends with the process that started it."""
    parent: Any = multiprocessing.parent_process()
    try:
        for _ in job.work(shards, alive=parent.is_alive):
            pass
    except (HandkitError, OSError) as error:
        errors.send((sentence_of(error), getattr(error, "status", 1)))
    except KeyboardInterrupt:  # the parent says it
        pass
