"""Hands of a depth topic as PoseArrays and as markers, for ROS 2.

Subscribes to `depth` (sensor_msgs/Image, 16UC1 or 32FC1) and `camera_info`; publishes `hands/left` and `hands/right`
(geometry_msgs/PoseArray: 21 joints in the order of MediaPipe, m, in the frame of the depth image; orientations are not
estimated) and `hands/markers` (visualization_msgs/MarkerArray) for RViz:

    python examples/ros2_node.py --ros-args -r depth:=/camera/depth/image_rect_raw \\
        -r camera_info:=/camera/depth/camera_info

Needs ROS 2 and handkit. Tested against a stand-in for rclpy; it was not run on a robot.
"""

# pyright: basic, reportMissingImports=false

import contextlib

import rclpy
from geometry_msgs.msg import Point, Pose, PoseArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from visualization_msgs.msg import Marker, MarkerArray

from handkit import Camera, DepthImage, HandkitError, HandPoseEstimator, HandTracker, TrackedHand
from handkit.recordings.messages import pixels_of, stamp_ns

METERS = {"32FC1": 1000.0, "64FC1": 1000.0}
"""mm of one unit; 16-bit images are in mm (REP 118)."""
COLORS = {"left": (0.2, 0.6, 1.0), "right": (1.0, 0.6, 0.2)}
BONE_M = 0.006
NS = 10**9


class HandNode(Node):
    """Tracks the hands of a depth topic."""

    def __init__(self) -> None:
        super().__init__("handkit")
        hands = self.declare_parameter("hands", 2).value
        weights = self.declare_parameter("weights", "latent-fusion").value
        self.tracker = HandTracker(HandPoseEstimator.from_pretrained(weights), hands=hands, report=self._warn)
        self.info: CameraInfo | None = None
        self.poses = {side: self.create_publisher(PoseArray, f"hands/{side}", 1) for side in COLORS}
        self.markers = self.create_publisher(MarkerArray, "hands/markers", 1)
        self.create_subscription(CameraInfo, "camera_info", self.on_camera_info, qos_profile_sensor_data)
        self.create_subscription(Image, "depth", self.on_depth, qos_profile_sensor_data)

    def on_camera_info(self, info: CameraInfo) -> None:
        self.info = info

    def on_depth(self, message: Image) -> None:
        """One frame: a message for each side, empty where no such hand is seen."""
        if self.info is None:
            return self._warn("no camera_info yet")
        try:
            camera = Camera.from_ros(self.info, unit_mm=METERS.get(message.encoding, 1.0))
            image = DepthImage.of(pixels_of(message), camera)
        except HandkitError as error:
            return self._warn(str(error))
        hands = [hand for hand in self.tracker.track(image, stamp_ns(message) / NS) if hand.tracked]
        for side, publisher in self.poses.items():
            seen = [hand for hand in hands if hand.handedness == side]
            surest = max(seen, key=lambda hand: hand.confidence, default=None)
            publisher.publish(PoseArray(header=message.header, poses=_poses(surest)))
        everything = Marker(header=message.header, action=Marker.DELETEALL)
        self.markers.publish(MarkerArray(markers=[everything, *(_marker(hand, message) for hand in hands)]))

    def _warn(self, sentence: str) -> None:
        self.get_logger().warning(sentence, throttle_duration_sec=5.0)


def _poses(hand: TrackedHand | None) -> list[Pose]:
    return [] if hand is None else [Pose(position=_point(joint)) for joint in hand.joints_mm.tolist()]


def _marker(hand: TrackedHand, message: Image) -> Marker:
    """Bones as lines."""
    marker = Marker(header=message.header, ns=hand.handedness, id=hand.id, type=Marker.LINE_LIST, action=Marker.ADD)
    marker.scale.x = BONE_M
    marker.color.r, marker.color.g, marker.color.b = COLORS[hand.handedness]
    marker.color.a = 1.0
    joints = hand.joints_mm.tolist()
    marker.points = [_point(joints[end]) for bone in hand.skeleton.bones for end in bone]
    return marker


def _point(joint_mm: list[float]) -> Point:
    x, y, z = (value / 1000 for value in joint_mm)
    return Point(x=x, y=y, z=z)


def main() -> None:
    """Spin until Ctrl-C."""
    rclpy.init()
    with contextlib.suppress(KeyboardInterrupt):
        rclpy.spin(HandNode())
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
