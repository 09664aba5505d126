"""A scripted world for the tracker: hands that are where a script says, and an estimator that sees them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from handkit import Camera, DepthImage
from handkit.hand import HandPose, Prediction
from handkit.skeleton import HAND21
from handkit.sources import TimedFrame

CAMERA = Camera(fx=100.0, fy=100.0, cx=31.5, cy=23.5, width=64, height=48)
HALF_EDGE = 100.0


def hand_at(center, *, left=False, bend=0.0) -> np.ndarray:
    """A flat right hand with spread fingers, palm to the camera, fingers up; a left one is its mirror image."""
    joints = np.zeros((21, 3))
    for finger in range(5):
        angle = np.radians(50 - 25 * finger)
        direction = np.array([np.sin(angle), -np.cos(angle), 0.0])
        for part in range(4):
            joints[1 + 4 * finger + part] = direction * (40 + 30 * part)
    joints[:, 2] -= bend * np.abs(joints[:, 1])
    joints -= joints.mean(0)
    if left:
        joints[:, 0] *= -1
    return (joints + np.asarray(center, float)).astype(np.float32)


class Seen(NamedTuple):
    """One hand in view in one frame."""

    center: Sequence[float]
    left: bool = False
    confidence: float = 0.95
    side: float = 0.95
    """Probability of its own handedness by a look at both hypotheses in this frame."""
    visible: bool = True
    mistaken: float = 0.1
    """Share of the confidence that the hypothesis of the other side has."""


class Script:
    """An estimator whose frames are numbered by their only depth value, and that counts its work."""

    def __init__(self, hands: Callable[[int], Sequence[Seen]], *, noise_mm=0.0):
        self.hands, self.noise_mm = hands, noise_mm
        self.searches: list[int] = []
        self.looks = 0
        self.rotations = []

    def run(self, image, *, hands, handedness, minimum_confidence, known):
        number = self.number(image)
        self.searches.append(number)
        found = [self.pose(each, number, None) for each in self.hands(number) if each.visible]
        found = [each for each in found if all(np.linalg.norm(each.center - other) > 25 for other in known)]
        if handedness != "auto":
            found = [each for each in found if each.handedness == handedness]
        sure = [each for each in found if each.confidence >= minimum_confidence]
        sure.sort(key=lambda each: -each.confidence)
        return Prediction(sure[:hands], None if sure else "nothing there", {"total": 1.0})

    def follow(self, image, centers, *, left, rotations):
        self.rotations.append(rotations)
        return [self.look(self.number(image), center, side) for center, side in zip(centers, left, strict=True)]

    def look(self, number, center, side):
        self.looks += 2 if side is None else 1
        near = [each for each in self.hands(number) if each.visible]
        near = [each for each in near if np.abs(np.asarray(each.center) - center).max() < HALF_EDGE]
        if not near:
            return self.pose(Seen(center, bool(side), confidence=0.02), number, side)
        if side is not None and any(each.left == side for each in near):
            near = [each for each in near if each.left == side]
        nearest = min(near, key=lambda each: np.linalg.norm(np.asarray(each.center) - center))
        return self.pose(nearest, number, side)

    def pose(self, seen, number, side):
        left = (seen.left if seen.side >= 0.5 else not seen.left) if side is None else side
        likely = max(seen.side, 1 - seen.side) if side is None else 1.0
        good = seen.confidence * (1.0 if left == seen.left else seen.mistaken)
        noise = np.random.default_rng(number).normal(0, self.noise_mm, (21, 3)) if self.noise_mm else 0.0
        joints = (hand_at(seen.center, left=left) + noise).astype(np.float32)
        return HandPose(
            joints, CAMERA.project(joints), "left" if left else "right", good, HAND21,
            np.full(21, 5.0, np.float32), likely,
        )  # fmt: skip

    @staticmethod
    def number(image):
        return int(image.depth[0, 0]) - 500


def frame(number, *, time_s=None, camera=CAMERA):
    """The script's frame of this number, 30 frames a second."""
    depth = np.full((camera.height, camera.width), 500 + number, np.uint16)
    image = DepthImage(depth.astype(np.float32), camera)
    return TimedFrame(image, number / 30 if time_s is None else time_s, number, depth)
