"""A study's table as Markdown, CSV and LaTeX, ours beside the paper's and whether the sign agrees; and its curves.

table = run_and_write(STUDIES["srn-table-2"], Conditions(samples=20_000, out=Path("runs/studies")), say=print)
print(table.text)
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from handkit.files.atomic import write_whole
from handkit.reports.charts import PAGE_IN, save_figure
from handkit.reports.figures import Series, joints_chart, success_chart
from handkit.studies.conditions import Conditions
from handkit.studies.measuring import THRESHOLDS_MM
from handkit.studies.plan import dataset_of, frames_in_words, skeleton_of, with_own
from handkit.studies.study import Trial, run_study
from handkit.studies.table import Row, Study
from handkit.training.folds import Watch, nobody_watches

HEADS = (
    "row", "parameters", "seeds", "ours, mm", "against first", "paper, mm", "against first (paper)", "sign agrees",
    "frames within 20 mm", "samples/s",
)  # fmt: skip
Lines = list[list[str]]
"""The table, its heads first."""


class Table(NamedTuple):
    """A study's table as it was written."""

    path: Path
    """NAME.md; the other files, as `write_tables` has them, lie beside it."""
    text: str
    """The table as Markdown, and below it what its figures are of."""
    trials: list[Trial]


def run_and_write(
    study: Study,
    conditions: Conditions,
    say: Callable[[str], None] = lambda sentence: None,
    *,
    watch: Watch = nobody_watches,
) -> Table:
    """Train and measure what is missing of a study, and write its table to `conditions.out`.

    `say` hears of the trials, `watch` of the trainings. Raises HandkitError where they cannot begin.
    """
    trials = run_study(study, conditions, say, watch=watch)
    whole, dataset, frames = with_own(study, conditions), dataset_of(conditions), frames_in_words(study, conditions)
    joints = skeleton_of(conditions).joints
    text = write_tables(conditions.out, whole, trials, dataset=dataset, frames=frames, joints=joints)
    return Table(conditions.out / f"{study.name}.md", text, trials)


def table_of(study: Study, trials: Sequence[Trial], *, dataset: str) -> Lines:
    """One line for each row: mean over seeds and half their range; differences from the first row, or from the one
    shown before in a table that is `cumulative`; the paper's.

    Where the paper has no figure for `dataset` at all, those that it reports for NYU stand there. Real fingertips, if
    they were measured, have a column for each folder.
    """
    groups = [(row, [trial for trial in trials if trial.row == row.name]) for row in study.rows]
    shown = [(row, group) for row, group in groups if group] if groups[0][1] else []
    tips = list(dict.fromkeys(name for trial in trials for name in trial.errors.tips_mm))
    lines: Lines = [[*_heads(study), *(f"{name} tips, median mm" for name in tips)]]
    for number, (row, group) in enumerate(shown):
        own = row.source is not None  # builds on none of the paper's rows
        base = shown[max(0, number - 1) if study.cumulative and not own else 0]
        lines.append([
            row.name,
            f"{group[0].parameters:,}",
            str(len(group)),
            *_against(base, row, group, reported_on(study, dataset)),
            f"{np.mean([trial.errors.within_20mm for trial in group]):.1%}",
            f"{np.mean([trial.training.samples / max(trial.training.seconds, 1e-9) for trial in group]):.0f}",
            *(_spread([trial.errors.tips_mm[name] for trial in group if name in trial.errors.tips_mm])
              for name in tips),
        ])  # fmt: skip
    return lines


def _heads(study: Study) -> Sequence[str]:
    return [head.replace("against first", "against the row before") for head in HEADS] if study.cumulative else HEADS


def reported_on(study: Study, dataset: str) -> str:
    """Of which data set the paper's figures are that stand beside ours for `dataset`."""
    return dataset if any(dataset in row.reported_mm for row in study.rows) else "nyu"


def _against(compared: tuple[Row, Sequence[Trial]], row: Row, group: Sequence[Trial], dataset: str) -> list[str]:
    """Ours, its difference from the row compared with, the paper's, its difference, and whether both have one sign."""
    base, paper = (each.reported_mm.get(dataset) for each in (compared[0], row))
    gain = float(np.mean(_means(group)) - np.mean(_means(compared[1])))
    theirs = paper - base if paper is not None and base is not None else None
    reported = "-" if paper is None else f"{paper:g}"
    if row == compared[0]:
        return [_spread(_means(group)), "", reported, "", ""]
    if theirs is None and row.worse is not None:
        words = "worse" if row.worse else "better"
        return [_spread(_means(group)), f"{gain:+.2f}", reported, words, "yes" if (gain > 0) == row.worse else "no"]
    agrees = "" if not theirs else "yes" if gain * theirs > 0 else "no"
    return [_spread(_means(group)), f"{gain:+.2f}", reported, "" if theirs is None else f"{theirs:+.2f}", agrees]


def _means(group: Sequence[Trial]) -> list[float]:
    return [trial.errors.mean_mm for trial in group]


def _spread(values: Sequence[float]) -> str:
    """Mean, and of several half their range."""
    if not values:
        return ""
    return f"{np.mean(values):.2f}" + (f" ± {(max(values) - min(values)) / 2:.2f}" if len(values) > 1 else "")


def markdown(lines: Lines) -> str:
    """A table for a page: the first line is its heads, all columns but the first are aligned to the right."""
    rows = [lines[0], ["---", *["---:"] * (len(lines[0]) - 1)], *lines[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def latex(lines: Lines) -> str:
    r"""A `tabular` for booktabs.

    >>> print(latex([["row", "mm"], ["a_b", "9.00 ± 0.10"]]).splitlines()[4])
    a\_b & 9.00 $\pm$ 0.10 \\
    """
    heads, *body = (" & ".join(_escaped(cell) for cell in line) + r" \\" for line in lines)
    begin = rf"\begin{{tabular}}{{l{'r' * (len(lines[0]) - 1)}}}"
    return "\n".join([begin, r"\toprule", heads, r"\midrule", *body, r"\bottomrule", r"\end{tabular}", ""])


def _about(study: Study, trials: Sequence[Trial], *, dataset: str, frames: str) -> str:
    """What the figures of the table are of: the paper's, ours (`plan.frames_in_words`), and on which machine."""
    machines = "; ".join(sorted({trial.training.hardware for trial in trials}))
    single = len({trial.seed for trial in trials}) < 2 and len(study.rows) > 1
    chance = " One seed: the sign of a small difference may be chance." if single else ""
    return (
        f"Paper: {study.source}. Its column: {reported_on(study, dataset)}. {frames} Trained on: {machines}.{chance}\n"
    )


def write_tables(
    folder: Path, study: Study, trials: Sequence[Trial], *, dataset: str, frames: str, joints: Sequence[str]
) -> str:
    """NAME.md, .csv and .tex; NAME-success and NAME-joints, .pdf, .svg and .png; NAME.json, with all of every trial.

    Answers what NAME.md has below its title.
    """
    lines = table_of(study, trials, dataset=dataset)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    shown = f"{markdown(lines)}\n{_about(study, trials, dataset=dataset, frames=frames)}"
    write_whole(folder / f"{study.name}.md", f"{study.title}\n\n{shown}")
    write_whole(folder / f"{study.name}.csv", text.getvalue())
    write_whole(folder / f"{study.name}.tex", latex(lines))
    write_whole(folder / f"{study.name}.json", json.dumps([asdict(trial) for trial in trials], indent=1) + "\n")
    series = _series(study, trials)
    title = "maximum joint error of each frame; beside the names, the mean error of all joints"
    limits = THRESHOLDS_MM.tolist()
    charts = {
        "success": success_chart(series, thresholds_mm=limits, title=title, width_in=PAGE_IN),
        "joints": joints_chart(series, joints=joints, width_in=PAGE_IN),
    }
    for name, chart in charts.items():
        save_figure(chart, folder / f"{study.name}-{name}")
    return shown


def _series(study: Study, trials: Sequence[Trial]) -> list[Series]:
    """A curve for each row, best first; seeds are averaged."""
    series: list[Series] = []
    for row in study.rows:
        errors = [trial.errors for trial in trials if trial.row == row.name]
        if errors:
            mean = float(np.mean([each.mean_mm for each in errors]))
            curves, joints = ([getattr(each, name) for each in errors] for name in ("success", "per_joint_mm"))
            series.append(Series(row.name, mean, np.mean(curves, axis=0).tolist(), np.mean(joints, axis=0).tolist()))
    return sorted(series, key=lambda one: one.mean_error_mm)


def _escaped(cell: str) -> str:
    for letter in "&%_#":
        cell = cell.replace(letter, f"\\{letter}")
    return cell.replace("±", r"$\pm$")
