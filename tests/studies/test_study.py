"""Studies: the papers' tables as constants, a small one run, continued and refused."""

import json
from pathlib import Path

import pytest
import torch
from store.recorded import Recorded, packing_of

from handkit.cli import main
from handkit.models.arguments import options
from handkit.store.packing import pack
from handkit.studies import study as studies
from handkit.studies.papers import STUDIES
from handkit.studies.report import latex, markdown, table_of
from handkit.studies.study import Conditions, Row, Study, Trial

REFERENCE = Path(__file__).parents[2].joinpath("docs", "reference.md").read_text(encoding="utf-8")
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
            studies._experiment(study, Conditions(Path(), samples=1), row, 1).network()
    assert len({row.name for row in study.rows}) == len(study.rows)


def test_the_sign_by_hand():
    trials = [Trial("all", 1, 8.0, ""), Trial("all", 2, 9.0, ""), Trial("xy", 1, 8.2, "")]
    lines = table_of(SMALL, trials, dataset="nyu")
    assert lines == [
        ["all", "2", "8.50 ± 0.50", "", "9", "", ""],
        ["xy", "1", "8.20", "-0.30", "10", "+1.00", "no"],
    ]
    assert markdown(lines).splitlines()[3] == "| xy | 1 | 8.20 | -0.30 | 10 | +1.00 | no |"
    assert r"all & 2 & 8.50 $\pm$ 0.50" in latex(lines)


def test_a_study_runs_goes_on_and_leaves_its_table(tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(STUDIES, "small", SMALL)
    run = ["study", "small", "--synthetic", "--samples", "32", "--resolution", "32", "--crops", "4"]
    assert main([*run, "--out", str(tmp_path)]) == 0
    table = (tmp_path / "small.md").read_text()
    assert "| all | 1 |" in table
    assert "| xy | 1 |" in table
    assert {path.suffix for path in tmp_path.glob("small.*")} == {".md", ".csv", ".tex"}
    kept = {path: path.read_text() for path in tmp_path.rglob("trial.json")}
    assert all(Path(json.loads(text)["weights"]).exists() for text in kept.values())
    lost = next(iter(kept))
    lost.unlink()
    monkeypatch.setattr(studies, "fit", lambda *_, **__: 1 / 0)
    assert main([*run, "--out", str(tmp_path)]) == 0, "measured again, not trained again"
    assert {path: path.read_text() for path in tmp_path.rglob("trial.json")} == kept


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["srn-table-3"], "did you mean srn-table-"),
        (["srn-table-1"], "give --synthetic, or --data TRAIN and --test TEST"),
        (["srn-table-1", "--synthetic"], "needs a budget: --samples N"),
        (["msra-folds", "--synthetic", "--samples", "9"], "leaves subjects out in turn"),
        (["networks", "--synthetic", "--samples", "9", "--network", "none.py:Mine"], "there is no such file"),
    ],
)
def test_a_study_that_cannot_begin(tmp_path, arguments, sentence, capfd):
    assert main(["study", *arguments, "--out", str(tmp_path)]) == 2
    assert sentence in capfd.readouterr().err


def test_the_test_split_is_not_trained_on(tmp_path, capfd):
    pack(packing_of(Recorded(4), margin=2.6, split="test"), tmp_path / "store")
    stores = ["--data", str(tmp_path / "store"), "--test", str(tmp_path / "store")]
    assert main(["study", "srn-table-2", *stores, "--out", str(tmp_path / "out")]) == 2
    assert "is the test split of icvl" in capfd.readouterr().err


def test_the_list(capsys):
    assert main(["study"]) == 0
    assert all(name in capsys.readouterr().out for name in ("srn-table-1",))


def test_from_packed_stores_to_a_table(tmp_path, monkeypatch, capfd):
    """Other frames, other subjects: what is measured on was not trained on."""
    monkeypatch.setitem(STUDIES, "small", SMALL)
    pack(packing_of(Recorded(6), margin=2.6), tmp_path / "train")
    pack(packing_of(Recorded(3), margin=2.6, split="test"), tmp_path / "test")
    stores = ["--data", str(tmp_path / "train"), "--test", str(tmp_path / "test"), "--resolution", "32"]
    assert main(["study", "small", *stores, "--samples", "64", "--out", str(tmp_path / "out")]) == 0
    lines = (tmp_path / "out/small.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["row", "all", "xy"]
