"""Frames of one's own, as `handkit render` writes them: read, packed, and what is wrong with them named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handkit.camera import camera_from_dict
from handkit.cli import main
from handkit.datasets.catalog import open_split
from handkit.depth import DepthImage
from handkit.errors import DatasetError, MissingError
from handkit.files.png import write_png
from handkit.hand import HandPose, Prediction
from handkit.sinks.records import frame_record
from handkit.skeleton import HAND21
from handkit.store.store import PackedFrames

CAMERA = {"fx": 60.0, "fy": 60.0, "cx": 32.0, "cy": 24.0, "width": 64, "height": 48, "unit_mm": 0.5}
JOINTS = np.linspace((-60, -60, 480), (60, 60, 560), 21).astype(np.float32)


FLAT = {"handedness": "right", "skeleton": "nyu14", "joints_mm": [[0, 0, 1]]}


def line(number: int, **changed: Any) -> dict[str, Any]:
    hand = {"handedness": "right", "skeleton": "hand21", "joints_mm": (JOINTS + number).tolist()}
    return {"source": f"{number}.png", "camera": CAMERA, "hands": [hand]} | changed


def write(root: Path, *lines: dict[str, Any]) -> Path:
    root.mkdir(exist_ok=True)
    for number in range(3):
        write_png(root / f"{number}.png", np.full((48, 64), 1000 + number, np.uint16))
    (root / "labels.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    return root


def test_labels_images_and_unit(tmp_path: Path) -> None:
    files = open_split("own", write(tmp_path, line(0, subject="me"), line(1), line(2, hands=[])))
    assert (files.skeleton, len(files)) == (HAND21, 2)
    assert list(files.subjects) == ["me", "unknown"]
    assert files.joints is not None
    np.testing.assert_allclose(files.joints[1], JOINTS + 1)
    assert (files.depth(1) == 500.5).all()
    assert (DepthImage.of(files.depth(1), files.camera).depth == 500.5).all(), "the unit counts once"


def test_records_of_predict_are_labels_in_the_unit_and_through_the_lens_of_their_camera(tmp_path: Path) -> None:
    """By hand: 160 mm to the right at 480 mm is in column 60 / 3 + 32 = 52, that the lens moves by 1 + 1/9 to 54.2."""
    camera = camera_from_dict(CAMERA | {"distortion": [1.0, 0.0, 0.0, 0.0]})
    joints = JOINTS.copy()
    joints[8] = 160, 0, 480
    assert camera.project(joints)[8].round().astype(int).tolist() == [54, 24]
    hand = HandPose(joints, camera.project(joints), "right", 1.0, HAND21, np.zeros(21, np.float32), 1.0)
    root = write(tmp_path / "set", frame_record("0.png", camera, Prediction([hand], None, {})))
    image = np.full((48, 64), 1000, np.uint16)
    image[24, 54] = 960
    write_png(root / "0.png", image)
    files = open_split("own", root)
    assert files.camera == camera.pinhole
    assert files.joints is not None
    np.testing.assert_allclose(files.joints[0], joints, atol=0.01)
    depth = files.depth(0)
    assert (depth[24, 52], depth[24, 54]) == (480, 500)
    assert set(np.unique(depth)) <= {0, 480, 500}


def test_every_hand_is_a_frame_and_left_ones_are_not_learned_from(tmp_path: Path) -> None:
    (right,) = line(0)["hands"]
    unmarked = [[None, None, None], *JOINTS[1:].tolist()]
    files = open_split(
        "own", write(tmp_path, line(0, hands=[right, right | {"handedness": "left", "joints_mm": unmarked}]))
    )
    assert list(files.sources) == ["0.png", "0.png#2"]
    assert files.joints is not None
    assert np.isnan(files.joints[1, 0]).all()
    assert [files.record(i).fault for i in range(2)] == [None, "a left hand, which is not mirrored here"]
    assert (files.depth(1) == 500).all()


def test_from_rendered_frames_to_a_store(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of one camera, as the page on fine-tuning does it; several are refused, with the way to one."""
    assert main(["render", "--count", "3", "--out", str(tmp_path / "several")]) == 0
    with pytest.raises(DatasetError, match=r"another camera .*`handkit render --camera NAME`"):
        open_split("own", tmp_path / "several")
    assert main(["render", "--count", "6", "--camera", "sr300", "--seed", "5", "--out", str(tmp_path / "set")]) == 0
    lines = [json.loads(each) for each in (tmp_path / "set/labels.jsonl").read_text().splitlines()]
    assert {each["camera"]["width"] for each in lines} == {640}
    hands = [hand for each in lines for hand in each["hands"] if hand["handedness"] == "right"]
    assert hands
    pack = ["data", "pack", "own", "--root", str(tmp_path / "set"), "--out", str(tmp_path / "store")]
    assert main(pack) == 0
    store = PackedFrames.open(tmp_path / "store")
    assert len(store.rows) <= len(hands)
    np.testing.assert_allclose(store.rows["joints"][0], hands[0]["joints_mm"], atol=1e-3)
    assert store.manifest.settings.dataset == "own"
    assert main(["data", "check", "own", "--root", str(tmp_path / "set")]) == 0


def test_centers_of_mass_are_those_of_the_nearest_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a test needs, which may not know the labels; where the hand is not the nearest object nothing is packed."""
    root = write(tmp_path / "set", line(0), line(1), line(2))
    wall = np.full((48, 64), 2400, np.uint16)
    hand, other = wall.copy(), wall.copy()
    hand[14:34, 22:42] = 1040
    other[2:22, 2:22] = 900
    for number in range(3):
        write_png(root / f"{number}.png", hand)
    pack = ["data", "pack", "own", "--root", str(root), "--centers", "mass", "--out"]
    assert main([*pack, str(tmp_path / "store")]) == 0
    store = PackedFrames.open(tmp_path / "store")
    assert store.manifest.settings.center_words == "center of mass, of the nearest object within 1600 mm"
    assert not store.manifest.settings.centers.of_labels
    np.testing.assert_allclose(store.rows["center"], [[0, 0, 520]] * 3, atol=6)
    write_png(root / "1.png", other)
    assert main([*pack, str(tmp_path / "other")]) == 1
    assert "1 of 3 are more than 100 mm from the" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda: [{"source": "0.png"}], r"line 1 is no frame as `handkit render` writes it \(KeyError: 'camera'\)"),
        (lambda: [line(0), line(1, camera=CAMERA | {"fx": 70.0})], "1.png has another camera or skeleton than 0.png"),
        (lambda: [line(0, camera=CAMERA | {"fx": -1.0})], "line 1: .*positive focal length"),
        (lambda: [line(0, hands=[])], "labels no hand"),
        (
            lambda: [line(0, hands=[{"handedness": "right", "skeleton": "nyu14", "joints_mm": [[0, 0, 1]]}])],
            "has 14 joints",
        ),
    ],
)
def test_labels_that_are_none(spoil: Callable[[], list[dict[str, Any]]], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=sentence):
        open_split("own", write(tmp_path, *spoil()))


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no labels.jsonl, a line a frame"):
        open_split("own", tmp_path)
    files = open_split("own", write(tmp_path, line(0), line(1)))
    (tmp_path / "0.png").unlink()
    with pytest.raises(MissingError, match=r"is missing"):
        files.depth(0)
    write_png(tmp_path / "1.png", np.full((40, 64), 900, np.uint16))
    with pytest.raises(DatasetError, match=r"1.png is 64x40.*64x48"):
        files.depth(1)
