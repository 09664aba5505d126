"""Orbbec, OAK and Record3D on fakes of their packages: what is asked of them, and what is made of the answers."""

import re
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

import handkit
from handkit.errors import MissingExtraError, SourceError, UsageError
from handkit.extras import install_command
from handkit.sources import opening

WALL = (np.arange(48 * 64).reshape(48, 64) % 300 + 600).astype(np.uint16)


def install(monkeypatch: pytest.MonkeyPatch, name: str, **parts: Any) -> None:
    module = ModuleType(name)
    vars(module).update(parts)
    monkeypatch.setitem(sys.modules, name, module)


def first(spec: str, **calibration: Any) -> Any:
    with handkit.open_source(spec, **calibration) as source:
        assert source.live
        return next(iter(source))


class Chain:
    """Answers every call with itself: a pipeline that is put together."""

    def __getattr__(self, name: str) -> "Chain":
        return self

    def __call__(self, *arguments: Any, **named: Any) -> "Chain":
        return self


def fake_orbbec(monkeypatch: pytest.MonkeyPatch, *, cameras: int = 1, scale: float = 0.8) -> None:
    lens = SimpleNamespace(k1=0.1, k2=0.2, k3=0.3, k4=0.4, k5=0.5, k6=0.6, p1=0.001, p2=0.002)
    profile = SimpleNamespace(
        get_intrinsic=lambda: SimpleNamespace(fx=60.0, fy=61.0, cx=31.0, cy=23.0), get_distortion=lambda: lens
    )
    times = iter(range(10**6))
    frame = SimpleNamespace(
        get_height=lambda: 48, get_width=lambda: 64, get_data=lambda: np.frombuffer(WALL.tobytes(), np.uint8),
        get_depth_scale=lambda: float(np.float32(scale)), get_timestamp_us=lambda: 33_000 * next(times),
        get_stream_profile=lambda: SimpleNamespace(as_video_stream_profile=lambda: profile),
    )  # fmt: skip
    pipeline = SimpleNamespace(
        get_stream_profile_list=lambda kind: Chain(), start=lambda config: None, stop=lambda: None,
        wait_for_frames=lambda ms: SimpleNamespace(get_depth_frame=lambda: frame),
    )  # fmt: skip
    devices = SimpleNamespace(
        get_count=lambda: cameras, get_device_by_index=lambda i: i, get_device_by_serial_number=lambda s: s,
        get_device_name_by_index=lambda i: "Gemini", get_device_serial_number_by_index=lambda i: f"A{i}",
    )  # fmt: skip

    class Context:
        logged: ClassVar[list[tuple[str, str]]] = []

        @classmethod
        def set_logger_to_file(cls, level: str, folder: str) -> None:
            cls.logged.append((level, folder))

        def query_devices(self) -> Any:
            assert self.logged[-1] == ("none", ""), "else a folder `Log` appears where one is"
            return devices

    install(
        monkeypatch, "pyorbbecsdk", OBError=type("OBError", (Exception,), {}), Config=Chain, Context=Context,
        Pipeline=lambda device: pipeline, OBSensorType=SimpleNamespace(DEPTH_SENSOR=3),
        OBLogLevel=SimpleNamespace(NONE="none"),
    )  # fmt: skip


def test_orbbec(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_orbbec(monkeypatch)
    frame = first("orbbec")
    camera = frame.image.camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy, camera.unit_mm) == (60, 61, 31, 23, 0.8)
    assert camera.distortion == (0.1, 0.2, 0.001, 0.002, 0.3, 0.4, 0.5, 0.6), "in OpenCV's order"
    np.testing.assert_array_equal(frame.values, WALL)
    assert opening.plugged_in()["orbbec"] == ["Gemini (A0)"]


def test_orbbec_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_orbbec(monkeypatch, cameras=0)
    with pytest.raises(SourceError, match="no Orbbec camera is plugged in"):
        first("orbbec")


def fake_oak(monkeypatch: pytest.MonkeyPatch, *, cameras: int = 1, running: bool = True) -> None:
    matrix = [[60.0, 0.0, 31.0], [0.0, 61.0, 23.0], [0.0, 0.0, 1.0]]
    times = iter(range(10**6))

    def get(wait: timedelta) -> Any:
        if not running:
            return None
        return SimpleNamespace(
            getFrame=lambda: WALL, getTimestampDevice=lambda: timedelta(microseconds=33_000 * next(times)),
            getTransformation=lambda: SimpleNamespace(getIntrinsicMatrix=lambda: matrix),
        )  # fmt: skip

    depth = SimpleNamespace(createOutputQueue=lambda **named: SimpleNamespace(get=get))
    nodes = {"StereoDepth": SimpleNamespace(depth=depth, left=1, right=2), "Camera": Chain()}
    pipeline = SimpleNamespace(
        create=lambda node: nodes[node], start=lambda: None, stop=lambda: None, isRunning=lambda: running
    )
    info = SimpleNamespace(name="OAK-D", getDeviceId=lambda: "1944")
    device = SimpleNamespace(getAllAvailableDevices=lambda: [info] * cameras)
    install(
        monkeypatch, "depthai", Pipeline=lambda device: pipeline,
        Device=type("Device", (), {"__init__": lambda self, info: None, **vars(device)}),
        node=SimpleNamespace(StereoDepth="StereoDepth", Camera="Camera"),
        CameraBoardSocket=SimpleNamespace(CAM_B=1, CAM_C=2),
    )  # fmt: skip


def test_oak(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_oak(monkeypatch)
    frame = first("oak:1944")
    camera = frame.image.camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy, camera.unit_mm) == (60, 61, 31, 23, 1)
    np.testing.assert_array_equal(frame.image.depth, WALL)
    assert opening.plugged_in()["oak"] == ["OAK-D (1944)"]
    with pytest.raises(SourceError, match="no OAK camera is plugged in"):
        first("oak:2000")


def test_oak_that_stops_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from handkit.sources.oak import Oak
    from handkit.sources.source import Calibration

    fake_oak(monkeypatch, running=False)
    device = Oak("", Calibration())
    device.open()
    with pytest.raises(SourceError, match="oak is unplugged"):
        device.read()


class Phone:
    """`Record3DStream`, with depth in m."""

    kind = 0
    depth = (WALL / np.float32(1000)).astype(np.float32)
    on_new_frame: Callable[[], None]
    on_stream_stopped: Callable[[], None]

    @staticmethod
    def get_connected_devices() -> list[Any]:
        return [SimpleNamespace(product_id=42, udid="00ab")]

    def connect(self, device: Any) -> bool:
        self.ended = threading.Event()

        def run() -> None:
            while not self.ended.wait(0.005):
                self.on_new_frame()

        threading.Thread(target=run, daemon=True).start()
        return True

    def disconnect(self) -> None:
        self.ended.set()

    def get_depth_frame(self) -> np.ndarray:
        return self.depth

    def get_rgb_frame(self) -> np.ndarray:
        return np.zeros((48 * 3, 64 * 3, 3), np.uint8)

    def get_intrinsic_mat(self) -> Any:
        return SimpleNamespace(fx=180.0, fy=183.0, tx=94.0, ty=71.5)

    def get_device_type(self) -> int:
        return self.kind


@pytest.mark.parametrize("kind", [0, 1])
def test_record3d(monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    """A point of the depth image is where the pinhole of the color image sees it, mirrored back for TrueDepth."""
    monkeypatch.setattr(Phone, "kind", kind)
    install(monkeypatch, "record3d", Record3DStream=Phone)
    frame = first("record3d")
    camera = frame.image.camera
    # The pixel center 31 of 64 lies at 31.5 / 64 of the width: at 94 of 192.
    assert (camera.fx, camera.fy, camera.cy, camera.unit_mm) == (60, 61, 23.5, 1000)
    assert camera.cx == pytest.approx(31 if kind else 32)
    expected = Phone.depth if kind else Phone.depth[:, ::-1]
    np.testing.assert_array_equal(frame.values, expected)
    assert opening.plugged_in()["record3d"] == ["iOS device 42 (00ab)"]
    with pytest.raises(SourceError, match="1 iPhones or iPads are plugged in"):
        first("record3d:1")
    with pytest.raises(UsageError, match="give its number"):
        first("record3d:mine")


@pytest.mark.parametrize("kind", opening.CAMERAS)
def test_without_the_package_the_command_that_installs_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pyrealsense2", "pyorbbecsdk", "depthai", "record3d"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command(kind))):
        handkit.open_source(kind)
    assert all(isinstance(each, MissingExtraError) for each in opening.plugged_in().values())


def test_by_default_the_one_camera_that_is_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pyrealsense2", "record3d"):
        monkeypatch.setitem(sys.modules, module, None)
    fake_oak(monkeypatch)
    fake_orbbec(monkeypatch, cameras=0)
    told: list[str] = []
    with opening.open_default(depth_scale=0.5, report=told.append) as source:
        assert next(iter(source)).image.camera.unit_mm == 0.5
    assert (source.name, told) == ("oak", ["OAK-D (1944) is plugged in: --source oak"])
    fake_orbbec(monkeypatch, cameras=2)
    with pytest.raises(
        UsageError, match=r"3 cameras .*orbbec Gemini \(A0\), .*\(1944\)\); say which: --source orbbec,"
    ):
        opening.open_default()
