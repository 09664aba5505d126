"""Every table and figure of the five papers: the command that makes it here, the frames it needs, what was run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from handkit.models.papers import PAPERS
from handkit.studies.papers import STUDIES
from handkit.studies.study import Training

FIXTURES = "no; the way to it on fixtures"
SCORED = "`python benchmarks/published.py --published FILES`"


class Entry(NamedTuple):
    """A table or figure as its paper has it."""

    network: str
    place: str
    shows: str
    data: str
    """Whose frames the paper's figures are of."""
    study: str | None = None
    """Its name in `STUDIES`, or ..."""
    command: str = ""
    """... the command that answers it."""
    ran: str = FIXTURES
    """What was run, where no study says so."""


ENTRIES = (
    Entry("crossinfonet", "Table 1", "sharing across branches, heat maps", "ICVL (22K), NYU", "crossinfonet-table-1"),
    Entry("crossinfonet", "Table 2, ICVL and NYU", "against other methods", "ICVL, NYU", "networks"),
    Entry("crossinfonet", "Table 2, MSRA15", "against other methods, nine folds", "MSRA15", "msra-folds"),
    Entry("crossinfonet", "Table 2, the others", "their published predictions, scored", "predictions of NYU, ICVL",
          command=SCORED, ran="on the published files: `published.csv`"),
    Entry("crossinfonet", "HANDS2017", "all frames; which are unseen no published file says", "HANDS2017",
          command="`handkit train crossinfonet --data STORE`, `handkit evaluate`: report and submission.txt"),
    Entry("srn", "Table 1", "augmentation, localization, loss, decoupling", "NYU", "srn-table-1"),
    Entry("srn", "Table 2", "stages, and theta", "NYU", "srn-table-2"),
    Entry("srn", "Fig. 2", "how the pose is handed on", "NYU", "srn-figure-2"),
    Entry("srn", "Table 3", "HANDS2017: all frames, as above", "HANDS2017",
          command="`handkit train srn --data STORE`, `handkit evaluate`: report and submission.txt"),
    Entry("srn", "success rates, NYU and ICVL", "against other methods", "predictions of NYU, ICVL", command=SCORED,
          ran="on the published files: `published.png`"),
    Entry("srn", "MSRA15", "nine folds, ResNet-50", "MSRA15", "msra-folds"),
    Entry("attention-hourglass", "ICVL and NYU", "against other methods", "ICVL (300K), NYU", "networks"),
    Entry("attention-hourglass", "self-comparisons", "one task, raw and direct features", "ICVL, NYU",
          "attention-hourglass"),
    Entry("latent-fusion", "Table 1", "against other methods", "ICVL, NYU, MSRA15", "networks"),
    Entry("latent-fusion", "Table 1, MSRA15", "nine folds", "MSRA15", "msra-folds"),
    Entry("latent-fusion", "Table 4", "run time; missing from the text that was read", "none",
          command="`handkit benchmark`", ran="yes: `live.md`"),
    Entry("latent-fusion", "Table 5", "explicit heat maps, planes, fusion", "NYU", "latent-fusion-table-5"),
    Entry("latent-fusion", "Table 6", "layers and their parameters", "none", command="`handkit info latent-fusion`",
          ran="yes: the counts are tests"),
    Entry("latent-fusion", "Fig. 8", "branches and the weights of their fusion", "any depth images",
          command="`python benchmarks/branches.py WEIGHTS --out FILE.png`", ran="yes: `branches.png`, rendered frames"),
    Entry("densereg", "Table 1", "stacks, candidates, bandwidth, weights", "NYU", "densereg-table-1"),
    Entry("densereg", "Fig. 3", "what is regressed", "NYU", "densereg-figure-3"),
    Entry("densereg", "ICVL, NYU", "against other methods", "ICVL (22K), NYU", "networks"),
    Entry("densereg", "MSRA15", "nine folds", "MSRA15", "msra-folds"),
    Entry("densereg", "success at 20 and 30 mm", "at t + 0.5 mm, as the paper has it", "predictions of NYU",
          command=SCORED, ran="on the published files: docs/reference.md, 3.5, E4"),
)  # fmt: skip
"""As far as docs/reference.md, 3.1 to 3.5, knows them."""


def index(results: Path) -> str:
    """A Markdown table of all entries; what a study has left in the folder `results` is what was run."""
    heads = ("paper", "place", "shows", "command", "frames of the paper", "run here")
    rows = [heads, ("---",) * len(heads), *(_row(entry, results) for entry in ENTRIES)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        "# The papers' tables and figures\n\n"
        "Written by `python benchmarks/studies.py results`. `TRAIN` and `TEST` are stores, which `handkit data pack`\n"
        "makes of the paper's frames; `--synthetic --samples N` instead runs the same rows on rendered frames.\n"
        "Nothing was trained on the papers' frames here, which we do not have: the way from an archive to a table is\n"
        "tested on small data sets in exactly their formats (`tests/studies/test_data_sets.py`).\n\n"
        f"{table}\n"
    )


def _row(entry: Entry, results: Path) -> Sequence[str]:
    citation = PAPERS[entry.network].citation
    if entry.study is None:
        return citation, entry.place, entry.shows, entry.command, entry.data, entry.ran
    one = "--data STORE --test STORE" if STUDIES[entry.study].folds else "--data TRAIN --test TEST"
    command = f"`handkit study {entry.study} {one}`"
    return citation, entry.place, entry.shows, command, entry.data, _run(entry, results)


def network_of(row: str) -> str:
    """Of a row of `compare`: what stands before its arguments."""
    return row.partition(":")[0]


def _run(entry: Entry, results: Path) -> str:
    """What the trials in the folder cost; the five networks alike are also what `handkit compare` trains."""
    for name in (entry.study, "compare") if entry.study == "networks" else (entry.study,):
        path = results / f"{name}.json"
        if path.exists():
            trials: list[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
            trials = [trial for trial in trials if name == entry.study or network_of(trial["row"]) == entry.network]
            if not trials:
                continue
            samples = max(Training(*trial["training"]).samples for trial in trials)
            seeds = len({trial["seed"] for trial in trials})
            return f"rendered frames, {samples:,} samples, {seeds} seed{'s' * (seeds > 1)}: `{name}.md`"
    return FIXTURES
