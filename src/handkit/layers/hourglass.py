"""Hourglass over a given residual block."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class Hourglass(nn.Module):
    """One hourglass of Newell et al., "Stacked Hourglass Networks for Human Pose Estimation", 2016.

    Each level keeps a block at full size beside pool, block, inner level, block, nearest upsampling; the
    innermost level is one block. An hourglass of order n therefore has 3 n + 1 blocks.

    Args:
        block: makes one residual block that keeps the channel count.
        order: number of halvings, at least 1; height and width must be multiples of ``2 ** order``.
    """

    def __init__(self, block: Callable[[], nn.Module], *, order: int) -> None:
        super().__init__()
        self.full = block()
        self.enter = block()
        self.inner = Hourglass(block, order=order - 1) if order > 1 else block()
        self.leave = block()

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        half = self.leave(self.inner(self.enter(functional.max_pool2d(features, 2))))
        return self.full(features) + functional.interpolate(half, scale_factor=2.0, mode="nearest")
