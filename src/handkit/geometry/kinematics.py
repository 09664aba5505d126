"""Rotations and rigid chains as pure functions of batched tensors."""

import torch
from jaxtyping import Float
from torch import Tensor


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
