"""RealSense through the vendor's own software device: frames are injected, no camera is needed."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handkit
from handkit.errors import SourceError
from handkit.sources import live, realsense

rs: Any = pytest.importorskip("pyrealsense2", exc_type=ImportError)  # libusb may be missing

WIDTH, HEIGHT = 320, 240
UNIT_M = 0.0005


class Camera:
    """A software device with one depth sensor, and what feeds it."""

    def __init__(self) -> None:
        self.device = rs.software_device()
        self.sensor = self.device.add_sensor("Depth")
        stream = rs.video_stream()
        stream.type, stream.index, stream.uid = rs.stream.depth, 0, 0
        stream.width, stream.height, stream.fps, stream.bpp, stream.fmt = WIDTH, HEIGHT, 30, 2, rs.format.z16
        k = rs.intrinsics()
        k.width, k.height, k.fx, k.fy, k.ppx, k.ppy = WIDTH, HEIGHT, 300.5, 301.5, 160.25, 120.75
        k.model, k.coeffs = rs.distortion.brown_conrady, [0.01, -0.02, 0.0, 0.0, 0.0]
        stream.intrinsics = k
        self.profile = self.sensor.add_video_stream(stream).as_video_stream_profile()
        self.sensor.add_read_only_option(rs.option.depth_units, UNIT_M)
        self.device.register_info(rs.camera_info.name, "Software D400")
        self.device.register_info(rs.camera_info.serial_number, "0123")

    def give(self, number: int) -> None:
        frame = rs.software_video_frame()
        frame.pixels, frame.stride, frame.bpp = values(number), WIDTH * 2, 2
        frame.frame_number, frame.timestamp, frame.domain = number, number * 33.25, rs.timestamp_domain.hardware_clock
        frame.profile, frame.depth_units = self.profile, UNIT_M
        self.sensor.on_video_frame(frame)

    def feed(self, going: Callable[[], bool]) -> None:
        number = 0
        while going():
            self.give(number)
            number += 1
            time.sleep(0.01)


def values(number: int) -> np.ndarray:
    return np.random.default_rng(number % 5).integers(1000, 1800, (HEIGHT, WIDTH)).astype(np.uint16)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[Camera]:
    """Plugged in, and giving frames while `plugged` is set."""
    made = Camera()
    plugged, ended = threading.Event(), threading.Event()
    plugged.set()
    made.plugged = plugged  # pyright: ignore

    def run() -> None:
        while not ended.is_set():
            made.feed(lambda: plugged.is_set() and not ended.is_set())
            time.sleep(0.01)

    monkeypatch.setattr(realsense, "_devices", lambda rs: [made.device] if plugged.is_set() else [])
    monkeypatch.setattr(realsense, "WAIT_MS", 100)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield made
    ended.set()
    thread.join()


def test_depth_unit_lens_and_time_are_the_cameras_own(camera: Camera) -> None:
    with handkit.open_source("realsense") as source:
        assert source.live
        frames = [frame for frame, _ in zip(source, range(3), strict=False)]
    for frame in frames:
        number = next(each for each in range(5) if (values(each) == frame.values).all())
        assert number in range(5), "as it was injected, to the last bit"
        taken = frame.image.camera
        assert (taken.fx, taken.fy, taken.cx, taken.cy) == (300.5, 301.5, 160.25, 120.75)
        assert (taken.width, taken.height, taken.unit_mm) == (WIDTH, HEIGHT, 0.5)
        np.testing.assert_allclose(taken.distortion or (), [0.01, -0.02, 0, 0], rtol=1e-6)
    steps = np.diff([frame.time_s for frame in frames]) / 0.03325
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)


def test_a_camera_is_chosen_by_its_serial_number(camera: Camera) -> None:
    assert realsense.found() == ["Software D400 (0123)"]
    with handkit.open_source("realsense:0123") as source:
        next(iter(source))
    with (
        pytest.raises(SourceError, match="no RealSense camera with the serial number 77 is plugged in"),
        handkit.open_source("realsense:77"),
    ):
        pass


def test_unplugged_in_mid_stream_it_waits_and_comes_back(camera: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "AGAIN_S", 0.05)
    monkeypatch.setattr(live, "SILENT_S", 0.3)
    told: list[str] = []
    with handkit.open_source("realsense", report=told.append) as source:
        frames = iter(source)
        first = next(frames)
        camera.plugged.clear()
        threading.Timer(0.8, camera.plugged.set).start()
        later = [next(frames) for _ in range(5)]
    assert later[-1].index > first.index
    assert told == ["realsense has given no frame for 0.3 s; waiting for the camera", "realsense is back"]


def recorded(path: Path, count: int) -> Path:
    """As the vendor's recorder writes it."""
    camera = Camera()
    recorder = rs.recorder(str(path), camera.device)
    sensor = recorder.query_sensors()[0]
    sensor.open(sensor.get_stream_profiles()[0])
    waiting = rs.frame_queue(50)
    sensor.start(waiting)
    for number in range(count):
        camera.give(number)
        time.sleep(0.005)
    sensor.stop()
    sensor.close()
    return path


def test_a_recording_gives_every_frame_bit_for_bit(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.db3", 12)
    told: list[str] = []
    with handkit.open_source(str(path), report=told.append) as source:
        assert not source.live
        frames = list(source)
    assert (len(frames), told) == (12, [])
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.values, values(number))
        assert frame.time_s == pytest.approx(number * 0.03325, abs=1e-9)
    assert frames[0].image.camera.unit_mm == 0.5


def test_a_recording_that_is_slowly_looked_at_drops_nothing(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.db3", 6)
    with handkit.open_source(str(path)) as source:
        frames = [(frame, time.sleep(0.08))[0] for frame in source]
    assert len(frames) == 6


def test_what_is_no_recording(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.db3", 6)
    (tmp_path / "cut.db3").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (tmp_path / "text.bag").write_text("something else")
    for name in ("cut.db3", "text.bag"):
        with pytest.raises(SourceError, match="is no whole RealSense recording"):
            handkit.open_source(str(tmp_path / name))
    with pytest.raises(SourceError, match="does not exist"):
        handkit.open_source(str(tmp_path / "none.db3"))
