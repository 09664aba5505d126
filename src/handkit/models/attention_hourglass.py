"""AttentionHourglass: "Networks effectively utilizing 2D spatial information for accurate 3D hand pose estimation",
B. Liu et al., ICIP 2018.

Reads the depth channel of a point map, `(B, 3, S, S)`; returns joints in `Space.IMAGE` (u, v, d of the crop, each
in [-1, 1]), `(B, J, 3)`. Stacked hourglasses detect the joints in the image, as S/2 x S/2 heat maps; what they
found out masks the early features, channel by channel, and from those a small network regresses the joints' depths:

    mask_i = sigmoid(feature map i of the last stack)        F_reg_i = mask_i * F_raw_i

The authors released no code and the text gives few sizes. The network is the interpretation of docs/reference.md, 3.3:
15,132,066 parameters for 14 joints. What the paper leaves open there, and what it is here:

* C1, C2: the mask is made of the last stack's 128 features, one for each raw feature, through a sigmoid. It is taken
  before their ReLU: behind it, no mask could close further than to one half.
* C3: the heat maps' Gaussian has a standard deviation of 2 cells.
* C4: heat maps have the summed squared error over that of an empty map (the paper: L2), so a stack's loss starts at 1
  whatever the size; depths have 10 times smooth L1, which starts in the same order. The sum has no further weights.
* C5 to C7 are matters of training and of the crop. C8: blocks end in ReLU, as ResNet's do.
* The read-out is that of the stacked hourglass: the argmax of the last stack, offset by a quarter cell.
* An hourglass halves four times at any resolution: halves are rounded up.

The comparisons of the paper, as `regression`: "attention"; "raw", the early features without a mask; "direct", the
last stack's features themselves; "one-task", which the text does not describe further: the same regression network
regresses all three coordinates from the early features, and nothing is detected.

https://ieeexplore.ieee.org/document/8451509
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from handkit.geometry.crop import Space
from handkit.layers.heatmaps import gaussian_error, highest_cell
from handkit.layers.hourglass import Hourglass
from handkit.layers.residual import normalized_convolution
from handkit.models.network import HandPoseModel
from handkit.skeleton import Skeleton

Regression = Literal["attention", "raw", "direct", "one-task"]


class AttentionPose(NamedTuple):
    """Everything the network says about a batch of crops."""

    heatmaps: Float[Tensor, "T B J H W"] | None
    """Of each of T stacks, S/2 x S/2 cells; about 1 on the joint. None of a network with one task."""
    regressed: Float[Tensor, "B J C"]
    """The joints' depth, C = 1, or with one task all of (u, v, d), C = 3; `Space.IMAGE`."""


class SqueezeExcitation(nn.Module):
    """Channels weighed by what all cells together say; Hu et al., CVPR 2018, https://arxiv.org/abs/1709.01507."""

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        middle = max(channels // reduction, 1)
        self.weights = nn.Sequential(
            nn.Linear(channels, middle), nn.ReLU(inplace=True), nn.Linear(middle, channels), nn.Sigmoid()
        )

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return features * self.weights(features.mean((2, 3)))[..., None, None]


class SeResidual(nn.Module):
    """Two 3x3 convolutions and squeeze and excitation, added to the input or to a 1x1 projection of it; then ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            normalized_convolution(inputs, outputs, kernel=3, stride=stride),
            normalized_convolution(outputs, outputs, kernel=3, activated=False),
            SqueezeExcitation(outputs),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity() if same else normalized_convolution(inputs, outputs, stride=stride, activated=False)
        )

    def forward(self, features: Float[Tensor, "B inputs H W"]) -> Float[Tensor, "B outputs h w"]:
        return functional.relu(self.shortcut(features) + self.body(features))


class Stack(nn.Module):
    """One hourglass: features, not yet activated, and heat maps."""

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        self.hourglass = Hourglass(lambda: SeResidual(channels, channels), order=4)
        self.features = nn.Sequential(
            SeResidual(channels, channels), normalized_convolution(channels, channels, activated=False)
        )
        self.heatmaps = nn.Conv2d(channels, joints, 1)

    def forward(self, inputs: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B J H W"]]:
        """(features, heat maps)."""
        features = self.features(self.hourglass(inputs))
        return features, self.heatmaps(features.relu())


class Reinjection(nn.Module):
    """What a stack found, added to what the next one reads."""

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(channels, channels, 1)
        self.heatmaps = nn.Conv2d(joints, channels, 1)

    def forward(
        self, features: Float[Tensor, "B C H W"], heatmaps: Float[Tensor, "B J H W"]
    ) -> Float[Tensor, "B C H W"]:
        return self.features(features.relu()) + self.heatmaps(heatmaps)


def stem(channels: int) -> nn.Sequential:
    """Depth `(B, 1, S, S)` to the early features F_raw, `(B, channels, S/2, S/2)`."""
    return nn.Sequential(
        normalized_convolution(1, channels // 2, kernel=7, stride=2),
        SeResidual(channels // 2, channels),
        SeResidual(channels, channels),
    )


def regressor(channels: int, *, outputs: int) -> nn.Sequential:
    """Features to `outputs` numbers for the whole image."""
    return nn.Sequential(
        SeResidual(channels, channels, stride=2),
        SeResidual(channels, 2 * channels, stride=2),
        SeResidual(2 * channels, 2 * channels, stride=2),
        SeResidual(2 * channels, 4 * channels, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * channels, outputs),
    )


class AttentionHourglass(HandPoseModel):
    """The network of the paper.

    Args:
        skeleton: names the J joints.
        resolution: S, crop pixels a side, even; the paper's is 128.
        stacks: hourglasses, 2 in the paper.
        regression: what the depths are regressed from, see the module; with "one-task" there are no stacks.
        channels: of the early features and the hourglasses, 128 in the paper, even.
        sigma: standard deviation of the heat maps' Gaussian, cells.
        depth_weight: of the depths' smooth L1.

    Raises:
        ValueError: a size is out of range, or `regression` is unknown.
    """

    space = Space.IMAGE

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        resolution: int = 128,
        stacks: int = 2,
        regression: Regression = "attention",
        channels: int = 128,
        sigma: float = 2.0,
        depth_weight: float = 10.0,
    ) -> None:
        super().__init__()
        _check_arguments(resolution=resolution, stacks=stacks, channels=channels, sigma=sigma)
        self.skeleton, self.resolution, self.sigma, self.depth_weight = skeleton, resolution, sigma, depth_weight
        self.regression: Regression = regression
        joints, one_task = len(skeleton), regression == "one-task"
        self.stem = stem(channels)
        self.stacks = nn.ModuleList(Stack(channels, joints) for _ in range(0 if one_task else stacks))
        self.returns = nn.ModuleList(Reinjection(channels, joints) for _ in self.stacks[1:])
        self.regressor = regressor(channels, outputs=3 * joints if one_task else joints)

    def outputs(self, points: Float[Tensor, "B 3 S S"]) -> AttentionPose:
        """Heat maps and regressed coordinates for point maps in `Space.IMAGE`."""
        raw = self.stem(points[:, 2:3])
        inputs, features, found = raw, raw, list[Tensor]()
        for index, stack in enumerate(self.stacks):
            if found:
                inputs = inputs + self.returns[index - 1](features, found[-1])
            features, heatmaps = stack(inputs)
            found.append(heatmaps)
        regressed = self.regressor(self._regressed_from(raw, features)).float()
        regressed = regressed.unflatten(1, (len(self.skeleton), -1))
        return AttentionPose(torch.stack(found).float() if found else None, regressed)

    def forward(self, points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """Joints in `Space.IMAGE`, from point maps in `Space.IMAGE`."""
        heatmaps, regressed = self.outputs(points)
        return regressed if heatmaps is None else torch.cat((highest_cell(heatmaps[-1]), regressed), dim=-1)

    def loss(self, points: Float[Tensor, "B 3 S S"], joints: Float[Tensor, "B J 3"]) -> dict[str, Float[Tensor, ""]]:
        """Heat maps of each stack and depths, to be summed; `joints` are the true ones in `Space.IMAGE`.

        A stack's term is its `gaussian_error`. With one task there is one term.
        """
        heatmaps, regressed = self.outputs(points)
        if heatmaps is None:
            return {"coordinates": self.depth_weight * functional.smooth_l1_loss(regressed, joints)}
        errors = gaussian_error(heatmaps, joints, sigma=self.sigma)
        terms = {f"heatmaps {index + 1}": error for index, error in enumerate(errors.unbind())}
        return {**terms, "depth": self.depth_weight * functional.smooth_l1_loss(regressed, joints[..., 2:])}

    def _regressed_from(
        self, raw: Float[Tensor, "B C H W"], features: Float[Tensor, "B C H W"]
    ) -> Float[Tensor, "B C H W"]:
        """What the regression network reads of the early features and of the last stack's."""
        if self.regression == "attention":
            return features.sigmoid() * raw
        return features.relu() if self.regression == "direct" else raw


def _check_arguments(*, resolution: int, stacks: int, channels: int, sigma: float) -> None:
    """Refuse what could not be built."""
    if resolution <= 0 or resolution % 2:
        raise ValueError(f"resolution is {resolution}, it must be positive and even, for example 128")
    if channels <= 0 or channels % 2:
        raise ValueError(f"channels are {channels}, they must be positive and even, for example 128")
    if stacks < 1:
        raise ValueError(f"stacks are {stacks}, there must be at least 1")
    if sigma <= 0:
        raise ValueError(f"sigma is {sigma:g} cells, it must be above 0")
