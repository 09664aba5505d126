"""What a study's table says of each row, as numbers: ours over the seeds, and the paper's beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from handkit.studies.study import Trial
from handkit.studies.table import Row, Study


class Spread(NamedTuple):
    """Over seeds."""

    mean: float
    half_range: float | None
    """None of one seed."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of a row: those of its trials beside the paper's."""

    row: str
    base: str
    """The row that it is compared with."""
    parameters: int
    seeds: int
    ours_mm: Spread
    gain_mm: float | None
    """Its difference from the row that it is compared with; None of this row itself."""
    paper_mm: float | None
    paper_gain_mm: float | None
    paper_words: str
    """Worse or better, where the paper has no figure for it."""
    agrees: str
    """Nothing where there is no sign to compare, within the ranges over seeds, or where one of the two rows has learned
    nothing."""
    doubts: Sequence[str]
    """Which of its trials have learned nothing, and how that is seen."""
    within_seeds: bool
    """Whether the difference is no larger than what seeds make of the two rows."""
    within_20mm: float
    """Share of frames, 0 to 1."""
    speed: float
    """Samples a second."""
    tips_mm: Mapping[str, Spread]
    best_mm: float | None
    """Ours by the weights that did best on the test frames; None where a trial has none."""
    weights: Sequence[str]
    """Of each trial, in the folder of the studies."""


def figures_of(study: Study, trials: Sequence[Trial], *, dataset: str) -> list[Figures]:
    """One for each row that has trials; none where the first one has not."""
    groups = [(row, [trial for trial in trials if trial.row == row.name]) for row in study.rows]
    shown = [(row, group) for row, group in groups if group] if groups[0][1] else []
    figures: list[Figures] = []
    for number, (row, group) in enumerate(shown):
        figures.append(_figures(_base(study, shown, number), row, group, reported_on(study, dataset)))
    return figures


def _base(study: Study, shown: Sequence[tuple[Row, Sequence[Trial]]], number: int) -> tuple[Row, Sequence[Trial]]:
    """What a row of those that are shown is compared with; the first one with itself."""
    row = shown[number][0]
    if study.cumulative and row.source is None:  # a network of the user's own builds on none of the paper's rows
        return shown[max(0, number - 1)]
    named = [pair for pair in shown if number and pair[0].name == row.base]
    return named[0] if named else shown[0]


def _figures(compared: tuple[Row, Sequence[Trial]], row: Row, group: Sequence[Trial], dataset: str) -> Figures:
    base, paper = (each.reported_mm.get(dataset) for each in (compared[0], row))
    itself = row == compared[0]
    gain = float(np.mean(_means(group)) - np.mean(_means(compared[1])))
    theirs = None if itself or paper is None or base is None else paper - base
    told = row.worse if theirs is None and not itself else None
    agrees = gain * theirs > 0 if theirs else None if told is None else (gain > 0) == told
    bests = [trial.best_mm for trial in group if trial.best_mm is not None]
    doubts = _doubts(group)
    within = not itself and _within_seeds(gain, group, compared[1])
    if within or doubts or _doubts(compared[1]):
        agrees = None
    tips = {name: [trial.errors.tips_mm[name] for trial in group if name in trial.errors.tips_mm]
            for name in tip_folders(group)}  # fmt: skip
    return Figures(
        row=row.name,
        base=compared[0].name,
        parameters=group[0].parameters,
        seeds=len(group),
        ours_mm=_spread(_means(group)),
        gain_mm=None if itself else gain,
        paper_mm=paper,
        paper_gain_mm=theirs,
        paper_words="" if told is None else "worse" if told else "better",
        agrees="" if agrees is None else "yes" if agrees else "no",
        doubts=doubts,
        within_seeds=within,
        within_20mm=float(np.mean([trial.errors.within_20mm for trial in group])),
        speed=float(np.mean([trial.training.samples / max(trial.training.seconds, 1e-9) for trial in group])),
        tips_mm={name: _spread(values) for name, values in tips.items()},
        best_mm=float(np.mean(bests)) if len(bests) == len(group) else None,
        weights=[trial.weights for trial in group if trial.weights],
    )


def _within_seeds(gain: float, group: Sequence[Trial], other: Sequence[Trial]) -> bool:
    """No more than the half ranges of both; one seed has none."""
    ranges = [_spread(_means(each)).half_range for each in (group, other)]
    return all(each is not None for each in ranges) and abs(gain) <= sum(each or 0.0 for each in ranges)


def _doubts(group: Sequence[Trial]) -> list[str]:
    """A sentence for each trial that has learned nothing."""
    several = len(group) > 1
    named = [(f"{trial.row}, seed {trial.seed}," if several else trial.row, trial.errors.doubt) for trial in group]
    return [f"{name} {doubt}" for name, doubt in named if doubt]


def tip_folders(trials: Sequence[Trial]) -> list[str]:
    """Folders of real fingertips that any of them was measured on."""
    return list(dict.fromkeys(name for trial in trials for name in trial.errors.tips_mm))


def reported_on(study: Study, dataset: str) -> str:
    """Of which data set the paper's figures are that stand beside ours for `dataset`."""
    return dataset if any(dataset in row.reported_mm for row in study.rows) else "nyu"


def _means(group: Sequence[Trial]) -> list[float]:
    return [trial.errors.mean_mm for trial in group]


def _spread(values: Sequence[float]) -> Spread:
    return Spread(float(np.mean(values)), (max(values) - min(values)) / 2 if len(values) > 1 else None)
