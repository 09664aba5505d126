"""Rigs, BVH and glTF: read back by readers of our own, they put the joints where they were."""

import json
import struct

import numpy as np
import pytest
from sinks.moving import moments, turn, wavering

from handkit.errors import HandkitError, SinkError
from handkit.sinks import open_sink
from handkit.sinks.bvh import bvh_text, euler
from handkit.sinks.gltf import glb_bytes
from handkit.sinks.rig import NAMES, PARENTS, Clip, quaternions, rig
from handkit.skeleton import FINGERS, HAND21

AS_SEEN = [NAMES.index(name) for name in HAND21.joints]
TO_MM = np.array([1000.0, -1000.0, -1000.0])


@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
def test_a_rig_follows_the_hand(left):
    joints = wavering(left=left)
    moved = rig(joints, HAND21, left=left)
    error = np.linalg.norm(moved.positions()[:, AS_SEEN] * TO_MM - joints, axis=-1)
    assert error[:, 0].max() < 1e-6
    assert error.max() < 0.5, "the palm of the rest pose is not that of this hand; the fingers' errors do not add up"
    names = [f"{finger}_{part}" for finger in FINGERS[1:] for part in ("pip", "dip", "tip")]
    seen = [HAND21.joints.index(name) for name in names]
    found = moved.positions()[:, AS_SEEN] * TO_MM
    bones = np.diff(joints, axis=1)[:, np.array(seen) - 1]
    assert np.diff(found, axis=1)[:, np.array(seen) - 1] == pytest.approx(bones, abs=0.5)


@pytest.mark.parametrize("kind", ["bvh", "glb"])
@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
def test_a_thumb_that_leaves_the_palm_is_where_it_was_in_the_file(left, kind):
    joints = wavering(left=left, opposed=0.8)
    clip = Clip("hand", np.arange(40) / 30, rig(joints, HAND21, left=left))
    if kind == "bvh":
        places = read_bvh(bvh_text(clip))[2]
    else:
        document, read = read_glb(glb_bytes([clip]))
        places = play(document, read, document["animations"][0], document["skins"][0])
    error = np.linalg.norm(places[:, AS_SEEN] * TO_MM - joints, axis=-1).max(axis=0)
    assert error.max() < 1, dict(zip(HAND21.joints, error.round(1), strict=True))


def test_lengths_never_change():
    moved = rig(wavering(), HAND21, left=False)
    places = moved.positions()
    lengths = np.linalg.norm(places[:, 1:] - places[:, PARENTS[1:]], axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-9


def test_a_rest_pose_is_a_flat_hand_with_its_thumb_to_the_right():
    offsets = rig(wavering(), HAND21, left=False).offsets
    assert np.abs(offsets[:, 2]).max() == 0
    assert offsets[NAMES.index("thumb_cmc"), 0] > 0 > offsets[NAMES.index("pinky_metacarpal"), 0]
    assert (offsets[1:, 1] > 0).all()


def test_angles_and_quaternions_are_the_rotations():
    random = np.random.default_rng(0)
    turns = np.array([[turn(random.normal(size=3), random.uniform(0, np.pi)) for _ in range(4)] for _ in range(50)])
    z, x, y = np.moveaxis(euler(turns), -1, 0)
    for t, j in np.ndindex(50, 4):
        again = turn((0, 0, 1), z[t, j]) @ turn((1, 0, 0), x[t, j]) @ turn((0, 1, 0), y[t, j])
        assert again == pytest.approx(turns[t, j], abs=1e-9)
    found = quaternions(turns)
    assert (found[1:] * found[:-1]).sum(-1).min() >= 0
    for t, j in np.ndindex(50, 4):
        assert rotation(found[t, j]) == pytest.approx(turns[t, j], abs=1e-9)


def test_a_half_turn_has_a_quaternion():
    half = np.diag([1.0, -1.0, -1.0])[None, None]
    assert np.abs(quaternions(half)[0, 0]) == pytest.approx([1, 0, 0, 0], abs=1e-9)


def test_bvh_read_back():
    moved = rig(wavering(), HAND21, left=False)
    text = bvh_text(Clip("hand", np.arange(40) / 30, moved))
    names, parents, places, step = read_bvh(text)
    assert names == ["hand_wrist", *NAMES[1:]]
    assert parents == list(PARENTS)
    assert step == pytest.approx(1 / 30, abs=1e-6)
    assert places == pytest.approx(moved.positions(), abs=1e-4)


def test_bvh_resamples_to_one_frame_time():
    moved = rig(wavering(40), HAND21, left=False)
    times = np.delete(np.arange(41) / 30, 20)
    _, _, places, _ = read_bvh(bvh_text(Clip("hand", times, moved)))
    assert len(places) == 41
    assert places[-1] == pytest.approx(moved.positions()[-1], abs=1e-4)


def test_glb_read_back():
    moved = [rig(wavering(left=left), HAND21, left=left) for left in (False, True)]
    times = 2 + np.arange(40) / 30
    data = glb_bytes([Clip(f"hand_{i}", times, each) for i, each in enumerate(moved)])
    document, read = read_glb(data)
    assert len(document["animations"]) == len(document["skins"]) == 2
    for clip, each, skin in zip(document["animations"], moved, document["skins"], strict=True):
        assert read(clip["samplers"][0]["input"]) == pytest.approx(times[:, None], abs=1e-6)
        assert play(document, read, clip, skin) == pytest.approx(each.positions(), abs=1e-5)
        inverse = read(skin["inverseBindMatrices"]).reshape(-1, 4, 4)
        assert inverse[0] == pytest.approx(np.eye(4), abs=1e-6)
    for mesh in document["meshes"]:
        (part,) = mesh["primitives"]
        corners, indices = read(part["attributes"]["POSITION"]), read(part["indices"])
        assert indices.max() == len(corners) - 1
        assert len(indices) % 3 == 0
        assert read(part["attributes"]["JOINTS_0"]).max() < 25
        bounds = document["accessors"][part["attributes"]["POSITION"]]
        assert bounds["max"] == pytest.approx(corners.max(0).tolist())


@pytest.mark.parametrize("suffix", ["bvh", "glb"])
def test_a_recording_becomes_files(suffix, tmp_path):
    with open_sink(str(tmp_path / f"hands.{suffix}")) as sink:
        for moment in moments():
            sink.write(moment)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == (["hands-2.bvh", "hands.bvh"] if suffix == "bvh" else ["hands.glb"])
    if suffix == "glb":
        document, _ = read_glb((tmp_path / "hands.glb").read_bytes())
        assert [each["name"] for each in document["animations"]] == ["hand_1_right", "hand_2_left"]
    else:
        _, _, places, _ = read_bvh((tmp_path / "hands.bvh").read_text())
        tip = moments()[-1].hands[0]["index_tip"]
        assert places[-1, NAMES.index("index_tip")] * TO_MM == pytest.approx(tip, abs=10)


def test_two_files_say_which_hand_is_which(tmp_path):
    said = []
    with open_sink(str(tmp_path / "two.bvh"), report=said.append) as sink:
        for moment in moments():
            sink.write(moment)
    assert said == [f"{tmp_path / 'two.bvh'} holds hand_1_right; {tmp_path / 'two-2.bvh'} holds hand_2_left"]
    roots = [read_bvh((tmp_path / name).read_text())[0][0] for name in ("two.bvh", "two-2.bvh")]
    assert roots == ["hand_1_right_wrist", "hand_2_left_wrist"]


def test_no_hand_is_no_file(tmp_path):
    missing = r"hands\.glb is not written: no hand was followed for 10 frames"
    sink = open_sink(str(tmp_path / "hands.glb")).__enter__()
    for moment in moments()[:5]:
        sink.write(moment)
    with pytest.raises(SinkError, match=missing):
        sink.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_not_hidden_by_a_file_that_is_not_written(tmp_path):
    said = []
    with pytest.raises(ZeroDivisionError), open_sink(str(tmp_path / "hands.glb"), report=said.append):
        raise ZeroDivisionError
    assert "is not written: no hand was followed for 10 frames" in said[0]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(HandkitError, match="cannot be written: No such file or directory; give a name in a folder"):
        open_sink(str(tmp_path / "none" / "hands.glb")).__enter__()


def read_bvh(text):
    """Names, parents, positions (T, J, 3), seconds a frame, by forward kinematics of what the file says."""
    lines = [line.split() for line in text.splitlines()]
    motion = lines.index(["MOTION"])
    names, parents, offsets, channels, stack = [], [], [], [], []
    for words in lines[1:motion]:
        if words[0] in {"ROOT", "JOINT", "End"}:
            name = words[1] if words[0] != "End" else names[stack[-1]].rpartition("_")[0] + "_tip"
            names.append(name)
            parents.append(stack[-1] if stack else -1)
            channels.append(0)
        elif words[0] == "{":
            stack.append(len(names) - 1)
        elif words[0] == "}":
            stack.pop()
        elif words[0] == "OFFSET":
            offsets.append([float(word) for word in words[1:]])
        elif words[0] == "CHANNELS":
            channels[-1] = int(words[1])
            assert words[-3:] == ["Zrotation", "Xrotation", "Yrotation"]
    rows = np.array([[float(word) for word in words] for words in lines[motion + 3 :]])
    assert lines[motion + 1] == ["Frames:", str(len(rows))]
    assert rows.shape[1] == sum(channels)
    places, axes, at = np.zeros((len(rows), len(names), 3)), np.zeros((len(rows), len(names), 3, 3)), 0
    for joint, parent in enumerate(parents):
        count = channels[joint]
        values = np.radians(rows[:, at + count - 3 : at + count]) if count else np.zeros((len(rows), 3))
        own = [turn((0, 0, 1), z) @ turn((1, 0, 0), x) @ turn((0, 1, 0), y) for z, x, y in values]
        places[:, joint] = rows[:, :3] if parent < 0 else places[:, parent] + axes[:, parent] @ offsets[joint]
        axes[:, joint] = own if parent < 0 else axes[:, parent] @ own
        at += count
    return names, parents, places, float(lines[motion + 2][2])


def read_glb(data):
    """The document, and a reader of its accessors; every length and alignment checked."""
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    assert size % 4 == 0
    document = json.loads(data[20 : 20 + size])
    rest, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0"
    assert rest == document["buffers"][0]["byteLength"] == len(data) - 28 - size
    content = data[28 + size :]

    def read(index):
        accessor = document["accessors"][index]
        view = document["bufferViews"][accessor["bufferView"]]
        dtype = np.dtype({5126: "<f4", 5121: "u1", 5123: "<u2"}[accessor["componentType"]])
        parts = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor["type"]]
        assert view["byteOffset"] % 4 == 0
        assert view["byteLength"] == accessor["count"] * parts * dtype.itemsize
        return np.frombuffer(content, dtype, accessor["count"] * parts, view["byteOffset"]).reshape(-1, parts)

    return document, read


def play(document, read, clip, skin):
    """Positions (T, J, 3) of a skin's joints."""
    nodes = document["nodes"]
    count = len(read(clip["samplers"][0]["input"]))
    moves = {node: np.tile(nodes[node]["translation"], (count, 1)) for node in skin["joints"]}
    turns = {node: np.tile(np.eye(3), (count, 1, 1)) for node in skin["joints"]}
    for channel in clip["channels"]:
        values = read(clip["samplers"][channel["sampler"]]["output"])
        node, path = channel["target"]["node"], channel["target"]["path"]
        if path == "translation":
            moves[node] = values
        else:
            turns[node] = np.array([rotation(value) for value in values])
    parents = {child: node for node in skin["joints"] for child in nodes[node].get("children", [])}
    places, axes = {}, {}
    for node in skin["joints"]:
        if node not in parents:
            places[node], axes[node] = moves[node], turns[node]
            continue
        parent = parents[node]
        places[node] = places[parent] + np.einsum("tij,tj->ti", axes[parent], moves[node])
        axes[node] = axes[parent] @ turns[node]
    return np.stack([places[node] for node in skin["joints"]], axis=1)


def rotation(quaternion):
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
