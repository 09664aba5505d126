"""How a training went: loss terms, error and learning rate over the samples."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator

from handkit.reports.charts import PAGE_IN, charted

HEIGHT_IN = 2.4


def training_chart(lines: Sequence[Mapping[str, Any]], *, title: str) -> Figure:
    """Of the lines of a run's `log.jsonl`; what they say nothing of has no axes, such as an error never measured."""
    terms = dict.fromkeys(name for line in lines for name in line["terms"])
    panels = {
        f"{title}: loss terms": {
            name: _there((line["samples"], line["terms"].get(name)) for line in lines) for name in terms
        },
        "mean joint error, mm": {"error": _there((line["samples"], line["error_mm"]) for line in lines)},
        "learning rate": {"rate": _there((line["samples"], line["learning_rate"]) for line in lines)},
    }
    panels = {name: {label: points for label, points in curves.items() if points} for name, curves in panels.items()}
    panels = {name: curves for name, curves in panels.items() if curves}
    with charted(PAGE_IN, HEIGHT_IN, columns=len(panels)) as (figure, places):
        for axes, (name, curves) in zip(places, panels.items(), strict=True):
            for label, points in curves.items():
                axes.plot(*zip(*points, strict=True), label=label, marker="." if label == "error" else None)
            axes.set_title(name)
            axes.set_xlabel("samples")
            axes.locator_params(axis="x", nbins=4)
            axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
            if name.endswith("loss terms"):
                _scale(axes)
    return figure


def _scale(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.legend(loc="best")


def _there(points: Iterable[tuple[float, float | None]]) -> list[tuple[float, float]]:
    """What is there of a curve, and finite."""
    return [(x, y) for x, y in points if y is not None and math.isfinite(y)]
