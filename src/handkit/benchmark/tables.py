"""Measurements, as `running` answers them or a JSON file holds them, as tables in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from handkit.benchmark.pipeline import SEARCHED, STAGES, TRACKED

Figures = Sequence[Mapping[str, Any]]
Table = list[dict[str, str]]
"""All rows have the same columns."""


def tables(made: Mapping[str, Any]) -> dict[str, Table]:
    """Of what `run_pipeline` or `run_networks` has measured: every table by its title."""
    if "networks" in made:
        device = made["networks"][0]["device"]
        return {f"crops a second by torch on {device}: median (fastest)": _network_rows(made["networks"])}
    found = {
        f"{way}, {made['source']}, {made['size']}, ms: median, 99th percentile, fastest": _pipeline_rows(
            [row for row in made["pipeline"] if row["way"] == way]
        )
        for way in (TRACKED, SEARCHED)
    }
    if "sessions" in made:
        found["in real time, ms from a frame's arrival to its hands"] = _session_rows(made["sessions"])
    return found


def _pipeline_rows(rows: Figures) -> Table:
    """A row for each stage, of one way: median, 99th percentile and fastest of each backend, ms."""
    stages = [
        {"": stage} | {row["backend"]: _spread(row["stages"].get(stage)) for row in rows}
        for stage in STAGES
        if any(stage in row["stages"] for row in rows)
    ]
    used = {"": "CPU time, mean"} | {row["backend"]: f"{row['cpu_ms']:.2f}" for row in rows}
    rates = {"": "frames a second"} | {row["backend"]: f"{1000 / row['stages']['total']['median']:.0f}" for row in rows}
    return [*stages, used, rates]


def _session_rows(sessions: Figures) -> Table:
    return [
        {
            "": f"{each['backend']}, beside {each['neighbors']} busy",
            "frames": f"{each['frames']}",
            "dropped": f"{each['dropped']}",
            "median": f"{each['median_ms']:.1f}",
            "99th percentile": f"{each['p99_ms']:.1f}",
        }
        for each in sessions
    ]


def _network_rows(rows: Figures) -> Table:
    """Crops a second, median and fastest, and those of the paper."""
    return [
        {"network": row["network"], "input": f"{row['resolution']}x{row['resolution']}"}
        | {f"batch {batch}": f"{rate['median']:.1f} ({rate['fastest']:.1f})" for batch, rate in row["batches"].items()}
        | {"paper": _paper(row["paper"])}
        for row in rows
    ]


def _spread(spread: Mapping[str, float] | None) -> str:
    return "-" if spread is None else f"{spread['median']:.2f} {spread['p99']:7.2f} {spread['fastest']:7.2f}"


def _paper(speed: Mapping[str, Any] | None) -> str:
    if speed is None:
        return "-"
    return f"{speed['frames_per_second']:g} ({speed['machine'] or 'machine not stated'})"
