"""`handkit info` where torch is not installed: networks that can run, cameras, versions."""

import json
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from handkit.cli.saying import WIDE
from handkit.extras import install_command
from handkit.hub import GRAPH, weights_folders
from handkit.named_cameras import CAMERAS

PACKAGES = ("handkit", "numpy", "opencv-python-headless", "onnxruntime")


def print_installed(*, as_json: bool) -> int:
    """To stdout; answers 0."""
    graphs = {path.stem: path for folder in weights_folders() for path in sorted(folder.glob(f"*{GRAPH}"))}
    facts: dict[str, Any] = {
        "graphs": {
            name: {"megabytes": round(path.stat().st_size / 1e6, 2), "folder": str(path.parent)}
            for name, path in graphs.items()
        },
        "cameras": {name: camera._asdict() for name, camera in CAMERAS.items()},
        "versions": {name: version(name) for name in PACKAGES},
    }
    if as_json:
        print(json.dumps(facts, indent=2))
        return 0
    console = Console()
    console = console if console.is_terminal else Console(width=WIDE)
    console.print(_table("networks", facts["graphs"]))
    console.print(_table("cameras", facts["cameras"]))
    versions = "  ".join(f"{name} {number}" for name, number in facts["versions"].items())
    console.print(versions, highlight=False, style="dim", soft_wrap=True)
    more = f"the papers' networks, their sizes and figures: {install_command('train')}"
    console.print(more, markup=False, style="dim", soft_wrap=True)
    return 0


def _table(title: str, rows: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None)
    for column in ("name", *next(iter(rows.values()), {})):
        table.add_column(column)
    for name, row in rows.items():
        table.add_row(name, *(str(value) for value in row.values()))
    return table
