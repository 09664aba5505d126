"""A study's table as Markdown, CSV and LaTeX: ours beside the paper's, and whether the sign agrees."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from handkit.files.atomic import write_whole
from handkit.studies.study import Study, Trial

HEADS = ("row", "seeds", "ours, mm", "against first", "paper, mm", "against first (paper)", "sign agrees")


def table_of(study: Study, trials: Sequence[Trial], *, dataset: str) -> list[list[str]]:
    """One line for each row: mean over seeds and half their range; differences from the first row; the paper's.

    Where the paper has no figure for `dataset`, the one that it reports for NYU stands there.
    """
    ours = {row.name: [trial.mean_mm for trial in trials if trial.row == row.name] for row in study.rows}
    reported = {row.name: row.reported_mm.get(dataset, row.reported_mm.get("nyu")) for row in study.rows}
    first = study.rows[0].name
    lines: list[list[str]] = []
    for name, errors in ours.items():
        if not errors or not ours[first]:
            continue
        mean, paper, base = float(np.mean(errors)), reported[name], reported[first]
        spread = f" ± {(max(errors) - min(errors)) / 2:.2f}" if len(errors) > 1 else ""
        gain = mean - float(np.mean(ours[first]))
        theirs = paper - base if paper is not None and base is not None else None
        agrees = "" if name == first or not theirs else "yes" if gain * theirs > 0 else "no"
        lines.append([
            name, str(len(errors)), f"{mean:.2f}{spread}", "" if name == first else f"{gain:+.2f}",
            "-" if paper is None else f"{paper:g}", "" if name == first or theirs is None else f"{theirs:+.2f}", agrees,
        ])  # fmt: skip
    return lines


def markdown(lines: Sequence[Sequence[str]]) -> str:
    rows = [HEADS, ["---", *["---:"] * (len(HEADS) - 1)], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def latex(lines: Sequence[Sequence[str]]) -> str:
    r"""A `tabular` for booktabs.

    >>> print(latex([["a_b", "1", "9.00 ± 0.10", "", "8.5", "", ""]]).splitlines()[4])
    a\_b & 1 & 9.00 $\pm$ 0.10 &  & 8.5 &  &  \\
    """
    body = [" & ".join(_escaped(cell) for cell in row) + r" \\" for row in lines]
    heads = " & ".join(_escaped(head) for head in HEADS) + r" \\"
    begin = rf"\begin{{tabular}}{{l{'r' * (len(HEADS) - 1)}}}"
    return "\n".join([begin, r"\toprule", heads, r"\midrule", *body, r"\bottomrule", r"\end{tabular}", ""])


def write_tables(folder: Path, study: Study, lines: Sequence[Sequence[str]]) -> None:
    """NAME.md, NAME.csv and NAME.tex in the folder."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([HEADS, *lines])
    write_whole(folder / f"{study.name}.md", f"{study.title}\n\n{markdown(lines)}\nPaper: {study.source}.\n")
    write_whole(folder / f"{study.name}.csv", text.getvalue())
    write_whole(folder / f"{study.name}.tex", latex(lines))


def _escaped(cell: str) -> str:
    for letter in "&%_#":
        cell = cell.replace(letter, f"\\{letter}")
    return cell.replace("±", r"$\pm$")
