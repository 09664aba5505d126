"""Weights that say what they have seen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store.recorded import Recorded, packing_of

from handkit.errors import StoreError
from handkit.models.checkpoint import MEASURED_ON, CheckpointInfo
from handkit.store.packing import pack
from handkit.store.store import PackedFrames
from handkit.training.seen import check_unseen, chosen_on, learned_from, refuse_test_split, seen_subjects


def store_of(path: Path, dataset: str, split: str) -> PackedFrames:
    """Six frames of P0, P1 and P2 in turn."""
    pack(packing_of(Recorded(6), dataset=dataset, split=split), path)
    return PackedFrames.open(path)


def weights(*learned: dict[str, Any]) -> CheckpointInfo:
    return CheckpointInfo(Path("w.safetensors"), "srn", {}, None, None, {"trained_on": list(learned)}, 0)


def test_a_fold_that_was_seen_is_refused_and_the_one_left_out_is_not(tmp_path: Path):
    store = store_of(tmp_path / "msra", "msra", "all")
    everyone, second = np.ones(6, bool), np.arange(6) % 3 == 1
    learned = learned_from(store, np.flatnonzero(~second))
    assert (learned["subjects"], learned["frames"], learned["split"]) == (["P0", "P2"], 4, "all")
    assert check_unseen(weights(learned), store, second) == []
    for mask, seen in ((~second, "P0, P2"), (everyone, "P0, P2")):
        with pytest.raises(StoreError, match=f"was trained on frames of {seen} in .* give --fold P1, or say"):
            check_unseen(weights(learned), store, mask)
    assert check_unseen(weights(learned), store, everyone, allowed=True) == ["P0", "P2"]
    part = store_of(tmp_path / "part", "msra", "train-P0")
    assert seen_subjects(weights(learned), part, everyone) == ["P0", "P2"], "another store of the same people"
    assert seen_subjects(weights(), part, everyone) == []


def test_weights_that_did_best_on_these_frames_and_on_no_others(tmp_path: Path):
    first, second = (store_of(tmp_path / split, "msra", split) for split in ("all", "test-P0"))
    pack(packing_of(Recorded(5), dataset="msra", split="all"), tmp_path / "fewer")
    best = replace(weights(), notes={MEASURED_ON: learned_from(first, np.arange(6))})
    assert chosen_on(best, first)
    assert not chosen_on(best, PackedFrames.open(tmp_path / "fewer"))
    assert chosen_on(best, second), "the same frames in another store"
    for notes in ({}, {MEASURED_ON: None}, {MEASURED_ON: {"frames": 6}}):
        assert not chosen_on(replace(best, notes=notes), first), "never measured, or by an earlier handkit"


def test_people_without_a_name_may_be_others(tmp_path: Path):
    class Nameless(Recorded):
        def record(self, index: int):
            return replace(super().record(index), subject="unknown")

    pack(packing_of(Nameless(3), dataset="own"), tmp_path / "own")
    store = PackedFrames.open(tmp_path / "own")
    learned = learned_from(store, np.arange(3))
    with pytest.raises(
        StoreError, match=r'name them in the lines of both labels.jsonl \("subject": "anna"\); give other'
    ):
        check_unseen(weights(learned), store, np.ones(3, bool))


def test_nyu_s_first_subject_is_in_both_splits(tmp_path: Path):
    train, test = (store_of(tmp_path / split, "nyu", split) for split in ("train", "test"))
    everyone = np.ones(6, bool)
    learned = learned_from(train, np.arange(6))
    assert check_unseen(weights(learned), test, everyone) == []
    with pytest.raises(StoreError, match=r"was trained on frames of P0, P1, P2 in .* give other frames, or say"):
        check_unseen(weights(learned), train, everyone)
    view = store_of(tmp_path / "view", "nyu", "train-view2")
    assert seen_subjects(weights(learned), view, everyone) == ["P0", "P1", "P2"], "the same moments"


def test_a_test_split_is_trained_on_only_if_that_is_said(tmp_path: Path):
    for split in ("test", "test-P3"):
        store = store_of(tmp_path / split, "msra", split)
        with pytest.raises(StoreError, match=rf"holds the test frames of msra \({split}\)"):
            refuse_test_split(store)
        refuse_test_split(store, allowed=True)
    refuse_test_split(store_of(tmp_path / "all", "msra", "all"))
