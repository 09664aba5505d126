"""The two figures of a report: success over thresholds, and the error of every joint."""

from collections.abc import Sequence
from dataclasses import dataclass

from handkit.evaluation import Result
from handkit.reports.charts import FAINT, GRID, INK, SERIES, Bar, Chart, Dot, Line, Mark, Text

LEFT, RIGHT, TOP, BOTTOM = 52, 18, 40, 46
"""Margins of the success chart, for its ticks and title."""
ROW = 22
"""Height of a joint's row."""
LABELS = 110
"""Width of the joints' names."""
LEGEND, LEGEND_ROW = 0.45, 20
"""Share of a success chart's width that its legend may need, and the height of a line in it."""
GRID_WIDTH = 0.6
STEPS_MM = tuple(digit * 10**zeros for zeros in range(8) for digit in (1, 2, 5))
"""Between two grid lines; joints that are far off are still drawn."""


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
    series: Sequence[Series], *, thresholds_mm: Sequence[float], title: str, width: int = 680, height: int = 440
) -> Chart:
    """Success rate by maximum joint error over the thresholds; the legend lists the mean errors."""
    span = thresholds_mm[-1] - thresholds_mm[0]

    def place(threshold: float, rate: float) -> tuple[float, float]:
        x = LEFT + (threshold - thresholds_mm[0]) / span * (width - LEFT - RIGHT)
        return x, TOP + (1 - rate) * (height - TOP - BOTTOM)

    marks: list[Mark] = [Text((LEFT, 24), title, size=15)]
    for percent in range(0, 101, 20):
        ends = place(thresholds_mm[0], percent / 100), place(thresholds_mm[-1], percent / 100)
        marks += [Line(ends, GRID, GRID_WIDTH), Text((LEFT - 8, ends[0][1] + 4), f"{percent} %", FAINT, 12, "end")]
    for threshold in range(int(thresholds_mm[0]), int(thresholds_mm[-1]) + 1, 10):
        ends = place(threshold, 0), place(threshold, 1)
        marks += [
            Line(ends, GRID, GRID_WIDTH),
            Text((ends[0][0], ends[0][1] + 18), f"{threshold}", FAINT, 12, "middle"),
        ]
    marks.append(
        Text(
            ((LEFT + width - RIGHT) / 2, height - 8), "maximum joint error of the frame within, mm", FAINT, 12, "middle"
        )
    )
    # The method itself is drawn last, over the others.
    for color, one in reversed(list(zip(_colors(series), series, strict=True))):
        points = [place(threshold, rate) for threshold, rate in zip(thresholds_mm, one.curve, strict=True)]
        marks.append(Line(points, color, 3.0 if one is series[0] else 2.0, f"{one.name}: {one.mean_error_mm:.2f} mm"))
    # Weak methods leave room in the upper left corner, others in the lower right one.
    free = height - TOP - BOTTOM - LEGEND_ROW * len(series)
    weak = max(one.curve[int(len(one.curve) * LEGEND)] for one in series) * (height - TOP - BOTTOM) < free
    right = LEFT + LEGEND * (width - LEFT - RIGHT) if weak else width - RIGHT - 12
    bottom = TOP + LEGEND_ROW * len(series) if weak else height - BOTTOM - 14
    return Chart(width, height, [*marks, *_legend(series, right=right, bottom=bottom)])


def joints_chart(series: Sequence[Series], *, joints: Sequence[str], width: int = 680) -> Chart:
    """Mean error of every joint: a bar for the method, dots for those that it is compared with."""
    most = max(value for one in series for value in one.per_joint_mm)
    step = next((step for step in STEPS_MM if most / step <= 8), STEPS_MM[-1])
    end = (int(most / step) + 1) * step
    scale = (width - LABELS - RIGHT - 20) / end
    key = _key(series, left=LABELS, right=width - RIGHT)
    bottom = BOTTOM + ROW * max(len(key) - 1, 0)
    height = TOP + ROW * len(joints) + bottom
    marks: list[Mark] = [Text((8, 24), "mean error of every joint, mm", size=15)]
    for tick in range(0, end + 1, step):
        x, low = LABELS + tick * scale, height - bottom
        marks += [Line(((x, TOP), (x, low)), GRID, GRID_WIDTH), Text((x, low + 18), f"{tick}", FAINT, 12, "middle")]
    colors = _colors(series)
    for row, joint in enumerate(joints):
        top = TOP + row * ROW
        value = series[0].per_joint_mm[row]
        marks.append(Text((LABELS - 8, top + 15), joint, INK, 12, "end"))
        marks.append(Bar((LABELS, top + 4), (value * scale, ROW - 8), colors[0], f"{joint}: {value:.2f} mm"))
        for color, other in zip(colors[1:], series[1:], strict=True):
            value = other.per_joint_mm[row]
            center = LABELS + value * scale, top + ROW / 2
            marks.append(Dot(center, 4.5, color, f"{other.name}, {joint}: {value:.2f} mm"))
    for row, entries in enumerate(key):
        base = height - 6 - ROW * (len(key) - 1 - row)
        for x, color, name in entries:
            marks += [Dot((x + 4, base - 4), 4.5, color), Text((x + 14, base), name, FAINT, 12)]
    return Chart(width, height, marks)


def _key(series: Sequence[Series], *, left: float, right: float) -> list[list[tuple[float, str, str]]]:
    """What the bar and the dots are: lines of places, colors and names; none for a single method."""
    lines: list[list[tuple[float, str, str]]] = []
    x = right
    for color, one in zip(_colors(series), series if len(series) > 1 else (), strict=False):
        wide = 34 + 6.6 * len(one.name)
        if x + wide > right:
            lines.append([])
            x = left
        lines[-1].append((x, color, one.name))
        x += wide
    return lines


def _colors(series: Sequence[Series]) -> list[str]:
    return [SERIES[index % len(SERIES)] for index in range(len(series))]


def _legend(series: Sequence[Series], *, right: float, bottom: float) -> list[Mark]:
    """Names and mean errors, upwards from the lower right corner of the room for them."""
    marks: list[Mark] = []
    for index, (color, one) in enumerate(zip(_colors(series), series, strict=True)):
        y = bottom - LEGEND_ROW * (len(series) - 1 - index)
        marks.append(Line(((right - 22, y - 4), (right, y - 4)), color, 3.0))
        marks.append(Text((right - 30, y), f"{one.name}  {one.mean_error_mm:.2f} mm", INK, 13, "end"))
    return marks
