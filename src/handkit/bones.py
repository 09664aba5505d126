"""The bone lengths of one hand: learned over its first seconds, then held."""

import numpy as np

from handkit.shapes import Float32, Float64
from handkit.skeleton import Skeleton

LEARN = 60
"""Poses from which the lengths are learned: two seconds at 30 frames a second."""
STEPS = 3
"""Of Newton's method: after them the bones are within 0.1 mm of their lengths."""


class BoneLengths:
    """Medians of the lengths of the first poses; once they are known, poses are moved as little as will give them."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._starts, self._ends = np.array(skeleton.bones).T
        self._signs = np.zeros((len(skeleton.bones), len(skeleton)))
        rows = np.arange(len(skeleton.bones))
        self._signs[rows, self._starts], self._signs[rows, self._ends] = -1.0, 1.0
        self._seen: list[Float64[np.ndarray, " bones"]] = []
        self.lengths_mm: Float64[np.ndarray, " bones"] | None = None
        """None until they are known."""

    def learn(self, joints_mm: Float32[np.ndarray, "J 3"]) -> None:
        """From a pose that is sure; after `LEARN` of them nothing changes any more."""
        if self.lengths_mm is not None:
            return
        self._seen.append(self._skeleton.bone_lengths(joints_mm.astype(np.float64)))
        if len(self._seen) == LEARN:
            self.lengths_mm = np.median(self._seen, axis=0)
            self._seen.clear()

    def hold(
        self, joints_mm: Float32[np.ndarray, "J 3"], uncertainty_mm: Float32[np.ndarray, " J"]
    ) -> Float32[np.ndarray, "J 3"]:
        """The nearest joints whose bones have the lengths, where a joint counts the more, the surer it is.

        Newton's method on the constraints |end - start| = length, in the metric of 1 / uncertainty². As they are until
        the lengths are known.
        """
        if self.lengths_mm is None:
            return joints_mm
        variance = (
            np.where(np.isfinite(uncertainty_mm) & (uncertainty_mm > 0.1), uncertainty_mm, 1.0).astype(float) ** 2
        )
        joints = joints_mm.astype(np.float64)
        for _ in range(STEPS):
            bones = joints[self._ends] - joints[self._starts]
            lengths = np.maximum(np.linalg.norm(bones, axis=1), 1e-3)
            directions = bones / lengths[:, None]
            coupled = (self._signs * variance) @ self._signs.T * (directions @ directions.T)
            coupled.flat[:: len(lengths) + 1] += 1e-6
            force = np.linalg.solve(coupled, self.lengths_mm - lengths)
            joints = joints + variance[:, None] * (self._signs.T @ (force[:, None] * directions))
        return joints.astype(np.float32)
