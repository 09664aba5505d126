"""The other commands, and what they have in common: usage, help, pipes."""

import json
import os
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from handkit.cli import COMMANDS, GROUPS, main
from handkit.cli.benchmark import Benchmark
from handkit.cli.predict import Predict
from handkit.cli.train import Train
from handkit.cli.values import check_values
from handkit.errors import HandkitError
from handkit.files.png import write_png
from handkit.named_cameras import CAMERAS
from handkit.sources import opening


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    "arguments",
    [["predikt"], ["predict", "x.png"], ["predict", "x.png", "--camera", "sr305", "--hand", "both"]],
)
def test_usage_that_the_parser_refuses(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["predict", "x.png", "--hands", "1.5"], "--hands takes a whole number; got '1.5'"),
        (["predict", "--minimum_confidence=high", "x.png"], "--minimum-confidence takes a number; got 'high'"),
        (["predict", "x.png", "--backend", "cuda"], "--backend takes onnx, openvino or torch; got 'cuda'"),
        (["live", "--rotations", "3"], "--rotations takes 1, 2 or 4; got '3'"),
        (["train", "srn", "--resume", "--samples", "many"], "--samples takes a whole number; got 'many'"),
        (["benchmark", "--batches", "1", "two"], "--batches takes a whole number; got 'two'"),
        (["score", "x.txt", "--format", "xyzw"], "--format takes auto, uvd, xyz, densereg or denseReg; got 'xyzw'"),
        (["data", "check", "nyu", "--images", "some"], "--images takes a whole number or all; got 'some'"),
    ],
)
def test_a_value_that_an_option_does_not_take(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"handkit: {sentence}\n"


def test_values_that_options_take() -> None:
    """As tyro takes them; what it reads itself, and what stands behind a value or a switch, is not looked at."""
    check_values(Predict, ["--hands", "1", "x.png", "--backend", "None", "--depth-scale", "1/8", "--hands=2", "x.png"])
    check_values(Train, ["--resume", "srn", "--model-args", "stages=1", "x=y", "--learning-rate", "1e-3"])
    check_values(Benchmark, ["--batches", "1", "8", "--backends", "onnx", "torch", "--batches"])
    check_values(Predict, ["--hands", "1.5", "--help"])


@pytest.mark.parametrize("command", [*COMMANDS.values(), *GROUPS["data"].values()])
def test_every_option_takes_its_default(command: Any) -> None:
    for each in fields(command):
        values = each.default if isinstance(each.default, tuple) else (each.default,)
        check_values(command, [f"--{each.name}", *([] if each.default is MISSING else map(str, values))])


def test_nothing_typed_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert not ended.value.code
    assert "From any depth frame to a hand" in capsys.readouterr().out


def test_a_misspelled_option_is_one_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "x.png", "--camera", "sr305", "--handednes", "right"])
    said = capsys.readouterr().err
    assert "--handedness" in said
    assert "handkit predict --help" in said
    assert "evaluate" not in said


@pytest.mark.parametrize(
    "command", ["predict", "annotate", "live", "train", "render", "demo", "score", "compare", "info", "benchmark"]
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert not ended.value.code
    assert f"handkit {command}" in capsys.readouterr().out


def test_info_as_tables(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    out = capfd.readouterr().out
    for word in (
        "latent-fusion",
        "localizer",
        "kinect2",
        "512x424",
        "torch",
        "95.1 MB",
        "10.08",
        "samples, last training",
    ):
        assert word in out


def test_info_of_another_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "graph.onnx").touch()
    assert main(["info", str(tmp_path / "graph.onnx")]) == 2
    assert "info takes a folder or a .safetensors file" in capfd.readouterr().err


def test_info_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert facts["cameras"].keys() == CAMERAS.keys()
    assert {network["name"]: network["paper"] for network in facts["networks"]}["srn"] == "Ren et al., BMVC 2019"
    assert {weights["name"]: weights["model"] for weights in facts["weights"]}["localizer"] == "localizer"
    assert {graph["name"] for graph in facts["graphs"]} >= {"latent-fusion", "detector"}
    assert "torch" in facts["versions"]


@pytest.mark.parametrize("command", [["info"], ["info", "--json"], ["study"]])
def test_what_only_lists_imports_no_torch(command: list[str]) -> None:
    code = "import sys; from handkit.cli import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "srn" in done.stdout


def test_a_reader_that_leaves_early_is_no_error() -> None:
    code = "import sys; from handkit.cli import main; sys.exit(main(['info', '--json']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0


def test_a_closed_stream_is_no_error_and_not_the_other_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["--version"]) == 0
    monkeypatch.undo()
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["data", "verify", "nowhere"]) == 1
    assert capsys.readouterr() == ("", "")


def test_a_working_folder_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["info"]) == 1
    assert "the working folder cannot be used: No such file or directory; go to another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["render", "--count", "1", "--seed", "9" * 30, "--out", "o"], "seed is 999"),
        (["train", "srn", "--samples", "4", "--seed", "9" * 30, "--out", "o"], "seed is 999"),
        (["train", "srn", "--samples", "4", "--threads", "0", "--out", "o"], "threads is 0; it must be 1 to 256"),
        (["train", "srn", "--samples", "4", "--workers", "-1", "--out", "o"], "--workers -1: give 0"),
        (["compare", "srn", "--samples", "4", "--threads", "-1", "--out", "o"], "threads is -1; it must be 1 to 256"),
        (["evaluate", "--count", "1", "--minimum-confidence", "nan"], "minimum_confidence is nan"),
        (["benchmark", "--networks", "--device", "foo"], "--device foo: give cpu or cuda"),
        (["doctor", "demo", "--frames", "0"], "--frames is 0; it must be 1 or more"),
        (["live", "--source", "synthetic:" + "9" * 30], "seed is 999"),
    ],
)
def test_numbers_that_cannot_be(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert f"handkit: {sentence}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--minutes", "1", "--samples", "10"], "not both"),
        (["--minutes", "0"], "trains nothing"),
        (["--minutes", "nan"], "--minutes nan trains nothing"),
        (["--minutes", "inf"], "trains nothing"),
        (["--samples", "-5"], "trains nothing"),
        (["--minutes", "1", "--resume"], "to resume"),
    ],
)
def test_training_that_cannot_begin(
    tmp_path: Path, arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "latent-fusion", *arguments, "--out", str(tmp_path / "run")]) in {1, 2}
    assert sentence in capfd.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--out", "file"], "--out file cannot be a folder: file is a file"),
        (["--out", "file/run"], "--out file/run cannot be a folder: file is a file"),
        (["--out", "run", "--center-refinement", "test", "--localizer", "nowhere"], "there are no weights 'nowhere'"),
    ],
)
def test_training_that_cannot_begin_is_told_before_the_first_batch(
    tmp_path: Path,
    options: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(["train", "srn", "--samples", "4", *options]) == 1
    told = capfd.readouterr()
    assert f"handkit: {sentence}" in told.err
    assert "making the first batch" not in told.out + told.err


@pytest.mark.parametrize("command", ["doctor", "replay"])
def test_of_what_is_no_depth_image_no_camera_is_asked(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    assert main([command, str(tmp_path / "notes.txt")]) == 1
    assert f"{tmp_path / 'notes.txt'} is not a depth image; expected a 16-bit PNG" in capsys.readouterr().err


def test_a_run_of_another_recipe_is_not_resumed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    begun = ["train", "latent-fusion", "--samples", "32", "--resolution", "32", "--out", str(tmp_path)]
    assert main(begun) == 0
    others = {
        "resolutions [[0.0, 32]] there, [[0.0, 48]] here": ["--resolution", "48"],
        "planes": ["--model-args", "planes=xy"],
        "seed 1 there, 5 here": ["--seed", "5"],
        'init null there, "latent-fusion" here': ["--init", "latent-fusion"],
    }
    for difference, other in others.items():
        assert main([*begun, "--resume", *other]) == 1
        said = capfd.readouterr().err
        assert difference in said
        assert "give the options that began it, or name another --out" in said
    first = json.loads((tmp_path / "run.json").read_text())
    assert main([*begun, "--resume"]) == 0
    again = json.loads((tmp_path / "run.json").read_text())
    assert (again["started"], again["seed"], len(again["resumed"])) == (first["started"], 1, 1)


@pytest.mark.parametrize(
    "command", [["train", "latent-fusion", "--samples", "2"], ["render", "--count", "1"], ["demo"]]
)
def test_a_file_where_a_folder_is_needed(tmp_path: Path, command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main([*command, "--out", str(tmp_path / "file")]) == 1
    assert f"--out {tmp_path / 'file'} cannot be a folder: {tmp_path / 'file'} is a file" in capfd.readouterr().err


def test_rendered_frames_have_labels_in_the_format_of_predictions(tmp_path: Path) -> None:
    assert main(["render", "--count", "2", "--out", str(tmp_path / "set")]) == 0
    first, second = lines((tmp_path / "set" / "labels.jsonl").read_text())
    assert first["source"] == "000000.png"
    assert first["hands"][0]["confidence"] == 1.0
    depth = cv2.imread(str(tmp_path / "set" / second["source"]), cv2.IMREAD_UNCHANGED)
    assert depth is not None
    assert depth.shape == (second["camera"]["height"], second["camera"]["width"])
    assert depth.dtype == np.uint16
    assert (tmp_path / "set" / "sheet.png").exists()


def test_every_hand_that_is_rendered_is_labeled(tmp_path: Path) -> None:
    assert main(["render", "--count", "24", "--seed", "3", "--empty", "0.2", "--out", str(tmp_path / "set")]) == 0
    frames = lines((tmp_path / "set" / "labels.jsonl").read_text())
    hands = [[hand["handedness"] for hand in frame["hands"]] for frame in frames]
    assert {len(each) for each in hands} == {0, 1, 2}
    assert {side for each in hands for side in each} == {"left", "right"}
    assert all((frame["reason"] is None) == bool(frame["hands"]) for frame in frames)


def test_no_camera_is_explained(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    missing = HandkitError("depthai is not installed")
    monkeypatch.setattr(opening, "plugged_in", lambda: {"realsense": [], "oak": missing})
    assert main(["cameras"]) == 1
    out, err = capfd.readouterr()
    assert "none plugged in" in out
    assert err.count("\n") == 1
    assert "no camera can be used (exit status 1)" in err
    assert "`handkit live --source demo` needs none" in err
    monkeypatch.setattr(opening, "plugged_in", lambda: {"realsense": ["D435 (1)"], "oak": missing})
    assert main(["cameras"]) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("estimator")
@pytest.mark.parametrize("numbers", ["60 61 40 30", "60, 61, 40, 30", "fx=60 fy=61 cx=40 cy=30"])
def test_a_camera_in_several_arguments(numbers: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "a.png", np.full((60, 80), 500, np.uint16))
    assert main(["predict", "--camera", *numbers.split(), str(tmp_path / "a.png")]) == 0
    (found,) = lines(capfd.readouterr().out)
    assert [found["camera"][name] for name in ("fx", "fy", "cx", "cy")] == [60, 61, 40, 30]


@pytest.mark.parametrize("command", [["render", "--count", "1"], ["predict", "FRAME", "--camera", "sr300"]])
def test_what_another_run_left_is_not_mixed_with(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "110.png").write_bytes(b"a depth image that exists once")
    frame = tmp_path.with_name("frame.png")
    write_png(frame, np.full((480, 640), 600, np.uint16))
    command = [str(frame) if each == "FRAME" else each for each in command]
    assert main([*command, "--out", str(tmp_path)]) == 1
    assert "is not empty (110.png is in it); give a new folder" in capfd.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["110.png"]


def test_cameras_without_a_sensor_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--count", "1", "--camera", "webcam", "--out", str(tmp_path)]) == 2
    assert "no sensor model of the camera 'webcam'; known: kinect1," in capfd.readouterr().err


def test_nothing_to_render(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--count", "0", "--out", str(tmp_path / "set")]) == 2
    assert "count 0 renders nothing" in capfd.readouterr().err


@pytest.mark.usefixtures("estimator")
def test_demo_writes_poses_and_a_sheet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    out = capfd.readouterr().out
    for word in ("mean joint error", "frames per second", "locate", "estimate"):
        assert word in out
    assert len(lines((tmp_path / "demo" / "poses.jsonl").read_text())) == 12
    assert (tmp_path / "demo" / "demo.png").stat().st_size > 10_000


def test_help_shows_what_an_option_takes(capfd: pytest.CaptureFixture[str]) -> None:
    for command in ("predict", "train", "compare"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        out = capfd.readouterr().out
        assert "{None" not in out
        assert "--out DIR" in out


def test_ctrl_c_while_everything_is_imported_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nclass Impatient:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'handkit.cli':\n            raise KeyboardInterrupt\nsys.meta_path.insert(0, Impatient())\n"
    )
    asked = [sys.executable, "-m", "handkit", "info"]
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(asked, env=os.environ | {"PYTHONPATH": path}, capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "handkit: interrupted\n")
