"""What a run leaves in its folder: `run.json`, `log.jsonl`, the state to go on from, weights, pictures."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from torch import Tensor

from handkit.drawing import Picture
from handkit.errors import CheckpointError, HandkitError, TrainingError, UsageError
from handkit.files.atomic import replacing, write_whole
from handkit.files.png import write_png
from handkit.hub import WEIGHTS, find_weights
from handkit.models.checkpoint import save
from handkit.models.made_on import command
from handkit.recipes.recipe import differences
from handkit.training.provenance import without_folders
from handkit.training.run import Run

STATE = "state.ckpt"
"""With which a run goes on."""
RUN = "run.json"
"""What made it."""
LAST, BEST = f"weights{WEIGHTS}", f"best{WEIGHTS}"
"""Files of a run: its last weights, and those that did best on its test frames."""


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


@contextlib.contextmanager
def held(out: Path) -> Generator[None]:
    """While in here no other process may train in the folder `out`, which exists; UsageError if one does."""
    lock = FileLock(out / ".lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(f"{out}: another process trains there; wait for it or end it, or name another --out") from None
    except (NotImplementedError, OSError):  # a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()


def begun(out: Path, asked: Mapping[str, Any], *, init: str | None) -> dict[str, Any]:
    """How the run in `out` was begun, which stays, and the commands by which it went on, this one the last.

    Raises TrainingError where it was begun with something else than is `asked` (names as in `run.json`), or not from
    the weights that are given now.
    """
    path = out / RUN
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError):
        raise TrainingError(
            f"{path} is damaged; delete it to go on without what it says of the beginning, or begin the run again, in "
            "another --out"
        ) from None
    other = {} if init is None or _same_weights(found.get("init"), init) else {"init": init}
    known = {name: _as_noted(found[name], value) for name, value in {**asked, **other}.items() if name in found}
    if differing := differences({name: found[name] for name in known}, known):
        anew = " (the store was packed anew)" * any("index_crc32" in each for each in differing)
        raise TrainingError(
            f"{out} was begun otherwise: {'; '.join(differing)}{anew}; give the options that began it, or name another "
            "--out"
        )
    kept = {name: found[name] for name in ("command", "started", "init") if name in found}
    return kept | {"resumed": [*found.get("resumed", []), command()]}


def _as_noted(there: Any, here: Any) -> Any:  # noqa: ANN401
    """What is asked, as far as an earlier handkit has noted it."""
    both = isinstance(there, dict) and isinstance(here, dict)
    return {name: here[name] for name in there.keys() & here.keys()} if both else here


def _same_weights(one: str | None, other: str) -> bool:
    """Whether two names, or a name and a path, are of one file."""
    if one is None or one == other:
        return one == other
    try:
        return find_weights(one).resolve() == find_weights(other).resolve()
    except HandkitError:  # they are not there any more
        return Path(one).absolute() == Path(other).absolute()


def picture_path(out: Path, samples: int) -> Path:
    """Of the predictions after this many samples."""
    return out / "predictions" / f"{samples:010d}.png"


class RunFolder:
    """Of the processes of a run only the first writes; each may call."""

    def __init__(
        self,
        run: Run,
        out: Path,
        notes: dict[str, Any],
        tell: Callable[[Report], None],
        draw: Callable[[Any], Picture] | None = None,
    ) -> None:
        self.run, self.out, self.notes, self.tell, self.draw = run, out, notes, tell, draw
        self.writes, self.kept = run.team.rank == 0, run.spent.samples
        if not self.writes:
            return
        out.mkdir(parents=True, exist_ok=True)
        about = json.dumps(notes | {"recipe": asdict(run.recipe)}, indent=1) + "\n"
        try:
            write_whole(out / RUN, about)
            self._cut_log(run.spent.samples)
        except OSError as error:
            raise TrainingError(
                f"the run cannot be written: {error.strerror or error}; what was there is whole, and goes on once it "
                "can"
            ) from None

    def line(self, progress: float, terms: dict[str, Tensor], *, error_mm: float | None = None) -> None:
        """One more line of the log; raises TrainingError where nothing was learned for long."""
        counts = self.run.counts()
        if not self.writes:
            return
        spent, rate = self.run.spent, self.run.recipe.learning_rate_at(progress)
        numbers = {name: float(value) for name, value in terms.items()}
        report = Report(progress, spent.samples, spent.seconds, rate, spent.resolution, numbers, error_mm, *counts)
        self.tell(report)
        with (self.out / "log.jsonl").open("ab") as file:
            end = file.tell()
            try:
                file.write(json.dumps(asdict(report)).encode() + b"\n")
                file.flush()
            except OSError:  # a full disk: the checkpoint says so
                file.truncate(end)

    def checkpoint(
        self,
        progress: float,
        terms: dict[str, Tensor],
        *,
        measure: Callable[[Any], float] | None,
        best: bool,
        last: bool,
    ) -> None:
        """State and weights, each replacing its predecessor in one step, and a line of the log with the error.

        Where the disk is full, the run goes on and its predecessors stay.

        Raises:
            TrainingError: it is full at the `last` checkpoint.
            CheckpointError: the weights are not finite.
        """
        begun = time.monotonic()
        error_mm = measure(self.run.averaged()) if measure and self.writes else None
        self.run.spent.measuring += time.monotonic() - begun
        if self.writes:
            try:
                self._keep(error_mm if best else None)
            except (OSError, CheckpointError) as error:
                self._full(error, last=last)
        self.line(progress, terms, error_mm=error_mm)
        if self.writes and find_spec("matplotlib"):
            self._plot()

    def _plot(self) -> None:
        """`progress.pdf`, `.svg` and `.png`: what the log holds, where the charts' extra is installed."""
        from handkit.reports.charts import save_figure
        from handkit.reports.training import training_chart

        text = (self.out / "log.jsonl").read_text(encoding="utf-8")
        chart = training_chart([json.loads(line) for line in text.splitlines()], title=self.run.recipe.network)
        if not chart.axes:
            return
        with contextlib.suppress(OSError):  # a full disk: the checkpoint says so
            save_figure(chart, self.out / "progress")

    def _keep(self, best_mm: float | None) -> None:
        run = self.run
        if best_mm is not None and best_mm < run.spent.best_mm:
            self._write_weights(BEST, error_mm=best_mm)
            run.spent.best_mm = best_mm
        with replacing(self.out / STATE) as partial:
            run.save(partial)
        self._write_weights(LAST)
        self.kept = run.spent.samples
        if self.draw:
            path = picture_path(self.out, run.spent.samples)
            path.parent.mkdir(exist_ok=True)
            write_png(path, self.draw(run.averaged()))

    def _write_weights(self, name: str, **more: Any) -> None:  # noqa: ANN401
        run = self.run
        notes = self.notes | more | {"samples": run.spent.samples, "seconds": round(run.spent.seconds)}
        save(self.out / name, run.averaged(), recipe=asdict(run.recipe), notes=without_folders(notes))

    def _full(self, error: OSError | CheckpointError, *, last: bool) -> None:
        """Goes on if it can; raises what cannot be helped."""
        cause = error.__cause__ if isinstance(error, CheckpointError) else error
        if not isinstance(cause, OSError):
            raise error
        reason = f"the state after {self.run.spent.samples} samples cannot be written: {cause.strerror}"
        if last:
            whole = f"that after {self.kept} is whole; make room and --resume" if self.kept else "make room"
            raise TrainingError(f"{reason}; {whole}") from None
        self.run.say(f"{self.out}: {reason}; the run goes on and tries again")

    def _cut_log(self, samples: int) -> None:
        """What is there of another run, or came after the state that is continued, goes."""
        path = self.out / "log.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() and samples else []
        write_whole(path, "".join(f"{line}\n" for line in lines if _samples_of(line) <= samples))


def _samples_of(line: str) -> float:
    """Of a line of the log; infinite of half a line."""
    try:
        return json.loads(line)["samples"]
    except ValueError:
        return math.inf
