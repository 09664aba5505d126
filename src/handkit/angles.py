"""How far each joint of a hand is bent."""

import math

import numpy as np

from handkit.shapes import Float32, Float64
from handkit.skeleton import FINGERS, HAND21, Skeleton


def joint_angles(joints_mm: Float32[np.ndarray, "J 3"], skeleton: Skeleton, *, left: bool) -> dict[str, float]:
    """Degrees, 0 for a flat hand, by joint name.

    `index_mcp` and the other knuckles: flexion out of the palm's plane, positive toward the palm; `index_spread`:
    sideways in that plane, positive toward the thumb, both of the finger's first bone against its metacarpal.
    `thumb_mcp`, `thumb_ip`, `index_pip`, `index_dip` and so on: the angle between the two bones, 0 to 180.
    Raises UsageError for a skeleton without these joints.
    """
    joints = HAND21.convert(joints_mm.astype(np.float64), skeleton)
    wrist, chains = joints[0], joints[1:].reshape(len(FINGERS), 4, 3)
    across = chains[1, 0] - chains[4, 0]
    palm = _unit(np.cross(across, chains[2, 0] - wrist)) * (-1.0 if left else 1.0)
    angles: dict[str, float] = {}
    for finger, chain in zip(FINGERS, chains, strict=True):
        bones = np.diff(np.vstack([wrist, chain]), axis=0)
        names = ("cmc", "mcp", "ip") if finger == "thumb" else ("mcp", "pip", "dip")
        for name, before, after in zip(names, bones, bones[1:], strict=False):
            angles[f"{finger}_{name}"] = _between(before, after)
        if finger != "thumb":
            flexion, spread = _at_knuckle(bones[0], bones[1], palm, across)
            angles |= {f"{finger}_mcp": flexion, f"{finger}_spread": spread}
    return angles


def _at_knuckle(
    metacarpal: Float64[np.ndarray, "3"],
    bone: Float64[np.ndarray, "3"],
    palm: Float64[np.ndarray, "3"],
    across: Float64[np.ndarray, "3"],
) -> tuple[float, float]:
    """Flexion and spread in degrees."""
    along = _unit(metacarpal - (metacarpal @ palm) * palm)
    aside = np.cross(palm, along)
    aside *= math.copysign(1.0, float(aside @ across))
    forward, down, sideways = float(bone @ along), float(bone @ palm), float(bone @ aside)
    flexion = math.degrees(math.atan2(down, forward))
    spread = math.degrees(math.atan2(sideways, math.hypot(forward, down)))
    return flexion, spread


def _between(first: Float64[np.ndarray, "3"], second: Float64[np.ndarray, "3"]) -> float:
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(first, second))), float(first @ second)))


def _unit(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
