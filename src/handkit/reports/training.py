"""How a training went: loss terms, error and learning rate over the samples."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator

from handkit.reports.charts import PAGE_IN, charted

HEIGHT_IN = 2.4


def training_chart(lines: Sequence[Mapping[str, Any]], *, title: str) -> Figure:
    """Of the lines of a run's `log.jsonl`."""
    with charted(PAGE_IN, HEIGHT_IN, columns=3) as (figure, (loss, error, rate)):
        for name in dict.fromkeys(name for line in lines for name in line["terms"]):
            _curve(loss, [(line["samples"], line["terms"].get(name)) for line in lines], name)
        _curve(error, [(line["samples"], line["error_mm"]) for line in lines], "error", marker=".")
        _curve(rate, [(line["samples"], line["learning_rate"]) for line in lines], "rate")
        loss.set_title(f"{title}: loss terms")
        error.set_title("mean joint error, mm")
        rate.set_title("learning rate")
        if loss.lines:
            loss.set_yscale("log")
            loss.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
            loss.yaxis.set_major_formatter("{x:g}")
            loss.yaxis.set_minor_formatter("{x:g}")
            loss.legend(loc="best")
        for axes in (loss, error, rate):
            axes.set_xlabel("samples")
            axes.locator_params(axis="x", nbins=4)
            axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    return figure


def _curve(axes: Axes, points: Sequence[tuple[float, float | None]], label: str, **style: Any) -> None:  # noqa: ANN401
    """What is there of it, and finite."""
    there = [(x, y) for x, y in points if y is not None and math.isfinite(y)]
    if there:
        axes.plot(*zip(*there, strict=True), label=label, **style)
