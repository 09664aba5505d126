"""From a data set as it was unpacked to a report: pack, train a few steps, evaluate; and what can go wrong there."""

import dataclasses
import errno
import json
import os
import re
import shutil

import numpy as np
import pytest
import torch
from datasets.fixtures import WRITERS, render
from safetensors.torch import load_file
from store.recorded import Recorded, packing_of

from handkit.camera import Camera
from handkit.cli import main
from handkit.models.checkpoint import read_info
from handkit.recipes import PUBLISHED, CenterSource
from handkit.skeleton import MSRA21, SKELETONS
from handkit.store.packing import pack
from handkit.store.plan import mass_in_box
from handkit.store.store import PackedFrames
from handkit.training import adapt, answers, experiment, measuring
from handkit.training.run import Run

TRAINED = {"icvl": "train", "nyu": "train", "msra": "all", "hands17": "train"}
TESTED = {"icvl": "test", "nyu": "test", "msra": "all", "hands17": "train"}
"""HANDS2017 publishes no labels with its test frames."""
JOINTS = {"icvl": "icvl16", "nyu": "nyu14", "msra": "msra21", "hands17": "hands17"}
SMALL = dataclasses.replace(
    PUBLISHED["latent-fusion", "nyu"],
    arguments={"resolution": 32, "initial_std": None},
    resolutions=((0.0, 32),),
    batch=2,
)


@pytest.fixture
def small(monkeypatch):
    """Experiments of seconds: a small network for every data set."""
    recipes = {("latent-fusion", name): dataclasses.replace(SMALL, data=name) for name in WRITERS}
    monkeypatch.setattr(adapt, "PUBLISHED", recipes)


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    """Nine frames of P0, P1 and P2."""
    path = tmp_path_factory.mktemp("folds") / "store"
    pack(
        packing_of(Recorded(9, damaged=(4,), name="msra", skeleton=MSRA21), centers=CenterSource.MASS, margin=2.6), path
    )
    return path


def run(*arguments) -> int:
    return main([str(argument) for argument in arguments])


def refused(capsys, *arguments) -> str:
    """The one sentence on stderr."""
    capsys.readouterr()
    assert run(*arguments) != 0
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("name", WRITERS)
def test_from_the_archive_to_a_report(tmp_path, name, small, capsys):
    root, steps = tmp_path / name, 3
    root.mkdir()
    WRITERS[name](root, render(name, 9 if name == "msra" else 3))
    for split in {TRAINED[name], TESTED[name]}:
        assert run("data", "pack", name, "--root", root, "--out", tmp_path / split, "--split", split) == 0
    assert f"{name} {TRAINED[name]}" in (errors := capsys.readouterr().err)
    assert "every checksum is right" in errors
    assert "centers: mean of the labels (these know the labels: no test protocol)" in errors
    out, report = tmp_path / "run", tmp_path / "report"
    assert run("train", "latent-fusion", "--data", tmp_path / TRAINED[name], "--samples", 2 * steps, "--out", out) == 0
    weights = out / "weights.safetensors"
    info = read_info(weights)
    assert info.skeleton == SKELETONS[JOINTS[name]]
    assert info.recipe
    assert (info.recipe["data"], info.recipe["center"]) == (name, "mean")
    seen = ["--allow-seen"] if TRAINED[name] == TESTED[name] else []
    evaluate = ("evaluate", weights, "--data", tmp_path / TESTED[name], "--center", "mean", "--out", report)
    assert run(*evaluate, *seen) == 0
    known = "mean of the labels, at test too (these know the labels: no test protocol)"
    assert f"centers: {known}\n" in capsys.readouterr().out
    store = PackedFrames.open(tmp_path / TESTED[name])
    answers = np.load(report / "predictions.npy")
    assert answers.shape == (len(store), len(store.skeleton), 3)
    truth = store.rows["joints"]
    result = json.loads((report / "result.json").read_text())
    assert result["mean_error_mm"] == pytest.approx(np.linalg.norm(answers - truth, axis=-1).mean(), abs=1e-3)
    assert 5 < result["mean_error_mm"] < 300, "an untrained network answers within the cube"
    assert result["protocol"]["center"] == known
    assert result["protocol"]["joints"] == list(store.skeleton.joints)
    camera = store.batch([0]).camera.matrix[0]  # of a patch: the focal lengths are the picture's
    assert result["protocol"]["intrinsics"] == list(store.manifest.settings.camera[:4])
    assert result["protocol"]["intrinsics"][:2] == pytest.approx([float(camera[0, 0]), float(camera[1, 1])])
    assert "none needed" not in (report / "report.html").read_text(encoding="utf-8")
    assert (report / "report.html").stat().st_size > 10_000
    lines = (report / "predictions.txt").read_text().splitlines()
    assert np.allclose([float(number) for number in lines[1].split()], answers[1].ravel(), atol=1e-3)


@pytest.mark.parametrize(("name", "first"), [("icvl", "test"), ("nyu", "test"), ("msra", "all"), ("hands17", "train")])
def test_a_split_that_was_not_asked_for_is_named(tmp_path, name, first, capsys):
    WRITERS[name](tmp_path, render(name, 9 if name == "msra" else 3))
    assert run("data", "pack", name, "--root", tmp_path, "--out", tmp_path / "store") == 0
    assert f"split: {first}, for none was asked for; --split takes {first}, t" in capsys.readouterr().err


def test_weights_that_are_not_finite_end_in_a_sentence(tmp_path, folds, small, monkeypatch, capsys):
    def broken(self):
        model = self.average.module
        next(model.parameters()).data.fill_(float("nan"))
        return model.eval()

    monkeypatch.setattr(Run, "averaged", broken)
    assert run("train", "latent-fusion", "--data", folds, "--samples", 2, "--out", tmp_path / "run") == 1
    assert "hold values that are not finite" in capsys.readouterr().err


def test_folds_in_turn_and_their_pooled_score(tmp_path, folds, small, capsys):
    out = tmp_path / "run"
    options = ("train", "latent-fusion", "--data", folds, "--fold", "all", "--samples", 4, "--out", out)
    assert run(*options) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert all(f"checkpoints go to {out / subject}" in said for subject in ("P0", "P1", "P2"))
    assert sorted(path.name for path in out.iterdir()) == ["P0", "P1", "P2", "report"]
    assert run("info", folds) == run("info", out / "P1/weights.safetensors") == 0
    told = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["labeled", "9"] in told
    assert ["centers", "center of mass"] in told
    assert run("info", out / "P1/weights.safetensors", "--json") == 0
    assert json.loads(capsys.readouterr().out)["trained_on"][0]["subjects"] == ["P0", "P2"]
    assert "there is no store" in refused(capsys, "info", out / "nowhere")
    store = PackedFrames.open(folds)
    pooled = np.load(out / "report/predictions.npy")
    for number, fold in enumerate(("P0", "P1", "P2")):
        assert np.array_equal(np.load(out / fold / "report/predictions.npy"), pooled[number::3], equal_nan=True)
        part = json.loads((out / fold / "report/result.json").read_text())
        assert part["protocol"]["split"] == f"all, subject {fold}"
        assert part["protocol"]["center"] == "center of mass (as packed)"
    result = json.loads((out / "report/result.json").read_text())
    assert (result["frames"], result["left_out"]) == (8, 1)
    assert result["mean_error_mm"] == pytest.approx(
        np.nanmean(np.linalg.norm(pooled - store.rows["joints"], axis=-1)), abs=1e-3
    )
    assert result["protocol"]["split"].startswith("each of 3 subjects left out in turn")
    assert set(result["parts"]) == {"subject P0", "subject P1", "subject P2"}

    shutil.rmtree(out / "P1/report")
    shutil.rmtree(out / "P2")
    kept = (out / "P0/weights.safetensors").stat().st_mtime_ns
    assert run(*options, "--resume") == 0
    assert (out / "P0/weights.safetensors").stat().st_mtime_ns == kept
    assert np.array_equal(np.load(out / "report/predictions.npy"), pooled, equal_nan=True), "as without a break"

    shutil.rmtree(out / "P2")
    for option, difference in (("--seed", "seed 1 there, 5 here"), ("--batch", "recipe.batch 2 there, 5 here")):
        assert f"{out / 'P0'} was begun otherwise: {difference}" in refused(capsys, *options, "--resume", option, 5)


def test_a_fold_trains_on_everybody_else(tmp_path, folds, small, monkeypatch):
    chosen = []
    monkeypatch.setattr(experiment, "train", lambda run, frames, *_, **__: chosen.append(frames) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("train", "latent-fusion", "--data", folds, "--fold", "P1", "--samples", 2, "--out", tmp_path / "run")
    assert chosen[0].rows.tolist() == [0, 2, 3, 5, 6, 8]


def test_patches_in_memory_train_the_same_network(tmp_path, folds, small, capsys):
    train = ("train", "latent-fusion", "--data", folds, "--samples", 8, "--accelerator", "cpu")
    for place in ("memory", "disk"):
        assert run(*train, "--patches", place, "--out", tmp_path / place) == 0
        said = " ".join(capsys.readouterr().err.split())
        assert (f"{folds} goes to the memory of cpu, 0.00 GB" in said) == (place == "memory")
    first, second = (load_file(tmp_path / place / "weights.safetensors") for place in ("memory", "disk"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_epochs_of_the_experiment_are_the_budget(tmp_path, folds, small, monkeypatch):
    budgets = []
    monkeypatch.setattr(experiment, "train", lambda run, frames, budget, **__: budgets.append(budget) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("train", "latent-fusion", "--data", folds, "--out", tmp_path / "run")
    assert budgets[0].samples == 8 * 100


def test_other_centers_than_the_published_ones_are_told(tmp_path, folds, small, monkeypatch, capsys):
    monkeypatch.setattr(experiment, "train", lambda *_, **__: 1 / 0)
    for center, told in ((CenterSource.MASS, False), (CenterSource.REFINED, True)):
        published = dataclasses.replace(SMALL, data="msra", center=center)
        monkeypatch.setitem(adapt.PUBLISHED, ("latent-fusion", "msra"), published)
        with pytest.raises(ZeroDivisionError):
            run("train", "latent-fusion", "--data", folds, "--samples", 2, "--out", tmp_path / center)
        assert ("published experiment has refined centers" in capsys.readouterr().err.replace("\n", " ")) == told


def test_the_localizer_at_test(tmp_path, folds, capsys):
    """The bundled network of 21 joints answers those of MSRA15 too."""
    options = ("evaluate", "latent-fusion", "--data", folds, "--center", "localizer", "--out", tmp_path / "report")
    assert run(*options) == 0
    result = json.loads((tmp_path / "report/result.json").read_text())
    assert result["protocol"]["center"] == "a localizer's answer, from center of mass (as packed)"
    assert result["frames"] == 8


def test_a_report_that_cannot_be_written(tmp_path, folds, capsys, monkeypatch):
    """The figures are told all the same, and no half of a file stays behind."""
    out = tmp_path / "report"
    evaluate = ("evaluate", "latent-fusion", "--data", folds, "--out", out)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def half(file, _answers):
        file.write(b"half")
        raise full

    for module, name, stand_in in (
        (np, "save", half),
        (answers, "write_report", lambda *_, **__: (_ for _ in ()).throw(full)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, stand_in)
            assert run(*evaluate) == 1
        told = capsys.readouterr()
        assert f"--out {out} cannot be written: No space left on device; give a new folder" in told.err
        assert "mean joint error" in told.out
        left = {"predictions.txt"} if name == "save" else {"predictions.txt", "predictions.npy"}
        assert {path.name for path in out.iterdir()} == left
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(measuring, "answers_of", lambda *_, **__: 1 / 0)
    assert "file cannot be a folder" in refused(capsys, *evaluate[:-1], tmp_path / "file")


def test_what_cannot_be_trained_or_evaluated(tmp_path, folds, small, capsys):
    train, test = ("train", "latent-fusion", "--data"), ("evaluate", "latent-fusion", "--data")
    assert "there is no store" in refused(capsys, *train, tmp_path / "nowhere")
    assert "there is no store" in refused(capsys, *test, tmp_path / "nowhere")
    (tmp_path / "there").mkdir()
    (tmp_path / "there/state.ckpt").touch()
    for out in ("new", "there"):
        wrong = refused(capsys, *train, folds, "--fold", "P8", "--out", tmp_path / out)
        assert "has no frames of P8; it has P0, P1, P2" in wrong
    assert not (tmp_path / "new").exists()
    assert "--fold P0 is for frames of a packed store" in refused(capsys, "train", "srn", "--fold", "P0")
    assert "learned from synthetic frames" in refused(capsys, "train", "confidence", "--data", folds)
    assert "was packed with centers from center of mass" in refused(capsys, *test, folds, "--center", "refined")
    assert "there are no weights 'none'" in refused(capsys, "evaluate", "none", "--data", folds)
    assert "has no 'top'; nothing of it can be changed" in refused(capsys, *test, folds, "--readout", "top=3")
    assert "--count has no meaning for a packed store" in refused(capsys, *test, folds, "--count", 5)
    assert "--fold has no meaning for synthetic images" in refused(capsys, "evaluate", "--fold", "P0")
    pack(packing_of(Recorded(2), centers=CenterSource.MEAN), tmp_path / "narrow")
    assert "was packed around its labels" in refused(capsys, *test, tmp_path / "narrow", "--center", "localizer")
    wide = (*train, tmp_path / "narrow", "--out", tmp_path / "run")
    assert "pack with --margin 2.25" in refused(capsys, *wide)


def test_what_cannot_be_packed(tmp_path, capsys):
    (tmp_path / "nyu").mkdir()
    WRITERS["nyu"](tmp_path / "nyu", render("nyu", 2))
    packing = ("data", "pack", "nyu", "--root", tmp_path / "nyu", "--out", tmp_path / "store")
    assert "is not the root of NYU" in refused(capsys, *packing[:4], tmp_path, *packing[5:])
    assert "give an edge in mm, or a method that has nyu: crossinfonet" in refused(capsys, *packing, "--cube", "mine")
    assert "an edge is 10 to 2000 mm" in refused(capsys, *packing, "--cube", "0")
    for margin in ("0.5", "nan", "inf", "0", "-2", "1000"):
        sentence = refused(capsys, *packing, f"--margin={margin}")
        assert sentence.endswith(f"--margin {margin}: give a number from 1 to 10")
    assert "--workers 0: give at least 1" in refused(capsys, *packing, "--workers", "0")
    assert "there is no such file" in refused(capsys, *packing, "--centers", "nowhere.txt")
    assert not (tmp_path / "store").exists(), "nothing was begun"
    (tmp_path / "file").write_text("mine")
    occupied = refused(capsys, *packing[:6], tmp_path / "file")
    assert f"{tmp_path / 'file'} is no folder; name a new folder" in occupied.replace("\n", "")
    assert (tmp_path / "file").read_text() == "mine"
    centers = tmp_path / "centers.txt"
    centers.write_text("1 2 3\n")
    assert "has 1 rows, the frames are 2" in refused(capsys, *packing, "--centers", centers)


def test_damaged_pictures_and_invalid_centers_are_listed(tmp_path, capsys):
    root, store = tmp_path / "nyu", tmp_path / "store"
    root.mkdir()
    WRITERS["nyu"](root, render("nyu", 4))
    picture = root / "dataset/test/depth_1_0000002.png"
    picture.write_bytes(picture.read_bytes()[:3000])
    (root / "dataset/test/depth_1_0000003.png").unlink()
    assert run("data", "pack", "nyu", "--root", root, "--out", store) == 0
    listed = capsys.readouterr().err
    assert "2 frames are faulty" in listed
    assert "frame 1, test/depth_1_0000002.png" in listed
    assert "depth_1_0000003.png is missing" in listed
    packed = PackedFrames.open(store)
    centers = packed.rows["joints"].mean(1) * (1, -1, 1)
    lines = [" ".join(map(str, center)) for center in centers]
    file = tmp_path / "centers.txt"
    file.write_text("\n".join([*lines[:3], "invalid", ""]))
    refined = tmp_path / "refined"
    assert run("data", "pack", "nyu", "--root", root, "--out", refined, "--centers", file, "--codec", "zstd") == 0
    assert "there is nothing to center a cube on" in capsys.readouterr().err
    assert PackedFrames.open(refined).rows["valid"].tolist() == [True, False, False, False]
    assert np.allclose(PackedFrames.open(refined).rows["center"][0], packed.rows["center"][0], atol=1e-3)
    assert run("data", "verify", refined) == 0
    (refined / "index.bin").write_bytes(bytes(len((refined / "index.bin").read_bytes())))
    assert run("data", "verify", refined) == 1
    assert "index.bin is damaged" in capsys.readouterr().err.replace("\n", "")


def test_frames_without_a_center_are_told_with_what_helps(tmp_path, capsys):
    """Hands of ICVL beyond 500 mm, where its published window ends: the store is packed, and it is said."""
    WRITERS["icvl"](tmp_path, render("icvl", 12))
    packing = ("data", "pack", "icvl", "--root", tmp_path, "--out")
    assert run(*packing, tmp_path / "mass", "--centers", "mass") == 0
    without = int((~PackedFrames.open(tmp_path / "mass").rows["valid"]).sum())
    assert without > 1
    said = (
        f"warning: {without} of 12 frames have no center, are not learned from and have no answer: give a center file"
    )
    assert said in capsys.readouterr().err
    assert run(*packing, tmp_path / "mean") == 0
    assert "warning" not in capsys.readouterr().err


def test_training_frames_of_hands2017_have_centers_of_mass_in_their_labels_boxes(tmp_path, capsys):
    frames = render("hands17", 3)
    WRITERS["hands17"](tmp_path, frames)
    packing = ("data", "pack", "hands17", "--root", tmp_path, "--out", tmp_path / "store", "--split", "train")
    assert run(*packing, "--centers", "mass") == 0
    store = PackedFrames.open(tmp_path / "store")
    assert store.manifest.settings.center_words == "center of mass, in the box around the labels, 200 mm deep"
    off = np.linalg.norm(store.rows["center"] - store.rows["joints"].mean(1), axis=1)
    assert ((off > 1) & (off < 60)).all()
    assert "200 mm deep (these know the labels: no test protocol); cubes" in capsys.readouterr().err
    assert run("evaluate", "latent-fusion", "--data", tmp_path / "store") == 0
    assert "200 mm deep (as packed) (these know the labels: no test protocol)" in capsys.readouterr().out
    moved = ("--data", tmp_path / "store", "--center", "localizer")
    assert "packed around its labels" in refused(capsys, "evaluate", "latent-fusion", *moved)


def test_the_unlabeled_test_set_of_hands2017(tmp_path, small, capsys):
    """Boxes stand in for labels: the centers are near the hands; answers are written, and there is nothing to score."""
    root, store = tmp_path / "hands17", tmp_path / "store"
    root.mkdir()
    frames = render("hands17", 3)
    WRITERS["hands17"](root, frames)
    packing = ("data", "pack", "hands17", "--root", root, "--out", store, "--split", "test")
    assert "use --centers box" in refused(capsys, *packing)
    assert run(*packing, "--centers", "box") == 0
    packed = PackedFrames.open(store)
    assert frames.joints is not None
    off = np.linalg.norm(packed.rows["center"] - frames.joints.mean(1).numpy(), axis=1)
    assert (off < 60).all()
    assert run("evaluate", "latent-fusion", "--data", store, "--out", tmp_path / "report") == 0
    told = capsys.readouterr().out
    assert "nothing to score" in told
    assert f"predictions: {tmp_path / 'report/predictions.txt'}, a frame a line, x y z of every joint" in told
    (command,) = re.findall(r"with its labels, `handkit (score .*) ANNOTATIONS`", told)
    assert run(*command.split(), root / "training/Training_Annotation.txt") == 0
    assert "mean joint error" in capsys.readouterr().out
    assert np.isfinite(np.load(tmp_path / "report/predictions.npy")).all()
    lines = (tmp_path / "report/submission.txt").read_text().splitlines()
    found = np.load(tmp_path / "report/predictions.npy")
    assert [line.split("\t")[0] for line in lines] == [f"image_D{number:08d}.png" for number in (1, 2, 3)]
    assert np.allclose([float(number) for number in lines[2].split("\t")[1:]], found[2].ravel(), atol=1e-4)
    train = ("train", "latent-fusion", "--data", store)
    assert "holds the test frames of hands17 (test); train on another split" in refused(capsys, *train)
    assert "has no labeled frame to train on" in refused(capsys, *train, "--allow-test")
    assert "has no labels to put cubes on" in refused(
        capsys, "evaluate", "latent-fusion", "--data", store, "--center", "mean"
    )


def test_a_submission_has_every_frame(tmp_path, capsys):
    """One without an image has the mean pose in the middle of its box; no file of an earlier run is taken for ours."""
    root, store, out = tmp_path / "hands17", tmp_path / "store", tmp_path / "report"
    root.mkdir()
    out.mkdir()
    (out / "submission.txt").write_text("of an earlier run")
    WRITERS["hands17"](root, render("hands17", 3))
    (root / "frame/images/image_D00000002.png").unlink()
    assert run("data", "pack", "hands17", "--root", root, "--out", store, "--split", "test", "--centers", "box") == 0
    evaluate = ("evaluate", "latent-fusion", "--data", store, "--out", out)
    assert run(*evaluate) == 0
    said = f"1 frame has no answer, {out / 'submission.txt'} has the mean pose instead: image_D00000002.png"
    assert said in capsys.readouterr().err
    lines = [line.split("\t") for line in (out / "submission.txt").read_text().splitlines()]
    assert [line[0] for line in lines] == [f"image_D{number:08d}.png" for number in (1, 2, 3)]
    joints = np.array([line[1:] for line in lines], float).reshape(3, 21, 3)
    places, box = joints.mean(1), (root / "frame/BoundingBox.txt").read_text().splitlines()[1].split()[1:]
    left, top, width, height = map(float, box)
    middle = (left + (width - 1) / 2, top + (height - 1) / 2)
    assert np.allclose(Camera.named("hands17").project(places)[1], middle, atol=0.01)
    assert places[1, 2] == pytest.approx(places[[0, 2], 2].mean(), abs=0.01)
    assert np.allclose(joints[1] - places[1], (joints - places[:, None])[[0, 2]].mean(0), atol=0.01)
    assert np.isnan(np.load(out / "predictions.npy")[1]).all()
    for image in (root / "frame/images").iterdir():
        image.unlink()
    empty = tmp_path / "empty"
    assert run("data", "pack", "hands17", "--root", root, "--out", empty, "--split", "test", "--centers", "box") == 0
    assert run(*evaluate[:3], empty, *evaluate[4:]) == 0
    told = capsys.readouterr()
    assert f"no frame has an answer, so there is no {out / 'submission.txt'}: image_D00000001.png" in told.err
    assert "submission:" not in told.out
    assert not (out / "submission.txt").exists()


def test_a_box_at_the_picture_s_edge():
    """Pixels 1 to 3 are the hand; 4 lies too far behind it, 5 beside the box."""
    camera = Camera(fx=100.0, fy=100.0, cx=0.0, cy=0.0, width=6, height=2)
    depth = np.array([[0, 500, 500, 500, 900, 300], [0, 0, 0, 0, 0, 0]], np.float32)
    center = mass_in_box(depth, camera, np.array([-3.0, -1.0, 8.0, 9.0], np.float32))
    assert center is not None
    assert center.tolist() == pytest.approx([10.0, 0.0, 500.0])
    assert mass_in_box(depth, camera, np.array([0.0, 1.0, 6.0, 1.0], np.float32)) is None
    assert mass_in_box(depth, camera, np.array([-9.0, -9.0, 3.0, 3.0], np.float32)) is None
