"""Small data sets of our own renderer in the exact layouts and bytes of the four genuine ones (docs/reference.md, 1).

`frames = render("nyu", 4)` and `write_nyu(tmp_path, frames)`: the training and the test part both hold all the frames.
"""

import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.io import savemat  # pyright: ignore[reportMissingTypeStubs]

from handkit.datasets.msra import GESTURES, SUBJECTS
from handkit.datasets.nyu import JOINT_NAMES
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.skeleton import FINGERS, HAND21, HANDS17, MSRA21
from handkit.synthetic.scenes import bare, sample_scenes, whole_frames

ICVL_SESSION = "201403121135"
ICVL_SESSIONS = ("test_seq_1", "test_seq_2")


def render(name: str, count: int, *, seed: int = 0) -> LabeledFrame:
    """Bare right hands before a perfect camera `name`: HAND21 joints in camera mm."""
    scene = sample_scenes(count, torch.Generator().manual_seed(seed), device=name)
    frame = whole_frames(bare(scene))
    return LabeledFrame(frame.depth, frame.camera, scene.joints, Cube.around(scene.joints.mean(1), edge=200.0))


def write_icvl(root: Path, frames: LabeledFrame) -> None:
    """Hands mirrored as ICVL's are; every training image also turned by 180 degrees; CR CR LF and blank lines."""
    depth = frames.depth.numpy()[:, :, ::-1].round().astype(np.uint16)
    uvd = project(frames, icvl_joints(joints_of(frames))) * (-1, 1, 1) + (frames.camera.width - 1, 0, 0)
    turned = uvd * (-1, -1, 1) + (frames.camera.width - 1, frames.camera.height - 1, 0)
    rows: list[str] = []
    for folder, images, labels in (("", depth, uvd), ("180/", depth[:, ::-1, ::-1], turned)):
        names = [f"{folder}{ICVL_SESSION}/image_{i:04d}.png" for i in range(len(depth))]
        _write_pngs(root / "Training/Depth", names, images)
        rows += [_row(name, label, "{:.4f}", " ") + " " for name, label in zip(names, labels, strict=True)]
    (root / "Training/labels.txt").write_bytes("\r\n\r\n".join(rows).encode() + b"\r\n")
    half = (len(depth) + 1) // 2
    for sequence, part in zip(ICVL_SESSIONS, (slice(half), slice(half, None)), strict=True):
        names = [f"{sequence}/image_{i:04d}.png" for i in range(len(depth[part]))]
        _write_pngs(root / "Testing/Depth", names, depth[part])
        lines = [_row(name, label, "{:.3f}", " ") + " \r\r\n" for name, label in zip(names, uvd[part], strict=True)]
        (root / f"Testing/{sequence}.txt").write_bytes("".join(lines).encode())


def write_nyu(root: Path, frames: LabeledFrame) -> None:
    """Depth in green and blue, labels of three views (images of the first) with y up."""
    labels = nyu_joints(joints_of(frames)) * (1, -1, 1)
    for part in ("train", "test"):
        names = [f"depth_1_{i + 1:07d}.png" for i in range(len(frames))]
        _write_pngs(root / "dataset" / part, names, pack_nyu(frames.depth.numpy()))
        write_nyu_labels(root / "dataset" / part / "joint_data.mat", labels)


def write_nyu_labels(path: Path, xyz: np.ndarray, *, names: Sequence[str] = JOINT_NAMES) -> None:
    """`joint_data.mat` from (N, 36, 3) of view 1; the other views stand 100 and 200 mm beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    views = np.stack([xyz + np.array([100.0 * view, 0, 0]) for view in range(3)]).astype(np.float64)
    cells = np.array([names], dtype=object)
    savemat(path, {"joint_names": cells, "joint_uvd": views, "joint_xyz": views}, do_compression=True)


def pack_nyu(depth: np.ndarray) -> np.ndarray:
    """mm to (N, H, W, 3): blue the low byte, green the high one, red of no meaning; blue first."""
    mm = depth.round().astype(np.uint16)
    return np.stack([mm & 255, mm >> 8, np.full_like(mm, 77)], axis=-1).astype(np.uint8)


def write_msra(root: Path, frames: LabeledFrame) -> None:
    """Frame i belongs to subject i % 9 and, of those, to gesture i // 9; at least nine, so that everyone has one."""
    labels = MSRA21.convert(torch.from_numpy(joints_of(frames)), HAND21).numpy()
    chosen = [i % len(frames) for i in range(max(len(frames), len(SUBJECTS)))]
    boxes = boxes_of(frames, margin=20)
    for s, subject in enumerate(SUBJECTS):
        for g, gesture in enumerate(GESTURES):
            folder = root / subject / gesture
            folder.mkdir(parents=True, exist_ok=True)
            mine = chosen[s :: len(SUBJECTS)][g :: len(GESTURES)]
            for number, i in enumerate(mine):
                write_bin(folder / f"{number:06d}_depth.bin", frames.depth[i].numpy(), boxes[i])
            rows = [" ".join(f"{x:.4f}" for x in (labels[i] * (1, -1, -1)).ravel()) for i in mine]
            (folder / "joint.txt").write_text("\n".join([str(len(mine)), *rows, ""]))


def write_bin(path: Path, depth: np.ndarray, box: Sequence[int]) -> None:
    """Header and the half-open box (left, top, right, bottom) of an image."""
    left, top, right, bottom = box
    head = struct.pack("<6i", depth.shape[1], depth.shape[0], left, top, right, bottom)
    path.write_bytes(head + depth[top:bottom, left:right].astype("<f4").tobytes())


def write_hands17(root: Path, frames: LabeledFrame) -> None:
    """Training with annotations, the frame task with bounding boxes, tabs between numbers."""
    labels = HANDS17.convert(torch.from_numpy(joints_of(frames)), HAND21).numpy()
    names = [f"image_D{i + 1:08d}.png" for i in range(len(frames))]
    for folder in ("training", "frame"):
        _write_pngs(root / folder / "images", names, frames.depth.numpy().round().astype(np.uint16))
    rows = [_row(name, label, "{:.4f}", "\t") for name, label in zip(names, labels, strict=True)]
    (root / "training/Training_Annotation.txt").write_text("\n".join(rows) + "\n")
    sized = [(left, top, right - left, bottom - top) for left, top, right, bottom in boxes_of(frames, margin=10)]
    boxes = [_row(name, np.array(box), "{:.2f}", "\t") for name, box in zip(names, sized, strict=True)]
    (root / "frame/BoundingBox.txt").write_text("\n".join(boxes) + "\n")


WRITERS = {"icvl": write_icvl, "nyu": write_nyu, "msra": write_msra, "hands17": write_hands17}


def joints_of(frames: LabeledFrame) -> np.ndarray:
    return frames.joints.numpy()


def project(frames: LabeledFrame, joints: np.ndarray) -> np.ndarray:
    """Camera mm to u, v, d."""
    plane = frames.camera.project(torch.from_numpy(joints).float())
    return np.concatenate([plane.numpy(), joints[..., 2:]], axis=-1)


def boxes_of(frames: LabeledFrame, *, margin: int) -> list[list[int]]:
    """left, top, right, bottom of the projected joints with a margin, within the image."""
    plane = project(frames, joints_of(frames))[..., :2]
    size = (frames.camera.width, frames.camera.height)
    low = np.clip(plane.min(axis=1) - margin, 0, size).astype(int)
    high = np.clip(plane.max(axis=1) + margin + 1, 0, size).astype(int)
    return np.concatenate([low, high], axis=1).tolist()


def icvl_joints(joints: np.ndarray) -> np.ndarray:
    """ICVL16 from HAND21: a palm point, then knuckle, middle of the two outer joints and tip of every finger."""
    at = {name: joints[:, i] for i, name in enumerate(HAND21.joints)}
    chosen = [(at["wrist"] + at["middle_mcp"]) / 2]
    for finger in FINGERS:
        outer = ("ip", "ip") if finger == "thumb" else ("pip", "dip")
        middle = (at[f"{finger}_{outer[0]}"] + at[f"{finger}_{outer[1]}"]) / 2
        chosen += [at[f"{finger}_mcp"], middle, at[f"{finger}_tip"]]
    return np.stack(chosen, axis=1)


def nyu_joints(joints: np.ndarray) -> np.ndarray:
    """NYU's 36 from HAND21: joints and the middles between them, two sides of the wrist, points of the palm."""
    at = {name: joints[:, i] for i, name in enumerate(HAND21.joints)}
    chosen: list[np.ndarray] = []
    for finger in ("pinky", "ring", "middle", "index", "thumb"):
        chain = [at[joint] for joint in HAND21.joints if joint.startswith(finger)][::-1]
        for outer, inner in pairwise(chain):
            chosen += [outer, (outer + inner) / 2]
    side = 0.3 * (at["index_mcp"] - at["pinky_mcp"])
    middle = (at["wrist"] + at["middle_mcp"]) / 2
    palm = [at["wrist"] - side, at["wrist"] + side, middle, at["thumb_cmc"], middle - side, middle + side]
    return np.stack(chosen + palm, axis=1)


def _write_pngs(folder: Path, names: Sequence[str], images: np.ndarray) -> None:
    for name, image in zip(names, images, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / name), np.ascontiguousarray(image))


def _row(name: str, numbers: np.ndarray, form: str, between: str) -> str:
    return between.join([name, *(form.format(number) for number in numbers.ravel())])
