"""`handkit demo`: options that become one call of `handkit.demonstration.run_demo`, and its figures."""

from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING

from handkit.cli.options import Backend, Count, Folder

if TYPE_CHECKING:
    from handkit.demonstration import Demonstration


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Find the hand in every frame of a bundled synthetic recording, and show how well and how fast that went."""

    out: Folder = Path("demo")
    """Folder for poses.jsonl and demo.png."""
    backend: Backend = None
    """What runs the networks: onnx by default, openvino or torch."""
    threads: Count = 1
    """Of the networks."""

    def run(self) -> int:
        """Answers 1 where not a single hand was found."""
        from handkit.demonstration import run_demo
        from handkit.estimator import HandPoseEstimator

        estimator = HandPoseEstimator.from_pretrained(backend=self.backend, threads=self.threads)
        shown = run_demo(estimator, out=self.out)
        _tell(shown, self.out)
        return 0 if any(error is not None for error in shown.errors_mm) else 1


def _tell(shown: "Demonstration", out: Path) -> None:
    """The numbers, with what they were measured on."""
    from rich.console import Console
    from rich.table import Table

    from handkit.sinks.records import STAGES

    found = [error for error in shown.errors_mm if error is not None]
    rows = {"frames": f"{len(shown.errors_mm)}, hand found in {len(found)}"}
    if found:
        rows["mean joint error"] = f"{mean(found):.1f} mm  (median frame {median(found):.1f} mm)"
    rows["frames per second"] = f"{1000 / mean(each.timings_ms['total'] for each in shown.predictions):.1f}"
    for stage in STAGES:
        rows[stage] = f"{median(each.timings_ms[stage] for each in shown.predictions):.2f} ms"
    table = Table(show_header=False, box=None, title="synthetic recording", title_justify="left")
    for name, value in rows.items():
        table.add_row(name, value)
    console = Console()
    console.print(table)
    console.print(f"{out / 'poses.jsonl'}  {out / 'demo.png'}", highlight=False, markup=False)
