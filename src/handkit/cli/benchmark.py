"""`handkit benchmark`: how fast, on this machine."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import arg

from handkit.cli.options import Count, MaybeCount, Weights
from handkit.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """How fast hands are found here: every stage from a frame to its hands, by each backend; or the networks alone."""

    source: Annotated[str, arg(metavar="SOURCE")] = "demo"
    """What is played: the bundled recording, or synthetic, a recording, a folder."""
    camera: Annotated[str | None, arg(metavar="NAME|fx,fy,cx,cy[,k1,k2,p1,p2...]")] = None
    """That took the frames of a folder."""
    weights: Weights = "latent-fusion"
    """A network by name, or its file."""
    backends: Annotated[tuple[Literal["onnx", "openvino", "torch"], ...], arg(metavar="onnx|openvino|torch...")] = ()
    """All that are installed by default."""
    hands: Count = 1
    """That are followed, at most."""
    threads: Count = 1
    """Of the networks."""
    rounds: Count = 3
    """How often the source is played, to its end and back, by each backend."""
    busy: MaybeCount = None
    """Also track in real time, 30 frames a second, beside N processes that keep a core busy each."""
    seconds: Annotated[float, arg(metavar="S")] = 20.0
    """Of real time, by each backend."""
    networks: bool = False
    """Instead: crops a second of each paper's network by torch, beside what the paper says."""
    batches: Annotated[tuple[int, ...], arg(metavar="N...")] = (1, 8, 32)
    """Crops that a network is given at once."""
    device: Annotated[str, arg(metavar="cpu|cuda")] = "cpu"
    """Of the networks alone."""
    json: Annotated[Path | None, arg(metavar="FILE")] = None
    """Write all figures and the machine to a file."""

    def run(self) -> int:
        """Answers 0."""
        import json

        from rich.console import Console

        from handkit.benchmark.machine import command, in_words, machine
        from handkit.files.atomic import write_whole
        from handkit.files.folders import check_writable

        self._check()
        if self.json is not None:
            check_writable(self.json)
        console = Console(highlight=False, soft_wrap=True)
        made: dict[str, Any] = {"command": command(), "machine": machine(), "threads": self.threads}
        made |= self._networks(console) if self.networks else self._pipeline(console)
        for line in (*in_words(made["machine"]), made["command"]):
            console.print(line, style="dim", markup=False)
        if self.json is not None:
            write_whole(self.json, json.dumps(made, indent=2) + "\n")
        return 0

    def _check(self) -> None:
        """Raises UsageError."""
        for name, least in {"threads": 1, "rounds": 1, "busy": 0, "hands": 1}.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"--{name} {value}: give {least} or more")
        if not 1 <= self.seconds <= 3600:
            raise UsageError(f"--seconds {self.seconds:g}: give 1 to 3600")
        if not self.batches or min(self.batches) < 1:
            raise UsageError("--batches takes numbers of crops, 1 or more")

    def _pipeline(self, console: "Console") -> dict[str, Any]:
        from handkit.benchmark.pipeline import SEARCHED, TRACKED, available, measure, recorded
        from handkit.benchmark.session import session
        from handkit.benchmark.tables import pipeline_rows, session_rows

        shown = recorded(self.source, self.camera)
        estimators = available(
            self.weights, self.backends, threads=self.threads, report=partial(console.print, markup=False)
        )
        rows = measure(estimators, shown, hands=self.hands, rounds=self.rounds)
        size = f"{shown[0].camera.width}x{shown[0].camera.height}"
        for way in (TRACKED, SEARCHED):
            title = f"{way}, {self.source}, {size}, ms: median, 99th percentile, fastest"
            _print_table(console, title, pipeline_rows([row for row in rows if row.way == way]))
        made: dict[str, Any] = {"source": self.source, "size": size, "hands": self.hands}
        made["pipeline"] = [asdict(row) for row in rows]
        if self.busy is None:
            return made
        sessions = [
            session(name, each, shown, hands=self.hands, neighbors=self.busy, seconds=self.seconds)
            for name, each in estimators.items()
        ]
        _print_table(console, "in real time, ms from a frame's arrival to its hands", session_rows(sessions))
        return made | {"sessions": [asdict(each) for each in sessions]}

    def _networks(self, console: "Console") -> dict[str, Any]:
        from handkit.benchmark.networks import measure_networks
        from handkit.benchmark.tables import network_rows

        rows = list(measure_networks(self.batches, device=self.device, threads=self.threads))
        _print_table(console, f"crops a second by torch on {self.device}: median (fastest)", network_rows(rows))
        return {"networks": rows}


def _print_table(console: "Console", title: str, rows: list[dict[str, str]]) -> None:
    """One line for each row; all rows have the same columns."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None)
    for place, column in enumerate(rows[0]):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
