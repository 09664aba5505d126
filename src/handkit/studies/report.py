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
from handkit.studies.figures import Figures, Spread, figures_of, reported_on, tip_folders
from handkit.studies.measuring import ABSURD_MM, THRESHOLDS_MM
from handkit.studies.plan import dataset_of, skeleton_of, with_own
from handkit.studies.study import Trial, run_study
from handkit.studies.table import Study
from handkit.studies.wording import frames_in_words
from handkit.training.folds import Watch, nobody_watches

HEADS = (
    "row", "parameters", "seeds", "ours, mm", "against first", "paper, mm", "against first (paper)", "sign agrees",
    "frames within 20 mm", "samples/s",
)  # fmt: skip
LAST_WEIGHTS = (
    "Errors are those of the last weights; the released code of CrossInfoNet and SRN takes the epoch that does best on "
    "the test frames (docs/reference.md, 5)."
)
SPREAD = "The mean over seeds ± half their range, which is no standard deviation."
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
    whole, dataset = with_own(study, conditions), dataset_of(conditions)
    counts = {trial.errors.frames for trial in trials}
    frames = frames_in_words(whole, conditions, measured=counts.pop() if len(counts) == 1 else None)
    joints = skeleton_of(conditions).joints
    text = write_tables(conditions.out, whole, trials, dataset=dataset, frames=frames, joints=joints)
    return Table(conditions.out / f"{study.name}.md", text, trials)


def table_of(study: Study, trials: Sequence[Trial], *, dataset: str) -> Lines:
    """One line for each row: mean over seeds and half their range; differences from the first row or the row's own
    base, or from the one shown before in a table that is `cumulative`; the paper's.

    Where the paper has no figure for `dataset` at all, those that it reports for NYU stand there. Real fingertips, if
    they were measured, have a column for each folder.
    """
    tips = tip_folders(trials)
    heads = [*_heads(study), *(f"{name} tips, median mm" for name in tips)]
    lines = [_in_words(figures, tips) for figures in figures_of(study, trials, dataset=dataset)]
    return [heads, *lines]


def numbers_of(study: Study, trials: Sequence[Trial], *, dataset: str) -> Lines:
    """The same for a program: plain numbers, half ranges in columns of their own, nothing where there is none; and
    where the weights are."""
    tips = tip_folders(trials)
    heads = [*_heads(study), *(f"{name} tips, median mm" for name in tips)]
    spread = {3, *range(len(HEADS), len(heads))}
    columns = [[head, f"{head}, half range"] if at in spread else [head] for at, head in enumerate(heads)]
    lines = [_in_numbers(figures, tips) for figures in figures_of(study, trials, dataset=dataset)]
    return [[*(head for column in columns for head in column), "weights"], *lines]


def _in_words(figures: Figures, tips: Sequence[str]) -> list[str]:
    """A line of a table that is read."""
    gains = ["" if gain is None else _two_digits(gain, "+") for gain in (figures.gain_mm, figures.paper_gain_mm)]
    spreads = [figures.ours_mm, *map(figures.tips_mm.get, tips)]
    ours, *of_tips = ["" if each is None else f"{_two_digits(each.mean)}{_plus_minus(each)}" for each in spreads]
    return [
        figures.row,
        f"{figures.parameters:,}",
        str(figures.seeds),
        ours,
        gains[0],
        "-" if figures.paper_mm is None else f"{figures.paper_mm:g}",
        gains[1] or figures.paper_words,
        figures.agrees,
        f"{figures.within_20mm:.1%}",
        f"{figures.speed:.0f}",
        *of_tips,
    ]


def _in_numbers(figures: Figures, tips: Sequence[str]) -> list[str]:
    """A line of a table that is computed with."""
    of_tips = [each for name in tips for each in figures.tips_mm.get(name, (None, None))]
    values = [
        figures.parameters, figures.seeds, *figures.ours_mm, figures.gain_mm, figures.paper_mm, figures.paper_gain_mm,
        figures.within_20mm, figures.speed, *of_tips,
    ]  # fmt: skip
    numbers = ["" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]
    return [figures.row, *numbers[:7], figures.agrees, *numbers[7:], " ".join(figures.weights)]


def _heads(study: Study) -> Sequence[str]:
    return [head.replace("against first", "against the row before") for head in HEADS] if study.cumulative else HEADS


def _plus_minus(spread: Spread) -> str:
    return "" if spread.half_range is None else f" ± {_two_digits(spread.half_range)}"


def _two_digits(number: float, sign: str = "") -> str:
    """Behind the point; of what has diverged as few before it."""
    return f"{number:{sign}.2f}" if abs(number) < ABSURD_MM else f"{number:{sign}.3g}"


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
    """What the figures of the table are of: the paper's, ours (`wording.frames_in_words`), and on which machine."""
    machines = "; ".join(sorted({trial.training.hardware for trial in trials}))
    single = len({trial.seed for trial in trials}) < 2 and len(study.rows) > 1
    chance = " One seed: the sign of a small difference may be chance." if single else ""
    several = any(trial.row == other.row and trial.seed != other.seed for trial in trials for other in trials)
    spread = f" {SPREAD}" if several else ""
    column = f"Its column: {reported_on(study, dataset)}."
    notes = "".join(f" {note}" for note in _notes(study, figures_of(study, trials, dataset=dataset)))
    frames = f"{frames} {LAST_WEIGHTS}"
    return f"Paper: {study.source}. {column} {frames} Trained on: {machines}.{spread}{chance}{notes}\n"


def _notes(study: Study, figures: Sequence[Figures]) -> list[str]:
    """What is to be known of some rows."""
    notes: list[str] = []
    others = [] if study.cumulative else [row for row in figures if row.base != figures[0].row]
    for base in dict.fromkeys(row.base for row in others):
        names = [row.row for row in others if row.base == base]
        notes.append(f"Compared with {base}, not with the first row: {'; '.join(names)}.")
    if bests := [f"{row.row} {_two_digits(row.best_mm)}" for row in figures if row.best_mm is not None]:
        notes.append(f"By the weights that did best on these test frames (best.safetensors), mm: {'; '.join(bests)}.")
    if within := [row.row for row in figures if row.within_seeds]:
        notes.append(f"No sign stands where the difference is within the ranges over seeds: {'; '.join(within)}.")
    if doubts := [doubt for row in figures for doubt in row.doubts]:
        notes.append(f"No sign stands where one of two rows has learned nothing: {'; '.join(doubts)}.")
    return notes


def _weights_in(folder: Path, figures: Sequence[Figures]) -> str:
    """A list of those that lie there, by row."""
    there = {row.row: [f"`{path}`" for path in row.weights if (folder / path).exists()] for row in figures}
    lines = [f"- {name}: {', '.join(paths)}\n" for name, paths in there.items() if paths]
    return "".join(["Weights, in the folder of this table:\n\n", *lines, "\n"]) if lines else ""


def write_tables(
    folder: Path, study: Study, trials: Sequence[Trial], *, dataset: str, frames: str, joints: Sequence[str]
) -> str:
    """NAME.md, .tex and, in plain numbers, .csv; NAME-success and NAME-joints, .pdf, .svg and .png; NAME.json, with
    all of every trial.

    Answers what NAME.md has below its title.
    """
    lines = table_of(study, trials, dataset=dataset)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(numbers_of(study, trials, dataset=dataset))
    about = _about(study, trials, dataset=dataset, frames=frames)
    listed = _weights_in(folder, figures_of(study, trials, dataset=dataset))
    shown = f"{markdown(lines)}\n{listed}{about}"
    write_whole(folder / f"{study.name}.md", f"{study.title}\n\n{shown}")
    write_whole(folder / f"{study.name}.csv", text.getvalue())
    write_whole(folder / f"{study.name}.tex", f"% {study.title}\n% {about}{latex(lines)}")
    write_whole(folder / f"{study.name}.json", json.dumps([asdict(trial) for trial in trials], indent=1) + "\n")
    series = _series(study, trials)
    if not series:
        return shown
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
    """A curve for each row, best first; seeds are averaged. What has diverged would leave no scale for the others."""
    series: list[Series] = []
    for row in study.rows:
        errors = [trial.errors for trial in trials if trial.row == row.name]
        mean = float(np.mean([each.mean_mm for each in errors])) if errors else np.inf
        if mean <= ABSURD_MM:
            curves, joints = ([getattr(each, name) for each in errors] for name in ("success", "per_joint_mm"))
            series.append(Series(row.name, mean, np.mean(curves, axis=0).tolist(), np.mean(joints, axis=0).tolist()))
    return sorted(series, key=lambda one: one.mean_error_mm)


def _escaped(cell: str) -> str:
    for letter in "&%_#":
        cell = cell.replace(letter, f"\\{letter}")
    return cell.replace("±", r"$\pm$")
