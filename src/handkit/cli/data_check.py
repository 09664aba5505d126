"""`handkit data check`: a table of what is there, and sentences about what is not."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handkit.cli.saying import PIPED_WIDTH
from handkit.datasets.catalog import find_data_set
from handkit.datasets.inspection import PartReport, inspect
from handkit.datasets.publication import Publication
from handkit.errors import DatasetError, HandkitError, UsageError

LISTED = 5
"""How many missing or damaged images are named."""
COLORS = {"ready": "green", "incomplete": "red", "damaged": "red", "absent": "yellow"}


def check_data_set(name: str, root: Path, *, split: str | None, images: int | None) -> int:
    """To stdout; answers 0 where every part that is there is ready. Raises HandkitError."""
    if images is not None and images < 0:
        raise UsageError(f"--images {images} is less than none; give a count or all")
    try:
        publication = find_data_set(name)
        reports = inspect(name, root, split=split, images=images)
    except DatasetError as error:
        raise HandkitError(f"{error}{_whence(name)}") from None
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    console.print(_table(publication, root, reports))
    for report in reports:
        _print_details(console, report)
    console.print(f"source  {publication.source}", highlight=False, markup=False, style="dim", soft_wrap=True)
    console.print(f"terms   {publication.terms}", highlight=False, markup=False, style="dim", soft_wrap=True)
    return int(any(report.state in {"incomplete", "damaged"} for report in reports))


def _whence(name: str) -> str:
    try:
        return f". It comes from {find_data_set(name).source}"
    except DatasetError:
        return ""


def _table(publication: Publication, root: Path, reports: list[PartReport]) -> Table:
    title = f"{escape(publication.title)} in {escape(str(root))}"
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None)
    for column in ("split", "state"):
        table.add_column(column)
    for column in ("frames", "published", "missing", "opened", "damaged", "known faults"):
        table.add_column(column, justify="right")
    for report in reports:
        counts = (len(report.missing), report.opened, len(report.damaged), sum(report.faults.values()))
        table.add_row(
            report.name,
            f"[{COLORS[report.state]}]{report.state}[/]",
            f"{report.frames:,}",
            " or ".join(f"{count:,}" for count in report.published) or "-",
            *(f"{count:,}" for count in counts),
        )
    return table


def _print_details(console: Console, report: PartReport) -> None:
    """One line for each thing that a user should know of this part."""
    lines = [report.reason] if report.reason else []
    if report.frames and report.published and not report.complete:
        published = " or ".join(f"{count:,}" for count in report.published)
        lines.append(
            f"{report.frames:,} frames, not {published}: errors measured on them do not compare with published ones"
        )
    if report.edition:
        people = ", ".join(f"{subject} {count:,}" for subject, count in report.subjects.items())
        lines.append(f"{report.edition} edition: {people}")
    lines += [f"{count:,} x {fault}" for fault, count in report.faults.items()]
    lines += [f"missing: {source}" for source in report.missing[:LISTED]] if len(report.missing) < report.frames else []
    lines += list(report.damaged[int(report.state == "damaged") : LISTED])  # the first of a damaged part is its reason
    for line in lines:
        console.print(f"  {report.name}: {line}", highlight=False, markup=False, soft_wrap=True)
