"""Smoothing over time: the One Euro filter, of a hand's center apart from its joints around it.

Géry Casiez, Nicolas Roussel, Daniel Vogel: 1€ Filter, a simple speed-based low-pass filter for noisy input in
interactive systems, CHI 2012. https://gery.casiez.net/1euro/
"""

import math
from typing import NamedTuple

import numpy as np

from handkit.shapes import Float32, Float64


class Motion(NamedTuple):
    """Points, and where they go."""

    points: Float64[np.ndarray, "N 3"]
    velocity: Float64[np.ndarray, "N 3"]
    """mm/s."""


class OneEuro:
    """A low-pass filter of points whose cutoff grows with their speed: calm at rest, without lag in motion.

    The cutoff in Hz is `minimum_hz` + `beta` x speed in mm/s, where the speed itself is smoothed with `derivative_hz`.
    A point's speed is the length of its velocity, so that the filter does not depend on the axes.
    """

    def __init__(self, *, minimum_hz: float, beta: float, derivative_hz: float) -> None:
        self.minimum_hz, self.beta, self.derivative_hz = minimum_hz, beta, derivative_hz
        self.points: Float64[np.ndarray, "N 3"] | None = None
        self._slope: Float64[np.ndarray, "N 3"] | None = None

    def update(self, points: Float64[np.ndarray, "N 3"], elapsed_s: float) -> Motion:
        """The points `elapsed_s` (positive) after those before, smoothed; the first ones as they are.

        The slope that the filter smooths leads from the last smoothed point to the new one as it came, so it is the
        velocity over the share of the new one.
        """
        if self.points is None or self._slope is None:
            self.points, self._slope = points, np.zeros_like(points)
            return Motion(points, self._slope)
        slope = (points - self.points) / elapsed_s
        self._slope = self._slope + share_of_new(self.derivative_hz, elapsed_s) * (slope - self._slope)
        speed = np.linalg.norm(self._slope, axis=-1, keepdims=True)
        share = share_of_new(self.minimum_hz + self.beta * speed, elapsed_s)
        self.points = self.points + share * (points - self.points)
        return Motion(self.points, share * self._slope)


def share_of_new(
    cutoff_hz: float | Float64[np.ndarray, "*batch"], elapsed_s: float
) -> float | Float64[np.ndarray, "*batch"]:
    """Weight, 0 to 1, of the newest value in an exponential filter of this cutoff.

    >>> round(share_of_new(1 / (2 * math.pi), 1.0), 3)
    0.5
    """
    radians = 2 * math.pi * cutoff_hz * elapsed_s
    return radians / (radians + 1)


class Smoothed(NamedTuple):
    """One moment of a hand."""

    joints_mm: Float32[np.ndarray, "J 3"]
    velocity_mm_s: Float32[np.ndarray, "J 3"]


class HandSmoother:
    """Smooths the joints of one hand (camera mm); its center and the joints around it each with their own filter.

    A hand moves as a whole several times faster than its fingers move in it, so the joints around the center can be
    held calmer than the center, which may not lag.
    """

    def __init__(self) -> None:
        self._center = OneEuro(minimum_hz=1.0, beta=0.3, derivative_hz=3.0)
        self._around = OneEuro(minimum_hz=0.5, beta=0.1, derivative_hz=3.0)

    def update(self, joints_mm: Float32[np.ndarray, "J 3"], elapsed_s: float) -> Smoothed:
        """The joints `elapsed_s` (positive) after those before."""
        joints = joints_mm.astype(np.float64)
        center = joints.mean(axis=0, keepdims=True)
        whole = self._center.update(center, elapsed_s)
        around = self._around.update(joints - center, elapsed_s)
        points, velocity = whole.points + around.points, whole.velocity + around.velocity
        return Smoothed(points.astype(np.float32), velocity.astype(np.float32))
