"""What an estimator asks of whatever runs the networks: where hands could be, and what is in a cube. numpy only."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from handkit.camera import Camera
from handkit.locate import Maps
from handkit.shapes import Bool, Float32
from handkit.skeleton import Skeleton


class Cubes(NamedTuple):
    """N cubes to look at, all of the edge that the pose network was trained with; see `geometry.cube.Cube`."""

    center: Float32[np.ndarray, "N 3"]
    """Camera mm."""
    mirrored: Bool[np.ndarray, " N"]
    """Looked at as a left hand."""
    roll: Float32[np.ndarray, " N"]
    """About the optical axis, rad."""


class Estimates(NamedTuple):
    """What a pose network and the confidence network behind it say of each cube."""

    joints_mm: Float32[np.ndarray, "N J 3"]
    """Camera mm."""
    joints_px: Float32[np.ndarray, "N J 2"]
    """Pixels of the depth image."""
    uncertainty_mm: Float32[np.ndarray, "N J"]
    """Expected error of each joint."""
    good: Float32[np.ndarray, " N"]
    """Log odds that a hand is there and its mean joint error under 20 mm, provided that it is of this handedness."""
    hand: Float32[np.ndarray, " N"]
    """Log odds that a hand is in the cube."""
    right: Float32[np.ndarray, " N"]
    """Of the two hypotheses of one hand, plain and mirrored, the likelier one has the larger `right`: the difference
    is the log odds of the plain one."""

    @classmethod
    def none(cls, joints: int) -> "Estimates":
        """What is answered where no cube is asked about: arrays of zero rows, for `joints` joints."""
        shapes = ((0, joints, 3), (0, joints, 2), (0, joints), (0,), (0,), (0,))
        return cls(*(np.zeros(shape, np.float32) for shape in shapes))


@runtime_checkable  # for the shape checker that runs under pytest
class Backend(Protocol):
    """What runs the detector and the pose network of one pair of weights; threads may share one."""

    name: str
    """As `--backend` has it."""
    skeleton: Skeleton
    edge_mm: float
    """Of the cubes."""
    has_confidence: bool
    """Whether a confidence network judges the joints; without one what it would say is 0."""

    def detect(self, depth: Float32[np.ndarray, "H W"]) -> Maps:
        """Maps of the hand detector for a `locate.Canonical` depth image (mm, 0 invalid)."""
        ...

    def estimate(self, depth: Float32[np.ndarray, "H W"], camera: Camera, cubes: Cubes) -> Estimates:
        """What is in each cube of one depth image (mm, 0 invalid; undistorted, `camera` a pinhole)."""
        ...
