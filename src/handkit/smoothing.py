"""Smoothing over time: a Kalman filter for points at constant velocity, of a hand's center apart from its joints.

The model is the discrete white noise acceleration model, 6.3.2 in Bar-Shalom, Li, Kirubarajan: Estimation with
Applications to Tracking and Navigation, 2001 (https://doi.org/10.1002/0471221279). Its acceleration grows with a
point's speed, as the cutoff of the One Euro filter does (https://gery.casiez.net/1euro/): calm at rest, without lag in
motion. One Euro itself, whose answer trails behind every motion, was measured beside it: `results/live.md`.
"""

from typing import NamedTuple

import numpy as np

from handkit.shapes import Float32, Float64

GATE = 1.5
"""Of standard deviations: what a point is farther from where it was expected is a motion that has just begun."""
FIRST_MM_S = 200.0
"""Standard deviation of the velocity of a point that is new."""
LEAST_MM, CENTER_MM, UNKNOWN_MM = 0.5, 1.0, 2.5
"""Standard deviations of what is measured: at least, of a hand's center, of a joint where nothing is said."""


class Motion(NamedTuple):
    """Points, and where they go."""

    points: Float64[np.ndarray, "N 3"]
    velocity: Float64[np.ndarray, "N 3"]
    """mm/s."""


class SteadyFilter:
    """Smooths points whose velocity changes by `rest_mm_s2`, and `per_speed` (1/s) of their speed, each second.

    A point's speed is the length of its velocity, so that the filter does not depend on the axes.
    """

    def __init__(self, *, rest_mm_s2: float, per_speed: float) -> None:
        self.rest_mm_s2, self.per_speed = rest_mm_s2, per_speed
        self.motion: Motion | None = None
        # Of a coordinate: its variance, that of its velocity, and what both have in common.
        self._place: Float64[np.ndarray, " N"]
        self._speed: Float64[np.ndarray, " N"]
        self._mixed: Float64[np.ndarray, " N"]

    def update(
        self, points: Float64[np.ndarray, "N 3"], deviation_mm: Float64[np.ndarray, " N"], elapsed_s: float
    ) -> Motion:
        """The points `elapsed_s` (positive) after those before, measured to `deviation_mm`; the first as they are."""
        noise = deviation_mm**2
        if self.motion is None:
            self._place, self._mixed = noise, np.zeros_like(noise)
            self._speed = np.full_like(noise, FIRST_MM_S**2)
            self.motion = Motion(points, np.zeros_like(points))
            return self.motion
        before, velocity = self.motion
        place = self._place + (2 * self._mixed + self._speed * elapsed_s) * elapsed_s
        mixed = self._mixed + self._speed * elapsed_s
        surprise = points - (before + velocity * elapsed_s)
        sudden = np.linalg.norm(surprise, axis=-1) - GATE * np.sqrt(3 * (place + noise))
        speed = np.linalg.norm(velocity, axis=-1) + np.maximum(sudden, 0) / elapsed_s
        change = (self.rest_mm_s2 + self.per_speed * speed) * elapsed_s
        place = place + (change * elapsed_s / 2) ** 2
        mixed = mixed + change**2 * elapsed_s / 2
        share, turn = place / (place + noise), mixed / (place + noise)
        self._place, self._mixed = place * (1 - share), mixed * (1 - share)
        self._speed = self._speed + change**2 - turn * mixed
        self.motion = Motion(
            points + (share[:, None] - 1) * surprise,
            velocity + turn[:, None] * surprise,
        )
        return self.motion


class Smoothed(NamedTuple):
    """Joints (camera mm) of one moment and how fast each moves (mm/s), both smoothed."""

    joints_mm: Float32[np.ndarray, "J 3"]
    velocity_mm_s: Float32[np.ndarray, "J 3"]


class HandSmoother:
    """Smooths the joints of one hand (camera mm); its center and the joints around it each with their own filter.

    The center is the mean of all joints and so measured better than each of them; half of a joint's expected error
    changes from frame to frame, the other half stays for as long as the hand looks the same.
    """

    def __init__(self) -> None:
        self._center = SteadyFilter(rest_mm_s2=80.0, per_speed=22.0)
        self._around = SteadyFilter(rest_mm_s2=75.0, per_speed=20.0)

    def update(
        self, joints_mm: Float32[np.ndarray, "J 3"], uncertainty_mm: Float32[np.ndarray, " J"], elapsed_s: float
    ) -> Smoothed:
        """The joints `elapsed_s` (positive) after those before; `uncertainty_mm` is NaN where nothing is known."""
        joints = joints_mm.astype(np.float64)
        center = joints.mean(axis=0, keepdims=True)
        known = np.where(np.isfinite(uncertainty_mm), uncertainty_mm / 2, UNKNOWN_MM).astype(np.float64)
        whole = self._center.update(center, np.array([CENTER_MM]), elapsed_s)
        around = self._around.update(joints - center, np.maximum(known, LEAST_MM), elapsed_s)
        points, velocity = whole.points + around.points, whole.velocity + around.velocity
        return Smoothed(points.astype(np.float32), velocity.astype(np.float32))
