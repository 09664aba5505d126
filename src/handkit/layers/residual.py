"""Residual blocks."""

from jaxtyping import Float
from torch import Tensor, nn


class PreActivationBottleneck(nn.Module):
    """Residual block of the stacked hourglass: BN, activation, convolution, three times over.

    1x1 to half of ``outputs``, 3x3, 1x1 to ``outputs``; the shortcut is the identity, or a bare 1x1
    convolution where the channel count changes. Newell et al., "Stacked Hourglass Networks", 2016.

    Args:
        inputs: channels of the input map.
        outputs: channels of the output map, even.
        slope: of the leaky ReLU below zero.
    """

    def __init__(self, *, inputs: int, outputs: int, slope: float = 0.01) -> None:
        super().__init__()
        middle = outputs // 2
        # In place is safe: batch normalization keeps its input, not its output, for the backward pass.
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.LeakyReLU(slope, inplace=True),
            nn.Conv2d(inputs, middle, 1),
            nn.BatchNorm2d(middle),
            nn.LeakyReLU(slope, inplace=True),
            nn.Conv2d(middle, middle, 3, padding=1),
            nn.BatchNorm2d(middle),
            nn.LeakyReLU(slope, inplace=True),
            nn.Conv2d(middle, outputs, 1),
        )
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Float[Tensor, "B inputs H W"]) -> Float[Tensor, "B outputs H W"]:
        return self.shortcut(features) + self.body(features)
