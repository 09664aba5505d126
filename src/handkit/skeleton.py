"""Which joints, in which order, joined by which bones; orders and splits from docs/reference.md, 1.2 to 1.5."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from handkit.errors import UsageError, check_kind, shown
from handkit.shapes import Float

FINGERS = ("thumb", "index", "middle", "ring", "pinky")


@dataclass(frozen=True)
class Skeleton:
    """Joint names in label order, bones as index pairs, and the palm / finger split of CrossInfoNet.

    A name shared by two skeletons means the same point of the hand; points that do not correspond (NYU's and ICVL's
    finger roots, say) carry names of their own.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    palm: tuple[int, ...]
    fingers: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raise UsageError where joints are no names, or numbers no joint's."""
        for name in ("joints", "bones", "palm", "fingers"):
            check_kind(name, getattr(self, name), tuple)
        for joint in self.joints:
            check_kind("each of the joints", joint, str)
        strange = {*self.palm, *self.fingers, *(end for bone in self.bones for end in bone)} - {
            *range(len(self.joints))
        }
        if strange:
            raise UsageError(f"{self.name} has {len(self.joints)} joints; no joint is number {strange.pop()!r}")

    @property
    def fingertips(self) -> tuple[int, ...]:
        """Indices of thumb, index, middle, ring and pinky tip."""
        return tuple(self.joints.index(f"{finger}_tip") for finger in FINGERS)

    def indices_in(self, source: "Skeleton") -> tuple[int, ...]:
        """Where each of these joints is in `source`; raises UsageError that lists the joints it lacks.

        >>> HANDS17.indices_in(MSRA21)[:4]
        (0, 17, 1, 5)
        """
        check_kind("source", source, Skeleton)
        missing = [joint for joint in self.joints if joint not in source.joints]
        if missing:
            raise UsageError(
                f"{source.name} has no joint for {', '.join(missing)} of {self.name}: "
                "these skeletons mark different points of the hand"
            )
        return tuple(source.joints.index(joint) for joint in self.joints)

    def convert(self, joints: Any, source: "Skeleton") -> Any:  # noqa: ANN401
        """Joints (..., J, 3) of `source`, an array or a tensor, in this skeleton's order; raises as `indices_in`."""
        rows = list(self.indices_in(source))
        if tuple(getattr(joints, "shape", ()))[-2:] != (len(source), 3):
            raise UsageError(f"joints of {source.name} are (..., {len(source)}, 3); got {shown(joints)}")
        return joints[..., rows, :]

    def bone_lengths(self, joints: Float[np.ndarray, "*batch J 3"]) -> Float[np.ndarray, "*batch bones"]:
        """Of each bone, in the unit of the joints."""
        starts, ends = np.array(self.bones).T
        return np.linalg.norm(joints[..., ends, :] - joints[..., starts, :], axis=-1)

    def __len__(self) -> int:
        return len(self.joints)


def _chain(finger: str) -> tuple[str, ...]:
    parts = ("cmc", "mcp", "ip", "tip") if finger == "thumb" else ("mcp", "pip", "dip", "tip")
    return tuple(f"{finger}_{part}" for part in parts)


def _chains_to_root(joints: tuple[str, ...], root: str) -> tuple[tuple[int, int], ...]:
    """Bones root-base, base-next, ... of every finger, for skeletons that name whole chains."""
    bones: list[tuple[int, int]] = []
    for finger in FINGERS:
        chain = [joint for joint in joints if joint.startswith(finger)]
        bones += [(joints.index(a), joints.index(b)) for a, b in zip([root, *chain], chain, strict=False)]
    return tuple(bones)


def _named(*fingers: str) -> tuple[str, ...]:
    return ("wrist", *(joint for finger in fingers for joint in _chain(finger)))


_HAND21 = _named("thumb", "index", "middle", "ring", "pinky")
HAND21 = Skeleton(
    name="hand21",
    joints=_HAND21,
    bones=_chains_to_root(_HAND21, "wrist"),
    palm=(0, 1, 5, 9, 13, 17),
    fingers=(2, 6, 10, 14, 18, 3, 7, 11, 15, 19, 4, 8, 12, 16, 20),
)
"""Canonical order: the landmarks of MediaPipe and OpenXR."""

_MSRA = _named("index", "middle", "ring", "pinky", "thumb")
MSRA21 = Skeleton(
    name="msra21",
    joints=_MSRA,
    bones=_chains_to_root(_MSRA, "wrist"),
    palm=(0, 1, 5, 9, 13, 17),
    fingers=(2, 6, 10, 14, 18, 3, 7, 11, 15, 19, 4, 8, 12, 16, 20),
)
"""docs/reference.md, 1.4; its "thumb MCP" is the base of the four-point thumb chain, here `thumb_cmc`."""

_HANDS17 = (
    "wrist",
    *(_chain(finger)[0] for finger in FINGERS),
    *(joint for finger in FINGERS for joint in _chain(finger)[1:]),
)
HANDS17 = Skeleton(
    name="hands17",
    joints=_HANDS17,
    bones=_chains_to_root(_HANDS17, "wrist"),
    palm=(0, 1, 2, 3, 4, 5),
    fingers=tuple(range(6, 21)),
)
"""docs/reference.md, 1.5: wrist, five MCPs from the thumb on, then PIP, DIP, TIP of each finger."""

_ICVL = ("palm", *(f"{finger}_{part}" for finger in FINGERS for part in ("root", "mid", "tip")))
ICVL16 = Skeleton(
    name="icvl16",
    joints=_ICVL,
    bones=_chains_to_root(_ICVL, "palm"),
    palm=(0, 1, 4, 7, 10, 13),
    fingers=(2, 3, 5, 6, 8, 9, 11, 12, 14, 15),
)
"""docs/reference.md, 1.2: a palm point (not the wrist), then root, mid, tip of each finger."""

NYU14 = Skeleton(
    name="nyu14",
    joints=(
        "pinky_tip", "F1_KNU2_B", "ring_tip", "F2_KNU2_B", "middle_tip", "F3_KNU2_B", "index_tip", "F4_KNU2_B",
        "thumb_tip", "TH_KNU3_B", "TH_KNU2_B", "PALM_1", "PALM_2", "PALM_3",
    ),
    bones=(
        (0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (9, 10),
        (1, 13), (3, 13), (5, 13), (7, 13), (10, 13), (11, 13), (12, 13),
    ),
    palm=(1, 3, 5, 7, 9, 10, 11, 12, 13),
    fingers=(0, 2, 4, 6, 8),
)  # fmt: skip
"""docs/reference.md, 1.3: 14 of the 36 labels, the fingertips renamed; the 9 / 5 split of CrossInfoNet's code (A2)."""

SKELETONS = {skeleton.name: skeleton for skeleton in (HAND21, NYU14, ICVL16, MSRA21, HANDS17)}
