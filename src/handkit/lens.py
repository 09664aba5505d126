"""How a lens bends rays: OpenCV's distortion, there and back."""

from collections.abc import Sequence

import numpy as np

from handkit.shapes import Float

COEFFICIENTS = (4, 5, 8)
"""Numbers of a distortion in OpenCV's order: k1 k2 p1 p2 (k3 (k4 k5 k6)); Brown-Conrady, or rational with eight."""
STEPS = 30
"""Of the fixed-point iteration; each takes a digit or more off the error of a usual lens."""


def distort(ray: Float[np.ndarray, "*batch 2"], coefficients: Sequence[float]) -> Float[np.ndarray, "*batch 2"]:
    """x / z, y / z as the lens bends them (docs.opencv.org, calib3d)."""
    k1, k2, p1, p2, k3, k4, k5, k6 = (*coefficients, *[0.0] * (8 - len(coefficients)))
    x, y = ray[..., 0], ray[..., 1]
    r = x * x + y * y
    radial = (1 + r * (k1 + r * (k2 + r * k3))) / (1 + r * (k4 + r * (k5 + r * k6)))
    bent_x = x * radial + 2 * p1 * x * y + p2 * (r + 2 * x * x)
    bent_y = y * radial + p1 * (r + 2 * y * y) + 2 * p2 * x * y
    return np.stack([bent_x, bent_y], axis=-1)


def undistort(bent: Float[np.ndarray, "*batch 2"], coefficients: Sequence[float]) -> Float[np.ndarray, "*batch 2"]:
    """Inverse of `distort`."""
    ray = bent
    for _ in range(STEPS):
        ray = ray + bent - distort(ray, coefficients)
    return ray
