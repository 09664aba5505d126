"""Hourglass over a given residual block.

https://arxiv.org/abs/1603.06937
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def max_pool(features: Float[Tensor, "B C H W"], *, window: int = 2) -> Float[Tensor, "B C h w"]:
    """Maximum over windows that start at every second cell: height and width are halved and rounded up.

    A window of 2 tiles the map; one of 3 reaches one cell into the next, as TensorFlow's "SAME" does on even maps.
    """
    reach = window - 2
    if reach:
        features = functional.pad(features, (0, reach, 0, reach), value=float("-inf"))
    return functional.max_pool2d(features, window, stride=2, ceil_mode=True)


class Hourglass(nn.Module):
    """One hourglass of Newell et al., "Stacked Hourglass Networks for Human Pose Estimation", 2016.

    Each level keeps a block at full size beside pool, block, inner level, block, nearest upsampling; the
    innermost level is one block. An hourglass of order n therefore has 3 n + 1 blocks, 3 n without `core`.
    Maps need not be multiples of `2 ** order`: halves are rounded up, and one cell stays one cell.

    Args:
        block: makes one residual block that keeps the channel count.
        order: number of halvings, at least 1.
        core: the innermost level is a block; without, there is nothing between its neighbors.
        window: side of the pooling windows, 2 or 3.
    """

    def __init__(self, block: Callable[[], nn.Module], *, order: int, core: bool = True, window: int = 2) -> None:
        super().__init__()
        self.window = window
        self.full = block()
        self.enter = block()
        if order > 1:
            self.inner = Hourglass(block, order=order - 1, core=core, window=window)
        else:
            self.inner = block() if core else nn.Identity()
        self.leave = block()

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        half = self.leave(self.inner(self.enter(max_pool(features, window=self.window))))
        return self.full(features) + functional.interpolate(half, size=features.shape[-2:], mode="nearest")
