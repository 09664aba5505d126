"""Experiments from what is asked for: what becomes of the recipe, in which order, and what contradicts itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from store.recorded import Recorded, packing_of

from handkit.errors import HandkitError, StoreError, UsageError
from handkit.models.checkpoint import TRAINED_ON, save
from handkit.models.localizer import Localizer
from handkit.recipes import CROSSINFONET_AS_PRINTED, PUBLISHED, CenterSource, synthetic_recipe
from handkit.recipes.augment import Augment
from handkit.skeleton import MSRA21
from handkit.store.packing import pack
from handkit.store.store import NO_ROOM, PackedFrames
from handkit.training import experiment
from handkit.training.adapt import check_beginning, features_of, make_experiment
from handkit.training.experiment import POSE
from handkit.training.processes import Machine


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PackedFrames:
    """Nine frames of P0, P1 and P2, two a step in the experiments here."""
    path = tmp_path_factory.mktemp("folds") / "store"
    pack(packing_of(Recorded(9, name="msra", skeleton=MSRA21), centers=CenterSource.MASS, margin=2.6), path)
    return PackedFrames.open(path)


def test_without_a_word_it_is_our_recipe():
    made = make_experiment("srn")
    assert made.recipe == synthetic_recipe("srn")
    assert (made.store, made.without, made.test, made.seed) == (None, None, None, 1)


def test_what_is_asked_for_has_the_last_word():
    """A run that goes on from weights has half the rate, but for one that names its own."""
    ours = synthetic_recipe("latent-fusion")
    going_on = make_experiment("latent-fusion", continued=True)
    assert going_on.recipe == ours.continued()
    own = make_experiment("latent-fusion", continued=True, learning_rate=1e-5, batch=7, precision="32-true")
    assert own.recipe == replace(ours.continued(), learning_rate=1e-5, batch=7, precision="32-true")


def test_a_batch_is_taken_in_parts_of_two_frames_or_more():
    assert make_experiment("srn", batch=8, accumulate=4).recipe.accumulate == 4
    for parts in (0, 5):
        with pytest.raises(UsageError, match=f"--accumulate {parts}: a batch of 8 frames has 1 to 4 parts of 2 frames"):
            make_experiment("srn", batch=8, accumulate=parts)


@pytest.mark.parametrize(("batch", "parts"), [(None, 5), (80, 2), (40, 1), (16, 1)])
def test_parts_of_another_batch_are_as_large(tmp_path: Path, batch: int | None, parts: int):
    """DenseReg's batch statistics are those of 40 frames, or of as many as there are."""
    pack(packing_of(Recorded(3), dataset="nyu", margin=4.0), tmp_path / "nyu")
    store = PackedFrames.open(tmp_path / "nyu")
    assert make_experiment("densereg", store=store, batch=batch).recipe.accumulate == parts


@pytest.mark.parametrize(
    ("network", "epochs", "progress"), [("srn", 20, (25 / 80, 75 / 80)), ("crossinfonet", 11, (1 / 11, 9 / 11))]
)
def test_the_learning_rate_falls_with_the_epochs(
    tmp_path: Path, network: str, epochs: int, progress: tuple[float, ...]
):
    pack(packing_of(Recorded(3), dataset="nyu", margin=4.0), tmp_path / "nyu")
    store = PackedFrames.open(tmp_path / "nyu")
    published, shorter = (make_experiment(network, store=store, epochs=each).recipe for each in (None, epochs))
    assert (shorter.epochs, published.epochs) == (epochs, PUBLISHED[network, "nyu"].epochs)
    for share in (*progress, *np.linspace(0, 0.999, 37)):
        assert shorter.learning_rate_at(share + 1e-5) == pytest.approx(published.learning_rate_at(share + 1e-5))
    assert all(shorter.learning_rate_at(share + 1e-5) < shorter.learning_rate for share in progress)
    assert make_experiment(network, store=store, epochs=published.epochs).recipe == published


def test_patches_that_nobody_has_or_reads(store: PackedFrames):
    rendered, stored = make_experiment("srn"), make_experiment("srn", store=store, batch=2)
    with pytest.raises(UsageError, match="--patches disk: rendered frames have none; leave it out, or give --data"):
        check_beginning(rendered, Machine(patches="disk"))
    with pytest.raises(UsageError, match="--patches memory needs nobody to read them; leave --workers 2 out"):
        check_beginning(stored, Machine(patches="memory", workers=2))
    check_beginning(stored, Machine(patches="memory"))


def test_a_gpu_without_room_leaves_patches_on_disk_but_damage_is_told(store: PackedFrames, monkeypatch, tmp_path: Path):
    """By itself it holds them; somebody else was faster, or a file is cut."""
    frames = make_experiment("srn", store=store, batch=2).frames()
    monkeypatch.setattr(Machine, "holds", lambda *_: True)
    said: list[str] = []
    for kind, left in ((NO_ROOM, True), ("", False)):
        error = StoreError("these are", kind=kind)
        monkeypatch.setattr(PackedFrames, "held_by", lambda *_, error=error: (_ for _ in ()).throw(error))
        if left:
            assert experiment._held_by(torch.device("cpu"), frames, Machine(), said.append) is frames
            assert said == ["these are, as they are"]
        with pytest.raises(StoreError, match="these are"):
            experiment._held_by(torch.device("cpu"), frames, Machine(patches="memory" if left else "auto"), said.append)


def test_confidence_takes_the_features_of_the_network_that_it_judges():
    assert make_experiment("confidence").recipe.arguments["features"] == features_of(POSE)
    with pytest.raises(UsageError, match="--pose is for confidence, not for srn"):
        make_experiment("srn", pose=POSE)


def test_without_augmentation_coarse_centers_stay_coarse():
    plain = make_experiment("srn", refinement="none", augmented=False).recipe.augment
    coarse = make_experiment("srn", refinement="none").recipe.augment
    assert plain == Augment(center_mm=coarse.center_mm, far_mm=coarse.far_mm, far=coarse.far)
    assert make_experiment("srn", augmented=False).recipe.augment == Augment()


def test_a_fold_is_left_out_or_each_in_turn(store: PackedFrames):
    asked: dict[str, Any] = {"store": store, "resolution": 32, "batch": 2}
    assert make_experiment("latent-fusion", fold="P1", **asked).without == "P1"
    assert make_experiment("latent-fusion", fold="all", **asked).without is None
    with pytest.raises(UsageError, match="--fold P1 is the test of its training; leave --test out"):
        make_experiment("latent-fusion", fold="P1", test=store, **asked)
    with pytest.raises(StoreError, match="on whom this run is trained"):
        make_experiment("latent-fusion", test=store, **asked)


def test_what_is_no_published_experiment_is_said(store: PackedFrames):
    said: list[str] = []
    make_experiment("srn", store=store, batch=2, epochs=3, say=said.append)
    assert len(said) == 1
    assert "srn on msra" in said[0]


def test_rendered_frames_have_no_subjects_and_no_test(store: PackedFrames):
    each: tuple[dict[str, Any], ...] = ({"fold": "P0"}, {"fold": "all"}, {"test": store})
    for asked in each:
        with pytest.raises(UsageError, match=r"is for frames of a packed store; give --data STORE"):
            make_experiment("srn", **asked)


def test_a_test_set_is_learned_only_by_who_says_so(tmp_path: Path):
    recorded = Recorded(4, name="icvl", skeleton=MSRA21)
    pack(packing_of(recorded, centers=CenterSource.MASS, split="test", margin=2.6), tmp_path / "store")
    tested = PackedFrames.open(tmp_path / "store")
    with pytest.raises(StoreError, match="holds the test frames of icvl"):
        make_experiment("latent-fusion", store=tested)
    assert make_experiment("latent-fusion", store=tested, allow_test=True).store is tested


def test_a_localizer_that_is_not_there_is_missed_before_anything_is_made():
    with pytest.raises(HandkitError, match="no-such"):
        make_experiment("srn", refinement="test", localizer="no-such")
    with pytest.raises(UsageError, match="leave --localizer out"):
        make_experiment("srn", localizer="no-such")


def test_a_localizer_that_has_seen_the_test_is_refused(store: PackedFrames, tmp_path: Path):
    """Where the cubes of a subject that is left out are moved by one who knows him; one trained on others is not."""
    paths = {name: tmp_path / f"{name}.safetensors" for name in ("P0", "P1")}
    for name, path in paths.items():
        learned = {"dataset": "msra", "split": "all", "subjects": [name]}
        save(path, Localizer(), recipe={}, notes={TRAINED_ON: [learned]})
    asked: dict[str, Any] = {"store": store, "resolution": 32, "batch": 2, "refinement": "train+test"}
    with pytest.raises(StoreError, match="trained on frames of P0"):
        make_experiment("latent-fusion", fold="P0", localizer=str(paths["P0"]), **asked)
    assert make_experiment("latent-fusion", fold="P0", localizer=str(paths["P1"]), **asked).refined_at_test
    with pytest.raises(StoreError, match="trained on frames of P1"):
        make_experiment("latent-fusion", fold="all", localizer=str(paths["P1"]), **asked)


def test_crossinfonet_as_it_is_printed(store: PackedFrames):
    made = make_experiment("crossinfonet", store=store, printed=True, batch=2)
    printed = CROSSINFONET_AS_PRINTED["crossinfonet", "msra"]
    assert (made.recipe.arguments, made.recipe.augment) == (printed.arguments, printed.augment)
    assert made.recipe.arguments["hidden"] == 2048
    for network, frames in (("srn", store), ("crossinfonet", None)):
        with pytest.raises(UsageError, match="--as-printed is for crossinfonet on a packed store"):
            make_experiment(network, store=frames, printed=True)
