"""The report of a recording: its numbers by hand, its worst moments, and nothing outside the file."""

import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import UsageError
from handkit.hand import HandPose
from handkit.reports.recording import RecordingReport
from handkit.skeleton import HAND21
from handkit.sources.source import TimedFrame

CAMERA = Camera(fx=150, fy=150, cx=79.5, cy=59.5, width=160, height=120)
VALUES = np.full((120, 160), 700, np.uint16)


def hand(x: float, confidence: float) -> HandPose:
    turn = np.linspace(0, 2 * np.pi, 21, endpoint=False)
    joints = np.stack([50 * np.cos(turn) + x, 50 * np.sin(turn), np.full(21, 600.0)], axis=-1).astype(np.float32)
    return HandPose(joints, CAMERA.project(joints), "right", confidence, HAND21, np.ones(21, np.float32), 1.0)


def report(path: Path) -> str:
    """40 frames, 10 a second; the hand rests, but for one jump of 8 mm; it is gone in the last ten."""
    with RecordingReport(path) as sink:
        for index in range(40):
            frame = TimedFrame(DepthImage.of(VALUES, CAMERA), index / 10, index, VALUES)
            hands = [hand(8.0 if index == 12 else 0.0, 0.4 if index == 12 else 0.9)] if index < 30 else []
            sink.write(frame, hands)
    return path.read_text(encoding="utf-8")


def test_numbers_by_hand(tmp_path: Path) -> None:
    page = report(tmp_path / "a.html")
    tiles = dict(re.findall(r"<span>([^<]+)</span><b>([^<]+)</b>", page))
    assert tiles["frames"] == "40"
    assert tiles["seconds"] == "3.9"
    assert tiles["frames with a hand"] == "75%"
    assert tiles["mean confidence"] == f"{(29 * 0.9 + 0.4) / 30:.2f}"
    assert tiles["median jitter"] == "0.0 mm"


def test_the_least_sure_moment_comes_first_and_each_second_once(tmp_path: Path) -> None:
    page = report(tmp_path / "a.html")
    captions = re.findall(r"<figcaption>([\d.]+) s, confidence ([\d.]+)</figcaption>", page)
    assert captions[0] == ("1.20", "0.40")
    times = sorted(float(time_s) for time_s, _ in captions)
    assert np.diff(times).min() >= 1


def test_nothing_is_fetched(tmp_path: Path) -> None:
    page = report(tmp_path / "a.html")
    assert not re.search(r'(src|href)="(?!data:)', page)
    with pytest.raises(UsageError, match="exists"):
        RecordingReport(tmp_path / "a.html")


def test_without_a_hand_there_is_still_a_page(tmp_path: Path) -> None:
    with RecordingReport(tmp_path / "a.html") as sink:
        sink.write(TimedFrame(DepthImage.of(VALUES, CAMERA), 0.0, 0, VALUES), [])
    assert "No hand was seen" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_real_browser_shows_it(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser")
    report(tmp_path / "a.html")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,1400"]
    target = tmp_path / "a.png"
    subprocess.run(
        [*command, f"--screenshot={target}", f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "a.html").as_uri()],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    shown = cv2.imread(str(target))
    assert shown is not None
    colors = len(np.unique(shown.reshape(-1, 3), axis=0))
    assert colors > 100, "tiles, charts and pictures are drawn"
