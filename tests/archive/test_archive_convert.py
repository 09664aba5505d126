"""A finished archive as a recording, and in pandas."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handkit
from handkit.archive import annotate
from handkit.archive.convert import Archive, archive_to_recording
from handkit.cli import main
from handkit.errors import SourceError
from handkit.estimator import HandPoseEstimator
from handkit.files.png import write_png
from handkit.hand import HandPose, Prediction
from handkit.skeleton import HAND21

pytest.importorskip("pyarrow")
pytest.importorskip("mcap_ros2")

from handkit.recordings.messages import POINTS
from handkit.recordings.player import messages

NUMBERS = "60,60,32,24"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of six frames, one of which cannot be read, with a hand in every second one."""

    def answer(_, image, **__) -> Prediction:
        value = image.depth[0, 0]
        joints = np.full((21, 3), value, np.float32)
        pose = HandPose(joints, joints[:, :2], "left", 0.5, HAND21, np.full(21, np.nan, np.float32), 0.75)
        return Prediction([pose], None, {}) if value % 2 == 0 else Prediction([], "none", {})

    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: object.__new__(HandPoseEstimator))
    monkeypatch.setattr(HandPoseEstimator, "run", answer)
    monkeypatch.setattr(HandPoseEstimator, "skeleton", HAND21)
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(6):
        write_png(folder / f"{index}.png", np.full((48, 64), 5000 + 10 * index, np.uint16))
    (folder / "3.png").write_text("no image")
    annotate(str(folder), tmp_path / "a.parquet", camera=NUMBERS, depth_scale=0.1, shard_frames=4)
    return tmp_path / "a.parquet"


def joints(recording: Path) -> list[int]:
    """Points in each frame."""
    return [each.content.width for each in messages(recording) if each.kind == POINTS]


def test_with_the_depth_images(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handkit.recordings.player.DECODED", (*handkit.recordings.player.DECODED, POINTS))  # pyright: ignore
    told: list[str] = []
    out = archive.with_name("a.mcap")
    assert archive_to_recording(archive, out=out, report=told.append).frames == 5
    assert len(told) == 1
    assert re.fullmatch(r"1 of 6 frames .* left out, such as frame 3: \S*3\.png (?!.*3\.png).*", told[0]), (
        "its name once"
    )
    with handkit.open_source(str(out)) as source:
        frames = list(source)
    assert [frame.values[0, 0] for frame in frames] == [5000, 5010, 5020, 5040, 5050]
    assert [round(30 * frame.time_s) for frame in frames] == [0, 1, 2, 4, 5]
    assert frames[0].image.camera.unit_mm == 0.1
    assert joints(out) == [21, 0, 21, 21, 0]


def test_without_them(archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handkit.recordings.player.DECODED", (*handkit.recordings.player.DECODED, POINTS))  # pyright: ignore
    archive.with_name("frames").rename(archive.with_name("moved"))
    out = archive.with_name("a.mcap")
    assert main(["convert", str(archive), str(out)]) == 0
    said = capsys.readouterr()
    assert said.out == f"5 frames in {out}\n"
    assert "without the depth images: " in said.err
    assert joints(out) == [21, 0, 21, 21, 0]
    with pytest.raises(SourceError, match="has no depth images"):
        handkit.open_source(str(out))


def test_what_is_no_finished_archive(archive: Path) -> None:
    with pytest.raises(SourceError, match="holds no archive; `handkit annotate"):
        archive_to_recording(archive.with_name("no.parquet"), out=archive.with_name("a.mcap"))
    (archive / "part-00001-of-00002.parquet").unlink()
    with pytest.raises(SourceError, match="is not finished: 1 of 2 files are there"):
        archive_to_recording(archive, out=archive.with_name("a.mcap"))
    (archive / "part-00000-of-00002.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match="is damaged"):
        archive_to_recording(archive, out=archive.with_name("a.mcap"))
    assert not archive.with_name("a.mcap").exists()


def test_ctrl_c_leaves_nothing(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, out = Archive.rows, archive.with_name("a.mcap")

    def three_rows(opened: Archive) -> Iterator[dict[str, Any]]:
        yield from islice(whole(opened), 3)
        assert out.stat().st_size
        raise KeyboardInterrupt

    monkeypatch.setattr(Archive, "rows", three_rows)
    assert main(["convert", str(archive), str(out)]) == 130
    said = f"handkit: {out} is not kept: it would hold some frames of {archive} only\nhandkit: interrupted\n"
    assert capsys.readouterr() == ("", said)
    assert not out.exists()


@pytest.mark.extra
def test_pandas_opens_it(archive: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frames = pandas.read_parquet(archive)
    assert frames["index"].tolist() == list(range(6))
    assert frames["reason"].isna().tolist() == [True, False, True, False, True, False]
    hands = pandas.json_normalize(frames.explode("hands")["hands"].dropna().tolist())
    assert hands["handedness"].tolist() == ["left"] * 3
    assert np.stack([np.stack(each) for each in hands["joints_mm"]]).shape == (3, 21, 3)
