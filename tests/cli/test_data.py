"""`handkit data check` and `handkit data show` as a user types them."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from handkit.cli import main

NAMES = ("icvl", "nyu", "msra", "hands17")


def words(text: str) -> str:
    """On one line, as a reader sees it."""
    return " ".join(text.split())


@pytest.mark.parametrize("arguments", [["check"], ["check", "nyu"], ["check", "imagenet", "--root", "."], ["shwo"]])
def test_usage_that_the_parser_refuses(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", *arguments])
    assert ended.value.code == 2


def test_the_group_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, expected in (
        (["--help"], "data"),
        (["data", "--help"], "check"),
        (["data"], "check"),
        (["data", "show", "--help"], "DIR"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code
        assert expected in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_check_of_a_whole_set(data_sets: dict[str, Path], name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", name, "--root", str(data_sets[name])]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "ready" in out
    assert "damaged" in out
    assert "10 frames, not" in out, "small sets are told from published ones"
    for word in ("source  ", "http", "terms   "):
        assert word in out


def test_check_names_what_is_missing_and_damaged(
    tmp_path: Path, data_sets: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    root = shutil.copytree(data_sets["nyu"], tmp_path / "nyu")
    (root / "dataset/train/depth_1_0000002.png").unlink()
    picture = root / "dataset/test/depth_1_0000009.png"
    picture.write_bytes(picture.read_bytes()[:500])
    assert main(["data", "check", "nyu", "--root", str(root)]) == 1
    out = words(capfd.readouterr().out)
    assert "train incomplete 10 72,757 1" in out
    assert "1 of 10 images are missing or empty, such as train/depth_1_0000002.png" in out
    assert f"{picture} is a truncated or damaged PNG (500 bytes)" in out
    assert main(["data", "check", "nyu", "--root", str(root), "--split", "test", "--images", "0"]) == 0


def test_check_tells_the_edition_of_msra(data_sets: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "msra", "--root", str(data_sets["msra"]), "--images", "all"]) == 0
    out = capfd.readouterr().out
    assert "76,375 or 76,391" in out
    assert "unknown edition: P0 2, P1 1" in out


@pytest.mark.parametrize("name", NAMES)
def test_check_of_a_wrong_root(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        assert main(["data", "check", name, "--root", str(root)]) == 1
        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith(f"handkit: {root} is not ")
        assert "It comes from" in err
        assert "http" in err


def test_options_of_check_that_mean_nothing(data_sets: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    root = str(data_sets["nyu"])
    assert main(["data", "check", "nyu", "--root", root, "--images", "-3"]) == 2
    assert "--images -3" in capfd.readouterr().err
    assert main(["data", "check", "nyu", "--root", root, "--split", "tests"]) == 1
    assert "did you mean test?" in capfd.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_show_draws_the_skeleton(
    tmp_path: Path, data_sets: dict[str, Path], name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["data", "show", name, "--root", str(data_sets[name]), "--index", "3"]
    assert main([*arguments, "--out", str(tmp_path / "new/frame.png")]) == 0
    picture = cv2.imread(str(tmp_path / "new/frame.png"))
    assert picture is not None
    below_caption = picture[40:]
    colored = np.ptp(below_caption.astype(int), axis=2) > 100
    assert colored.sum() > 300, "bones have colors, depth has none"
    assert f"frame 3 of {name}" in capfd.readouterr().out


def test_show_of_a_frame_without_labels_draws_its_box(tmp_path: Path, data_sets: dict[str, Path]) -> None:
    arguments = ["data", "show", "hands17", "--root", str(data_sets["hands17"]), "--split", "test"]
    assert main([*arguments, "--out", str(tmp_path / "frame.png")]) == 0
    picture = cv2.imread(str(tmp_path / "frame.png"))
    assert picture is not None
    assert picture.shape == (960, 1280, 3)
    assert (picture[60:] > 230).all(axis=2).sum() > 100


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--index", "10"], 2, "--index 10 is not a frame: nyu test has frames 0 to 9"),
        (["--index", "-1"], 2, "--index -1 is not a frame"),
        (["--split", "val"], 1, "nyu has no split 'val'"),
        (["--split", "test-view2"], 1, "depth_2_0000001.png is missing"),
        (["--out", "frame.jpg"], 1, "--out frame.jpg cannot be written; give a .png file"),
        (["--out", "/dev/null/frame.png"], 1, "--out /dev/null/frame.png cannot be written; give a .png file"),
    ],
)
def test_show_that_cannot(
    data_sets: dict[str, Path], arguments: list[str], status: int, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "show", "nyu", "--root", str(data_sets["nyu"]), *arguments]) == status
    assert sentence in capfd.readouterr().err


def test_show_needs_one_subject_of_nine(tmp_path: Path, data_sets: dict[str, Path], capsys: pytest.CaptureFixture[str]):
    """Without --split it is the first of which everything is there."""
    root = tmp_path / "msra"
    shutil.copytree(data_sets["msra"], root)
    (subject,) = root.rglob("P4")
    for other in subject.parent.glob("P[!4]"):
        shutil.rmtree(other)
    assert main(["data", "show", "msra", "--root", str(root), "--index", "0", "--out", str(tmp_path / "x.png")]) == 0
    assert (tmp_path / "x.png").exists()
    shutil.rmtree(subject)
    assert main(["data", "show", "msra", "--root", str(root), "--index", "0"]) != 0
    assert "expected P0 or P1" in words(capsys.readouterr().err)
