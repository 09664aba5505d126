"""What a table says of its frames, and of how it departs from the papers' experiments."""

from dataclasses import replace
from pathlib import Path

import pytest
from store.recorded import Recorded, packing_of
from studies.test_data_sets import OWN
from studies.test_study import SMALL

from handkit.models import MODELS
from handkit.recipes import PUBLISHED, CenterSource
from handkit.store.packing import pack
from handkit.studies.conditions import Conditions
from handkit.studies.papers import STUDIES
from handkit.studies.plan import check_study, experiment_of, training_key, trial_key, with_own, with_rows
from handkit.studies.wording import departures, frames_in_words


def stores(
    folder: Path,
    *,
    dataset: str = "nyu",
    train: str = "train",
    test: str = "test",
    centers: CenterSource = CenterSource.MEAN,
) -> Conditions:
    """Of 24 frames, of which two have no patch and eight a label that is known to be wrong."""
    frames = Recorded(24, damaged=(3, 4), suspect=tuple(range(8, 16)))
    pack(packing_of(frames, dataset=dataset, split=train, margin=2.6), folder / "train")
    tested = Recorded(6, damaged=(5,))
    pack(packing_of(tested, dataset=dataset, split=test, margin=2.6, centers=centers), folder / "test")
    return Conditions(out=folder, train=folder / "train", test=folder / "test")


def test_frames_are_those_that_are_learned_and_measured(tmp_path):
    conditions = stores(tmp_path)
    said = frames_in_words(SMALL, conditions)
    assert said.startswith("Trained on 14 of the 24 frames of nyu train (centers: mean of the labels), the published ")
    assert "measured on 5 of the 6 frames of nyu test" in said
    assert "measured on 4 of the 6 frames" in frames_in_words(SMALL, conditions, measured=4)
    folds = replace(SMALL, folds=True)
    whole = replace(conditions, test=conditions.train)
    assert "measured on 22 of them, each by the weights that have not seen" in frames_in_words(folds, whole)


def test_what_options_change_is_said(tmp_path):
    conditions = stores(tmp_path)
    plain = departures(SMALL, conditions)
    assert len(plain) == 1, "its centers"
    asked = replace(conditions, batch=2, resolution=64, epochs=3, precision="bf16")
    assert departures(SMALL, asked)[1:] == [
        "latent-fusion on nyu: batches of 2 frames, published 32",
        "latent-fusion on nyu: crops of 64 pixels, published 128",
        "latent-fusion on nyu: 3 epochs, published 100; learning rates fall at the same shares of them",
        "latent-fusion on nyu: trained in bf16-mixed, published 32-true",
    ]
    assert all(sentence in frames_in_words(SMALL, asked) for sentence in departures(SMALL, asked))
    assert departures(SMALL, replace(conditions, samples=9))[1:] == [
        "latent-fusion on nyu: 9 samples, published 100 epochs"
    ]


@pytest.mark.parametrize(
    ("study", "settings", "sentence"),
    [
        ("crossinfonet-table-1", {"dataset": "icvl"}, None),
        (
            "crossinfonet-table-1",
            {"dataset": "icvl", "train": "train-all"},
            "published of the split train, this store has",
        ),
        (
            "networks",
            {"dataset": "icvl"},
            "crossinfonet on icvl: published of the split train-all, this store has train",
        ),
        ("networks", {"dataset": "icvl", "train": "train-all"}, "densereg on icvl: published of the split train, this"),
        (
            "srn-table-2",
            {"train": "train-view2"},
            "srn on nyu: published of the split train, this store has train-view2",
        ),
        ("srn-table-2", {"test": "test-view3"}, "measured on nyu test-view3, the papers on its test frames"),
        ("networks", {"dataset": "msra", "train": "train-P0", "test": "test-P0"}, "every subject left out in turn"),
        ("srn-table-2", {"centers": CenterSource.MASS}, "trained around other centers (mean of the labels) than it is"),
    ],
)
def test_other_frames_than_the_papers_are_said(tmp_path, study, settings, sentence):
    found = departures(STUDIES[study], stores(tmp_path, **settings))
    assert any(sentence in each for each in found) if sentence else not any("split" in each for each in found)


def test_a_network_of_one_s_own_has_a_paper_s_epochs(tmp_path, monkeypatch):
    """Those of the study's network, and all other rows keep theirs; a budget that is given is its budget."""
    monkeypatch.setitem(MODELS, "Mine", None)
    del MODELS["Mine"]
    (tmp_path / "mine.py").write_text(OWN)
    conditions = replace(stores(tmp_path), own=f"{tmp_path / 'mine.py'}:Mine", batch=2, resolution=128)
    study = with_own(with_rows(STUDIES["networks"], ("srn",)), conditions)
    check_study(study, conditions)
    epochs = [experiment_of(study, conditions, row, 1).recipe.epochs for row in study.rows]
    assert epochs == [PUBLISHED["srn", "nyu"].epochs, PUBLISHED["crossinfonet", "nyu"].epochs]
    assert "Mine has the 110 epochs of crossinfonet on nyu" in departures(study, conditions)
    given = replace(conditions, samples=4)
    assert experiment_of(study, given, study.rows[-1], 1).recipe.epochs is None
    assert not any("epochs of" in sentence for sentence in departures(study, given))


def test_a_precision_makes_another_trial():
    conditions = Conditions(out=Path(), samples=100)
    keys = [
        make(SMALL, replace(conditions, precision=precision), SMALL.rows[0], 1)
        for precision in (None, "f32", "bf16")
        for make in (training_key, trial_key)
    ]
    assert keys[:2] == keys[4:], "the default of rendered frames"
    assert not set(keys[:2]) & set(keys[2:4])
