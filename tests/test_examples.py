"""The examples do what they say; without a robot, Blender where it is installed as a module."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import fake_ros
import numpy as np
import pytest
import tomllib
from sinks.moving import moments

from handkit import open_source
from handkit.camera import Camera
from handkit.errors import SourceError
from handkit.files.png import decode_image
from handkit.recordings import messages
from handkit.sinks import Moment, open_sink
from handkit.sources import opening

EXAMPLES = Path(__file__).parents[1] / "examples"
RECORDING = Path(__file__).parents[1] / "src/handkit/recording"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_message(value: Any) -> Any:
    """Nested mappings as messages have them."""
    return SimpleNamespace(**{k: as_message(v) for k, v in value.items()}) if isinstance(value, dict) else value


def test_the_example_trains_measures_and_draws(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "train.py", "64", tmp_path / "run"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=250, check=True).stdout
    assert " mm after 64 samples" in said
    assert (tmp_path / "run/weights.safetensors").exists()
    assert (tmp_path / "run/frame.png").stat().st_size > 5_000
    assert len((EXAMPLES / "train.py").read_text(encoding="utf-8").splitlines()) <= 30


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Any:
    fake_ros.install(monkeypatch)
    return load("ros2_node").HandNode()


@pytest.mark.parametrize("in_meters", [False, True])
def test_ros_node_publishes_meters_in_the_frame_of_the_image(node: Any, in_meters: bool) -> None:
    camera = Camera.named("sr300")
    values = decode_image((RECORDING / "00.png").read_bytes())
    assert values is not None
    truth = json.loads((RECORDING / "labels.jsonl").read_text().partition("\n")[0])["hands"][0]["joints_mm"]
    if in_meters:
        values, camera = values.astype(np.float32) / 1000, replace(camera, unit_mm=1000.0)
    node.subscribed["camera_info"](as_message(messages.camera_info(camera, 0)))
    node.subscribed["depth"](as_message(messages.image(values, camera, 10**9)))
    (right,), (left,) = (node.publishers[f"hands/{side}"].published for side in ("right", "left"))
    assert (len(right.poses), len(left.poses)) == (21, 0)
    joints = np.array([[pose.position.x, pose.position.y, pose.position.z] for pose in right.poses])
    assert np.linalg.norm(1000 * joints - truth, axis=1).mean() < 20
    assert right.header.frame_id == messages.OPTICAL_FRAME
    (markers,) = node.publishers["hands/markers"].published
    cleared, bones = markers.markers
    assert cleared.action == fake_ros.Message.DELETEALL
    assert (len(bones.points), bones.ns) == (40, "right")
    assert [bones.points[1].x, bones.points[1].y] == pytest.approx(joints[1, :2])


def test_ros_node_says_what_is_wrong_and_goes_on(node: Any) -> None:
    camera = Camera(fx=100.0, fy=100.0, cx=10.0, cy=10.0, width=20, height=20)
    message = as_message(messages.image(np.full((20, 20), 5000, np.uint16), camera, 0))
    node.subscribed["depth"](message)
    node.subscribed["camera_info"](as_message(messages.camera_info(camera, 0)))
    message.encoding = "rgb8"
    node.subscribed["depth"](message)
    message.encoding = "16UC1"
    node.subscribed["depth"](message)
    assert node.said[0] == "no camera_info yet"
    assert node.said[1].startswith("an image is 'rgb8'")
    assert [len(each.poses) for each in node.publishers["hands/right"].published] == [0]


def test_teleoperation_follows_the_hand_it_took_up() -> None:
    """Of `handkit live --send udp://`: the offset is how far the wrist went since, whatever came between."""
    robot = load("teleoperation").Teleoperation()
    sent = moments()
    goals = [robot.goal(json.loads(moment.datagram())) for moment in sent]
    right = [moment.hands[0].joints_mm[0] for moment in sent]
    assert all(goals)
    assert goals[0]["offset_mm"] == [0, 0, 0]
    assert goals[-1]["offset_mm"] == pytest.approx(right[-1] - right[0], abs=0.3)
    assert np.ptp([goal["grip"] for goal in goals]) < 0.2

    nothing = json.loads(Moment(30, 6.0, []).datagram())
    assert robot.goal(nothing) is None
    again = robot.goal(json.loads(sent[0].datagram()))
    assert again["offset_mm"] == goals[-1]["offset_mm"]  # taken up elsewhere: the tool stays


def test_grip_is_open_and_closed() -> None:
    grip = load("teleoperation").grip
    hand = [[0.0, 0.0, 0.0] for _ in range(21)]
    hand[9] = [0.0, 90.0, 0.0]
    hand[8] = [100.0, 0.0, 0.0]
    assert grip(hand) == 0
    hand[8] = [10.0, 0.0, 0.0]
    assert grip(hand) == 1


def test_teleoperation_listens() -> None:
    command = [sys.executable, EXAMPLES / "teleoperation.py", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listening:
        assert listening.stdout is not None
        assert listening.stderr is not None
        address = listening.stderr.readline().split()[-1]
        with open_sink(address) as sink:
            sink.write(moments()[-1])
        goal = json.loads(listening.stdout.readline())
        listening.terminate()
    assert set(goal) == {"time_s", "offset_mm", "grip"}


@pytest.mark.extra
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="needs Blender as a module: pip install bpy")
def test_blender_moves_the_bones_as_the_hands_moved(tmp_path: Path) -> None:
    with open_sink(str(tmp_path / "hands.glb")) as sink:
        for moment in moments():
            sink.write(moment)
    command = [sys.executable, EXAMPLES / "blender_hands.py", "--", tmp_path / "hands.glb", tmp_path / "hands.blend"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "52 bones, 30 frames" in said
    look = (
        f"import bpy; bpy.ops.wm.open_mainfile(filepath={str(tmp_path / 'hands.blend')!r}); scene = bpy.context.scene\n"
        "(armature,) = [each for each in scene.objects if each.type == 'ARMATURE']\n"
        "for frame in (0, 29):\n"
        "    scene.frame_set(frame)\n"
        "    print('WRIST', *armature.matrix_world @ armature.pose.bones['hand_1_right_wrist'].head)"
    )
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=120, check=True).stdout
    wrists = np.array([line.split()[1:] for line in told.splitlines() if line.startswith("WRIST")], float)
    for wrist, moment in zip(wrists, (moments()[0], moments()[-1]), strict=True):
        x, y, z = moment.hands[0].joints_mm[0]
        assert wrist * 1000 == pytest.approx([x, z, -y], abs=3)


class Video:
    """OpenCV's capture of one 16-bit video device, number 2."""

    def __init__(self, number: int, _: int) -> None:
        self.number, self.settings = number, dict[int, float]()

    def set(self, key: int, value: float) -> None:
        self.settings[key] = value

    def isOpened(self) -> bool:  # noqa: N802
        return self.number == 2

    def read(self) -> tuple[bool, np.ndarray]:
        assert self.settings == {cv2.CAP_PROP_FOURCC: 540422490, cv2.CAP_PROP_CONVERT_RGB: 0}, "Z16 and a blank"
        return True, np.full((48, 64), 700, np.uint16)

    def release(self) -> None:
        self.number = -1


def test_a_source_of_one_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its entry point, as its own pyproject.toml has it."""
    module = load("own_camera/z16")
    project = tomllib.loads((EXAMPLES / "own_camera/pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, value),) = project["entry-points"][opening.GROUP].items()
    point = EntryPoint(name, value, opening.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: getattr(module, self.attr))
    monkeypatch.setattr(opening, "entry_points", lambda group, name=name: [point] if name == "z16" else [])
    monkeypatch.setattr(cv2, "VideoCapture", Video)
    with open_source("z16:2", camera="60,60,31.5,23.5", depth_scale=0.5) as source:
        frame = next(iter(source))
    assert (frame.image.camera.fx, frame.image.depth.max()) == (60.0, 350.0)
    with pytest.raises(SourceError, match="no video device 3"), open_source("z16:3", camera="60,60,31.5,23.5"):
        pass
    with pytest.raises(SourceError, match="z16:a is no number"):
        open_source("z16:a")
