"""SRN: a pose, written back onto the pixels, corrects itself; Ren et al., "SRN: Stacked Regression Network", BMVC 2019.

Reads a point map, `(B, 3, S, S)`, and returns joints, `(B, J, 3)`, both in `space`. Preliminary features F are
shared; each stage t is the rest of a ResNet over [F, M_1 ... M_(t-1)] and regresses the whole pose from its mean cell.
Between stages a pose becomes the maps M_t again, by a function without weights through which gradients pass:

    H_j(p) = theta - |p_j - p|,  V_j(p) = (p_j - p) / |p_j - p|      where |p_j - p| < theta and p is on the hand

for every cell's point p and every joint p_j (eq. 2; `layers.fields`, whose closeness is H / theta).

`space` is the paper's coordinate decoupling: "image" regresses (u, v, depth) of the crop, which the crop's camera
turns into millimeters; "cube" regresses (x, y, z), the paper's row without decoupling. docs/reference.md, 2.4 and 3.2.

Where the paper and its authors' code differ, or leave it open:

* theta is the paper's 0.4 in units of half a crop; the released class has 1. H is not divided by it.
* The paper prints V from the joint to the pixel, the code has it to the joint, as here.
* The smooth L1 turns from squared to absolute at 0.01 and its slope beyond is 0.01, not 1: for `transition` a,
  x^2 / 2 below a and a (|x| - a / 2) above, summed over joints, coordinates and stages, averaged over images. This
  scale goes with the published learning rate of 0.3 under SGD; Adam does not see it. The text misprints the condition
  as `|x| = 0.01`. `loss="squared"`, the paper's row without smooth L1, is x^2 / 2 throughout.

Where we differ:

* A cell's point is a point of the map that was read, at its pixel's center; the code puts the nearest depth onto a mesh
  that reaches from edge to edge, up to half a cell off.
* Millimeters come from the exact inverse of the crop: the code does as much, eq. 4 ignores the rounding of its crop.
* The alternatives between stages (the paper's Fig. 2, without layers or numbers) are our interpretations.
  "deconvolution": the pose as 1 x 1 x 3J, three transposed convolutions to S/4, 4J channels each. "heatmaps":
  exp(-(d / 3.4)^2) of each cell's distance d in cells of 32, as the code has it [docs/reference.md, 7]: the "standard
  deviation 3.4" of the text is sqrt(2) times the Gaussian's, which is 2.40 cells.
  "heatmaps+depth": and J more maps, each joint's depth times its Gaussian.

https://bmvc2019.org/wp-content/uploads/papers/0918-paper.pdf
"""

import math
from functools import partial
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from handkit.geometry.crop import Space
from handkit.layers.fields import encode, foreground, shrink
from handkit.layers.heatmaps import gaussian_heatmaps
from handkit.layers.projection import project
from handkit.layers.residual import BasicBlock, PostActivationBottleneck, normalized_convolution
from handkit.models.network import HandPoseModel
from handkit.skeleton import Skeleton

Reparameterization = Literal["fields", "deconvolution", "heatmaps", "heatmaps+depth"]
Backbone = Literal["resnet18", "resnet50", "resnet101"]

MAPS: dict[Reparameterization, int] = {"fields": 4, "deconvolution": 4, "heatmaps": 1, "heatmaps+depth": 2}
"""Maps for each joint."""
UNITS: dict[Backbone, tuple[int, int, int, int]] = {
    "resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)
}  # fmt: skip
"""Residual blocks of the four layers."""
WIDTH: dict[Backbone, int] = {"resnet18": 64, "resnet50": 256, "resnet101": 256}
"""Channels of the first layer's output; each layer has twice those of the one before."""
HEATMAP_SIGMA = 3.4 / math.sqrt(2) / 32
"""Standard deviation of the 2D heat maps between stages, of the map's side."""


class StackedPose(NamedTuple):
    """Everything the network says about a batch of crops."""

    joints: Float[Tensor, "B J 3"]
    """The last stage's pose, in the network's space."""
    stages: Float[Tensor, "B T J 3"]
    """Every stage's pose."""


def residual_layer(backbone: Backbone, *, inputs: int, index: int, stride: int) -> nn.Sequential:
    """Layer `index` (0 to 3) of a ResNet, whose first block has the stride.

    For 16 joints the second stage reads and returns 128 channels: the size alone changes there.
    """
    outputs = WIDTH[backbone] * 2**index
    make = BasicBlock if backbone == "resnet18" else partial(PostActivationBottleneck, middle=outputs // 4)
    blocks = [make(inputs=inputs, outputs=outputs, stride=stride)]
    blocks += [make(inputs=outputs, outputs=outputs) for _ in range(UNITS[backbone][index] - 1)]
    return nn.Sequential(*blocks)


def preliminary_features(backbone: Backbone) -> nn.Sequential:
    """Depth crop `(B, 1, S, S)` to `(B, 64, S/4, S/4)`, or 256 channels under the deeper ones."""
    return nn.Sequential(
        normalized_convolution(1, 64, kernel=7, stride=2),
        nn.MaxPool2d(3, 2, padding=1),
        residual_layer(backbone, inputs=64, index=0, stride=1),
    )


class Stage(nn.Module):
    """The other three layers of a ResNet, and the pose from the mean of their cells."""

    def __init__(self, backbone: Backbone, *, inputs: int, joints: int) -> None:
        super().__init__()
        width = WIDTH[backbone]
        self.layers = nn.Sequential(
            *(
                residual_layer(
                    backbone, inputs=inputs if index == 1 else width * 2 ** (index - 1), index=index, stride=2
                )
                for index in (1, 2, 3)
            )
        )
        self.joints = nn.Sequential(nn.Linear(width * 8, 3 * joints), nn.Unflatten(1, (joints, 3)))

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B J 3"]:
        return self.joints(self.layers(features).mean((2, 3))).float()


def deconvolution(joints: int, *, size: int) -> nn.Sequential:
    """Pose `(B, J, 3)` to `(B, 4J, size, size)` by three transposed convolutions: to size/4, /2 and 1."""
    channels = MAPS["deconvolution"] * joints
    return nn.Sequential(
        nn.Flatten(), nn.Unflatten(1, (3 * joints, 1, 1)),
        nn.ConvTranspose2d(3 * joints, channels, size // 4, bias=False),
        nn.BatchNorm2d(channels), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1),
    )  # fmt: skip


def field_maps(
    joints: Float[Tensor, "B J 3"], cells: Float[Tensor, "B 3 H W"], *, theta: float
) -> Float[Tensor, "B 4*J H W"]:
    """Equation 2 at each cell's point: x, y, z of V for each joint, then H of each joint, 0 to `theta`."""
    field = encode(joints, cells, foreground(cells), radius=theta)
    return torch.cat((field.direction.flatten(1, 2), theta * field.closeness), dim=1)


def heat_maps(
    joints: Float[Tensor, "B J 3"], pixels: Float[Tensor, "B J 2"], *, size: int
) -> Float[Tensor, "B 2*J h w"]:
    """Gaussians around the joints' pixels, [-1, 1] across the crop; then the same times each joint's depth."""
    heat = gaussian_heatmaps(pixels, size, sigma=HEATMAP_SIGMA * size)
    return torch.cat((heat, heat * joints[..., 2, None, None]), dim=1)


def _check_arguments(*, resolution: int, stages: int, theta: float, transition: float) -> None:
    """Refuse what the layers could not be built or run with."""
    if resolution <= 0 or resolution % 32:
        raise ValueError(f"resolution is {resolution}, it must be a positive multiple of 32, for example 128")
    if stages < 1:
        raise ValueError(f"stages are {stages}, there must be one at least; the paper has 2")
    if not theta > 0:
        raise ValueError(f"theta is {theta}, it must be positive; the paper has 0.4")
    if not transition > 0:
        raise ValueError(f"transition is {transition}, it must be positive; the paper has 0.01")


class SRN(HandPoseModel):
    """The network of the paper.

    Args:
        skeleton: names the J joints.
        resolution: S, crop pixels a side, a multiple of 32; the paper's is 128.
        stages: T, how often the pose is regressed; the paper's 2, its ablation 1 to 3.
        space: "image" or "cube", of points and joints: with or without coordinate decoupling.
        reparameterization: what is between stages, see the module.
        theta: how near a joint a point must be to know of it, normalized units; the ablation's 0.3 to 0.8.
        backbone: "resnet50" is behind the authors' published result on MSRA, "resnet101" with one stage in Fig. 2.
        loss: "smooth-l1" or "squared", see the module.
        transition: normalized error from which the smooth L1 is absolute, and its slope there.

    Raises:
        ValueError: the resolution is no multiple of 32, a number is not positive, or a name is unknown.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        resolution: int = 128,
        stages: int = 2,
        space: Literal["image", "cube"] = "image",
        reparameterization: Reparameterization = "fields",
        theta: float = 0.4,
        backbone: Backbone = "resnet18",
        loss: Literal["smooth-l1", "squared"] = "smooth-l1",
        transition: float = 0.01,
    ) -> None:
        super().__init__()
        _check_arguments(resolution=resolution, stages=stages, theta=theta, transition=transition)
        self.skeleton, self.resolution, self.space = skeleton, resolution, Space(space)
        self.reparameterization, self.theta = reparameterization, theta
        self.transition = transition if loss == "smooth-l1" else None
        joints, maps = len(skeleton), MAPS[reparameterization] * len(skeleton)
        self.features = preliminary_features(backbone)
        self.stages = nn.ModuleList(
            Stage(backbone, inputs=WIDTH[backbone] + maps * index, joints=joints) for index in range(stages)
        )
        learned = (stages - 1) * (reparameterization == "deconvolution")
        self.deconvolutions = nn.ModuleList(deconvolution(joints, size=resolution // 4) for _ in range(learned))

    def maps(
        self, joints: Float[Tensor, "B J 3"], points: Float[Tensor, "B 3 S S"], *, stage: int = 0
    ) -> Float[Tensor, "B M H W"]:
        """The pose of stage `stage`, written onto S/4 x S/4 cells for the stages after it."""
        size = points.shape[-1] // 4
        if self.reparameterization == "deconvolution":
            return self.deconvolutions[stage](joints)
        if self.reparameterization == "fields":
            return field_maps(joints, shrink(points, size), theta=self.theta)
        both = heat_maps(joints, project(joints, points), size=size)
        return both if self.reparameterization == "heatmaps+depth" else both[:, : len(self.skeleton)]

    def outputs(self, points: Float[Tensor, "B 3 S S"]) -> StackedPose:
        """Every stage's pose from point maps in the network's space."""
        features, poses = self.features(points[:, 2:3]), []
        for index, stage in enumerate(self.stages):
            if poses:
                features = torch.cat((features, self.maps(poses[-1], points, stage=index - 1)), dim=1)
            poses.append(stage(features))
        return StackedPose(poses[-1], torch.stack(poses, dim=1))

    def forward(self, points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """Joints, [-1, 1], from point maps, both in `space`."""
        return self.outputs(points).joints

    def loss(self, points: Float[Tensor, "B 3 S S"], joints: Float[Tensor, "B J 3"]) -> dict[str, Float[Tensor, ""]]:
        """Equations 3 and 5, to be summed: one term for each stage; `joints` are the true ones in `space`."""
        poses = self.outputs(points).stages.unbind(1)
        if self.transition is None:
            errors = [0.5 * functional.mse_loss(pose, joints, reduction="sum") for pose in poses]
        else:
            errors = [functional.huber_loss(pose, joints, reduction="sum", delta=self.transition) for pose in poses]
        return {f"stage{index}": error / len(points) for index, error in enumerate(errors, start=1)}
