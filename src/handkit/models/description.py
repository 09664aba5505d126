"""What a pose network knows about a crop beside the joints: its features, and how sure its heat maps are."""

from typing import NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Description(NamedTuple):
    """One forward pass of a pose network over B crops."""

    joints: Float[Tensor, "B J 3"]
    """[-1, 1], in the network's space: what `forward` answers."""
    features: Float[Tensor, "B C H W"]
    """A map over the crop; C is 0 for a network that shows none."""
    spread: Float[Tensor, "B J 2"]
    """Standard deviation of each joint's heat map, horizontal and vertical, normalized units; 0 without heat maps."""
    peak: Float[Tensor, "B J"]
    """Largest probability of a cell of each heat map; 0 without heat maps."""


def describe_crops(model: nn.Module, points: Float[Tensor, "B 3 S S"]) -> Description:
    """`model.describe(points)`; of a network that has no such method the joints, and nothing else."""
    if hasattr(model, "describe"):
        return cast(Description, model.describe(points))  # pyright: ignore[reportCallIssue]
    joints = cast(Tensor, model(points))
    empty = points.new_zeros(len(points), 0, 1, 1)
    return Description(joints, empty, torch.zeros_like(joints[..., :2]), torch.zeros_like(joints[..., 0]))
