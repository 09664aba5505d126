"""Rotations and rigid chains as pure functions of batched tensors."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def bone_lengths(joints: Float[Tensor, "*batch J 3"], bones: Sequence[tuple[int, int]]) -> Float[Tensor, "*batch N"]:
    """Distance between the two joints of each bone, in the unit of `joints`.

    >>> bone_lengths(torch.tensor([[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]]), [(0, 1)]).tolist()
    [5.0]
    """
    first, second = torch.tensor(bones, device=joints.device).unbind(1)
    return (joints[..., first, :] - joints[..., second, :]).norm(dim=-1)


def axis_rotation(axis: str, angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 3 3"]:
    """Right-handed rotation by `angle` (rad) about "x", "y" or "z".

    >>> (axis_rotation("z", torch.tensor(torch.pi / 2)) @ torch.tensor([1.0, 0.0, 0.0])).round(decimals=3).tolist()
    [-0.0, 1.0, 0.0]
    """
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rows = {
        "x": [one, zero, zero, zero, cos, -sin, zero, sin, cos],
        "y": [cos, zero, sin, zero, one, zero, -sin, zero, cos],
        "z": [cos, -sin, zero, sin, cos, zero, zero, zero, one],
    }[axis]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def chain(
    origin: Float[Tensor, "*batch 3"],
    frame: Float[Tensor, "*batch 3 3"],
    *,
    rotations: Float[Tensor, "*batch L 3 3"],
    lengths: Float[Tensor, "*batch L"],
) -> tuple[Float[Tensor, "*batch L+1 3"], Float[Tensor, "*batch L 3 3"]]:
    """Forward kinematics of L links, each along the second axis of its own frame.

    Link i turns the frame by `rotations[i]` (in the frame of its parent) and goes `lengths[i]` along the new frame's
    second axis. Returns the L + 1 joint positions and the L link frames.
    """
    points, frames = [origin], list[Tensor]()
    for i in range(lengths.shape[-1]):
        frame = frame @ rotations[..., i, :, :]
        origin = origin + frame[..., :, 1] * lengths[..., i, None]
        points.append(origin)
        frames.append(frame)
    return torch.stack(points, dim=-2), torch.stack(frames, dim=-3)
