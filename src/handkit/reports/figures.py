"""The two figures of a report: success over thresholds, and the error of every joint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from handkit.evaluation import Result
from handkit.reports.charts import COLUMN_IN, PAGE_IN, SERIES, charted

HEIGHT_IN = {COLUMN_IN: 2.5, PAGE_IN: 3.6}
"""Of success charts of these widths."""
ROW_IN, MARGINS_IN = 0.15, 0.75
"""Height of a joint's row, and of what is above and below all of them."""
LETTER_IN, KEY_IN = 0.06, 0.4
"""Width of a legend's letters, and of what stands before them."""
MARKERS = "osD"
"""As many times the colors are enough."""


@dataclass(frozen=True)
class Series:
    """One method in a figure."""

    name: str
    mean_error_mm: float
    curve: Sequence[float]
    """Worst-joint success, 0 to 1."""
    per_joint_mm: Sequence[float]


def series_of(result: Result) -> list[Series]:
    """The method itself, then those that it is compared with."""
    own = Series(result.method, result.mean_error_mm, result.curves.worst_joint, result.per_joint_mm)
    return [own] + [
        Series(other.other, other.other_mean_error_mm, other.other_curve, other.other_per_joint_mm)
        for other in result.comparisons
    ]


def success_chart(
    series: Sequence[Series], *, thresholds_mm: Sequence[float], title: str, width_in: float = COLUMN_IN
) -> Figure:
    """Success rate by maximum joint error over the thresholds; the legend lists the mean errors."""
    with charted(width_in, HEIGHT_IN[width_in]) as (figure, (axes,)):
        draw_success(axes, series, thresholds_mm=thresholds_mm, title=title)
    return figure


def draw_success(axes: Axes, series: Sequence[Series], *, thresholds_mm: Sequence[float], title: str) -> None:
    """The first method over the others."""
    for place, one in enumerate(series):
        label = f"{one.name}  {one.mean_error_mm:.2f} mm"
        order = 3 - place / len(series)
        axes.plot(thresholds_mm, one.curve, label=label, zorder=order, linewidth=2.0 if place == 0 else None)
    axes.set_title(title, wrap=True)
    axes.set(
        xlabel="maximum joint error of the frame within, mm", xlim=(thresholds_mm[0], thresholds_mm[-1]), ylim=(0, 1)
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="best").set_in_layout(False)


def joints_chart(series: Sequence[Series], *, joints: Sequence[str], width_in: float = COLUMN_IN) -> Figure:
    """Mean error of every joint: a bar for the method, dots for those that it is compared with."""
    rows = np.arange(len(joints))
    columns = max(1, int(width_in / (KEY_IN + LETTER_IN * max(len(one.name) for one in series))))
    keys = -(-len(series) // columns) if len(series) > 1 else 0
    with charted(width_in, MARGINS_IN + ROW_IN * (len(joints) + keys)) as (figure, (axes,)):
        marks: list[Any] = [axes.barh(rows, series[0].per_joint_mm, height=0.62)]
        for place, other in enumerate(series[1:], start=1):
            marker = MARKERS[place // len(SERIES) % len(MARKERS)]
            marks += axes.plot(other.per_joint_mm, rows, marker, color=f"C{place}", markersize=3)
        axes.set(title="mean error of every joint", xlabel="mm", ylim=(len(joints) - 0.5, -0.5), yticks=rows)
        axes.set_yticklabels(joints)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        if keys:
            figure.legend(marks, [one.name for one in series], loc="outside lower center", ncols=columns)
    return figure
