"""How every benchmark reports: a table, then the machine, the versions and the command that made it."""

import contextlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.table import Table

PACKAGES = ("handkit", "onnxruntime", "torch", "numpy", "numba")


def print_report(title: str, rows: list[dict[str, str]]) -> None:
    """One line for each row; all rows have the same columns."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(title=title, title_justify="left", header_style="dim", box=None)
    for column in rows[0]:
        table.add_column(column, justify="left" if column == next(iter(rows[0])) else "right")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    versions = ", ".join(installed())
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    console.print(f"{processor()}, {os.cpu_count()} cores, load {load:.1f}", style="dim")
    console.print(f"Python {platform.python_version()}, {versions}", style="dim")
    console.print(f"python {' '.join(sys.argv)}", style="dim")


def installed() -> list[str]:
    """Names and versions of the packages that are there."""
    found: list[str] = []
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return found


def processor() -> str:
    """As Linux names it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
