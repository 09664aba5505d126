"""`handkit data check`: a table of what is there, and sentences about what is not."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handkit.cli.saying import PIPED_WIDTH
from handkit.datasets.catalog import find_data_set
from handkit.datasets.inspection import PartReport, inspect
from handkit.datasets.publication import Publication

COLORS = {"ready": "green", "incomplete": "red", "damaged": "red", "absent": "yellow"}


def check_data_set(name: str, root: Path, *, split: str | None, images: int | None) -> int:
    """To stdout; answers 0 where every part that is there is ready. Raises HandkitError."""
    reports, publication = inspect(name, root, split=split, images=images), find_data_set(name)
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    console.print(_table(publication, root, reports))
    for report in reports:
        for line in report.in_words():
            console.print(f"  {report.name}: {line}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"source  {publication.source}", highlight=False, markup=False, style="dim", soft_wrap=True)
    console.print(f"terms   {publication.terms}", highlight=False, markup=False, style="dim", soft_wrap=True)
    return int(not all(report.usable for report in reports))


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
