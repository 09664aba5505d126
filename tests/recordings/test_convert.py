"""From one way of keeping depth to another and back: values, unit and number of frames stay."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_disk import full_disk

import handkit
from handkit.cli import main
from handkit.errors import HandkitError, SourceError
from handkit.files.png import write_png
from handkit.recordings.convert import convert
from handkit.recordings.recorder import Recorder
from handkit.sources import TimedFrame
from handkit.sources.source import Played, RawFrame

pytest.importorskip("mcap_ros2")

NUMBERS = "60,60,32,24"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "frames"
    made.mkdir()
    for index in range(5):
        values = np.random.default_rng(index).integers(4000, 9000, (48, 64)).astype(np.uint16)
        write_png(made / f"{index}.png", values)
    return made


def read(path: Path, unit_mm: float = 0.125) -> list[np.ndarray]:
    with handkit.open_source(str(path), camera=NUMBERS, depth_scale=unit_mm) as source:
        return [frame.values for frame in source]


@pytest.mark.parametrize("name", ["out.mcap", "out.npz", "out.tiff", "out.tif", "out"])
def test_there_and_back(folder: Path, name: str) -> None:
    out = folder.parent / name
    result = convert(handkit.open_source(str(folder), camera=NUMBERS, depth_scale=0.125), out)
    assert result.frames == 5
    assert result.camera is not None
    assert result.camera.unit_mm == 0.125
    again = read(out)
    assert len(again) == 5
    for one, other in zip(again, read(folder), strict=True):
        np.testing.assert_array_equal(one, other)


def test_fractions_are_kept(folder: Path) -> None:
    values = np.random.default_rng(0).uniform(0.5, 0.9, (48, 64)).astype(np.float32)
    np.save(folder.parent / "meters.npy", values)
    for name in ("a.npz", "a.tiff", "a"):
        out = folder.parent / name
        convert(handkit.open_source(str(folder.parent / "meters.npy"), camera=NUMBERS, depth_scale=1000), out)
        (again,) = read(out, 1000)
        np.testing.assert_array_equal(again, values)


@pytest.mark.parametrize("name", ["a.tiff", "a.npz", "a.mcap", "a"])
def test_no_frame_that_can_be_used(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    assert main(["convert", str(tmp_path / "bad.png"), str(tmp_path / name), "--camera", "sr300"]) == 1
    assert capsys.readouterr().out == "no frame was converted\n"


def test_an_npz_says_its_camera_its_unit_and_its_times(folder: Path, tmp_path: Path) -> None:
    recording = tmp_path / "a.mcap"
    uneven = [0.0, 0.1, 0.15, 0.4, 0.45]
    lens = handkit.Camera(fx=60, fy=61, cx=31, cy=24, width=64, height=48, unit_mm=0.125, distortion=(0.1, 0, 0, 0))
    with Recorder(recording) as recorder:
        for i, (values, time_s) in enumerate(zip(read(folder), uneven, strict=True)):
            recorder.write(TimedFrame(handkit.DepthImage.of(values, lens), time_s, i, values))
    convert(handkit.open_source(str(recording)), tmp_path / "a.npz")
    with handkit.open_source(str(tmp_path / "a.npz")) as source:
        frames = list(source)
    assert [frame.time_s for frame in frames] == pytest.approx(uneven)
    assert {frame.image.camera for frame in frames} == {replace(lens, distortion=(0.1, 0, 0, 0))}
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-200])
    with pytest.raises(SourceError, match="damaged zip"):
        handkit.open_source(str(tmp_path / "b.npz"))


def test_an_npz_holds_the_frames_of_one_camera(folder: Path, tmp_path: Path) -> None:
    write_png(folder / "9.png", np.full((24, 32), 5000, np.uint16))
    with pytest.raises(SourceError, match="frame 5 is of another"):
        convert(handkit.open_source(str(folder), camera=NUMBERS), tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists()


def test_what_cannot_be_written(folder: Path) -> None:
    source = handkit.open_source(str(folder), camera=NUMBERS)
    with pytest.raises(SourceError, match="is none of"):
        convert(source, folder.parent / "out.zip")
    with pytest.raises(SourceError, match="exists; give another name"):
        convert(source, folder)


def test_the_command_says_how_to_read_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder.parent / "out.npz"
    arguments = ["convert", str(folder), str(out), "--camera", NUMBERS, "--depth-scale", "0.125"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"5 frames in {out}\nto be read with --camera {NUMBERS} --depth-scale 0.125\n"
    assert main(arguments) == 1
    assert "exists; give another name" in capsys.readouterr().err


def interrupted(folder: Path, *, live: bool) -> Played:
    """Three frames, then Ctrl-C."""
    whole = handkit.open_source(str(folder), camera=NUMBERS)

    def raw_frames() -> Generator[RawFrame | HandkitError]:
        with whole:
            for frame, _ in zip(whole, range(3), strict=False):
                yield RawFrame(frame.values, frame.image.camera, frame.index)
        raise KeyboardInterrupt

    source = Played("half", raw_frames)
    source.live = live
    return source


@pytest.mark.parametrize("name", ["a.mcap", "a.npz", "a.tiff", "a"])
def test_a_conversion_that_is_interrupted_leaves_nothing(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = interrupted(folder, live=False), folder.parent / name
    monkeypatch.setattr("handkit.sources.opening.open_source", lambda *_, **__: source)
    assert main(["convert", "half", str(out)]) == 130
    said = f"handkit: {out} is not kept: it would hold some frames of half only\nhandkit: interrupted\n"
    assert capsys.readouterr() == ("", said)
    assert [each.name for each in folder.parent.iterdir()] == ["frames"]


@pytest.mark.parametrize("name", ["a.mcap", "a.npz", "a.tiff", "a"])
def test_a_camera_ends_with_ctrl_c(folder: Path, name: str) -> None:
    assert convert(interrupted(folder, live=True), folder.parent / name).frames == 3
    assert len(read(folder.parent / name)) == 3


@pytest.mark.parametrize("name", ["a.mcap", "a.npz", "a.tiff", "a"])
def test_a_full_disk_is_status_1(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder.parent / name
    with full_disk(4_000):
        assert main(["convert", str(folder), str(out), "--camera", NUMBERS]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "File too large" in said.err
    assert not out.is_file()
    assert not out.is_dir() or list(out.iterdir()) == []


def test_the_frames_of_a_recording_on_a_full_disk_are_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("handkit.recordings.recorder.CHUNK_BYTES", 1)
    out = folder.parent / "a.mcap"
    with full_disk(20_000):
        assert main(["convert", str(folder), str(out), "--camera", NUMBERS]) == 1
    assert f"{out} ends early, with {len(read(out))} whole frames" in capsys.readouterr().err
    assert 0 < len(read(out)) < 5
