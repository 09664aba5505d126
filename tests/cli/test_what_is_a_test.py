"""What is a test and what is none: weights that know what they saw, test stores, other read-outs, late annotations."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cli.test_stores import SMALL, refused, run
from datasets.fixtures import WRITERS, render
from store.recorded import Recorded, joints_of, packing_of

from handkit.models.checkpoint import read_info, save
from handkit.models.densereg import DenseReg
from handkit.models.localizer import Localizer
from handkit.recipes import PUBLISHED, CenterSource
from handkit.skeleton import HAND21, MSRA21
from handkit.store.packing import pack
from handkit.store.store import PackedFrames
from handkit.training import adapt, experiment, loop, measuring
from handkit.training.experiment import Experiment


@pytest.fixture
def small(monkeypatch):
    recipes = {("latent-fusion", name): dataclasses.replace(SMALL, data=name) for name in WRITERS}
    monkeypatch.setattr(adapt, "PUBLISHED", recipes)


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    """Nine frames of P0, P1 and P2."""
    path = tmp_path_factory.mktemp("folds") / "store"
    pack(packing_of(Recorded(9, name="msra", skeleton=MSRA21), centers=CenterSource.MASS, margin=2.6), path)
    return path


def packed_with(packing: tuple[object, ...], out: Path, centers: str) -> Path:
    """The same packing, into another folder and around other centers."""
    assert run(*packing[:-1], out, "--split", "test", "--centers", centers) == 0
    return out


def test_the_later_annotations_of_hands2017_s_test_set(tmp_path, capsys):
    root, store = tmp_path / "hands17", tmp_path / "store"
    root.mkdir()
    frames = render("hands17", 3)
    WRITERS["hands17"](root, frames)
    labels = root / "training/Training_Annotation.txt"  # of the same frames, in these fixtures
    packing = ("data", "pack", "hands17", "--root", root, "--annotations", labels, "--out", store)
    assert "--annotations is for the test split of hands17" in refused(capsys, *packing, "--split", "train")
    assert run(*packing, "--split", "test") == 0
    packed = PackedFrames.open(store)
    expected = packed.skeleton.convert(torch.from_numpy(frames.joints.numpy()), HAND21)
    assert np.allclose(packed.rows["joints"], expected, atol=1e-3)
    assert "3 frames of hands17 test" in capsys.readouterr().err.replace("\n", " ")
    for centers in ("box", "mass"):  # of the published boxes, labels or not
        settings = PackedFrames.open(packed_with(packing, tmp_path / centers, centers)).manifest.settings
        assert (str(settings.centers), settings.center_detail) == ("mass", "in the published bounding box, 200 mm deep")
        assert "no test protocol" not in capsys.readouterr().err
    unboxed = (*packing[:5], "--out", tmp_path / "train", "--split", "train", "--centers", "box")
    assert run(*unboxed) == 0
    assert "centers: box of the labels (these know the labels: no test protocol)" in capsys.readouterr().err


def test_weights_are_not_measured_on_what_they_saw(tmp_path, folds, small, capsys):
    """Trained without P1: P1 is a test, P0 is none."""
    out = tmp_path / "run"
    assert run("train", "latent-fusion", "--data", folds, "--fold", "P1", "--samples", 2, "--out", out) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"latent-fusion trains for 2 samples; checkpoints go to {out}" in said
    weights = out / "weights.safetensors"
    learned = read_info(weights).notes["trained_on"]
    assert [(each["dataset"], each["split"], each["subjects"]) for each in learned] == [("msra", "all", ["P0", "P2"])]
    evaluate = ("evaluate", weights, "--data", folds)
    assert run(*evaluate, "--fold", "P1") == 0
    assert "was trained on frames of P0 in" in refused(capsys, *evaluate, "--fold", "P0")
    assert "give --fold P1, or say --allow-seen" in refused(capsys, *evaluate)
    report = tmp_path / "report"
    assert run(*evaluate, "--fold", "P0", "--allow-seen", "--out", report) == 0
    result = json.loads((report / "result.json").read_text())
    assert result["protocol"]["predictions"].endswith("trained on such frames")


def test_a_run_that_goes_on_knows_what_began_it(tmp_path, folds, small, capsys):
    """Also where it ended between its state and its weights, and the first weights are named no more."""
    first, out = tmp_path / "first", tmp_path / "run"
    train = ("train", "latent-fusion", "--data", folds, "--samples", 2, "--learning-rate", 0.001)
    assert run(*train, "--fold", "P1", "--out", first) == 0
    options = (*train, "--fold", "P2", "--out", out)
    assert run(*options, "--init", first / "weights.safetensors") == 0
    (out / "weights.safetensors").unlink()
    assert run(*train, "--fold", "P0", "--out", out, "--resume") == 1
    assert 'fold "P2" there, "P0" here' in capsys.readouterr().err
    assert run(*options, "--resume") == 0
    notes = read_info(out / "weights.safetensors").notes
    assert [each["subjects"] for each in notes["trained_on"]] == [["P0", "P2"], ["P0", "P1"]]
    assert notes["init"].endswith("first/weights.safetensors")


class Shifted(Recorded):
    """As many frames of the same people, with other labels."""

    def record(self, index):
        record = super().record(index)
        return dataclasses.replace(record, joints=joints_of(index) + np.float32(1))


def test_a_run_goes_on_with_the_frames_that_began_it(tmp_path, small, capsys):
    """In whatever folder they lie by now; other training or test frames are another run."""
    stores = {}
    for name, count in (("train", 9), ("more", 6), ("train-new", 9), ("test", 4), ("tests", 3), ("test-new", 4)):
        stores[name] = tmp_path / name
        frames = (Shifted if name.endswith("new") else Recorded)(count, name="nyu", skeleton=MSRA21)
        split = "test" if name.startswith("test") else "train"
        pack(packing_of(frames, centers=CenterSource.MASS, margin=2.6, split=split), stores[name])
    train = ("train", "latent-fusion", "--samples", 2, "--learning-rate", 0.001, "--out", tmp_path / "run", "--data")
    assert run(*train, stores["train"], "--test", stores["test"]) == 0
    capsys.readouterr()
    for frames, differing in (
        ((stores["more"], "--test", stores["test"]), "learns_from.frames 9 there, 6 here"),
        ((stores["train"], "--test", stores["tests"]), "measured_on.frames 4 there, 3 here"),
        ((stores["train-new"], "--test", stores["test"]), "learns_from.index_crc32"),
        ((stores["train"], "--test", stores["test-new"]), "measured_on.index_crc32"),
        ((stores["train"],), 'measured_on {"dataset": "nyu"'),
        (("synthetic",), 'learns_from {"dataset": "nyu"'),
    ):
        assert run(*train, *frames, "--resume") == 1
        said = " ".join(capsys.readouterr().err.split())
        assert "was begun otherwise: " in said
        assert differing in said
    noted = json.loads((tmp_path / "run/run.json").read_text())
    del noted["learns_from"]["index_crc32"]  # as earlier runs have it
    (tmp_path / "run/run.json").write_text(json.dumps(noted))
    moved = stores["train"].rename(tmp_path / "moved")
    assert run(*train, moved, "--test", stores["test"], "--resume") == 0


def test_first_weights_of_the_same_joints_in_another_order(tmp_path, folds, small, capsys):
    train = ("train", "latent-fusion", "--data", folds, "--samples", 2, "--model-args", "planes=xy")
    assert run(*train, "--init", "latent-fusion", "--out", tmp_path / "run") == 0
    said = " ".join(capsys.readouterr().err.split())
    layers = "branches.0.maps.bias, branches.0.maps.weight, sharpness"
    assert f"--init latent-fusion: {layers} are put in the order of msra21's joints" in said
    assert "anew" not in said


def test_a_test_store_keeps_the_last_weights_and_the_best_apart(tmp_path, folds, small, monkeypatch, capsys):
    other = tmp_path / "other"
    pack(
        packing_of(Recorded(4, name="icvl", skeleton=MSRA21), centers=CenterSource.MASS, split="test", margin=2.6),
        other,
    )
    people = tmp_path / "people"
    pack(
        packing_of(Recorded(5, name="icvl", skeleton=MSRA21), centers=CenterSource.MASS, split="test", margin=2.6),
        people,
    )
    errors = iter([30.0, 20.0, 40.0, 50.0])
    measured = []
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(Experiment, "measure", lambda _: lambda model: measured.append(model) or next(errors))
    out = tmp_path / "run"
    options = ("train", "latent-fusion", "--data", folds, "--samples", 6, "--out", out)
    assert "holds frames of P0, P1, P2, on whom this run is trained" in refused(capsys, *options, "--test", folds)
    assert run(*options, "--test", other) == 0
    last, best = (read_info(out / f"{name}.safetensors") for name in ("weights", "best"))
    assert (last.notes["samples"], best.notes["samples"], best.notes["error_mm"]) == (6, 2, 20.0)
    epochs = [
        json.loads((out / folder / "result.json").read_text())["protocol"]["epoch"]
        for folder in ("report", "report-best")
    ]
    assert epochs == ["the last one", "the best on these very frames"]
    for store, words in (
        (other, "the best on these very frames"),
        (folds, "the best on the test frames of its training"),
        (people, "the best on the test frames of its training, of the same people"),
    ):
        report = tmp_path / "evaluated" / store.name
        assert run("evaluate", out / "best.safetensors", "--data", store, "--allow-seen", "--out", report) == 0
        assert json.loads((report / "result.json").read_text())["protocol"]["epoch"] == words


def test_a_localizer_of_one_s_own(tmp_path, folds, small, monkeypatch):
    """In training it moves the cubes of every batch."""
    asked = []
    honest = experiment.load_localizer
    for module in (experiment, measuring):
        monkeypatch.setattr(module, "load_localizer", lambda name: asked.append(name) or honest("localizer"))
    mine = tmp_path / "mine.safetensors"
    save(mine, Localizer(), recipe={})
    train = ("train", "latent-fusion", "--data", folds, "--samples", 2, "--out", tmp_path / "run")
    assert run(*train, "--center-refinement", "train+test", "--localizer", mine) == 0
    assert asked == [str(mine)]


def test_densereg_is_read_otherwise_without_another_training(tmp_path, folds, capsys):
    torch.manual_seed(0)
    model = DenseReg(MSRA21, resolution=32, channels=8, stacks=1)
    recipe = dataclasses.asdict(PUBLISHED["densereg", "msra"])
    save(tmp_path / "w.safetensors", model, recipe=recipe, notes={"data": "synthetic"})
    evaluate = ("evaluate", tmp_path / "w.safetensors", "--data", folds)
    found = []
    for number, arguments in enumerate([(), ("--readout", "top=1", "sigma=0.1"), ("--readout", "weighted=false")]):
        assert run(*evaluate, *arguments, "--out", tmp_path / f"{number}") == 0
        found.append(np.load(tmp_path / f"{number}/predictions.npy"))
    assert not np.allclose(found[0], found[1], equal_nan=True)
    protocol = json.loads((tmp_path / "1/result.json").read_text())["protocol"]
    assert protocol["predictions"].endswith("read with sigma=0.1,top=1")
    assert "--readout stacks changes what densereg is trained for; without training" in refused(
        capsys, *evaluate, "--readout", "stacks=2"
    )
