"""Residual blocks.

He et al., "Deep Residual Learning", CVPR 2016, https://arxiv.org/abs/1512.03385;
Newell et al., "Stacked Hourglass Networks", ECCV 2016, https://arxiv.org/abs/1603.06937.
"""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class PreActivationBottleneck(nn.Module):
    """Residual block of the stacked hourglass: BN, activation, convolution, three times over.

    1x1 to half of `outputs`, 3x3, 1x1 to `outputs`; the shortcut is the identity, or a bare 1x1
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


def normalized_convolution(
    inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, activated: bool = True
) -> nn.Sequential:
    """Convolution without bias that keeps the size at stride 1, batch normalization, ReLU where `activated`."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if activated else nn.Sequential(*layers)


class BasicBlock(nn.Module):
    """Residual block of ResNet-18: two 3x3 convolutions, the first with the stride, ReLU after the sum.

    The shortcut is the identity, or a 1x1 convolution with batch normalization where the size or the channel count
    changes. He et al., "Deep Residual Learning for Image Recognition", 2016.
    """

    def __init__(self, *, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            normalized_convolution(inputs, outputs, kernel=3, stride=stride),
            normalized_convolution(outputs, outputs, kernel=3, activated=False),
        )
        changed = stride > 1 or inputs != outputs
        self.shortcut = (
            normalized_convolution(inputs, outputs, stride=stride, activated=False) if changed else nn.Identity()
        )

    def forward(self, features: Float[Tensor, "B inputs H W"]) -> Float[Tensor, "B outputs h w"]:
        return functional.relu(self.shortcut(features) + self.body(features))


class PostActivationBottleneck(nn.Module):
    """Residual block of ResNet-50: convolution, BN, ReLU, three times over, the last ReLU after the sum.

    1x1 to `middle`, 3x3 with the stride, 1x1 to `outputs`. The shortcut is the identity, every `stride`-th cell
    of it, or a 1x1 convolution with batch normalization where the channel count changes. He et al., "Deep Residual
    Learning for Image Recognition", 2016, with the stride on the 3x3 as its later implementations have it.

    Args:
        inputs: channels of the input map.
        middle: channels between the convolutions.
        outputs: channels of the output map.
        stride: cells of the input for one of the output.
    """

    def __init__(self, *, inputs: int, middle: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            normalized_convolution(inputs, middle),
            normalized_convolution(middle, middle, kernel=3, stride=stride),
            normalized_convolution(middle, outputs, activated=False),
        )
        subsampled = nn.MaxPool2d(1, stride) if stride > 1 else nn.Identity()
        projected = inputs != outputs
        self.shortcut = (
            normalized_convolution(inputs, outputs, stride=stride, activated=False) if projected else subsampled
        )

    def forward(self, features: Float[Tensor, "B inputs H W"]) -> Float[Tensor, "B outputs h w"]:
        return functional.relu(self.shortcut(features) + self.body(features))


def residual_trunk(channels: Sequence[int], *, blocks: int) -> nn.Sequential:
    """Depth crop to a map of `channels[-1]`, half as large for every entry, with blocks at each size but the first.

    5x5 and then 3x3 convolutions with stride 2, batch normalization and ReLU between; plain and quick.
    """
    layers: list[nn.Module] = [nn.Conv2d(1, channels[0], 5, stride=2, padding=2, bias=False)]
    layers += [nn.BatchNorm2d(channels[0]), nn.ReLU(inplace=True)]
    for inputs, outputs in pairwise(channels):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)]
        layers += [PreActivationBottleneck(inputs=outputs, outputs=outputs, slope=0.0) for _ in range(blocks)]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels[-1]), nn.ReLU(inplace=True))
