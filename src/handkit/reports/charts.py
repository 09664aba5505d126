"""Charts as lists of marks, which become SVG (it follows the page's colors) or a picture (light, for print).

Lengths are in pixels of the SVG; x goes right, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

import cv2
import numpy as np

from handkit.drawing import Picture

Anchor: TypeAlias = Literal["start", "middle", "end"]
Point: TypeAlias = tuple[float, float]

PAPER = "paper"
INK = "ink"
FAINT = "faint"
GRID = "grid"
ROLES = {PAPER: "#ffffff", INK: "#1c2128", FAINT: "#667080", GRID: "#e3e6ea"}
"""Colors that a page may replace, as the CSS variables `--paper` and so on; these are the light ones."""
SERIES = ("#2f7ae5", "#f0742a", "#1f9e6d", "#a457dd", "#dd3c50", "#12a5b5", "#c2921a", "#8a8f98", "#e36bb4", "#7a5230")
"""Of methods, in their order; fit to be seen on white and on black."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
PRINT_SCALE = 2
"""Pixels of a picture for each of the SVG."""
_BITS = 4


@dataclass(frozen=True)
class Line:
    """A straight line from point to point."""

    points: Sequence[Point]
    color: str
    width: float = 1.0
    title: str = ""
    """What is shown when the pointer rests on it."""


@dataclass(frozen=True)
class Bar:
    """A filled box."""

    corner: Point
    size: Point
    color: str
    title: str = ""


@dataclass(frozen=True)
class Dot:
    """A filled circle."""

    center: Point
    radius: float
    color: str
    title: str = ""


@dataclass(frozen=True)
class Text:
    """One line; `at` is on its base line."""

    at: Point
    text: str
    color: str = INK
    size: int = 13
    anchor: Anchor = "start"


Mark: TypeAlias = Line | Bar | Dot | Text


@dataclass(frozen=True)
class Chart:
    """Marks in drawing order on a page of a size."""

    width: int
    height: int
    marks: Sequence[Mark]


def to_svg(chart: Chart) -> str:
    """One `<svg>` element; a page sets its colors by `--ink`, `--faint`, `--grid` and `--paper`."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {chart.width} {chart.height}" '
        f'width="{chart.width}" height="{chart.height}" role="img" font-family="{FONT}">'
    )
    page = f'<rect width="100%" height="100%" style="fill:{_css(PAPER)}"/>'
    return "\n".join([head, page, *(_element(mark) for mark in chart.marks), "</svg>\n"])


def _element(mark: Mark) -> str:
    fill, title = f'style="fill:{_css(mark.color)}"', "" if isinstance(mark, Text) else _title(mark.title)
    if isinstance(mark, Line):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.points)
        style = f"fill:none;stroke:{_css(mark.color)};stroke-width:{mark.width:g};stroke-linejoin:round"
        return f'<polyline points="{points}" style="{style}">{title}</polyline>'
    if isinstance(mark, Bar):
        (x, y), (width, height) = mark.corner, mark.size
        return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" {fill}>{title}</rect>'
    if isinstance(mark, Dot):
        return (
            f'<circle cx="{mark.center[0]:.1f}" cy="{mark.center[1]:.1f}" r="{mark.radius:g}" {fill}>{title}</circle>'
        )
    x, y = mark.at
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{mark.size}" text-anchor="{mark.anchor}"'
    return f"<text {place} {fill}>{escape(mark.text)}</text>"


def _css(color: str) -> str:
    return f"var(--{color},{ROLES[color]})" if color in ROLES else color


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""


def to_picture(chart: Chart) -> Picture:
    """The chart on white, BGR, `PRINT_SCALE` times the size."""
    picture = np.full((chart.height * PRINT_SCALE, chart.width * PRINT_SCALE, 3), 255, np.uint8)
    for mark in chart.marks:
        _draw(picture, mark)
    return picture


def _draw(picture: Picture, mark: Mark) -> None:
    color = _bgr(mark.color)
    if isinstance(mark, Line):
        points = np.array([_fixed(point) for point in mark.points], np.int32)
        width = max(1, round(mark.width * PRINT_SCALE))
        cv2.polylines(
            picture, [points], isClosed=False, color=color, thickness=width, lineType=cv2.LINE_AA, shift=_BITS
        )
    elif isinstance(mark, Bar):
        (x, y), (width, height) = mark.corner, mark.size
        corners = (x, y), (x + width, y), (x + width, y + height), (x, y + height)
        cv2.fillConvexPoly(picture, np.array([_fixed(point) for point in corners], np.int32), color, cv2.LINE_AA, _BITS)
    elif isinstance(mark, Dot):
        radius = round(mark.radius * PRINT_SCALE * 2**_BITS)
        cv2.circle(picture, _fixed(mark.center), radius, color, cv2.FILLED, cv2.LINE_AA, _BITS)
    else:
        _write(picture, mark, color)


def _write(picture: Picture, text: Text, color: tuple[int, int, int]) -> None:
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, text.size * PRINT_SCALE / 30
    words = text.text.encode("ascii", "replace").decode()
    (width, _), _ = cv2.getTextSize(words, font, scale, 1)
    shift = {"start": 0, "middle": width // 2, "end": width}[text.anchor]
    at = round(text.at[0] * PRINT_SCALE) - shift, round(text.at[1] * PRINT_SCALE)
    cv2.putText(picture, words, at, font, scale, color, 1, cv2.LINE_AA)


def _fixed(point: Point) -> tuple[int, int]:
    """OpenCV's fixed point."""
    x, y = (round(value * PRINT_SCALE * 2**_BITS) for value in point)
    return x, y


def _bgr(color: str) -> tuple[int, int, int]:
    code = ROLES.get(color, color)
    return int(code[5:7], 16), int(code[3:5], 16), int(code[1:3], 16)
