"""`handkit score` as a user types it, on small files; what it refuses, it refuses in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
from datasets.fixtures import render, write_msra
from evaluation.hands import moving_hand, swaying_hand, to_uvd, write

from handkit.cli import main
from handkit.datasets.catalog import open_split
from handkit.drawing import show_depth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    hand = moving_hand(16, 30)
    noise = np.random.default_rng(0).normal(0, 1, hand.shape)
    write(tmp_path / "labels.txt", to_uvd(hand, "icvl"))
    write(tmp_path / "good.txt.gz", to_uvd(hand + 3 * noise, "icvl"))
    write(tmp_path / "bad.txt", hand + 6 * noise, separator=", ")
    return tmp_path


def run(folder: Path, *words: str) -> int:
    return main(["score", *words, "--dataset", "icvl", "--labels", str(folder / "labels.txt")])


def test_a_report(folder, capsys):
    paths = [str(folder / name) for name in ("good.txt.gz", "bad.txt")]
    options = ["--compare", paths[1], "--out", str(folder / "out"), "--cube", "200 mm", "--name", "ours"]
    assert run(folder, paths[0], *options) == 0
    out = capsys.readouterr().out
    record = json.loads((folder / "out/result.json").read_text())
    for words in (f"ours: mean joint error {record['mean_error_mm']:.3f} mm", "against", "bad", "200 mm", "30 frames"):
        assert words in out
    assert record["method"] == "ours"
    assert record["mean_error_mm"] == pytest.approx(3 * 1.596, rel=0.1)
    assert record["protocol"]["cube"] == "200 mm"
    assert record["protocol"]["center"] == "not stated"
    assert record["protocol"]["intrinsics"] == [240.99, 240.96, 160.0, 120.0]
    assert record["comparisons"][0]["difference_mm"] == pytest.approx(-record["mean_error_mm"], rel=0.01)
    assert record["comparisons"][0]["blocks_mm"][1] < 0
    assert (folder / "out/report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere.txt"], "nowhere.txt cannot be read: No such file or directory"),
        (["good.txt.gz", "--format", "xyz"], "give --format uvd"),
        (["bad.txt", "--format", "denseReg", "--camera", "kinect9"], "unknown camera 'kinect9'"),
        (["good.txt.gz", "--split", "seq1"], "there is no part 'seq1'"),
        (["good.txt.gz", "--part", "seen"], "--part seen: expected NAME=FILE"),
        (["good.txt.gz", "--compare", "short.txt"], "short.txt holds 1 frames, the labels 30"),
        (["short.txt"], "short.txt holds 1 frames"),
        (["wide.txt"], "wide.txt, line 1: 49 numbers, expected 48 for the 16 joints of icvl"),
        (["meters.txt"], "meters.txt: its numbers are meters; multiply them by 1000"),
        (["bad.txt", "--part", "none=empty.txt", "--split", "none"], "empty.txt lists no frame"),
        (["bad.txt", "--part", "some=nowhere.txt"], "nowhere.txt cannot be read as a list of frames: No such file"),
        (["other.txt"], "other.txt, line 1: 42 numbers, expected 48 for the 16 joints of icvl"),
    ],
)
def test_bad_input_ends_in_one_sentence(folder, monkeypatch, capsys, words, sentence):
    monkeypatch.chdir(folder)
    write(folder / "short.txt", moving_hand(16, 1))
    write(folder / "other.txt", moving_hand(14, 30))
    hand = moving_hand(16, 30)
    write(folder / "wide.txt", np.concatenate([hand.reshape(30, -1), np.full((30, 1), 1.5)], axis=1))
    write(folder / "meters.txt", hand / 1000)
    (folder / "empty.txt").touch()
    assert run(folder, *words) == (2 if "kinect9" in words else 1)
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.err.startswith("handkit: ")
    assert len(told.err.splitlines()) == 1
    assert not told.out


def test_a_joint_outside_the_image_makes_no_millimeters(folder, capsys):
    """One u of -0.6 once made NYU's labels millimeters, and SRN's 7.788 mm 6.186."""
    hand = swaying_hand(16, 40)
    uvd = to_uvd(hand, "icvl")
    uvd[3, 5, 0] = -0.6
    labels, net = (
        write(folder / "outside.txt", uvd),
        write(folder / "net.txt", to_uvd(hand + np.array([3.0, 0, 0]), "icvl")),
    )
    words = ["score", str(net), "--dataset", "icvl", "--labels", str(labels)]
    for more in ([], ["--label-format", "uvd"]):
        assert main([*words, *more]) == 0
        mean = float(capsys.readouterr().out.split("mean joint error")[1].split()[0])
        assert 3.0 < mean < 3.5, "3 mm, and what was done to one joint of 640"
    assert main([*words, "--label-format", "xyz"]) == 0
    assert "net.txt: x y z, mm, y down" in capsys.readouterr().out, "as it was asked for"


@pytest.mark.parametrize("pixels", [True, False])
def test_labels_for_another_format_are_refused_where_their_bones_tell(folder, capsys, pixels):
    """The predictions are in the same wrong format, so that their fit does not tell: 2.9 mm for NYU's V2V-PoseNet."""
    hand = swaying_hand(16, 120)
    path = str(write(folder / "these.txt", to_uvd(hand, "icvl") if pixels else hand))
    right, wrong = ("uvd", "xyz") if pixels else ("xyz", "uvd")
    words = ["score", path, "--dataset", "icvl", "--labels", path, "--label-format"]
    assert main([*words, right]) == 0
    capsys.readouterr()
    assert main([*words, wrong]) == 1
    told = capsys.readouterr()
    assert "the bones change their length from frame to frame far more" in told.err
    assert f"give --label-format {right}" in told.err
    assert not told.out


@pytest.mark.parametrize(("unit", "scale"), [("meters", 0.001), ("centimeters", 0.1)])
def test_labels_in_another_unit_are_told_so(folder, capsys, unit, scale):
    path = str(write(folder / "these.txt", swaying_hand(16, 120) * scale, digits=7))
    assert main(["score", path, "--dataset", "icvl", "--labels", path]) == 1
    assert f"its numbers are {unit}: multiply them by {1 / scale:g}" in capsys.readouterr().err


def test_a_label_that_is_a_point_is_refused(folder, capsys):
    hand = to_uvd(moving_hand(16, 30), "icvl")
    hand[7] = 0
    path = str(write(folder / "zero.txt", hand))
    assert main(["score", path, "--dataset", "icvl", "--labels", path]) == 1
    assert "zero.txt, line 8: all joints are at one place" in capsys.readouterr().err


def test_labels_of_no_hand_are_refused(folder, capsys):
    words = ["score", str(folder / "bad.txt"), "--dataset", "icvl", "--labels", str(folder / "labels.txt")]
    assert main([*words, "--camera", "20,20,160,120", "--label-format", "uvd"]) == 1
    told = capsys.readouterr().err
    assert "labels.txt: read as u v d, pixels and mm the hand reaches" in told
    assert "give --label-format xyz, or --camera" in told


def test_a_folder_has_the_format_of_its_data_set(tmp_path, capsys):
    assert main(["score", "x", "--dataset", "msra", "--labels", str(tmp_path), "--label-format", "xyz"]) == 1
    assert "--label-format is for label files" in capsys.readouterr().err


def test_a_report_that_cannot_be_written(folder, capsys):
    target = str(folder / "labels.txt")
    for out in (target, f"{target}/a/b"):
        assert run(folder, str(folder / "good.txt.gz"), "--out", out) == 1
        told = capsys.readouterr()
        assert f"--out {out} cannot be a folder: {target} is a file" in told.err
        assert not told.out, "before the work"


def test_missing_numbers_are_left_out_and_counted(folder, capsys):
    values = moving_hand(16, 30)
    values[4] = np.nan
    path = str(write(folder / "gaps.txt", values))
    assert run(folder, path) == 1
    assert "line 5: not a number" in capsys.readouterr().err
    assert run(folder, path, "--missing", "skip") == 0
    assert "1 frames have no answer" in capsys.readouterr().out


def test_labels_and_pictures_from_the_data_set_itself(tmp_path, capsys, monkeypatch):
    """MSRA as it is unpacked: nine people, y up and z negative, and depth pictures to draw the worst frames over."""
    write_msra(tmp_path / "msra", render("msra", 9))
    truth = open_split("msra", tmp_path / "msra", "all")
    assert truth.joints is not None
    path = str(write(tmp_path / "net.txt", truth.joints * [1, -1, -1] + [3.0, 0, 0]))
    drawn = []
    shown = "handkit.reports.hands.show_depth"
    monkeypatch.setattr(shown, lambda *given, **more: drawn.append(0) or show_depth(*given, **more))
    words = ["score", path, "--dataset", "msra", "--labels", str(tmp_path / "msra"), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "P8" in capsys.readouterr().out
    record = json.loads((tmp_path / "out/result.json").read_text())
    assert record["mean_error_mm"] == pytest.approx(3, abs=0.001)
    assert list(record["parts"]) == [f"P{person}" for person in range(9)]
    assert record["protocol"]["predictions"] == "net.txt: x y z, mm, y up and z negative"
    assert len(drawn) == len(record["worst_frames"])
    next((tmp_path / "msra").rglob("*.bin")).unlink()
    assert main(words) == 0


def test_a_folder_of_labels_that_is_none(folder, capsys):
    assert main(["score", str(folder / "bad.txt"), "--dataset", "msra", "--labels", str(folder)]) == 1
    assert "is not the root of MSRA15" in capsys.readouterr().err
