"""A result on a terminal."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handkit.cli.saying import PIPED_WIDTH, say
from handkit.evaluation import Result
from handkit.evaluation.protocol import NO_TEST, protocol_rows

if TYPE_CHECKING:
    from handkit.training.testset import Figures

COLUMNS = {
    "images": "images", "hands": "hands", "missed": "missed", "false": "false",
    "handedness_errors": "wrong\nside", "mean_error_mm": "mean\nmm", "success_20mm": "max <\n20 mm",
    "mean_confidence": "confi-\ndence", "good": "good", "ece": "ECE",
}  # fmt: skip
"""Of a tally's summary, those that are printed, in heads that leave every figure whole on 80 columns."""
LISTED = 10
"""How many frames without an answer are named."""


def result_console() -> Console:
    """Stdout; a pipe is as wide as the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)


def print_result(console: Console, result: Result) -> None:
    """Mean, parts, success, axes, comparisons, and the protocol under which they hold."""
    low, high = result.blocks_mm
    console.print(f"[bold]{escape(result.method)}[/]: mean joint error [bold]{result.mean_error_mm:.3f} mm[/]")
    console.print(
        f"95 % interval {low:.3f} to {high:.3f} mm (frames drawn in blocks; one by one "
        f"{result.frames_mm.low:.3f} to {result.frames_mm.high:.3f})",
        highlight=False,
    )
    if result.left_out:
        console.print(f"{result.left_out} frames have no answer and are in none of these figures", style="yellow")
    if NO_TEST in result.protocol.center:
        console.print(f"centers: {escape(result.protocol.center)}", style="yellow", highlight=False)
    axes = ", ".join(f"{axis} {value:.2f}" for axis, value in zip("xyz", result.per_axis_mm, strict=True))
    console.print(f"along {axes} mm; area under curve {result.auc_worst_joint:.3f} (maximum joint error, 0 to 80 mm)\n")
    console.print(_success_table(result))
    if result.comparisons:
        console.print(_comparison_table(result))
    words = Table(show_header=False, box=None, title="protocol", title_justify="left", title_style="dim")
    for name, text in protocol_rows(result.protocol):
        words.add_row(name, escape(text), style="dim")
    console.print(words)


def _success_table(result: Result) -> Table:
    table = Table(
        box=None, header_style="dim", title="maximum joint error within", title_justify="left", title_style="dim"
    )
    table.add_column("")
    for head in ("frames", "mean, mm", *(f"{threshold} mm" for threshold in result.success)):
        table.add_column(head, justify="right")
    rows = [("all", result.frames, result.mean_error_mm, result.success)]
    rows += [(name, part.frames, part.mean_error_mm, part.success) for name, part in result.parts.items()]
    for name, frames, mean, success in rows:
        table.add_row(escape(name), f"{frames:,}", f"{mean:.3f}", *(f"{rate:.1%}" for rate in success.values()))
    for name, success in (("mean joint", result.success_mean_joint), ("each joint", result.success_joint)):
        table.add_row(name, "", "", *(f"{rate:.1%}" for rate in success.values()), style="dim")
    return table


def _comparison_table(result: Result) -> Table:
    table = Table(box=None, header_style="dim", title="frame by frame", title_justify="left", title_style="dim")
    for head in ("against", "its mean, mm", "difference", "95 % interval", "better on"):
        table.add_column(head, justify="left" if head == "against" else "right")
    for other in result.comparisons:
        low, high = other.blocks_mm
        interval = f"{low:+.3f} to {high:+.3f}"
        cells = (
            f"{other.other_mean_error_mm:.3f}",
            f"{other.difference_mm:+.3f}",
            interval,
            f"{other.better_frames:.1%}",
        )
        table.add_row(escape(other.other), *cells)
    return table


def print_scored(result: Result | None) -> None:
    """The figures, or that there are none."""
    console = result_console()
    if result:
        print_result(console, result)
    else:
        console.print("no frame has both a label and an answer: nothing to score", highlight=False)


def print_page(page: Path) -> None:
    """Where a report is."""
    result_console().print(f"report: {page}", highlight=False, markup=False, soft_wrap=True)


def print_answers(folder: Path) -> None:
    """Where the answers of a store's frames are, how they are written, and of HANDS2017 what scores them."""
    from handkit.training.submission import SUBMISSION

    console = result_console()
    lines = [f"predictions: {folder / 'predictions.txt'}, a frame a line, x y z of every joint in camera mm, y down"]
    if (submission := folder / SUBMISSION).exists():
        scored = f"handkit score {submission} --dataset hands17 --labels ANNOTATIONS"
        lines.append(f"submission: {submission}, as the challenge takes it; with its labels, `{scored}`")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def say_guessed(unanswered: tuple[str, ...], folder: Path) -> None:
    """On stderr: for which frames of HANDS2017 the submission has no answer of the network."""
    from handkit.training.submission import SUBMISSION

    if not unanswered:
        return
    listed = ", ".join(unanswered[:LISTED]) + (f" and {len(unanswered) - LISTED:,} more" * (len(unanswered) > LISTED))
    frames = "1 frame has" if len(unanswered) == 1 else f"{len(unanswered):,} frames have"
    if (submission := folder / SUBMISSION).exists():
        say(f"{frames} no answer, {submission} has the mean pose instead: {listed}")
    else:
        say(f"no frame has an answer, so there is no {submission}: {listed}")


def print_figures(figures: "Figures") -> None:
    """Of whole images: a line for all of them, and for every kind where there are several; and their protocol."""
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0))
    for title in ("", *COLUMNS.values()):
        table.add_column(title, justify="right" if title else "left")
    kinds = figures.kinds if len(figures.kinds) > 1 else {}
    for kind, summary in ({"all": figures.total} | kinds).items():
        table.add_row(kind, *("-" if summary[name] is None else str(summary[name]) for name in COLUMNS))
    Console().print(table)
    Console(soft_wrap=True).print(figures.protocol, highlight=False)
