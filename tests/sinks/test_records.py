"""JSON lines that any reader can parse, and pictures that never overwrite each other."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.hand import HandPose, Prediction
from handkit.sinks.records import JsonLines, PictureFolder, frame_record, save_depth
from handkit.skeleton import HAND21
from handkit.sources import read_frames

CAMERA = Camera.named("sr305")
TIMINGS = {"locate": 1.23456, "estimate": 5.0, "total": 6.5}
DOT = np.full((2, 3, 3), 200, np.uint8)


SEEN = HandPose(
    joints_mm=np.full((21, 3), 1 / 3, np.float32),
    joints_px=np.full((21, 2), 100 / 3, np.float32),
    handedness="right",
    pose_confidence=1.0,
    skeleton=HAND21,
    uncertainty_mm=np.full(21, 10 / 3, np.float32),
    handedness_probability=0.98765,
)


def test_record_of_a_hand() -> None:
    record = json.loads(json.dumps(frame_record("a.png", CAMERA, Prediction([SEEN], None, TIMINGS))))
    assert list(record) == ["source", "camera", "hands", "reason", "cause", "timings_ms", "warnings"]
    assert record["camera"] == {
        "fx": 476.007, "fy": 476.007, "cx": 313.683, "cy": 242.755, "width": 640, "height": 480,
        "unit_mm": 0.125, "distortion": [],
    }  # fmt: skip
    assert record["hands"] == [
        {
            "handedness": "right",
            "confidence": 0.988,
            "skeleton": "hand21",
            "joints_mm": [[0.33, 0.33, 0.33]] * 21,
            "joints_px": [[33.33, 33.33]] * 21,
            "uncertainty_mm": [3.3] * 21,
            "handedness_probability": 0.988,
        }
    ]
    assert record["reason"] is None
    assert record["timings_ms"] == {"locate": 1.235, "estimate": 5.0, "total": 6.5}


def test_what_is_not_known_is_null_under_the_same_keys() -> None:
    unread = frame_record("a.png", None, Prediction([], "a.png does not exist", {}, cause="refused"))
    read = frame_record("a.png", CAMERA, Prediction([], "nothing is near enough", TIMINGS, cause="out of range"))
    for part in ("camera", "timings_ms"):
        assert unread[part].keys() == read[part].keys()
        assert set(unread[part].values()) == {None}
    assert unread["hands"] == []
    assert (unread["cause"], read["cause"]) == ("refused", "out of range")


def test_nan_and_infinity_never_reach_json() -> None:
    hand = replace(
        SEEN,
        joints_mm=np.full((21, 3), np.nan, np.float32),
        joints_px=np.full((21, 2), np.inf, np.float32),
        pose_confidence=np.nan,
    )
    stream = io.StringIO()
    with JsonLines(stream) as sink:
        sink.write(frame_record("a.png", CAMERA, Prediction([hand], None, {})))
    assert json.loads(stream.getvalue())["hands"][0]["joints_mm"][0] == [None, None, None]
    with pytest.raises(ValueError, match="JSON"):
        sink.write({"confidence": float("nan")})


def test_every_line_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "poses.jsonl"
    with JsonLines(path) as sink:
        for i in range(3):
            sink.write({"source": f"größe {i}"})
            assert len(path.read_text(encoding="utf-8").splitlines()) == i + 1
    assert [json.loads(line)["source"] for line in path.read_text().splitlines()][2] == "größe 2"


def test_a_stream_stays_open() -> None:
    stream = io.StringIO()
    with JsonLines(stream):
        pass
    assert not stream.closed


def test_sources_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    folder = PictureFolder(tmp_path / "out" / "deep")
    sources = ("a/1.png", "b/1.png", "b/1.tiff", "b/1.npy", "1-2.png", "c/x.png", "c/X.png")
    written = [folder.write(tmp_path / source, DOT).name for source in sources]
    assert written[:3] == ["1.png", "b-1.png", "1-2.png"]
    assert len({name.casefold() for name in written}) == len(sources)


def test_a_full_disk_is_named_by_the_file_that_is_written(tmp_path: Path) -> None:
    (tmp_path / "poses.jsonl").symlink_to("/dev/full")
    with (
        pytest.raises(OSError, match=r"No space left on device.*poses\.jsonl"),
        JsonLines(tmp_path / "poses.jsonl") as lines,
    ):
        lines.write({"source": "a.png"})


def test_saved_depth_is_read_back_in_whole_mm(tmp_path: Path) -> None:
    save_depth(tmp_path / "d.png", np.array([[0.0, 499.6, 70000.0]], np.float32))
    np.testing.assert_array_equal(read_frames(tmp_path / "d.png")[0], [[0, 500, 65535]])
