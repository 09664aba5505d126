"""As much of ROS 2's Python as a node needs: what is published is kept, nothing is sent."""

import sys
import types
from types import SimpleNamespace
from typing import Any

import pytest


class Message:
    """Any message: fields by keyword, others made when they are first used."""

    LINE_LIST, ADD, DELETEALL = 5, 0, 3

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> "Message":
        if name.startswith("__"):
            raise AttributeError(name)
        self.__dict__[name] = Message()
        return self.__dict__[name]


class Publisher:
    def __init__(self) -> None:
        self.published: list[Any] = []

    def publish(self, message: Any) -> None:
        self.published.append(message)


class Node:
    """Parameters keep their defaults."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.publishers: dict[str, Publisher] = {}
        self.subscribed: dict[str, Any] = {}
        self.said: list[str] = []

    def declare_parameter(self, name: str, value: Any) -> SimpleNamespace:
        return SimpleNamespace(value=value)

    def create_publisher(self, kind: type, topic: str, depth: int) -> Publisher:
        self.publishers[topic] = Publisher()
        return self.publishers[topic]

    def create_subscription(self, kind: type, topic: str, heard: Any, profile: object) -> None:
        self.subscribed[topic] = heard

    def get_logger(self) -> SimpleNamespace:
        return SimpleNamespace(warning=lambda sentence, **_: self.said.append(sentence))


def install(patch: pytest.MonkeyPatch) -> None:
    """As modules, until the test ends."""
    contents: dict[str, dict[str, Any]] = {
        "rclpy": {"init": lambda: None, "spin": lambda node: None, "try_shutdown": lambda: None},
        "rclpy.node": {"Node": Node},
        "rclpy.qos": {"qos_profile_sensor_data": object()},
        "geometry_msgs.msg": dict.fromkeys(("Point", "Pose", "PoseArray"), Message),
        "sensor_msgs.msg": dict.fromkeys(("CameraInfo", "Image"), Message),
        "visualization_msgs.msg": dict.fromkeys(("Marker", "MarkerArray"), Message),
    }
    for name, names in contents.items():
        package = name.partition(".")[0]
        if package != name and package not in contents:
            patch.setitem(sys.modules, package, types.ModuleType(package))
        module = types.ModuleType(name)
        module.__dict__.update(names)
        patch.setitem(sys.modules, name, module)
