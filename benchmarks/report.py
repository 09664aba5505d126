"""How every benchmark reports: a table, then the machine, the versions and the command that made it."""

import sys
from collections.abc import Callable

import tyro
from rich.console import Console
from rich.table import Table

from handkit.benchmark.machine import in_words, machine
from handkit.errors import HandkitError


def run_benchmark(main: Callable[..., object]) -> None:
    """With the command line's options; what cannot be measured is one sentence."""
    try:
        tyro.cli(main)
    except HandkitError as error:
        sys.exit(f"{sys.argv[0]}: {error}")
    except FileNotFoundError as error:
        sys.exit(f"{sys.argv[0]}: there is no {error.filename}")


def print_report(title: str, rows: list[dict[str, str]]) -> None:
    """One line for each row; all rows have the same columns."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title=title, title_justify="left", header_style="dim", box=None)
    for column in rows[0]:
        table.add_column(column, justify="left" if column == next(iter(rows[0])) else "right")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    for line in in_words(machine()):
        console.print(line, style="dim")
    console.print(f"python {' '.join(sys.argv)}", style="dim")
