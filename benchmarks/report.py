"""How every benchmark reports: a table, then the machine, the versions and the command that made it."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

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


def processor() -> str:
    """What the processor, and a GPU if there is one, call themselves."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else platform.processor() or platform.machine()
    return f"{cpu} and {torch.cuda.get_device_name()}" if torch.cuda.is_available() else cpu
