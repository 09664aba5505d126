"""Rigs as one binary glTF file: a skeleton with a skin of plain bones and an animation for each hand.

https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from handkit.shapes import Float64
from handkit.sinks.rig import NAMES, PARENTS, Clip, Rig, quaternions

FLOAT, BYTE, SHORT = 5126, 5121, 5123
"""Component types of glTF; those of joints and of indices are unsigned."""
THICKNESS = 0.12
"""Of a drawn bone, by its length."""
_FACES = np.array([(0, 2, 3), (0, 3, 4), (0, 4, 5), (0, 5, 2), (1, 3, 2), (1, 4, 3), (1, 5, 4), (1, 2, 5)])
"""Of an octahedron: start, end, four corners around a third of the way."""


class _Glb:
    """Numbers, and what the JSON says of them."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, array: np.ndarray, kind: str, component: int = FLOAT, *, bounds: bool = False) -> int:
        """Number of the accessor of an array (count, parts) of this kind: SCALAR, VEC3, VEC4, MAT4."""
        dtype = {FLOAT: "<f4", BYTE: "u1", SHORT: "<u2"}[component]
        packed = np.ascontiguousarray(array, dtype)
        self.data += bytes(-len(self.data) % 4)
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": packed.nbytes})
        self.data += packed.tobytes()
        accessor = {
            "bufferView": len(self.views) - 1, "componentType": component, "count": len(packed), "type": kind,
        }  # fmt: skip
        if bounds:
            parts = packed.reshape(len(packed), -1)
            accessor |= {"min": parts.min(0).tolist(), "max": parts.max(0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def glb_bytes(clips: Sequence[Clip]) -> bytes:
    """All hands of a recording."""
    glb = _Glb()
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "handkit"}, "scene": 0, "scenes": [{"nodes": []}],
        "nodes": [], "skins": [], "meshes": [], "animations": [],
    }  # fmt: skip
    for clip in clips:
        _add_hand(document, glb, clip)
        document["animations"].append(_animation(document, glb, clip))
    glb.data += bytes(-len(glb.data) % 4)
    document |= {"bufferViews": glb.views, "accessors": glb.accessors, "buffers": [{"byteLength": len(glb.data)}]}
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + len(glb.data)
    head = struct.pack("<4sII", b"glTF", 2, length)
    return b"".join(
        (head, struct.pack("<I4s", len(text), b"JSON"), text, struct.pack("<I4s", len(glb.data), b"BIN\0"), glb.data)
    )


def _add_hand(document: dict[str, Any], glb: _Glb, clip: Clip) -> None:
    """Nodes of the joints, mesh and skin."""
    name, rig = clip.name, clip.rig
    first = len(document["nodes"])
    for joint, offset in enumerate(rig.offsets.tolist()):
        node: dict[str, Any] = {"name": f"{name}_{NAMES[joint]}", "translation": offset}
        children = [first + child for child, parent in enumerate(PARENTS) if parent == joint]
        document["nodes"].append(node | ({"children": children} if children else {}))
    rest = Rig(rig.offsets, np.zeros((1, 3)), np.tile(np.eye(3), (1, len(NAMES), 1, 1))).positions()[0]
    inverse = np.tile(np.eye(4), (len(NAMES), 1, 1))
    inverse[:, 3, :3] = -rest  # column-major: the translation is the last row
    skin = {
        "joints": list(range(first, first + len(NAMES))),
        "skeleton": first,
        "inverseBindMatrices": glb.add(inverse.reshape(-1, 16), "MAT4"),
    }
    document["skins"].append(skin)
    document["meshes"].append({"name": name, "primitives": [_bones(glb, rest)]})
    mesh_node = {"name": name, "mesh": len(document["meshes"]) - 1, "skin": len(document["skins"]) - 1}
    document["nodes"].append(mesh_node)
    document["scenes"][0]["nodes"] += [first, first + len(NAMES)]


def _bones(glb: _Glb, rest: Float64[np.ndarray, "26 3"]) -> dict[str, Any]:
    """An octahedron for each bone, that moves with the joint it starts from."""
    ends = np.array([i for i, parent in enumerate(PARENTS) if parent >= 0])
    starts = np.array(PARENTS)[ends]
    bones = rest[ends] - rest[starts]
    size = np.linalg.norm(bones, axis=1, keepdims=True) * THICKNESS
    aside = np.cross(bones, [0.0, 0.0, 1.0])
    aside *= size / np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    ahead = np.array([0.0, 0.0, 1.0]) * size
    middle = rest[starts] + bones / 3
    around = [middle + aside, middle + ahead, middle - aside, middle - ahead]
    corners = np.stack([rest[starts], rest[ends], *around], axis=1)
    indices = _FACES + 6 * np.arange(len(ends))[:, None, None]
    joints = np.zeros((len(ends) * 6, 4))
    joints[:, 0] = np.repeat(starts, 6)
    weights = np.tile([1.0, 0.0, 0.0, 0.0], (len(joints), 1))
    attributes = {
        "POSITION": glb.add(corners.reshape(-1, 3), "VEC3", bounds=True),
        "JOINTS_0": glb.add(joints, "VEC4", BYTE),
        "WEIGHTS_0": glb.add(weights, "VEC4"),
    }
    return {"attributes": attributes, "indices": glb.add(indices.reshape(-1), "SCALAR", SHORT)}


def _animation(document: dict[str, Any], glb: _Glb, clip: Clip) -> dict[str, Any]:
    """Translation of the wrist, rotation of every joint but the tips."""
    first = document["skins"][-1]["skeleton"]
    time = glb.add(clip.times_s, "SCALAR", bounds=True)
    rotations = quaternions(clip.rig.rotations)
    outputs = [(0, "translation", glb.add(clip.rig.wrist, "VEC3"))]
    outputs += [
        (joint, "rotation", glb.add(rotations[:, joint], "VEC4"))
        for joint, each in enumerate(NAMES)
        if not each.endswith("tip")
    ]
    channels = [
        {"sampler": i, "target": {"node": first + joint, "path": path}} for i, (joint, path, _) in enumerate(outputs)
    ]
    samplers = [{"input": time, "output": output, "interpolation": "LINEAR"} for _, _, output in outputs]
    return {"name": clip.name, "channels": channels, "samplers": samplers}
