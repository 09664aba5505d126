"""From each data set as it is unpacked to a study's table: pack, study, table; and stores that make no study."""

import csv
import dataclasses
import json
import math
import re
import shutil

import pytest
from cli.test_stores import refused, run
from datasets.fixtures import WRITERS, render
from store.recorded import Recorded, packing_of

from handkit.errors import UsageError
from handkit.models import MODELS
from handkit.recipes import PUBLISHED, SRN_TABLE_1
from handkit.skeleton import MSRA21
from handkit.store.packing import pack
from handkit.store.store import PackedFrames
from handkit.studies.conditions import Conditions
from handkit.studies.papers import STUDIES
from handkit.studies.plan import experiment_of
from handkit.studies.table import Row, Study
from handkit.training.adapt import recipe_of
from handkit.training.experiment import Experiment, fit

SMALL = Study(
    "small",
    "one plane and all",
    "nobody's",
    "latent-fusion",
    (
        Row("all", {"channels": 16}, {name: 9.0 for name in WRITERS}),
        Row("xy", {"channels": 16, "planes": ["xy"]}, {name: 9.5 for name in WRITERS}),
    ),
)
BUDGET = ("--resolution", 32, "--batch", 2, "--samples", 4, "--workers", 0, "--threads", 1)


@pytest.mark.parametrize("name", WRITERS)
def test_from_the_archive_to_the_table(tmp_path, name, monkeypatch):
    """MSRA15 by folds; HANDS2017's test labels came later, in a file of their own."""
    monkeypatch.setitem(STUDIES, "small", dataclasses.replace(SMALL, folds=name == "msra"))
    root = tmp_path / name
    root.mkdir()
    WRITERS[name](root, render(name, 18 if name == "msra" else 3))
    splits = {"train": "all", "test": "all"} if name == "msra" else {"train": "train", "test": "test"}
    stores = {part: tmp_path / split for part, split in splits.items()}
    late = ("--annotations", root / "training/Training_Annotation.txt") if name == "hands17" else ()
    for split in dict.fromkeys(splits.values()):
        more = late if split == "test" else ()
        assert run("data", "pack", name, "--root", root, "--out", tmp_path / split, "--split", split, *more) == 0
    out = tmp_path / "out"
    command = ("study", "small", "--data", stores["train"], "--test", stores["test"], *BUDGET, "--out", out)
    assert run(*command) == 0
    lines = list(csv.DictReader((out / "small.csv").open()))
    assert [line["row"] for line in lines] == ["all", "xy"]
    assert [line["paper, mm"] for line in lines] == ["9", "9.5"]
    assert all(5 < float(line["ours, mm"]) < 300 for line in lines)
    kept = json.loads((out / "small.json").read_text())
    learned = all(trial["errors"]["mean_mm"] < 0.98 * trial["errors"]["mean_pose_mm"] for trial in kept)
    assert lines[1]["sign agrees"] in ({"yes", "no"} if learned else {""})
    below = (out / "small.md").read_text().splitlines()[-1]
    if name == "msra":
        assert [trial["best_mm"] for trial in kept] == [None, None]
    else:
        best = "; ".join(f"{trial['row']} {trial['best_mm']:.2f}" for trial in kept)
        assert f"By the weights that did best on these test frames (best.safetensors), mm: {best}." in below
    logs = list(out.glob("trainings/*/**/log.jsonl"))
    assert len(logs) >= 2
    for log in logs:  # none trains blind
        assert math.isfinite(json.loads(log.read_text().splitlines()[-1])["error_mm"])


def test_a_paper_s_rows_have_its_learning_rates(tmp_path):
    """On NYU; the squared errors of SRN's Table 1 have one of their own."""
    pack(packing_of(Recorded(3), dataset="nyu", margin=2.6), tmp_path / "train")
    conditions = Conditions(out=tmp_path, train=tmp_path / "train", test=tmp_path / "train")
    study = STUDIES["srn-table-1"]
    recipes = [
        experiment_of(study, conditions, dataclasses.replace(row, refinement=None), 1).recipe for row in study.rows
    ]
    assert [recipe.learning_rate for recipe in recipes] == [each.learning_rate for each in SRN_TABLE_1.values()]
    assert [recipe.arguments for recipe in recipes] == [each.arguments for each in SRN_TABLE_1.values()]
    assert recipes[-1].learning_rate == PUBLISHED["srn", "nyu"].learning_rate


def test_stores_that_make_no_study(tmp_path, monkeypatch, capsys):
    """Too few frames, other joints, frames that are trained on, a test split, NaN for every label."""
    monkeypatch.setitem(STUDIES, "small", SMALL)

    def store(name, frames, **settings):
        pack(packing_of(frames, margin=2.6, **settings), tmp_path / name)
        return tmp_path / name

    train, test = store("train", Recorded(6)), store("test", Recorded(3), dataset="nyu", split="test")
    other = store("other", Recorded(3, name="msra", skeleton=MSRA21), split="test")
    blank, fold = store("blank", Recorded(6, labeled=False)), store("fold", Recorded(6), split="test-P3")
    common = (*BUDGET, "--out", tmp_path / "out")
    for given, sentence in (
        (
            (train, test, "--batch", 8),
            "has 6 labeled frames to train on, a batch takes 8; pack more, or give --batch 6",
        ),
        ((train, other), "has the joints of msra21, "),
        ((train, train), "holds frames of P0, P1, P2, on whom this run is trained"),
        ((fold, test), "holds the test frames of icvl (test-P3)"),
        ((blank, test), "has no labeled frame to train on"),
        ((train, blank), "has no labeled frame to measure on"),
    ):
        asked = ("study", "small", "--data", given[0], "--test", given[1], *common, *given[2:])
        assert sentence in refused(capsys, *asked)
    monkeypatch.setitem(STUDIES, "small", dataclasses.replace(SMALL, folds=True))
    asked = ("study", "small", "--data", train, "--test", test, *common)
    assert "give --data and --test the same" in refused(capsys, *asked)
    assert not list((tmp_path / "out").glob("trainings/*")), "nothing was begun"
    assert len(PackedFrames.open(blank)) == 6


def test_the_best_weights_of_other_test_frames_are_none_of_these(tmp_path, monkeypatch):
    """A finished training is read again for another test store; what did best on the first is not said of it."""
    monkeypatch.setitem(STUDIES, "small", dataclasses.replace(SMALL, rows=SMALL.rows[1:]))
    pack(packing_of(Recorded(4), dataset="nyu", split="train", margin=2.6), tmp_path / "train")
    for name, count in (("three", 3), ("four", 4)):
        pack(packing_of(Recorded(count), dataset="nyu", split="test", margin=2.6), tmp_path / name)
        stores = ("--data", tmp_path / "train", "--test", tmp_path / name)
        assert run("study", "small", *stores, *BUDGET, "--out", tmp_path / "out") == 0
        (trial,) = json.loads((tmp_path / "out/small.json").read_text())
        assert (trial["best_mm"] is None) == (name == "four")
        assert ("did best" in (tmp_path / "out/small.md").read_text()) == (name == "three")
    assert len(list((tmp_path / "out/trainings").iterdir())) == 1


def test_what_was_packed_or_written_anew_is_trained_anew(tmp_path, monkeypatch, capsys):
    """At the same paths: trials of other frames, or of another network, are no answers to these."""
    monkeypatch.setitem(STUDIES, "small", SMALL)
    monkeypatch.setitem(MODELS, "Mine", None)
    own = tmp_path / "mine.py"
    other = OWN.replace("adaptive_avg_pool2d(points[:, 2:], 8)", "adaptive_max_pool2d(points[:, 2:], 8)")
    for count, source, done in ((4, OWN, 0), (4, OWN, 3), (4, other, 2), (5, OWN, 0)):
        del MODELS["Mine"]
        own.write_text(source)
        for name, split in (("train", "train"), ("test", "test")):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
            pack(packing_of(Recorded(count), dataset="nyu", split=split, margin=2.6), tmp_path / name)
        stores = ("--data", tmp_path / "train", "--test", tmp_path / "test")
        assert run("study", "small", *stores, *BUDGET, "--network", f"{own}:Mine", "--out", tmp_path / "out") == 0
        assert f"3 trials, {done} done before" in capsys.readouterr().err


def test_what_differs_from_the_papers_is_said_and_stands_below_the_table(tmp_path, monkeypatch, capsys):
    """Whose centers, how many frames, of which data set the paper's figures are; and no budget without a paper's."""
    monkeypatch.setitem(STUDIES, "small", SMALL)
    for name, split in (("train", "train"), ("test", "test")):
        pack(packing_of(Recorded(4), dataset="nyu", split=split, margin=2.6), tmp_path / name)
    stores = ("--data", tmp_path / "train", "--test", tmp_path / "test")
    assert run("study", "small", *stores, *BUDGET, "--out", tmp_path / "out") == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "latent-fusion on nyu: the published experiment has mass centers, this store those of: mean of" in said
    below = (tmp_path / "out/small.md").read_text().splitlines()[-1]
    assert (
        "Its column: nyu. Trained on 4 of the 4 frames of nyu train (centers: mean of the labels), 4 samples" in below
    )
    assert "measured on 4 of the 4 frames of nyu test (centers: mean of the labels); these know the labels" in below
    for name, split in (("train", "train"), ("test", "test")):
        frames = Recorded(4, skeleton=MSRA21)
        pack(packing_of(frames, dataset="hands17", split=split, margin=2.6), tmp_path / f"h-{name}")
    without = ("study", "small", "--data", tmp_path / "h-train", "--test", tmp_path / "h-test", "--batch", 2)
    sentence = refused(capsys, *without, "--out", tmp_path / "out")
    assert "latent-fusion has no published experiment on hands17" in sentence
    assert "--epochs N or --samples N" in sentence


OWN = '''"""A network of one's own: one linear map of a tiny crop."""

from torch import nn

from handkit import HandPoseModel, Space


class Mine(HandPoseModel):
    space = Space.IMAGE

    def __init__(self, skeleton, *, resolution: int = 32):
        super().__init__()
        self.skeleton, self.resolution = skeleton, resolution
        self.linear = nn.Linear(64, 3 * len(skeleton))

    def forward(self, points):
        small = nn.functional.adaptive_avg_pool2d(points[:, 2:], 8).flatten(1)
        return self.linear(small).unflatten(1, (-1, 3))

    def loss(self, points, joints):
        return {"squared": (self(points) - joints).square().mean()}
'''


def test_a_network_of_one_s_own_beside_the_others(tmp_path, monkeypatch, capsys):
    """Trainings side by side, in processes that are told of it; measured as the others are."""
    monkeypatch.setitem(STUDIES, "small", SMALL)
    monkeypatch.setitem(MODELS, "Mine", None)  # so that it is forgotten afterwards
    del MODELS["Mine"]
    (tmp_path / "mine.py").write_text(OWN)
    out = tmp_path / "out"
    own = f"{tmp_path / 'mine.py'}:Mine"
    budget = ("--synthetic", "--resolution", 32, "--batch", 2, "--samples", 4, "--crops", 4, "--threads", 1)
    assert run("study", "small", *budget, "--jobs", 2, "--network", own, "--out", out) == 0
    lines = list(csv.DictReader((out / "small.csv").open()))
    assert [line["row"] for line in lines] == ["all", "xy", "Mine"]
    assert lines[2]["parameters"] == str(65 * 63)
    assert [line["paper, mm"] for line in lines] == ["9", "9.5", ""]
    assert len(list(out.glob("trainings/*/finished.json"))) == 3
    other = refused(capsys, "study", "small", *budget, "--network", own.replace(":Mine", ":Yours"), "--out", out)
    assert "Yours" in other


@pytest.mark.parametrize(
    ("written", "instead", "sentence"),
    [
        (".unflatten(1, (-1, 3))", "", "Bad answers (B, 63), (B, 21, 3) expected"),
        ("self.linear(small)", "1, self.linear(small)", "Bad answers a tuple, a tensor (B, 21, 3) expected"),
        ("nn.Linear(64,", "nn.Linear(65,", "Bad cannot be run on (B, 3, 32, 32): RuntimeError: mat1 and mat2"),
    ],
)
def test_a_network_of_one_s_own_that_answers_no_joints(tmp_path, monkeypatch, capsys, written, instead, sentence):
    """Seen before anything is trained: in a study, and by `fit`, which `train` calls."""
    monkeypatch.setitem(MODELS, "Bad", None)
    del MODELS["Bad"]
    own = tmp_path / "bad.py"
    own.write_text(OWN.replace("Mine", "Bad").replace(written, instead))
    budget = ("--synthetic", "--resolution", 32, "--batch", 2, "--samples", 4, "--crops", 4, "--threads", 1)
    asked = ("study", "networks", *budget, "--network", f"{own}:Bad", "--out", tmp_path / "out")
    assert sentence in refused(capsys, *asked)
    assert not (tmp_path / "out").exists()
    experiment = Experiment(recipe_of("Bad", {}, resolution=32))
    with pytest.raises(UsageError, match=re.escape(sentence)):
        fit(experiment, experiment.budget(samples=4), out=tmp_path / "run")
