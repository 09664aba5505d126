"""Measurements as rows of a table, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from handkit.benchmark.pipeline import STAGES, Row, Spread
from handkit.benchmark.session import Latency


def pipeline_rows(rows: Sequence[Row]) -> list[dict[str, str]]:
    """A row for each stage, of one way: median, 99th percentile and fastest of each backend, ms."""
    stages = [
        {"": stage} | {row.backend: _spread(row.stages.get(stage)) for row in rows}
        for stage in STAGES
        if any(stage in row.stages for row in rows)
    ]
    used = {"": "CPU time, mean"} | {row.backend: f"{row.cpu_ms:.2f}" for row in rows}
    rates = {"": "frames a second"} | {row.backend: f"{1000 / row.stages['total'].median:.0f}" for row in rows}
    return [*stages, used, rates]


def session_rows(sessions: Sequence[Latency]) -> list[dict[str, str]]:
    """From a frame's arrival to its hands, ms."""
    return [
        {
            "": f"{each.backend}, beside {each.neighbors} busy",
            "frames": f"{each.frames}",
            "dropped": f"{each.dropped}",
            "median": f"{each.median_ms:.1f}",
            "99th percentile": f"{each.p99_ms:.1f}",
        }
        for each in sessions
    ]


def network_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Crops a second, median and fastest, and those of the paper."""
    return [
        {"network": row["network"], "input": f"{row['resolution']}x{row['resolution']}"}
        | {f"batch {batch}": f"{rate['median']:.1f} ({rate['fastest']:.1f})" for batch, rate in row["batches"].items()}
        | {"paper": _paper(row["paper"])}
        for row in rows
    ]


def _spread(spread: Spread | None) -> str:
    return "-" if spread is None else f"{spread.median:.2f} {spread.p99:7.2f} {spread.fastest:7.2f}"


def _paper(speed: Mapping[str, Any] | None) -> str:
    if speed is None:
        return "-"
    return f"{speed['frames_per_second']:g} ({speed['machine'] or 'machine not stated'})"
