"""`handkit live`: from what is typed to what is written, without weights."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from full_disk import full_disk
from tracked import CAMERA, Script, Seen

from handkit.cli import main
from handkit.estimator import HandPoseEstimator
from handkit.files.png import write_png

NUMBERS = ",".join(str(each) for each in (CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy))


@pytest.fixture
def scripted(monkeypatch):
    """A right hand from frame 5 on, in place of every network."""
    asked = {}

    def from_pretrained(name, **options):
        asked.update(options, name=name)
        return Script(lambda i: [Seen((0, 0, 500))] if i >= 5 else [])

    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", from_pretrained)
    return asked


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(20):
        write_png(folder / f"{i:03d}.png", np.full((CAMERA.height, CAMERA.width), 500 + i, np.uint16))
    return str(folder)


def test_a_folder_to_lines(scripted, frames, capfd):
    assert main(["live", "--source", frames, "--camera", NUMBERS, "--hands", "1", "--send", "-", "--threads", "3"]) == 0
    out, err = capfd.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["index"] for line in lines] == list(range(20))
    assert lines[-1]["hands"][0]["handedness"] == "right"
    assert lines[0]["reason"] == "nothing there"
    assert "20 frames, 14 with a hand, 1 hands followed" in err
    assert scripted == {"name": "latent-fusion", "backend": None, "threads": 3}


def test_several_files_and_a_recording(scripted, frames, tmp_path, capfd):
    pytest.importorskip("mcap_ros2")
    files = [str(tmp_path / name) for name in ("hands.csv", "hands.glb")]
    recording = tmp_path / "out.mcap"
    arguments = ["live", "--source", frames, "--camera", NUMBERS, "--send", *files, "--record", str(recording)]
    assert main(arguments) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"frames", "hands.csv", "hands.glb", "out.mcap"}
    assert main(["live", "--source", str(recording), "--send", str(tmp_path / "again.csv")]) == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "hands.csv").read_bytes(), "replayed bit for bit"


def test_send_may_be_given_several_times(scripted, frames, tmp_path, capfd):
    first, second, third = (str(tmp_path / name) for name in ("a.csv", "b.csv", "c.csv"))
    arguments = ["live", "--source", frames, "--camera", NUMBERS, "--send", first, second, "--send", third]
    assert main(arguments) == 0
    assert {path.name for path in tmp_path.glob("*.csv")} == {"a.csv", "b.csv", "c.csv"}


def test_a_reader_that_leaves_ends_the_session(frames):
    """Python as a user has it: what it flushes at its own end may not fail either."""
    code = (
        "import sys; from handkit.cli import main; from handkit.estimator import HandPoseEstimator; "
        "from tracked import Script; HandPoseEstimator.from_pretrained = lambda *_, **__: Script(lambda i: []); "
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "live", "--source", frames, "--camera", NUMBERS, "--send", "-"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    assert process.wait() == 0
    assert said == ""


def test_nothing_seen_is_status_1(scripted, frames, monkeypatch, capfd):
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: Script(lambda i: []))
    assert main(["live", "--source", frames, "--camera", NUMBERS]) == 1
    said = capfd.readouterr().err
    assert "20 frames, 0 with a hand" in said
    assert said.rstrip().endswith("at the end: nothing there")


def test_numbers_of_a_camera_that_has_its_own(capfd):
    assert main(["live", "--camera", "sr305"]) == 2
    assert (
        "--camera sr305 is that of files; a camera that is plugged in has its own: leave it" in capfd.readouterr().err
    )


def test_no_frame_is_status_1(scripted, frames, tmp_path, capfd):
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert main(["live", "--source", str(tmp_path / "broken.png"), "--camera", NUMBERS]) == 1
    assert capfd.readouterr().err.rstrip().endswith("no frame came from the source")


def test_replay_takes_the_confidence_that_is_needed(monkeypatch, frames, capfd):
    doubtful = Script(lambda i: [Seen((0, 0, 500), confidence=0.3)])
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: doubtful)
    assert main(["replay", frames, "--camera", NUMBERS]) == 1
    assert main(["replay", frames, "--camera", NUMBERS, "--minimum-confidence", "0.2"]) == 0
    assert "20 frames, 19 with a hand, 1 hands followed" in capfd.readouterr().out, "seen twice first"


@pytest.mark.parametrize("name", ["out.mcap", "out.html", "out.gif", "out.mp4"])
def test_replay_onto_a_full_disk_is_status_1(scripted, frames, tmp_path, capfd, name):
    pytest.importorskip({".mcap": "mcap_ros2", ".html": "matplotlib"}.get(name[3:], "cv2"))
    out = tmp_path / name
    with full_disk(6_000):
        assert main(["replay", frames, "--camera", NUMBERS, "--out", str(out)]) == 1
    printed, said = capfd.readouterr()
    assert "20 frames, 14 with a hand" in printed
    (sentence,) = (line for line in said.splitlines() if str(out) in line)
    assert sentence.startswith(f"handkit: {out} c"), "cannot be, could not be"
    assert not out.exists()


def test_a_recording_on_a_full_disk_does_not_end_the_session(scripted, frames, tmp_path, capfd):
    pytest.importorskip("mcap_ros2")
    arguments = ["live", "--source", frames, "--camera", NUMBERS, "--record", str(tmp_path / "a.mcap")]
    with full_disk(6_000):
        assert main(arguments) == 1, "the recording is not whole"
    said = capfd.readouterr().err
    assert f"{tmp_path / 'a.mcap'} cannot be written: File too large" in said
    assert "20 frames, 14 with a hand" in said


def test_view_without_a_screen_is_a_session_all_the_same(scripted, frames, monkeypatch, capfd):
    pytest.importorskip("rerun")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("handkit.viewing.window.PORT", 1)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["live", "--source", frames, "--camera", NUMBERS, "--view"]) == 0
    said = capfd.readouterr().err
    assert said.startswith("there is no screen for a window (DISPLAY is not set); record with --record")
    assert "20 frames, 14 with a hand" in said


def test_replay_names_all_that_it_writes(scripted, frames, capfd):
    assert main(["replay", frames, "--camera", NUMBERS, "--out", "a.avi"]) == 2
    assert "--out a.avi: give a name that ends in .rrd, .mp4, .gif, .html, .mcap" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--source", "relsense"], "there is no file and no kind of source 'relsense'"),
        (["--send", "smoke"], "hands cannot be sent to 'smoke'; known: udp://HOST:PORT"),
        (["--send", "ws://0.0.0.0:9001"], "is open to other computers: add a token"),
        (["--hands", "0"], "hands is 0; it must be 1 or more"),
    ],
)
def test_wrong_usage_is_a_sentence(arguments, sentence, scripted, frames, capfd):
    assert main(["live", "--source", frames, "--camera", NUMBERS, *arguments]) == 2
    assert sentence in capfd.readouterr().err


@pytest.mark.parametrize(
    "names", [["./a.jsonl", "a.jsonl"], ["-", "-"], ["udp://127.0.0.1:9", "udp://127.0.0.1:9"], ["a.bvh", "a-2.bvh"]]
)
def test_two_outputs_that_are_one_are_refused(frames, tmp_path, monkeypatch, capfd, names):
    monkeypatch.chdir(tmp_path)
    assert main(["live", "--source", frames, "--camera", NUMBERS, "--record", "a.mcap", "--send", *names]) == 2
    assert f"two outputs go to {names[1]}; give each a name of its own" in capfd.readouterr().err
    assert list(tmp_path.glob("a.*")) == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.bvh", "a.glb"])
def test_files_that_are_there_are_refused_before_the_session(scripted, frames, tmp_path, capfd, name):
    there = tmp_path / name
    there.write_text("precious")
    assert main(["live", "--source", frames, "--camera", NUMBERS, "--send", str(there)]) == 2
    assert capfd.readouterr().err == f"handkit: {there} exists; give another name\n"
    assert there.read_text() == "precious"
    assert scripted == {}, "no network was opened"


def test_an_animation_that_is_not_written_is_status_1(frames, monkeypatch, tmp_path, capfd):
    short = Script(lambda i: [Seen((0, 0, 500))] if i >= 15 else [])
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: short)
    out = tmp_path / "short.bvh"
    assert main(["live", "--source", frames, "--camera", NUMBERS, "--send", str(out)]) == 1
    assert capfd.readouterr().err.count(f"{out} is not written: no hand was followed for 10 frames\n") == 1
    assert not out.exists()
