"""One training loop for every network: batches of frames in, safetensors weights and a log out.

Batch `i` is drawn from the seed and `i` alone, so a run that was stopped and resumed, be it in another number of
processes, sees what an uninterrupted one sees. A step is `handkit.training.run`, what stays on disk is
`handkit.training.folder`.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from handkit.drawing import Picture
from handkit.errors import HandkitError, StoppedError, TrainingError
from handkit.geometry.frame import DepthFrame
from handkit.training.folder import LAST, Report, RunFolder
from handkit.training.run import Run

CHECKPOINT_SECONDS = 180.0
LOG_EVERY = 20
"""Steps between lines of the log."""


@dataclass(frozen=True)
class Budget:
    """When to stop: after a number of samples or, without one, of minutes of training."""

    samples: int | None = None
    minutes: float | None = None
    """From the first batch on: what compiles the renderer, or opens a store, is not spent."""

    def in_words(self) -> str:
        """`60 minutes`, `2,000 samples`."""
        return f"{self.samples:,} samples" if self.samples is not None else f"{self.minutes:g} minutes"

    def progress(self, *, samples: int, seconds: float) -> float:
        """Share of the budget that is spent, 0 to 1."""
        if self.samples is not None:
            return min(samples / self.samples, 1.0)
        return min(seconds / 60 / (self.minutes or 1e-9), 1.0)


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
    draw: Callable[[Any], Picture] | None = None,
) -> Path:
    """Train until the budget is spent, with a state file every few minutes; returns the path of the weights.

    `about` (seed, command, versions, ...) is written to `run.json` and into the weights. `measure` returns the error in
    mm of the averaged network; with `best` the weights of the least one are kept beside the last as `best.safetensors`.
    `tell` hears of every line of the log; what `draw` makes of the averaged network goes to `predictions/`, a picture
    for each checkpoint. Of several processes the first measures, writes and tells.

    Raises:
        TrainingError: nothing can be learned any more, another process has ended, or the weights cannot be written.
        StoppedError: Ctrl-C or SIGTERM; the state was saved.
    """
    folder = RunFolder(run, out, about or {}, tell, draw)
    saved, begun, spent = 0.0, 0.0, run.spent.seconds
    terms: dict[str, Tensor] = {}
    with noted_signals() as received, _others(run, out):
        for frame in _batches(frames, run.spent.step, workers, pinned=workers > 0 and run.fabric.device.type == "cuda"):
            if not begun:
                saved = begun = time.monotonic()
            run.spent.seconds = spent + time.monotonic() - begun
            first = run.team.rank == 0  # its clock counts: the others wait while it measures
            progress, due, stop = run.team.greatest(
                first * budget.progress(samples=run.spent.samples, seconds=run.spent.seconds),
                first and time.monotonic() - saved > CHECKPOINT_SECONDS,
                received[0] if received else 0,
            )
            if due or stop or progress >= 1:
                folder.checkpoint(
                    progress, terms, measure=None if stop else measure, best=best, last=stop > 0 or progress >= 1
                )
                saved = time.monotonic()
            if stop:
                raise _stopped(run, signal.Signals(int(stop)))
            if progress >= 1:
                return out / LAST
            terms = run.advance(frame, progress=progress)
            if run.spent.step % LOG_EVERY == 0:
                folder.line(progress, terms)
    raise AssertionError("the loader is endless")


def _stopped(run: Run, number: signal.Signals) -> StoppedError:
    sentence = f"stopped by {number.name} after {run.spent.samples} samples, its state is kept"
    return StoppedError(sentence, status=128 + number)


@contextlib.contextmanager
def _others(run: Run, out: Path) -> Generator[None]:
    """Says so where another process of the run has ended."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, HandkitError) or not run.team.misses_another(error):
            raise
        kept = "the last state on disk is whole, --resume continues it"
        raise TrainingError(
            f"another of the {run.team.count} processes of this run has ended, after {run.spent.samples} samples; "
            + (kept if (out / "state.ckpt").exists() else "no state was kept yet: begin again")
        ) from None


STOPPING = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
"""Ctrl-C, service managers, the end of the terminal."""
LINGER_S = 30
"""Of a worker after SIGTERM: the loop finishes its step and saves meanwhile."""


def _batches(frames: Dataset[DepthFrame], first: int, workers: int, *, pinned: bool) -> DataLoader[DepthFrame]:
    """Batches from number `first` on, without end; `pinned` where a GPU takes them from workers."""
    return DataLoader(
        frames,
        batch_size=None,
        sampler=range(first, 2**31),
        num_workers=workers,
        pin_memory=pinned,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_leave_signals if workers else None,
    )


def _leave_signals(worker: int) -> None:
    """In a worker: Ctrl-C, `timeout` and service managers reach the whole group, and the loop ends the workers itself.

    A worker that nobody ends after SIGTERM ends by an alarm.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "alarm"):  # not on Windows, where nothing reaches the whole group either
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, linger)


def linger(number: int, frame: FrameType | None) -> None:
    """Handler of a signal: the process ends in `LINGER_S`, if it has not ended before."""
    if hasattr(signal, "alarm"):
        signal.alarm(LINGER_S)


@contextlib.contextmanager
def noted_signals() -> Generator[list[signal.Signals]]:
    """A list that holds a signal of `STOPPING` once it came; the same one again does what it always does."""
    received: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in STOPPING if signal.getsignal(number) != signal.SIG_IGN}

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
