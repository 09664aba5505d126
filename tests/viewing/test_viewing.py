"""Viewers: files that can be opened and show what was given."""

import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import MissingExtraError, UsageError
from handkit.extras import install_command
from handkit.hand import HandPose
from handkit.skeleton import HAND21
from handkit.sources.source import TimedFrame
from handkit.viewing import open_viewer
from handkit.viewing.opening import Viewer

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
