"""How charts look, and the files that they become: PDF and PNG for papers, SVG that follows a page's colors.

Widths are those of a column and of a page in two-column proceedings, so that their 8 point text is printed as it is.
"""

import io
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from handkit.files.atomic import write_whole

COLUMN_IN, PAGE_IN = 3.5, 7.16
KINDS = ("pdf", "svg", "png")
SERIES = ("#2f7ae5", "#f0742a", "#1f9e6d", "#a457dd", "#dd3c50", "#12a5b5", "#c2921a", "#8a8f98", "#e36bb4", "#7a5230")
"""Of methods, in their order; fit to be seen on white and on black."""
LIGHT = {"paper": "#ffffff", "ink": "#1c2128", "faint": "#667080", "grid": "#e3e6ea"}
DARK = {"paper": "#12151a", "ink": "#e8ebf0", "faint": "#97a1b0", "grid": "#2a303a"}
"""An SVG has the light ones, or these where its reader prefers dark pages."""

_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.prop_cycle": cycler(linestyle=["-", "--", ":"]) * cycler(color=SERIES),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.edgecolor": LIGHT["grid"],
    "axes.labelcolor": LIGHT["faint"],
    "axes.titlecolor": LIGHT["ink"],
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 0.6,
    "xtick.color": LIGHT["faint"],
    "ytick.color": LIGHT["faint"],
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "text.color": LIGHT["ink"],
    "text.parse_math": False,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "lines.linewidth": 1.4,
    "figure.facecolor": LIGHT["paper"],
    "axes.facecolor": "none",
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # editors and publishers want text as text
    "svg.fonttype": "none",
    "svg.hashsalt": "handkit",  # the same chart is the same file
}


@contextmanager
def charted(width_in: float, height_in: float, *, columns: int = 1) -> Generator[tuple[Figure, Sequence[Axes]]]:
    """A figure and its axes, side by side, to draw in; `pyplot` and the caller's own style are left alone.

    The axes are laid out once, at the end; saved in several kinds, the chart looks the same in all.
    """
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE}):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        yield figure, [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
        figure.draw_without_rendering()
        figure.set_layout_engine(None)


def save_figure(figure: Figure, path: Path) -> str:
    """As `path` with each of `KINDS` for its suffix; returns what the SVG holds. Raises OSError."""
    svg = to_svg(figure)
    for kind in KINDS:
        write_whole(path.with_suffix(f".{kind}"), svg if kind == "svg" else _saved(figure, kind))
    return svg


def to_svg(figure: Figure) -> str:
    """One `<svg>` element, in the colors that its reader prefers."""
    text = _saved(figure, "svg").decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    for name, color in LIGHT.items():
        text = text.replace(color, f"var(--{name})")
    light, dark = (";".join(f"--{name}:{color}" for name, color in colors.items()) for colors in (LIGHT, DARK))
    style = f"<style>svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    return text.replace(">", f">{style}", 1)


def _saved(figure: Figure, kind: str) -> bytes:
    content = io.BytesIO()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE}):
        figure.savefig(content, format=kind, metadata=metadata[kind])
    return content.getvalue()
