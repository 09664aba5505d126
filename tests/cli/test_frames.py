"""`handkit predict` as a user types it: what it prints, what it writes, how it ends."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from handkit.cli import main
from handkit.doubts import doubts_about
from handkit.errors import CheckpointError
from handkit.estimator import HandPoseEstimator
from handkit.hub import find_weights
from handkit.models.checkpoint import save as save_network
from handkit.models.detector import HandDetector
from handkit.models.localizer import Localizer

NUMBERS = "90,90,40,30"
STAGES = {"locate": 1.0, "estimate": 3.5, "total": 4.5}
MM = np.random.default_rng(0).integers(500, 660, (60, 80)).astype(np.uint16)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return save(tmp_path / "good.png", MM)


def save(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    _ = np.save(path, array) if path.suffix == ".npy" else cv2.imwrite(str(path), array)
    return path


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def broken(folder: Path, kind: str) -> Path:
    """A file that is no depth picture, in one of the ways that happen."""
    folder.mkdir()
    if kind == "missing":
        return folder / "frame.png"
    if kind == "not an image":
        (folder / "frame.png").write_text("hello")
        return folder / "frame.png"
    if kind == "truncated":
        path = save(folder / "frame.png", MM)
        path.write_bytes(path.read_bytes()[:2000])
        return path
    if kind == "header":
        (folder / "frame.npy").write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + b"{'shape': (4.0, ".ljust(117) + b"\n")
        return folder / "frame.npy"
    arrays = {
        "negative": -MM.astype(np.float32),
        "8-bit": MM.astype(np.uint8),
        "3-channel": np.zeros((60, 80, 3), np.uint8),
        "meters": (MM / 1000).astype(np.float32),
        "another size": MM[:50],
        "one axis": MM[0],
        "refused": np.full((60, 80), 666, np.uint16),
    }
    return save(folder / ("frame.npy" if kind in {"meters", "negative", "one axis"} else "frame.png"), arrays[kind])


@pytest.mark.usefixtures("estimator")
def test_one_line_of_json_per_frame(good: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(good), str(good), "--camera", NUMBERS]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    first, second = lines(out)
    assert first == second
    assert list(first) == ["source", "camera", "hands", "reason", "cause", "timings_ms", "warnings"]
    assert first["source"] == str(good)
    assert first["camera"] == {
        "fx": 90, "fy": 90, "cx": 40, "cy": 30, "width": 80, "height": 60, "unit_mm": 1, "distortion": [],
    }  # fmt: skip
    assert first["timings_ms"] == STAGES
    (hand,) = first["hands"]
    assert hand["skeleton"] == "hand21"
    assert np.shape(hand["joints_mm"]) == (21, 3)
    assert np.shape(hand["joints_px"]) == (21, 2)


@pytest.mark.usefixtures("estimator")
@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("missing", "does not exist"),
        ("not an image", "is not a depth image"),
        ("truncated", "truncated"),
        ("8-bit", "8-bit 1-channel"),
        ("3-channel", "NYU"),
        ("meters", "--depth-scale 1000"),
        ("refused", "this frame is refused"),
        ("negative", "axis points the other way"),
        ("header", "whole array"),
        ("one axis", "a depth image has two axes (H, W)"),
    ],
)
def test_a_bad_frame_does_not_stop_the_others(
    tmp_path: Path, good: Path, kind: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = broken(tmp_path / "bad", kind)
    assert main(["predict", str(good), str(bad), str(good), "--camera", NUMBERS]) == 0
    out, err = capfd.readouterr()
    before, refused, after = lines(out)
    assert len(before["hands"]) == len(after["hands"]) == 1
    assert refused["hands"] == []
    assert sentence in refused["reason"]
    assert refused["source"] == str(bad)
    assert refused.keys() == before.keys()
    assert err.count("\n") == 1
    assert str(bad) in err
    assert sentence in err


@pytest.mark.usefixtures("estimator")
@pytest.mark.parametrize("kind", ["missing", "truncated"])
def test_nothing_but_bad_frames(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(broken(tmp_path / "bad", kind)), "--camera", "sr305"]) == 1
    (line,) = lines(capfd.readouterr().out)
    assert line["reason"]
    assert line["camera"]["fx"] == pytest.approx(476.007), "a named camera is known without a picture"


@pytest.mark.usefixtures("estimator")
def test_named_camera_of_another_size(tmp_path: Path, good: Path, capfd: pytest.CaptureFixture[str]) -> None:
    large = save(tmp_path / "large.png", np.full((480, 640), 600, np.uint16))
    assert main(["predict", str(good), str(large), "--camera", "sr305"]) == 0
    first, second = lines(capfd.readouterr().out)
    assert "80x60 but the camera 'sr305' is 640x480" in first["reason"]
    assert len(second["hands"]) == 1


@pytest.mark.usefixtures("estimator")
def test_a_reason_that_many_frames_share_is_said_once(
    tmp_path: Path, good: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    small = [save(tmp_path / f"{number}.png", MM) for number in range(5)]
    colors = save(tmp_path / "colors.png", np.zeros((60, 80, 3), np.uint8))
    assert main(["predict", *map(str, small), str(colors), "--camera", "sr305"]) == 1
    out, err = capfd.readouterr()
    assert len(lines(out)) == 6, "each frame has its own"
    first, other, count, together = err.splitlines()
    assert together == "handkit: refused 6 of 6 frames in all, for 2 reasons"
    assert f"{small[0]} is 80x60 but the camera 'sr305' is 640x480" in first
    assert str(colors) in other
    assert count.startswith("handkit: refused 5 of 6 frames: the image is 80x60 but the camera 'sr305'")


@pytest.mark.usefixtures("estimator")
def test_frames_without_a_hand_are_processed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    zeros = save(tmp_path / "zeros.png", MM * 0)
    nothing = save(tmp_path / "nothing.npy", np.where(MM > 600, np.nan, np.inf).astype(np.float32))
    assert main(["predict", str(zeros), str(nothing), "--camera", NUMBERS]) == 0
    for line in lines(capfd.readouterr().out):
        assert line["hands"] == []
        assert line["reason"] == "no depth value in the image"
        assert line["timings_ms"] == STAGES


@pytest.mark.usefixtures("estimator")
def test_nan_and_infinity_among_depth_values(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    array = MM.astype(np.float32)
    array[:5], array[5:9] = np.nan, np.inf
    assert main(["predict", str(save(tmp_path / "holes.npy", array)), "--camera", NUMBERS]) == 0
    assert len(lines(capfd.readouterr().out)[0]["hands"]) == 1


@pytest.mark.usefixtures("estimator")
def test_every_page_is_a_frame(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The second page is refused, and the third is estimated all the same."""
    assert cv2.imwritemulti(str(tmp_path / "pages.tif"), [MM, np.full_like(MM, 666), MM])
    out = tmp_path / "out"
    assert main(["predict", str(tmp_path / "pages.tif"), "--camera", NUMBERS, "--out", str(out)]) == 0
    assert f"{tmp_path / 'pages.tif'}[1]: this frame is refused" in capfd.readouterr().err
    written = lines((out / "poses.jsonl").read_text())
    assert [Path(line["source"]).name for line in written] == ["pages.tif[0]", "pages.tif[1]", "pages.tif[2]"]
    assert [len(line["hands"]) for line in written] == [1, 0, 1]
    assert {path.name for path in out.iterdir()} == {"poses.jsonl", "pages-0000.png", "pages-0002.png"}


@pytest.mark.usefixtures("estimator")
def test_a_named_camera_knows_its_unit(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """666 mm make the stand-in refuse: 5328 eighths of a millimeter."""
    eighths = save(tmp_path / "eighths.png", np.full((480, 640), 666 * 8, np.uint16))
    assert main(["predict", str(eighths), "--camera", "sr305"]) == 1
    assert "this frame is refused" in capfd.readouterr().err
    assert main(["predict", str(eighths), "--camera", "sr305", "--depth-scale", "0.25"]) == 0


@pytest.mark.usefixtures("estimator")
def test_doubts_about_the_camera_are_told_once(
    good: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = HandPoseEstimator.run
    monkeypatch.setattr(
        HandPoseEstimator,
        "run",
        lambda self, image, **asked: replace(run(self, image, **asked), warnings=doubts_about(image.camera)),
    )
    assert main(["predict", str(good), str(good), "--camera", "90,90,5,30"]) == 0
    out, err = capfd.readouterr()
    assert err.count("\n") == 1
    assert "warning: the principal point (5, 30) is far from the middle" in err
    for line in lines(out):
        (warning,) = line["warnings"]
        assert "the principal point (5, 30)" in warning


@pytest.mark.usefixtures("estimator")
def test_folders_and_globs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("f10.png", "f2.png", "g1.png"):
        save(tmp_path / "in" / name, MM)
    assert main(["predict", f"{tmp_path}/in/f*", str(tmp_path / "in"), "--camera", NUMBERS]) == 0
    names = [Path(line["source"]).name for line in lines(capfd.readouterr().out)]
    assert names == ["f2.png", "f10.png", "f2.png", "f10.png", "g1.png"]


@pytest.mark.usefixtures("estimator")
def test_out_holds_poses_and_overlays(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    frames = [save(tmp_path / name / "1.png", array) for name, array in (("a", MM), ("b", MM), ("c", MM * 0))]
    out = tmp_path / "out" / "deep"
    arguments = ["predict", *map(str, frames), str(tmp_path / "no.png"), "--camera", NUMBERS]
    assert main([*arguments, "--handedness", "left", "--out", str(out)]) == 0
    stdout, stderr = capfd.readouterr()
    assert stdout == ""
    assert "2 with a hand, 1 without, 1 unreadable" in stderr
    assert "1 x the image has no valid depth value at all" in stderr
    assert {path.name for path in out.iterdir()} == {"poses.jsonl", "1.png", "b-1.png", "c-1.png"}
    written = lines((out / "poses.jsonl").read_text())
    assert [len(line["hands"]) for line in written] == [1, 1, 0, 0]
    assert written[0]["hands"][0]["handedness"] == "left"
    picture = cv2.imread(str(out / "b-1.png"))
    assert picture is not None
    assert picture.shape[1] % 80 == 0


@pytest.mark.usefixtures("estimator")
def test_overlays_never_replace_the_frames(good: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = good.read_bytes()
    assert main(["predict", str(good), "--camera", NUMBERS, "--out", str(good.parent)]) == 2
    assert "overwrite" in capfd.readouterr().err
    assert good.read_bytes() == before


@pytest.mark.usefixtures("estimator")
def test_out_that_cannot_be_written(good: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (good.parent / "sub").mkdir()
    file = good.parent / "sub" / "file"
    file.touch()
    assert main(["predict", str(good), "--camera", NUMBERS, "--out", str(file)]) == 1
    assert str(file) in capfd.readouterr().err


@pytest.mark.usefixtures("estimator")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x.png", "--camera", "kinekt2"], "did you mean kinect2"),
        (["x.png", "--camera", "1,2,3"], "four numbers"),
        (["x.png", "--camera", "sr305", "--depth-scale", "0"], "--depth-scale 0"),
        (["x.png", "--camera", "sr305", "--depth-scale", "nan"], "--depth-scale nan"),
        (["x.png", "--camera", "sr305", "--depth-scale", "-1"], "--depth-scale -1 is not a positive number of mm"),
        (["x.png", "--camera", "sr305", "--depth-scale", "x"], "--depth-scale x is not a positive number of mm"),
        (["--camera", "sr305"], "at least one FRAME"),
    ],
)
def test_wrong_usage(arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("estimator")
def test_an_interrupted_run_keeps_its_lines(good: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stop = save(good.parent / "in" / "stop.png", np.full((60, 80), 667, np.uint16))
    out = good.parent / "out"
    arguments = ["predict", str(good), str(stop), str(good), "--camera", NUMBERS, "--out", str(out)]
    assert main(arguments) == 130
    assert "Traceback" not in capfd.readouterr().err
    assert len(lines((out / "poses.jsonl").read_text())) == 1


def test_weights_that_cannot_be_used(
    good: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = good.parent / "weights"
    folder.mkdir()
    save_network(folder / "detector.safetensors", HandDetector())
    save_network(folder / "localizer.safetensors", Localizer(), recipe={"edge_mm": 400.0})
    (folder / "damaged.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0 no json at all")
    (folder / "notes.txt").write_text("a note")
    monkeypatch.setattr("handkit.hub.BUNDLED", folder)
    for weights, sentence in (
        (folder / "damaged.safetensors", "damaged.safetensors is no whole safetensors file"),
        (folder / "none.safetensors", "there is no weights file"),
        (folder / "localizer.safetensors", "holds a localizer"),
        (folder / "notes.txt", "notes.txt is a .txt file; a network is a .onnx graph, an .xml graph of OpenVINO, or"),
        ("nonesuch", "there are no weights 'nonesuch'"),
    ):
        assert main(["predict", str(good), "--camera", NUMBERS, "--weights", str(weights)]) == 1
        out, err = capfd.readouterr()
        assert out == ""
        assert sentence in err
        assert err.count("\n") == 1


def test_only_pose_networks_are_offered(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handkit.hub.BUNDLED", tmp_path)
    monkeypatch.setattr("handkit.hub.REPOSITORY", tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("detector.onnx", "localizer.safetensors", "mine-confidence.safetensors", "mine.onnx"):
        (tmp_path / name).touch()
    assert main(["predict", str(good), "--camera", NUMBERS, "--weights", "nonesuch"]) == 1
    assert "; known: mine; or give" in capsys.readouterr().err
    with pytest.raises(CheckpointError, match="known: localizer, mine-confidence; or give"):
        find_weights("nonesuch")


def test_a_backend_that_does_not_run_the_file(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, backend, runs in (("hand.xml", "onnx", "openvino"), ("hand.onnx", "torch", "onnx")):
        (good.parent / name).touch()
        asked = ["--weights", str(good.parent / name), "--backend", backend]
        assert main(["predict", str(good), "--camera", NUMBERS, *asked]) == 2
        assert (
            f"{name} is nothing that --backend {backend} runs; leave it out, or give {runs}" in capsys.readouterr().err
        )


def test_threads_are_checked(good: Path, capsys: pytest.CaptureFixture[str]):
    for threads in (0, 100_000, 10**20):
        assert main(["predict", str(good), "--camera", NUMBERS, "--threads", str(threads)]) == 2
        assert f"threads is {threads}; it must be 1 to 256" in capsys.readouterr().err
