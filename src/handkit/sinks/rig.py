"""A recorded hand as an animated skeleton: bones of fixed length, turned from a flat rest pose."""

from typing import NamedTuple

import numpy as np

from handkit.conventions import METACARPAL_BASE
from handkit.shapes import Float64
from handkit.skeleton import FINGERS, HAND21, Skeleton

FAN_DEGREES = (48.0, 14.0, 0.0, -13.0, -26.0)
"""Directions of the metacarpals of the rest pose from that of the middle finger, thumb to pinky, toward the thumb."""
NAMES = (
    "wrist",
    *(f"thumb_{part}" for part in ("base", "cmc", "mcp", "ip", "tip")),
    *(f"{finger}_{part}" for finger in FINGERS[1:] for part in ("metacarpal", "mcp", "pip", "dip", "tip")),
)
PARENTS = tuple(
    -1 if name == "wrist" else 0 if name.endswith(("base", "metacarpal")) else i - 1 for i, name in enumerate(NAMES)
)
"""By index; the chains of the fingers follow one another. The bones from the wrist are fixed to the palm: what a
thumb's base and the metacarpals of the fingers carry turns on its own."""


class Rig(NamedTuple):
    """Meters, x right, y up, z backward, as glTF and Blender's importers have it; T frames."""

    offsets: Float64[np.ndarray, "26 3"]
    """Of each joint from its parent in the rest pose: a flat hand, fingers up, palm toward the viewer."""
    wrist: Float64[np.ndarray, "T 3"]
    rotations: Float64[np.ndarray, "T 26 3 3"]
    """Rotation of each joint in its parent's axes; of a tip the identity."""

    def positions(self) -> Float64[np.ndarray, "T 26 3"]:
        """Of the joints, by forward kinematics."""
        places, axes = np.empty((len(self.wrist), len(NAMES), 3)), np.empty((len(self.wrist), len(NAMES), 3, 3))
        for joint, parent in enumerate(PARENTS):
            places[:, joint] = self.wrist if parent < 0 else places[:, parent] + axes[:, parent] @ self.offsets[joint]
            axes[:, joint] = self.rotations[:, joint] if parent < 0 else axes[:, parent] @ self.rotations[:, joint]
        return places


class Clip(NamedTuple):
    """One hand over the frames in which it was followed."""

    name: str
    """`hand_1_right`."""
    times_s: Float64[np.ndarray, " T"]
    """Since the first frame of the recording, increasing."""
    rig: Rig


def rig(joints_mm: Float64[np.ndarray, "T J 3"], skeleton: Skeleton, *, left: bool) -> Rig:
    """From joints in camera mm. Bones have the median of their lengths, from where the rig has their start; every bone
    but those of the palm has exactly its direction, the palm the rotation that fits it best.

    Raises ValueError for a skeleton without the 21 joints.
    """
    joints = HAND21.convert(joints_mm, skeleton) * np.array([0.001, -0.001, -0.001])
    aims = _with_bases(joints)
    offsets = _rest(aims, left=left)
    palm = [i for i, name in enumerate(NAMES) if name.endswith("_mcp") and not name.startswith("thumb")]
    rest = Rig(offsets, np.zeros((1, 3)), np.tile(np.eye(3), (1, len(NAMES), 1, 1))).positions()[0]
    axes = np.empty((len(aims), len(NAMES), 3, 3))
    places = np.empty((len(aims), len(NAMES), 3))
    rotations = np.tile(np.eye(3), (len(aims), len(NAMES), 1, 1))
    places[:, 0] = aims[:, 0]
    axes[:, 0] = rotations[:, 0] = _fit(rest[palm], aims[:, palm] - aims[:, :1])
    for joint, parent in list(enumerate(PARENTS))[1:]:
        places[:, joint] = places[:, parent] + np.einsum("tij,j->ti", axes[:, parent], offsets[joint])
        axes[:, joint] = axes[:, parent]
        if not NAMES[joint].endswith("tip"):
            aim = np.einsum("tji,tj->ti", axes[:, parent], aims[:, joint + 1] - places[:, joint])
            offsets[joint + 1] *= np.median(np.linalg.norm(aim, axis=1)) / np.linalg.norm(offsets[joint + 1])
            rotations[:, joint] = _shortest(offsets[joint + 1], aim)
            axes[:, joint] = axes[:, parent] @ rotations[:, joint]
    return Rig(offsets, aims[:, 0], rotations)


def _with_bases(joints: Float64[np.ndarray, "T 21 3"]) -> Float64[np.ndarray, "T 26 3"]:
    wrist, fingers = joints[:, :1], joints[:, 1:].reshape(len(joints), len(FINGERS), 4, 3)
    bases = wrist + METACARPAL_BASE * (fingers[:, :, 0] - wrist)
    chains = np.concatenate([bases[:, :, None], fingers], axis=2).reshape(len(joints), -1, 3)
    return np.concatenate([wrist, chains], axis=1)


def _rest(aims: Float64[np.ndarray, "T 26 3"], *, left: bool) -> Float64[np.ndarray, "26 3"]:
    lengths = [np.median(np.linalg.norm(aims[:, i] - aims[:, parent], axis=1)) for i, parent in enumerate(PARENTS)]
    angles = np.radians([FAN_DEGREES[FINGERS.index(name.split("_")[0])] for name in NAMES[1:]])
    directions = np.stack([np.sin(angles) * (-1 if left else 1), np.cos(angles), np.zeros_like(angles)], axis=1)
    return np.vstack([np.zeros(3), directions * np.array(lengths[1:])[:, None]])


def _fit(rest: Float64[np.ndarray, "N 3"], seen: Float64[np.ndarray, "T N 3"]) -> Float64[np.ndarray, "T 3 3"]:
    """Rotations about the wrist that bring `rest` nearest to what was seen (Kabsch, Acta Cryst. A32, 1976)."""
    left, _, right = np.linalg.svd(np.einsum("tni,nj->tij", seen, rest))
    left[:, :, 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    return left @ right


def _shortest(start: Float64[np.ndarray, "3"], ends: Float64[np.ndarray, "T 3"]) -> Float64[np.ndarray, "T 3 3"]:
    """The smallest rotation from one direction to others."""
    a = start / np.linalg.norm(start)
    b = ends / np.maximum(np.linalg.norm(ends, axis=1, keepdims=True), 1e-12)
    cosine = b @ a
    x, y, z = np.cross(a, b).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    turned = np.eye(3) + cross + cross @ cross / np.maximum(1 + cosine, 1e-9)[:, None, None]
    return turned


def quaternions(rotations: Float64[np.ndarray, "T N 3 3"]) -> Float64[np.ndarray, "T N 4"]:
    """x, y, z, w of rotation matrices; neighbors in time have the same sign, so that viewers interpolate the short way.

    The eigenvector of the largest eigenvalue: Itzhack Bar-Itzhack, New method for extracting the quaternion from a
    rotation matrix, J. Guidance 23(6), 2000. https://doi.org/10.2514/2.4654
    """
    m = np.moveaxis(rotations, (-2, -1), (0, 1))
    xy, xz, yz = m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1]
    x, y, z = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    rows = (
        (2 * m[0, 0] - trace, xy, xz, x),
        (xy, 2 * m[1, 1] - trace, yz, y),
        (xz, yz, 2 * m[2, 2] - trace, z),
        (x, y, z, trace),
    )
    symmetric = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    found = np.linalg.eigh(symmetric)[1][..., -1]
    found[0] *= np.where(found[0, :, 3:] < 0, -1.0, 1.0)
    opposite = (found[1:] * found[:-1]).sum(axis=-1, keepdims=True) < 0
    found[1:] *= np.cumprod(np.where(opposite, -1.0, 1.0), axis=0)
    return found
