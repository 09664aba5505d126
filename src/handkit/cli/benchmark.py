"""`handkit benchmark`: how fast, on this machine."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from handkit.cli.options import Backends, Count, MaybeCamera, MaybeCount, Weights

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """How fast hands are found here: every stage from a frame to its hands, by each backend; or the networks alone."""

    source: Annotated[str, arg(metavar="SOURCE")] = "demo"
    """What is played: the bundled recording, or synthetic, a recording, a folder."""
    camera: MaybeCamera = None
    """That took the frames of a folder."""
    weights: Weights = "latent-fusion"
    """A network by name, or its file."""
    backends: Backends = ()
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

        from handkit.benchmark import tables
        from handkit.benchmark.machine import command, in_words
        from handkit.files.atomic import write_whole
        from handkit.files.folders import check_writable

        if self.json is not None:
            check_writable(self.json)
        console = Console(highlight=False, soft_wrap=True)
        made = self._measured(console)
        for title, rows in tables(made).items():
            _print_table(console, title, rows)
        for line in (*in_words(made["machine"]), command()):
            console.print(line, style="dim", markup=False)
        if self.json is not None:
            write_whole(self.json, json.dumps({"command": command(), **made}, indent=2) + "\n")
        return 0

    def _measured(self, console: "Console") -> dict[str, Any]:
        from handkit.benchmark import run_networks, run_pipeline

        if self.networks:
            return run_networks(self.batches, device=self.device, threads=self.threads)
        return run_pipeline(
            self.source, camera=self.camera, weights=self.weights, backends=self.backends, hands=self.hands,
            threads=self.threads, rounds=self.rounds, busy=self.busy, seconds=self.seconds,
            report=partial(console.print, markup=False),
        )  # fmt: skip


def _print_table(console: "Console", title: str, rows: list[dict[str, str]]) -> None:
    """One line for each row; all rows have the same columns."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None)
    for place, column in enumerate(rows[0]):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
