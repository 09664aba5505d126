"""Trainings in processes of their own, which end with the one that began them, saved."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from handkit.errors import HandkitError, StoppedError, TrainingError
from handkit.training.loop import STOPPING, linger, noted_signals

VISIBLE = "CUDA_VISIBLE_DEVICES"
INTERVAL_S = 0.2
"""Between two looks at whether a signal has come."""


def run_side_by_side(function: Callable[..., object], calls: Sequence[tuple[Any, ...]], *, jobs: int) -> None:
    """Call a function with each of these arguments, `jobs` at a time, each in a process of its own.

    On a machine with GPUs each process sees one of them, that with the fewest at work.

    Ctrl-C, SIGTERM or SIGHUP, whether it reaches the group or this process alone, an error in one of them and the
    death of this process end those at work as SIGTERM does, which saves what was begun; no other is begun.

    Raises:
        StoppedError: one of these signals.
        TrainingError: a process was killed.
        HandkitError: what one of the calls raised, such as an impossible argument.
    """
    waiting, working = list(calls), dict[BaseProcess, Connection]()
    gpus, taken = _visible_gpus(), dict[BaseProcess, str | None]()
    with noted_signals() as received, _ended(working):
        while waiting or working:
            if received:
                number = received[0]
                raise StoppedError(f"stopped by {number.name}, what was begun is saved", status=128 + number)
            while waiting and len(working) < jobs:
                gpu = min(gpus, key=[taken[each] for each in working].count, default=None)
                process, errors = _start(function, waiting.pop(0), gpu)
                working[process], taken[process] = errors, gpu
            wait([process.sentinel for process in working], timeout=INTERVAL_S)
            for process in [each for each in working if not each.is_alive()]:
                _check(process, working.pop(process), jobs)


def _visible_gpus() -> list[str]:
    """As CUDA_VISIBLE_DEVICES names them: those that it leaves, or all."""
    named = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    count = torch.cuda.device_count()
    return named[:count] if named else [str(number) for number in range(count)]


@contextlib.contextmanager
def _seeing(gpu: str | None) -> Generator[None]:
    """A process that begins in here sees this GPU alone, from its first import on; None changes nothing."""
    before = os.environ.get(VISIBLE)
    if gpu is not None:
        os.environ[VISIBLE] = gpu
    try:
        yield
    finally:
        if before is not None:
            os.environ[VISIBLE] = before
        elif gpu is not None:
            del os.environ[VISIBLE]


def _start(
    function: Callable[..., object], arguments: tuple[Any, ...], gpu: str | None
) -> tuple[BaseProcess, Connection]:
    """Not forked: torch's threads do not survive that."""
    context = multiprocessing.get_context("spawn")
    errors, end = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(function, arguments, end))
    with _seeing(gpu):
        process.start()
    end.close()
    return process, errors


def _call(function: Callable[..., object], arguments: tuple[Any, ...], errors: Connection) -> None:
    """In the process: what is wrong is sent, and SIGTERM comes when the parent is gone, by whatever signal.

    The first of a signal is the training's, which saves; of one that comes again, as to the group and from the parent,
    the process only ends when it has had the time to.
    """
    parent = multiprocessing.parent_process()
    for number in STOPPING:
        signal.signal(number, linger)
    assert parent is not None

    def wait_for_parent() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_parent, daemon=True).start()
    try:
        function(*arguments)
    except HandkitError as error:
        with contextlib.suppress(OSError):  # nobody listens any more
            errors.send(error)
    except KeyboardInterrupt:  # before or after the training itself; the parent says it
        pass


def _check(process: BaseProcess, errors: Connection, jobs: int) -> None:
    """Raise what a process that has ended has sent, or that it was killed."""
    error = None
    with contextlib.suppress(EOFError, OSError):
        error = errors.recv() if errors.poll() else None
    if error is not None:
        raise error
    if process.exitcode and process.exitcode > 0:
        raise TrainingError(f"a training has failed with status {process.exitcode}, its error stands above")
    if process.exitcode:
        raise TrainingError(
            f"the process of a training was ended by signal {-process.exitcode}, as happens where memory is short; "
            f"what is finished stays: run the same command again, with fewer --jobs than {jobs} if it was memory"
        )


@contextlib.contextmanager
def _ended(working: Collection[BaseProcess]) -> Generator[None]:
    """What is at work afterwards is asked to end, and waited for."""
    try:
        yield
    finally:
        for process in working:
            process.terminate()
        for process in working:
            process.join()
