"""Left or right: which of a pose network's two hypotheses about one crop is right.

Ours, of no paper. A pose network knows right hands only. Shown a crop and its mirror image it estimates twice, and the
wrong hypothesis is subtly wrong: joints bend the way no right hand's do. A small network that has seen many such pairs
tells them apart, and it fits whatever network estimates joints.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


def _described(hypothesis: Float[Tensor, "B J 4"]) -> Float[Tensor, "B N"]:
    """Joints about their mean, and gaps within half a finger's breadth or so, all in numbers of about 1."""
    joints, gap = hypothesis.split([3, 1], dim=-1)
    return torch.cat([3 * (joints - joints.mean(1, keepdim=True)), 5 * gap.clamp(-0.3, 0.3)], dim=-1).flatten(1)


class Handedness(nn.Module):
    """Two hypotheses to the log odds that the first is the right one.

    A hypothesis is a row (x, y, z, gap) for every joint: a right hand in `Space.CUBE`, and how much deeper the surface
    is than the joint where the joint is seen, in half edges of the cube.

    Args:
        joints: number of joints J.
        hidden: width of the two hidden layers.
        dropout: probability after each of them.
    """

    def __init__(self, *, joints: int = 21, hidden: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {"joints": joints, "hidden": hidden, "dropout": dropout}
        self.judge = nn.Sequential(
            nn.Linear(8 * joints, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )  # fmt: skip

    def forward(self, plain: Float[Tensor, "B J 4"], mirrored: Float[Tensor, "B J 4"]) -> Float[Tensor, " B"]:
        """Log odds that the crop shows a right hand, float32: exchanging the two hypotheses exchanges the sign."""
        first, second = (_described(hypothesis) for hypothesis in (plain, mirrored))
        there = self.judge(torch.cat([first, second], dim=1))
        back = self.judge(torch.cat([second, first], dim=1))
        return (there - back)[:, 0].float()

    def loss(self, plain: Float[Tensor, "B J 4"], mirrored: Float[Tensor, "B J 4"]) -> dict[str, Float[Tensor, ""]]:
        """Cross entropy where every crop shows a right hand; left hands follow by symmetry."""
        return {"handedness": nn.functional.softplus(-self(plain, mirrored)).mean()}
