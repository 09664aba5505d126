"""Viewers: files that can be opened and show what was given."""

import os
import re
import signal
import socket
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import full_disk

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import MissingExtraError, SinkError, UsageError
from handkit.extras import install_command
from handkit.hand import HandPose
from handkit.skeleton import HAND21
from handkit.sources.source import TimedFrame
from handkit.viewing import open_viewer, window
from handkit.viewing.opening import Viewer
from handkit.viewing.rerun import RerunViewer

CAMERA = Camera(fx=150, fy=150, cx=79.5, cy=59.5, width=160, height=120)


def frame(index: int) -> TimedFrame:
    values = np.full((120, 160), 900, np.uint16)
    values[40:80, 50 + index : 90 + index] = 500
    return TimedFrame(DepthImage.of(values, CAMERA), index * 0.05, index, values)


def hand(index: int) -> HandPose:
    turn = np.linspace(0, 2 * np.pi, 21, endpoint=False)
    joints = np.stack([60 * np.cos(turn) + index, 60 * np.sin(turn), np.full(21, 500.0)], axis=-1).astype(np.float32)
    spread = np.full(21, 5, np.float32)
    return HandPose(joints, CAMERA.project(joints), "left", 0.75, HAND21, spread, 0.9)


def write(viewer: Viewer, count: int) -> None:
    with viewer:
        for index in range(count):
            viewer.write(frame(index), [hand(index)] if index % 4 else [])


@pytest.mark.parametrize("count", [1, 12, 40])
def test_a_video_has_every_frame_at_the_pace_of_the_times(tmp_path: Path, count: int) -> None:
    write(open_viewer(str(tmp_path / "a.mp4")), count)
    video = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == count
    assert (video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (640, 480)
    if count > 1:
        assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(20)


def test_a_gif(tmp_path: Path) -> None:
    write(open_viewer(str(tmp_path / "a.gif")), 6)
    read, animation = cv2.imreadanimation(str(tmp_path / "a.gif"))
    assert read
    assert len(animation.frames) == 6
    assert list(animation.durations) == [50] * 6


def test_names_that_are_no_view(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no view; give a name that ends in"):
        open_viewer("a.avi")
    (tmp_path / "a.mp4").touch()
    with pytest.raises(UsageError, match="exists; give the video another name"):
        open_viewer(str(tmp_path / "a.mp4"))


def test_without_rerun_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("view"))):
        open_viewer("a.rrd")


def test_rerun_gets_depth_hands_confidence_and_times(tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    import subprocess

    timings_ms = {"follow": 5.0, "search": 20.0}
    write(open_viewer(str(tmp_path / "a.rrd"), timings_ms=timings_ms), 8)
    command = [str(Path(sys.executable).with_name("rerun")), "rrd", "print", str(tmp_path / "a.rrd")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in (
        "/world/camera/depth",
        "/world/hands/0/joints",
        "/world/hands/0/cube",
        "/confidence/0",
        "/times/search",
    ):
        assert name in printed, printed[:2000]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Where nobody listens yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    monkeypatch.setattr(window, "PORT", number)
    monkeypatch.setenv("DISPLAY", ":0")
    return number


def test_a_window_that_does_not_start_is_a_sentence(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rerun")
    monkeypatch.setattr(window, "_command", lambda: [sys.executable, "-c", "import sys; sys.exit(1)"])
    with pytest.raises(SinkError, match="rerun's window does not open"), open_viewer():
        pass


def test_a_window_that_is_closed_is_a_sentence(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """rerun's own server in place of its window, which needs a screen; no PATH leads to it."""
    pytest.importorskip("rerun")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("handkit.viewing.rerun.LOOK_S", 0.0)
    monkeypatch.setattr(window, "_command", lambda: [sys.executable, "-m", "rerun_cli", "--serve-grpc"])
    viewer = open_viewer()
    with viewer:
        assert isinstance(viewer, RerunViewer)
        for index in range(5):
            viewer.write(frame(index), [hand(index)])
        assert window.RerunWindow.open().process is None, "the one that is there"
        process = viewer._window.process  # pyright: ignore
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with pytest.raises(SinkError, match="rerun's window was closed"):  # noqa: PT012
            for index in range(5, 100):
                viewer.write(frame(index), [hand(index)])


def test_only_this_computer_is_listened_to(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rerun")
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("no table of sockets here")
    monkeypatch.setattr(window, "_command", lambda: [sys.executable, "-m", "rerun_cli", "--serve-grpc"])
    process = window.RerunWindow.open().process
    assert process is not None
    try:
        assert [line.split()[1] for line in table.read_text().splitlines() if f":{port:04X} 00000000:0000" in line] == [
            f"0100007F:{port:04X}"
        ]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_gif_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handkit.viewing.video.MOST_GIF_FRAMES", 4)
    with pytest.raises(SinkError, match=r"ends early, with 4 frames: give a name in .mp4 for more"):
        write(open_viewer(str(tmp_path / "a.gif")), 6)
    read, animation = cv2.imreadanimation(str(tmp_path / "a.gif"))
    assert (read, len(animation.frames)) == (True, 4)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.rrd"])
def test_a_full_disk_leaves_no_broken_file(tmp_path: Path, name: str) -> None:
    if name == "a.rrd":
        pytest.importorskip("rerun")
    with full_disk(4_000), pytest.raises(SinkError, match=r"full|too large"):
        write(open_viewer(str(tmp_path / name)), 40)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_rerun_shows_it(tmp_path: Path) -> None:
    """A screenshot without a display: the near box in blue, the wall in yellow and green, the cube's edges in gray."""
    pytest.importorskip("rerun")
    import subprocess

    if not list(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*")):
        pytest.skip("no software Vulkan here: apt-get install mesa-vulkan-drivers")
    write(open_viewer(str(tmp_path / "a.rrd")), 4)
    command = [str(Path(sys.executable).with_name("rerun")), str(tmp_path / "a.rrd"), "--headless", "--port", "0"]
    command += ["--window-size", "800x500", "--screenshot-to", str(tmp_path / "a.png")]
    subprocess.run(command, check=True, timeout=200, capture_output=True)
    shown = cv2.imread(str(tmp_path / "a.png"))
    assert shown is not None
    space = shown[:, : int(shown.shape[1] * 0.55)].astype(int)
    blue, green, red = space[..., 0], space[..., 1], space[..., 2]
    assert ((blue > 150) & (blue > red + 80)).mean() > 0.002, "the box"
    assert ((green > 150) & (green > blue + 80)).mean() > 0.05, "the wall"
