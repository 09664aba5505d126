"""report.html: one page that holds everything, with no other file and no network; light or dark as the reader likes."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version

from handkit.evaluation import Result
from handkit.evaluation.protocol import protocol_rows

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c2128; --faint: #667080; --grid: #e3e6ea; --card: #f5f7f9;
  --accent: #2f7ae5; --good: #1f9e6d; --bad: #dd3c50; }
@media (prefers-color-scheme: dark) { :root { --paper: #12151a; --ink: #e8ebf0; --faint: #97a1b0; --grid: #2a303a;
  --card: #1a1f27; --accent: #6aa5ff; --good: #46c795; --bad: #ff7584; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -0.01em; }
h2 { margin: 2.6rem 0 0.9rem; font-size: 1.2rem; }
p { margin: 0.3rem 0; } .faint { color: var(--faint); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 0.8rem; margin-top: 1.6rem; }
.tile { background: var(--card); border-radius: 12px; padding: 0.9rem 1.1rem; }
.tile b { display: block; font-size: 1.65rem; font-weight: 650; letter-spacing: -0.02em; line-height: 1.25; }
.tile.first b { color: var(--accent); }
.tile span, .tile small { display: block; color: var(--faint); font-size: 0.85rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 1.2rem;
  align-items: start; }
.pair svg { width: 100%; }
svg, img { display: block; max-width: 100%; height: auto; } img { border-radius: 12px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.93rem; }
th, td { padding: 0.42rem 0.7rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { color: var(--faint); font-weight: 500; } th:first-child, td:first-child { text-align: left; padding-left: 0; }
table.words td { text-align: left; white-space: normal; }
table.words td:first-child { color: var(--faint); width: 9rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
"""


@dataclass(frozen=True)
class Figures:
    """What the page shows beside numbers."""

    success_svg: str
    joints_svg: str
    worst_png: bytes
    worst_words: str


def report_page(result: Result, figures: Figures) -> str:
    """The whole file."""
    title = f"{result.method} on {result.protocol.dataset.upper()}"
    body = [
        f'<p class="faint">{escape(result.protocol.version)}, split {escape(result.protocol.split)}: '
        f"{result.frames:,} frames scored{_left_out(result)}</p>",
        _numbers(result),
        _heading("What these numbers mean"),
        _words(protocol_rows(result.protocol)),
        _heading("How often a whole hand is right"),
        f'<div class="pair"><div>{figures.success_svg}</div><div class="scroll">{_success(result)}</div></div>',
        _heading("Joint by joint"),
        f'<div class="pair"><div>{figures.joints_svg}</div><div class="scroll">{_axes(result)}</div></div>',
        _parts(result),
        _comparisons(result),
        _heading("Where it goes wrong"),
        f'<p class="faint">{escape(figures.worst_words)}</p>',
        png(figures.worst_png, words="worst frames"),
        f'<p class="faint">handkit {version("handkit")}; the same numbers are in result.json.</p>',
    ]
    return page(title, body)


def page(title: str, body: Sequence[str], *, style: str = "") -> str:
    """A whole HTML file with the title as its heading; parts of the body are HTML."""
    head = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}{style}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join([f"<h1>{escape(title)}</h1>", *filter(None, body)]) + "\n</body>\n</html>\n"


def tile(name: str, value: str, more: str = "", *, first: bool = False) -> str:
    """A number in large print under its name, with a note below."""
    note = f"<small>{more}</small>" if more else ""
    return f'<div class="tile{" first" if first else ""}"><span>{name}</span><b>{value}</b>{note}</div>'


def tiles(cells: Iterable[str]) -> str:
    """Side by side."""
    return f'<div class="tiles">{"".join(cells)}</div>'


def png(content: bytes, *, words: str) -> str:
    """A picture within the page."""
    return f'<img alt="{words}" src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def _heading(words: str) -> str:
    return f"<h2>{words}</h2>"


def _left_out(result: Result) -> str:
    return f", {result.left_out:,} without a prediction" if result.left_out else ""


def _numbers(result: Result) -> str:
    low, high = result.blocks_mm
    numbers = [
        ("mean joint error (MPJPE)", f"{result.mean_error_mm:.2f} mm", f"95 % interval {low:.2f} to {high:.2f}"),
        ("median frame", f"{result.median_error_mm:.2f} mm", "mean of its joints"),
        ("maximum joint error within 20 mm", f"{result.success['20']:.1%}", f"within 40 mm {result.success['40']:.1%}"),
        (
            "area under curve",
            f"{result.auc_worst_joint:.3f}",
            f"maximum joint error, 0-80 mm; PCK, 0-50 {result.auc_joint:.3f}",
        ),
    ]
    return tiles(tile(*each, first=each is numbers[0]) for each in numbers)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML."""
    cells = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _words(rows: Sequence[tuple[str, str]]) -> str:
    body = "".join(f"<tr><td>{escape(name)}</td><td>{escape(words)}</td></tr>" for name, words in rows)
    return f'<table class="words"><tbody>{body}</tbody></table>'


def _success(result: Result) -> str:
    rules = {
        "maximum joint error": result.success,
        "mean joint error": result.success_mean_joint,
        "each joint (PCK)": result.success_joint,
    }
    rows = [[name, *(f"{rate:.1%}" for rate in rates.values())] for name, rates in rules.items()]
    return _table(["within, mm", *result.success], rows)


def _axes(result: Result) -> str:
    names = result.protocol.joints
    order = sorted(range(len(names)), key=lambda joint: result.per_joint_mm[joint])
    best, worst = order[0], order[-1]
    rows = [[f"along {axis}", f"{value:.2f}"] for axis, value in zip("xyz", result.per_axis_mm, strict=True)]
    rows += [[f"best: {escape(names[best])}", f"{result.per_joint_mm[best]:.2f}"]]
    rows += [[f"worst: {escape(names[worst])}", f"{result.per_joint_mm[worst]:.2f}"]]
    return _table(["mean error", "mm"], rows)


def _parts(result: Result) -> str:
    if not result.parts:
        return ""
    rows = [
        [
            escape(name),
            f"{part.frames:,}",
            f"{part.mean_error_mm:.3f}",
            *(f"{rate:.1%}" for rate in part.success.values()),
        ]
        for name, part in result.parts.items()
    ]
    head = ["part", "frames", "mean, mm", *(f"&le; {threshold} mm" for threshold in result.success)]
    return _heading("Part by part") + f'<div class="scroll">{_table(head, rows)}</div>'


def _comparisons(result: Result) -> str:
    if not result.comparisons:
        return ""
    rows: list[list[str]] = []
    for other in result.comparisons:
        low, high = other.blocks_mm
        kind = "good" if high < 0 else "bad" if low > 0 else "faint"
        verdict = {"good": "better", "bad": "worse", "faint": "not told apart"}[kind]
        rows.append(
            [
                escape(other.other),
                f"{other.other_mean_error_mm:.3f}",
                f'<span class="{kind}">{other.difference_mm:+.3f}</span>',
                f"{low:+.3f} to {high:+.3f}",
                f"{other.better_frames:.1%}",
                f'<span class="{kind}">{escape(result.method)} is {verdict}</span>',
            ]
        )
    head = ["against", "mean, mm", "difference", "95 % interval", "better on", ""]
    return _heading("Frame by frame against others") + f'<div class="scroll">{_table(head, rows)}</div>'
