"""Studies: the papers' tables as constants, a small one run, continued and refused."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from store.recorded import Recorded, packing_of

from handkit.cli import main
from handkit.errors import UsageError
from handkit.evaluation.marked import TipErrors
from handkit.models.arguments import options
from handkit.store.packing import pack
from handkit.studies import plan
from handkit.studies import study as studies
from handkit.studies.comparison import comparison
from handkit.studies.conditions import Conditions
from handkit.studies.measuring import measured
from handkit.studies.papers import STUDIES
from handkit.studies.plan import check_study, experiment_of, with_rows
from handkit.studies.report import latex, markdown, numbers_of, run_and_write, table_of, write_tables
from handkit.studies.study import Training, Trial, trial_of
from handkit.studies.table import Row, Study

ROOT = Path(__file__).parents[2]
REFERENCE, RESULTS = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8"), ROOT / "results"
SMALL = Study(
    "small",
    "one plane and all",
    "nobody's",
    "latent-fusion",
    (Row("all", {"channels": 16}, {"nyu": 9.0}), Row("xy", {"channels": 16, "planes": ["xy"]}, {"nyu": 10.0})),
)


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.name)
def test_a_study_s_rows_are_arguments_and_its_figures_are_in_the_reference(study):
    for row in study.rows:
        assert row.arguments.keys() <= options(row.network or study.network).keys()
        for figure in row.reported_mm.values():
            assert any(text in REFERENCE for text in (f"{figure:g}", f"{figure:.2f}")), figure
        with torch.device("meta"):
            experiment_of(study, Conditions(out=Path(), samples=1), row, 1).network()
    assert len({row.name for row in study.rows}) == len(study.rows)


def trial(row, seed, mean_mm, **tips_mm):
    """Three frames of two joints; one has its worst joint 30 mm off."""
    errors = np.array([[mean_mm, mean_mm], [mean_mm - 5, mean_mm + 5], [2 * mean_mm - 30, 30.0]])
    tips = {name: TipErrors((error,), 0) for name, error in tips_mm.items()}
    return Trial(row, seed, "", 2000, Training("", 100, 50.0, "a machine"), measured(errors, tips))


def test_the_sign_by_hand():
    trials = [trial("all", 1, 8.0, sr305=3.0), trial("all", 2, 9.0, sr305=4.0), trial("xy", 1, 8.2)]
    lines = table_of(SMALL, trials, dataset="nyu")
    assert lines[0][-1] == "sr305 tips, median mm"
    assert lines[1:] == [
        ["all", "2,000", "2", "8.50 ± 0.50", "", "9", "", "", "66.7%", "2", "3.50 ± 0.50"],
        ["xy", "2,000", "1", "8.20", "-0.30", "10", "+1.00", "no", "66.7%", "2", ""],
    ]
    assert markdown(lines).splitlines()[3] == "| xy | 2,000 | 1 | 8.20 | -0.30 | 10 | +1.00 | no | 66.7% | 2 |  |"
    assert r"all & 2,000 & 2 & 8.50 $\pm$ 0.50" in latex(lines)
    heads, *numbers = numbers_of(SMALL, trials, dataset="nyu")
    assert numbers == [
        ["all", "2000", "2", "8.5", "0.5", "", "9", "", "", "0.6667", "2", "3.5", "0.5", ""],
        ["xy", "2000", "1", "8.2", "", "-0.3", "10", "1", "no", "0.6667", "2", "", "", ""],
    ]
    assert heads[3:5] == ["ours, mm", "ours, mm, half range"]
    assert heads[-3:] == ["sr305 tips, median mm", "sr305 tips, median mm, half range", "weights"]


@pytest.mark.parametrize("name", [path.stem for path in RESULTS.glob("*.json") if path.stem in {*STUDIES, "compare"}])
def test_the_tables_of_the_results_are_of_their_trials(name):
    trials = [trial_of(content) for content in json.loads((RESULTS / f"{name}.json").read_text())]
    table = (RESULTS / f"{name}.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0][2:] for line in table.splitlines() if line.startswith("| ")][2:]
    study = comparison(rows) if name == "compare" else with_rows(STUDIES[name], rows)
    words, numbers = (make(study, trials, dataset="synthetic") for make in (table_of, numbers_of))
    assert markdown(words) in table
    note = table.splitlines()[-1]
    assert ("± half their range" in note) == any("±" in cell for line in words for cell in line)
    tex = (RESULTS / f"{name}.tex").read_text(encoding="utf-8")
    assert tex == f"% {study.title}\n% {note}\n{latex(words)}"
    with (RESULTS / f"{name}.csv").open(newline="") as file:
        assert list(csv.reader(file)) == numbers


def test_rows_that_build_on_one_another_are_compared_with_the_one_before():
    rows = (Row("a", {}, {"nyu": 10.0}), Row("b", {}, {"nyu": 8.0}), Row("c", {}, {"nyu": 7.5}))
    study = Study("small", "", "", "latent-fusion", rows, cumulative=True)
    lines = table_of(study, [trial("a", 1, 9.0), trial("b", 1, 7.0), trial("c", 1, 7.4)], dataset="nyu")
    assert [head for head in lines[0] if "against" in head] == [
        "against the row before",
        "against the row before (paper)",
    ]
    assert [line[4:8] for line in lines[1:]] == [
        ["", "10", "", ""],
        ["-2.00", "8", "-2.00", "yes"],
        ["+0.40", "7.5", "-0.50", "no"],
    ]


@pytest.mark.parametrize(("other", "sign"), [((8.0, 9.2), ""), ((8.4, 9.8), ""), ((9.8, 10.2), "yes"), ((8.6,), "yes")])
def test_no_sign_within_the_ranges_over_seeds(tmp_path, other, sign):
    """First row 8.5 ± 0.5; of one seed nobody knows its range."""
    trials = [trial("all", 1, 8.0), trial("all", 2, 9.0)]
    trials += [trial("xy", seed, mean) for seed, mean in enumerate(other, 1)]
    assert table_of(SMALL, trials, dataset="nyu")[2][7] == sign
    text = write_tables(tmp_path, SMALL, trials, dataset="nyu", frames="", joints=["a", "b"])
    assert ("No sign stands where the difference is within the ranges over seeds: xy." in text) == (not sign)


def test_the_paper_s_figures_are_of_one_data_set():
    """Of ours where it has any, else of NYU; never one row's of NYU beside another's of MSRA15."""
    rows = (Row("a", {}, {"nyu": 10.0, "msra": 8.0}), Row("b", {}, {"nyu": 9.0}))
    study = Study("small", "", "", "latent-fusion", rows)
    trials = [trial("a", 1, 8.0), trial("b", 1, 9.0)]
    columns = {
        data: [line[5:8] for line in table_of(study, trials, dataset=data)[1:]] for data in ("msra", "nyu", "synthetic")
    }
    assert columns["msra"] == [["8", "", ""], ["-", "", ""]]
    assert columns["nyu"] == columns["synthetic"] == [["10", "", ""], ["9", "-1.00", "no"]]


def test_what_has_no_label_is_not_measured():
    nan = float("nan")
    errors = measured(np.array([[1.0, 3.0], [nan, nan], [5.0, nan]]), {})
    assert (errors.mean_mm, errors.per_joint_mm, errors.success[:6]) == (3.0, [3.0, 3.0], [0, 0, 0, 0.5, 0.5, 1])


@pytest.mark.usefixtures("every_kind_of_chart")
def test_a_study_runs_goes_on_and_leaves_its_table(tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(STUDIES, "small", SMALL)
    made = run_and_write(SMALL, Conditions(samples=32, resolution=32, crops=4, out=tmp_path))
    table = made.path.read_text()
    assert "±" not in table, "of one seed"
    assert f"% {table.splitlines()[-1]}\n" in made.path.with_suffix(".tex").read_text()
    assert table == f"{SMALL.title}\n\n{made.text}"
    assert [each.row for each in made.trials] == ["all", "xy"]
    assert [line.split(" |")[0] for line in table.splitlines()[4:6]] == ["| all", "| xy"]
    assert {path.name for path in tmp_path.glob("small?*")} == {
        "small.md", "small.csv", "small.tex", "small.json",
        *(f"small-{name}.{kind}" for name in ("success", "joints") for kind in ("pdf", "svg", "png")),
    }  # fmt: skip
    kept = {path: path.read_text() for path in tmp_path.rglob("trial.json")}
    assert all((tmp_path / json.loads(text)["weights"]).exists() for text in kept.values())
    places = [each.weights for each in made.trials]
    assert [line["weights"] for line in csv.DictReader((tmp_path / "small.csv").open())] == places
    assert f"Weights, in the folder of this table:\n\n- all: `{places[0]}`\n- xy: `{places[1]}`\n\nPaper: " in table
    assert "Errors are those of the last weights; the released code of CrossInfoNet and SRN takes the epoch" in table
    assert all(json.loads(text)["best_mm"] is None for text in kept.values()), "none is chosen on rendered frames"
    lost = next(iter(kept))
    lost.unlink()
    monkeypatch.setattr(studies, "fit", lambda *_, **__: 1 / 0)
    run = ["study", "small", "--synthetic", "--samples", "32", "--resolution", "32", "--crops", "4"]
    assert main([*run, "--out", str(tmp_path)]) == 0, "measured again, not trained again"
    assert capfd.readouterr().out == f"{made.text}\n{made.path}\n"
    assert {path: path.read_text() for path in tmp_path.rglob("trial.json")} == kept


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["srn-table-3"], "did you mean srn-table-"),
        (["srn-table-1"], "give --synthetic, or --data TRAIN and --test TEST"),
        (["srn-table-1", "--synthetic"], "needs a budget: --samples N"),
        (["msra-folds", "--synthetic", "--samples", "9"], "leaves subjects out in turn"),
        (["srn-table-2", "--synthetic", "--samples", "9", "--rows", "T=1"], "has no row 'T=1'; it has 'T = 1', "),
        (["networks", "--synthetic", "--samples", "9", "--network", "none.py:Mine"], "there is no such file"),
    ],
)
def test_a_study_that_cannot_begin(tmp_path, arguments, sentence, capfd):
    assert main(["study", *arguments, "--out", str(tmp_path)]) == 2
    assert sentence in capfd.readouterr().err


def test_where_the_paper_has_words_and_no_figure_they_are_its_sign():
    rows = (Row("field", {}, {"nyu": 10.0}), Row("a", {}, worse=True), Row("b", {}, worse=True), Row("c", {}))
    trials = [trial("field", 1, 8.0), trial("a", 1, 9.0), trial("b", 1, 7.0), trial("c", 1, 9.0)]
    lines = table_of(Study("small", "", "", "densereg", rows), trials, dataset="synthetic")
    assert [line[6:8] for line in lines[1:]] == [["", ""], ["worse", "yes"], ["worse", "no"], ["", ""]]


def test_what_makes_another_trial(tmp_path, monkeypatch):
    """A recipe, the frames measured on and left-out subjects do, and a paper's figure does not."""
    (tmp_path / "marks.json").write_text("1")
    conditions = Conditions(out=Path(), samples=100, real=(tmp_path,))
    row = SMALL.rows[0]
    key = studies.trial_key(SMALL, conditions, row, 1)
    assert studies.trial_key(SMALL, conditions, replace(row, reported_mm={}), 1) == key
    assert studies.trial_key(SMALL, replace(conditions, jobs=2, seeds=(1, 2)), row, 1) == key
    assert studies.training_key(SMALL, conditions, row, 1) != studies.training_key(
        replace(SMALL, folds=True), conditions, row, 1
    )
    (tmp_path / "marks.json").write_text("2")
    marked = studies.trial_key(SMALL, conditions, row, 1)
    rate = replace(conditions, batch=7)
    assert len({key, marked, studies.trial_key(SMALL, rate, row, 1)}) == 3
    trained = studies.training_key(SMALL, conditions, row, 1)
    assert studies.training_key(SMALL, rate, row, 1) != trained
    monkeypatch.setattr(plan, "EDITION", 0)
    assert studies.training_key(SMALL, conditions, row, 1) != trained, "of another edition of the world"


@pytest.mark.parametrize(("epochs", "train"), [(3, None), (0, Path("store")), (-1, Path("store"))])
def test_epochs_that_are_none(epochs, train):
    with pytest.raises(UsageError, match=f"--epochs {epochs}"):
        check_study(SMALL, Conditions(out=Path(), samples=100, epochs=epochs, train=train, test=train))


def test_torchrun_is_left_out(monkeypatch):
    monkeypatch.setattr("handkit.studies.plan.started", lambda: (1, 2))
    with pytest.raises(UsageError, match="no training of a study is shared by several processes; leave torchrun out"):
        check_study(SMALL, Conditions(out=Path(), samples=100))


def test_some_rows_are_a_table_too():
    study = with_rows(STUDIES["srn-table-2"], ("T = 3", "T = 1"))
    assert [row.name for row in study.rows] == ["T = 3", "T = 1"], "the first is what the other is compared with"
    built = with_rows(STUDIES["srn-table-1"], ("+ augmentation", "plain"))
    assert [row.name for row in built.rows] == ["plain", "+ augmentation"], "each has what those before it have"
    assert with_rows(study, ()) == study


def test_the_test_split_is_not_trained_on(tmp_path, capfd):
    pack(packing_of(Recorded(4), margin=2.6, split="test"), tmp_path / "store")
    stores = ["--data", str(tmp_path / "store"), "--test", str(tmp_path / "store")]
    assert main(["study", "srn-table-2", *stores, "--out", str(tmp_path / "out")]) == 1
    said = capfd.readouterr().err
    assert "holds the test frames of icvl (test); train on another split" in said
    assert "--allow-test" not in said, "which a study does not take"


def test_the_list(capsys):
    assert main(["study"]) == 0
    assert all(name in capsys.readouterr().out for name in ("srn-table-1",))
