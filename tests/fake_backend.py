"""A backend that knows the truth: hands at given places, without any network."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from handkit.backends.backend import Cubes, Estimates
from handkit.camera import Camera
from handkit.locate import STRIDE, Maps, canonical
from handkit.odds import log_odds
from handkit.skeleton import HAND21, Skeleton

TYPICAL = (
    (0, 0), (20, -22), (48, -54), (66, -80), (76, -100), (25, -85), (28, -125), (29, -149), (30, -166), (4, -86),
    (4, -131), (4, -158), (4, -176), (-15, -80), (-17, -122), (-18, -148), (-19, -166), (-34, -70), (-40, -102),
    (-44, -121), (-46, -136),
)  # fmt: skip
"""x, y (mm) of the joints of a flat right hand, palm to the camera."""
REACH_MM = 120.0


class TrueHand(NamedTuple):
    """A hand and what the networks say of it; `good`, `hand` and `sure` of its own hypothesis."""

    joints: np.ndarray
    left: bool
    score: float = 0.9
    """Objectness for the detector."""
    good: float = 0.9
    hand: float = 0.99
    sure: float = 0.95
    """Probability of its own handedness, by the difference of the two hypotheses."""
    as_other: float = 0.05
    """`good` of the hypothesis of the other side."""


def hand(center: tuple[float, float, float], *, left: bool = False, size: float = 1.0, **said: float) -> TrueHand:
    """A flat hand whose joints' mean is `center`, mm."""
    flat = np.array([(x, y, 0.0) for x, y in TYPICAL], np.float32) * size
    if left:
        flat[:, 0] *= -1
    return TrueHand(flat - flat.mean(0) + np.array(center, np.float32), left, **said)


class FakeBackend:
    """`hands` in front of `camera`; `drift` (mm) moves every answer along x with the cosine of the cube's roll."""

    name, edge_mm = "fake", 280.0

    def __init__(
        self,
        camera: Camera,
        hands: Sequence[TrueHand],
        *,
        has_confidence: bool = True,
        drift: float = 0.0,
        skeleton: Skeleton = HAND21,
    ) -> None:
        self.camera, self.hands, self.has_confidence, self.drift, self.skeleton = (
            camera,
            hands,
            has_confidence,
            drift,
            skeleton,
        )
        self.looked_at: list[Cubes] = []
        self.searches = 0

    def detect(self, depth: np.ndarray) -> Maps:
        self.searches += 1
        camera = self.camera
        taken = np.zeros((camera.height, camera.width), np.float32)
        fx, fy, cx, cy = canonical(taken, (camera.fx, camera.fy, camera.cx, camera.cy)).intrinsics
        rows, columns = (size // STRIDE for size in depth.shape)
        empty = np.zeros((rows, columns), np.float32)
        maps = Maps(np.full_like(empty, -12), np.stack([empty, empty]), np.full_like(empty, 600), empty.copy())
        for each in self.hands:
            x, y, z = each.joints.mean(0)
            place = (np.array([x / z * fx + cx, y / z * fy + cy]) + 0.5) / STRIDE - 0.5
            column, row = np.rint(place).astype(int)
            maps.heat[row, column] = log_odds(each.score)
            maps.offset[:, row, column] = place - (column, row)
            maps.depth[row, column] = z
            maps.left[row, column] = log_odds(0.9 if each.left else 0.1)
        return maps

    def estimate(self, depth: np.ndarray, camera: Camera, cubes: Cubes) -> Estimates:
        assert camera == self.camera.pinhole
        self.looked_at.append(cubes)
        rows = [self._row(*cube) for cube in zip(*cubes, strict=True)]
        joints, *odds = (np.array(part, np.float32) for part in zip(*rows, strict=True))
        if not self.has_confidence:
            odds = [np.zeros_like(part) for part in odds]
        return Estimates(joints, camera.project(joints), np.full(joints.shape[:2], 5, np.float32), *odds)

    def _row(self, center: np.ndarray, mirrored: bool, roll: float) -> tuple[np.ndarray, float, float, float]:
        near = [each for each in self.hands if np.linalg.norm(each.joints.mean(0) - center) < REACH_MM]
        if not near:
            return np.tile(center, (21, 1)), log_odds(0.01), log_odds(0.01), 0.0
        seen = min(near, key=lambda each: float(np.linalg.norm(each.joints.mean(0) - center)))
        own = seen.left == mirrored
        joints = seen.joints.copy()
        if not own:  # the same hand, bent into one of the other side
            joints[:, 0] = 2 * joints[:, 0].mean() - joints[:, 0]
        joints[:, 0] += self.drift * np.cos(roll)
        side = log_odds(seen.sure) / 2
        return joints, log_odds(seen.good if own else seen.as_other), log_odds(seen.hand), side if own else -side
