"""What a user may type for a source, and what comes out of it."""

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import handkit
from handkit.cli import main
from handkit.errors import MissingExtraError, SourceError, UsageError
from handkit.extras import install_command
from handkit.files.png import write_png
from handkit.sources import opening
from handkit.sources.refusals import Refusals
from handkit.sources.source import Calibration, Played, Report, Source

RAMP = (np.arange(48 * 64).reshape(48, 64) % 500 + 500).astype(np.uint16)
NUMBERS = "60,60,32,24"


def test_a_folder_gives_every_frame_as_people_count(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        write_png(tmp_path / f"frame{number}.png", RAMP + np.uint16(number))
    with handkit.open_source(str(tmp_path), camera=NUMBERS) as source:
        assert not source.live
        frames = list(source)
    assert [int(frame.values[0, 0]) for frame in frames] == [501, 502, 510]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[1].time_s == 0.033333333
    np.testing.assert_array_equal(frames[0].image.depth, RAMP + 1)
    assert (frames[0].image.camera.fx, frames[0].image.camera.width) == (60, 64)


def test_the_unit_can_be_said(tmp_path: Path) -> None:
    np.save(tmp_path / "meters.npy", RAMP / np.float32(1000))
    with handkit.open_source(str(tmp_path / "meters.npy"), camera=NUMBERS, depth_scale=1000) as source:
        (frame,) = source
    np.testing.assert_allclose(frame.image.depth, RAMP, rtol=1e-6)
    with pytest.raises(UsageError, match=r"--depth-scale -1\.0 is not a positive number"):
        handkit.open_source(str(tmp_path), camera=NUMBERS, depth_scale=-1.0)


def test_frames_that_cannot_be_used_are_reported(tmp_path: Path) -> None:
    write_png(tmp_path / "0.png", RAMP)
    (tmp_path / "1.png").write_bytes(b"no image")
    np.save(tmp_path / "2.npy", RAMP.astype(np.uint8))
    write_png(tmp_path / "3.png", RAMP)
    told: list[str] = []
    with handkit.open_source(str(tmp_path), camera=NUMBERS, report=told.append) as source:
        assert len(list(source)) == 2
    assert ["not a depth image" in told[0], "16-bit" in told[1], len(told)] == [True, True, 2]


def test_without_the_renderer_a_source_that_needs_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    sentence = rf"torch .*{re.escape(install_command('train'))}; the source demo needs nothing"
    with pytest.raises(MissingExtraError, match=sentence):
        handkit.open_source("synthetic")
    with handkit.open_source("demo") as source:
        assert len(list(source)) == 12


@pytest.mark.parametrize("absent", ["torch", "numba"])
def test_without_a_camera_it_is_what_can_be_had(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "CAMERAS", ())
    told: list[str] = []
    with opening.open_default(report=told.append) as source:
        assert source.name == "synthetic:0"
    monkeypatch.setitem(sys.modules, absent, None)
    with opening.open_default(report=told.append) as source:
        assert len(list(source)) == 12
    assert "--source synthetic" in told[0]
    assert "--source demo" in told[1]
    assert told[1].endswith(install_command("train"))


def test_a_package_that_cannot_look_for_cameras_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> list[str]:
        raise RuntimeError("no access to USB")

    monkeypatch.setattr("handkit.sources.oak.found", refuse)
    assert "no access to USB" in str(opening.plugged_in()["oak"])


def test_synthetic_is_the_same_for_the_same_seed() -> None:
    def first(spec: str) -> np.ndarray:
        with handkit.open_source(spec) as source:
            return next(iter(source)).values

    np.testing.assert_array_equal(first("synthetic"), first("synthetic:0"))
    assert (first("synthetic:1") != first("synthetic:0")).any()


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("synthetic:one", "give a whole number as its seed"),
        ("sinthetic", "did you mean synthetic"),
        ("nothing", "known: demo, synthetic"),
        ("nowhere/frames", "no folder nowhere"),
        ("*.png", "matches no file"),
    ],
)
def test_what_is_no_source(spec: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UsageError, SourceError), match=sentence):
        handkit.open_source(spec, camera=NUMBERS)


def test_files_without_a_camera_ask_for_one(tmp_path: Path) -> None:
    write_png(tmp_path / "0.png", RAMP)
    with pytest.raises(UsageError, match="name the camera"):
        handkit.open_source(str(tmp_path))


def open_other(argument: str, calibration: Calibration, report: Report) -> Source:
    return Played(f"other {argument}", lambda: (_ for _ in ()), report)


def test_other_packages_bring_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("zed", f"{__name__}:open_other", "handkit.sources")
    monkeypatch.setattr(EntryPoint, "load", lambda self: open_other)
    monkeypatch.setattr(opening, "entry_points", lambda group, name="zed": [point] if name == "zed" else [])
    assert handkit.open_source("zed:left").name == "other left"
    assert "zed" in opening.kinds()


class Breaks:
    """As `Played`, but for what a package may do wrong."""

    name, live = "zed", False

    def __init__(self, *, entering: bool = False, frames: Sequence[object] = ()) -> None:
        self.refusals, self.closed = Refusals(print), False
        self._entering, self._frames = entering, frames

    def __enter__(self) -> "Breaks":
        if self._entering:
            raise RuntimeError("no device")
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def __iter__(self) -> Iterator[object]:
        yield from self._frames
        raise OSError("USB gone")


@pytest.mark.parametrize(
    ("opener", "sentence"),
    [
        (lambda argument, calibration, report: None, r"gave None and no Source"),
        (lambda argument, calibration, report: [1, 2], r"gave \[1, 2\] and no Source"),
        (lambda argument: None, r"has failed \(TypeError"),
        (lambda argument, calibration, report: 1 / 0, r"has failed \(ZeroDivisionError"),
        (lambda argument, calibration, report: Breaks(entering=True), r"has failed \(RuntimeError: no device\)"),
        (lambda argument, calibration, report: Breaks(), r"has failed \(OSError: USB gone\)"),
        (lambda argument, calibration, report: Breaks(frames=[7]), r"gave 7 where a TimedFrame is expected"),
    ],
)
def test_what_another_package_does_wrong_is_a_sentence(
    opener: object,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    point = EntryPoint("zed", "zed.hands:open", opening.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: opener)
    monkeypatch.setattr(opening, "entry_points", lambda group, name="zed": [point] if name == "zed" else [])
    poses = tmp_path / "poses.jsonl"
    assert main(["live", "--source", "zed", "--send", str(poses)]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if "zed" in line]
    assert len(said) == 1
    assert re.search(rf"--source zed is brought by zed\.hands:open, which {sentence}", said[0])


def test_a_source_of_another_package_that_cannot_be_loaded_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("zed", "handkit.skeleton:NOTHING", opening.GROUP)
    monkeypatch.setattr(opening, "entry_points", lambda group, name="zed": [point] if name == "zed" else [])
    with pytest.raises(
        SourceError, match=r"--source zed is brought by handkit\.skeleton:NOTHING, which cannot be loaded"
    ):
        handkit.open_source("zed")
