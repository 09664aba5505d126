"""How every benchmark reports: a table, then the machine, the versions and the command that made it."""

import os
import platform
import sys
from importlib.metadata import version

import torch
from rich.console import Console
from rich.table import Table

from handkit.training.provenance import processor

PACKAGES = ("handkit", "torch", "numpy", "numba")


def print_report(title: str, rows: list[dict[str, str]]) -> None:
    """One line for each row; all rows have the same columns."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title=title, title_justify="left", header_style="dim", box=None)
    for column in rows[0]:
        table.add_column(column, justify="left" if column == next(iter(rows[0])) else "right")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    threads = torch.get_num_threads()
    console.print(f"{processor()}, {os.cpu_count()} cores, {threads} threads used, load {load:.1f}", style="dim")
    console.print(f"Python {platform.python_version()}, {versions}", style="dim")
    console.print(f"python {' '.join(sys.argv)}", style="dim")
