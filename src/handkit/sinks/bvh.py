"""A rig as Biovision hierarchy text. https://research.cs.wisc.edu/graphics/Courses/cs-838-1999/Jeff/BVH.html"""

import numpy as np

from handkit.shapes import Float64
from handkit.sinks.rig import NAMES, PARENTS, Clip


def bvh_text(clip: Clip) -> str:
    """In meters, y up; resampled to the median time between frames, as the format has one for all.

    Of each new frame the nearest old one is taken. Rotations are Z, X, Y, degrees. The root is named as in a .glb,
    `hand_1_right_wrist`, the other joints are the same for every hand.
    """
    times_s, rig = clip.times_s, clip.rig
    step = float(np.median(np.diff(times_s)))
    grid = np.arange(times_s[0], times_s[-1] + step / 2, step)
    nearest = np.abs(times_s - grid[:, None]).argmin(axis=1)
    turning = [i for i, name in enumerate(NAMES) if not name.endswith("tip")]
    angles = np.degrees(np.unwrap(euler(rig.rotations[nearest][:, turning]), axis=0)).reshape(len(grid), -1)
    rows = np.hstack([rig.wrist[nearest], angles])
    motion = [" ".join(f"{value:.5f}" for value in row) for row in rows.tolist()]
    head = ["HIERARCHY", f"ROOT {clip.name}_{NAMES[0]}", *_joint(0, rig.offsets, 0)[1:]]
    return "\n".join([*head, "MOTION", f"Frames: {len(grid)}", f"Frame Time: {step:.6f}", *motion, ""])


def euler(rotations: Float64[np.ndarray, "*batch 3 3"]) -> Float64[np.ndarray, "*batch 3"]:
    """Angles z, x, y, rad, of rotations Rz Rx Ry."""
    x = np.arcsin(np.clip(rotations[..., 2, 1], -1, 1))
    z = np.arctan2(-rotations[..., 0, 1], rotations[..., 1, 1])
    y = np.arctan2(-rotations[..., 2, 0], rotations[..., 2, 2])
    return np.stack([z, x, y], axis=-1)


def _joint(joint: int, offsets: Float64[np.ndarray, "26 3"], depth: int) -> list[str]:
    """The lines of a joint and all below it; a tip is an end site."""
    indent, name = "  " * depth, NAMES[joint]
    place = f"{indent}  OFFSET {' '.join(f'{value:.6f}' for value in offsets[joint].tolist())}"
    if name.endswith("tip"):
        return [f"{indent}End Site", f"{indent}{{", place, f"{indent}}}"]
    channels = (
        "3 Zrotation Xrotation Yrotation" if joint else "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
    )
    lines = [f"{indent}JOINT {name}", f"{indent}{{", place, f"{indent}  CHANNELS {channels}"]
    for child, parent in enumerate(PARENTS):
        if parent == joint:
            lines += _joint(child, offsets, depth + 1)
    return [*lines, f"{indent}}}"]
