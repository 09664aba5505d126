"""Latent Fusion: hand pose from latent 2D heat maps of three planes, S. Liu et al., IEEE Access 2020.

Reads the depth channel of a point map, `(B, 3, S, S)`; returns joints in `Space.IMAGE` (u, v, d of the
crop, each in [-1, 1]), `(B, J, 3)`. Three branches see the same features. Each finds two coordinates as
the expectation of a latent heat map, and the third as the expectation of a depth-like map under it: XY + Z,
XZ + Y, YZ + X. A small network predicts one weight per branch and image; the weighted sum is the pose.

The authors released no code. Sizes and interpretations below are those of docs/reference.md, 3.4:

* `reinjection`: Table 6 read literally has 1,899,045 parameters for 14 joints, the paper reports 2.000 M.
  Additional 1x1 convolutions that carry branch features and maps into the fusion network reproduce 0.510 +
  1.419 + 0.071 M; they are the default. `reinjection=False` is the literal table.
* The residual block is a pre-activation bottleneck with biases: the only family that matches 0.510 M.
* The text names two max pools in the fusion network, Table 6 one; there is one.
* Cells are at their centers, (i + 0.5) / size * 2 - 1, as the labels are; the paper gives [-1, 1] only.
* Smooth L1 is averaged over coordinates (the paper does not say), so that loss does not grow with joints.
* The single branches of the ablation have two stacked hourglasses: `hourglasses=2`, read as two in the branch.
* Ablation B1, `heatmaps="explicit"`, is known from a sentence: 2D Gaussian heat maps, sigma 1.5. Here the XY
  branch's first maps learn Gaussians of 1.5 cells and are read as the stacked hourglass reads its own, at the
  highest cell; the depth is the mean of the depth-like map under the heat map itself, which is 1 on the joint and 0
  two cells from it (a softmax of such values has a twentieth of its mass there), and teaches that map alone.
* `initial_std=None` leaves torch's initialization in place of the paper's N(0, 0.001): on eight crops it
  reaches the same error in half the steps.
* YZ + X: the paper does not say which of y and z lies along the rows. With y vertical, where the features have it,
  the plane alone is better by 1.5 mm than with y along the rows (`yz="horizontal"`, what handkit 0.1 had).
* `channels` of the features and branches; the paper's are 128.

"Light and Fast Hand Pose Estimation From Spatial-Decomposed Latent Heatmap"; its identifier
is not confirmed here, a search for the title:
https://ieeexplore.ieee.org/search/searchresult.jsp?queryText=Light%20and%20Fast%20Hand%20Pose%20Estimation%20From%20Spatial-Decomposed%20Latent%20Heatmap
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from handkit.geometry.crop import Space
from handkit.layers.heatmaps import (
    cell_deviations,
    expected_cell,
    gaussian_error,
    highest_cell,
    spatial_softmax,
)
from handkit.layers.hourglass import Hourglass
from handkit.layers.residual import PreActivationBottleneck
from handkit.models.network import Description, HandPoseModel
from handkit.skeleton import Skeleton

Plane = Literal["xy", "xz", "yz"]

Heatmaps = Literal["latent", "explicit"]
Mixture = Literal["learned", "mean"]
Direction = Literal["vertical", "horizontal"]

SIGMA = 1.5
"""Of explicit heat maps' Gaussians, cells."""
LEAST_SHARE = 1e-6
"""Of every cell of an explicit heat map, whose Gaussian is 1 at its joint."""
AXES: dict[Plane, tuple[int, int, int]] = {"xy": (0, 1, 2), "xz": (0, 2, 1), "yz": (2, 1, 0)}
"""Where x, y and z of a joint are in (horizontal, vertical, third) of the plane's branch."""
Y_HORIZONTAL = (2, 0, 1)
"""The same for the YZ plane with `yz="horizontal"`."""


class LatentPose(NamedTuple):
    """Everything the network says about a batch of crops; K branches in the order of `planes`."""

    joints: Float[Tensor, "B J 3"]
    """The pose: branches under their weights, `Space.IMAGE`."""
    branches: Float[Tensor, "B K J 3"]
    """Pose of each branch, `Space.IMAGE`."""
    weights: Float[Tensor, "B K"]
    """Positive, sum to 1."""
    heatmaps: tuple[Float[Tensor, "B J H W"], ...]
    """One latent distribution over the S/4 x S/4 cells for each branch and joint; explicit maps, about 1 on it."""


def activated_convolution(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalization, leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(inplace=True),
    )


def hourglass(channels: int) -> nn.Sequential:
    """One of order 2 with a residual block behind it."""

    def block() -> nn.Module:
        return PreActivationBottleneck(inputs=channels, outputs=channels)

    return nn.Sequential(Hourglass(block, order=2), block())


def feature_extractor(channels: int) -> nn.Sequential:
    """Depth crop `(B, 1, S, S)` to shared features `(B, C, S/4, S/4)`: Table 6, first part."""
    eighth, quarter, half = channels // 8, channels // 4, channels // 2
    return nn.Sequential(
        activated_convolution(1, eighth, kernel=7, stride=2),
        PreActivationBottleneck(inputs=eighth, outputs=quarter),
        nn.MaxPool2d(2),
        PreActivationBottleneck(inputs=quarter, outputs=half),
        PreActivationBottleneck(inputs=half, outputs=channels),
        *hourglass(channels),
    )


def _initialize(network: nn.Module, *, std: float) -> None:
    """Convolution weights from N(0, std), biases 0, in place."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _check_arguments(*, resolution: int, planes: list[Plane], explicit: bool, channels: int, hourglasses: int) -> None:
    """Refuse what the layers could not be built or run with."""
    if resolution <= 0 or resolution % 16:
        raise ValueError(f"resolution is {resolution}, it must be a positive multiple of 16, for example 128")
    if not planes or len(set(planes)) < len(planes) or not set(planes) <= set(AXES):
        raise ValueError(f"planes are {planes}, each of {list(AXES)} may be there once")
    if explicit and planes != ["xy"]:
        raise ValueError(f"planes are {planes}, explicit heat maps lie in the image: planes must be ['xy']")
    if channels <= 0 or channels % 16:
        raise ValueError(f"channels are {channels}, they must be a positive multiple of 16; the paper's 128")
    if hourglasses < 1:
        raise ValueError(f"hourglasses are {hourglasses}, each branch must have at least 1")


def shares_of(heatmaps: Float[Tensor, "B J H W"]) -> Float[Tensor, "B J H W"]:
    """Explicit heat maps as distributions over the cells, without gradient; uniform where they are empty."""
    positive = heatmaps.detach().clamp_min(0) + LEAST_SHARE
    return positive / positive.sum((2, 3), keepdim=True)


class BranchAnswer(NamedTuple):
    """What one plane says about a batch of crops."""

    coordinates: Float[Tensor, "B J 3"]
    """(horizontal, vertical, third) of the branch's own plane, [-1, 1]."""
    heatmaps: Float[Tensor, "B J H W"]
    message: Float[Tensor, "B M H W"]
    """What the fusion network reads from this branch."""


class Branch(nn.Module):
    """One plane: latent heat maps for two coordinates, depth-like maps for the third.

    Args:
        joints: number of joints J.
        channels: C, of the shared features.
        reinjection: the message is C channels made of the features and the maps, through 1x1
            convolutions, rather than the 2 J maps themselves.
        hourglasses: one after the other, each with a residual block behind it.
        explicit: the first J maps are heat maps themselves, read at their highest cells.
    """

    def __init__(self, joints: int, *, channels: int, reinjection: bool, hourglasses: int, explicit: bool) -> None:
        super().__init__()
        self.explicit = explicit
        stacked = [layer for _ in range(hourglasses) for layer in hourglass(channels)]
        self.features = nn.Sequential(*stacked, activated_convolution(channels, channels))
        self.maps = nn.Conv2d(channels, 2 * joints, 1)
        self.reinject_features = activated_convolution(channels, channels) if reinjection else None
        self.reinject_maps = nn.Conv2d(2 * joints, channels, 1) if reinjection else None

    def forward(self, shared: Float[Tensor, "B C H W"], sharpness: Float[Tensor, "J"] | None) -> BranchAnswer:
        features = self.features(shared)
        scores, thirds = self.maps(features).float().chunk(2, dim=1)
        heatmaps = shares_of(scores) if sharpness is None else spatial_softmax(scores * sharpness.view(-1, 1, 1))
        third = (thirds * heatmaps).sum((2, 3))
        plane = highest_cell(scores) if self.explicit else expected_cell(heatmaps)
        coordinates = torch.cat((plane, third.unsqueeze(-1)), dim=-1)
        message = torch.cat((heatmaps, thirds), dim=1)
        if self.reinject_features is not None and self.reinject_maps is not None:
            message = self.reinject_features(features) + self.reinject_maps(message)
        return BranchAnswer(coordinates, scores if self.explicit else heatmaps, message)


class Fusion(nn.Module):
    """One weight per branch and image from the shared features and the branches' messages.

    Args:
        channels: C, of the shared features.
        message: channels of a branch's message.
        branches: number K of branches.
        activated: the transforms before the sum carry batch normalization and activation.
    """

    def __init__(self, *, channels: int, message: int, branches: int, activated: bool) -> None:
        super().__init__()
        inputs = [channels] + [message] * branches
        self.transforms = nn.ModuleList(
            activated_convolution(size, channels) if activated else nn.Conv2d(size, channels, 1) for size in inputs
        )
        self.weights = nn.Sequential(
            nn.Conv2d(channels, 32, 1), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.LeakyReLU(inplace=True),
            nn.Conv2d(32, branches, 1),
        )  # fmt: skip

    def forward(self, sources: Sequence[Float[Tensor, "B _ H W"]]) -> Float[Tensor, "B K"]:
        """Positive weights that sum to 1, from (shared features, message of each branch)."""
        transformed = [transform(source) for transform, source in zip(self.transforms, sources, strict=True)]
        total = reduce(torch.add, transformed)
        positive = self.weights(total).float().mean((2, 3)).sigmoid()
        return positive / positive.sum(1, keepdim=True)


class LatentFusion(HandPoseModel):
    """The network of the paper: shared features, a branch for each plane, fused.

    Args:
        skeleton: names the J joints.
        resolution: S, crop pixels a side, a multiple of 16; the paper's is 128.
        planes: the branches, of "xy", "xz" and "yz"; with two hourglasses, one alone is the paper's ablation B4,
            B3 or B2.
        hourglasses: of each branch; 1 in the whole network.
        heatmaps: "latent", or "explicit" in the plane "xy" alone (ablation B1, see the module).
        fusion: "learned" weights, or the "mean" of the branches (ablation B5). One branch has no fusion.
        reinjection: the additional 1x1 convolutions, see the module.
        channels: C, of the features and the branches, a multiple of 16; the paper's are 128.
        yz: where y lies in the maps of the plane "yz": "vertical", as the features have it, or "horizontal".
        initial_std: of the normal distribution that convolution weights start from, biases 0; the paper's
            is 0.001. None leaves torch's own initialization.
        transition: normalized error at which the loss turns from squared to absolute; the paper's 1 makes it
            squared throughout, a small one follows the mean error that is reported.

    Raises:
        ValueError: the resolution is no multiple of 16, planes are empty or repeated, a name is unknown, or a
            number is out of range.
    """

    space = Space.IMAGE
    before: ClassVar[dict[str, Any]] = {"yz": "horizontal"}
    by_joint: ClassVar[dict[str, int]] = {
        ".maps.weight": 0,
        ".maps.bias": 0,
        ".reinject_maps.weight": 1,
        "sharpness": 0,
    }

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        resolution: int = 128,
        planes: Sequence[Plane] = ("xy", "xz", "yz"),
        hourglasses: int = 1,
        heatmaps: Heatmaps = "latent",
        fusion: Mixture = "learned",
        reinjection: bool = True,
        channels: int = 128,
        yz: Direction = "vertical",
        initial_std: float | None = 0.001,
        transition: float = 1.0,
    ) -> None:
        super().__init__()
        self.skeleton, self.resolution, self.planes, self.transition = skeleton, resolution, tuple(planes), transition
        self.explicit = heatmaps == "explicit"
        sizes = {"resolution": resolution, "channels": channels, "hourglasses": hourglasses}
        _check_arguments(planes=list(planes), explicit=self.explicit, **sizes)
        if initial_std is not None and initial_std < 0:
            raise ValueError(f"initial_std is {initial_std:g}, it must be at least 0, or None")
        if not transition >= 0:
            raise ValueError(f"transition is {transition:g}, it must be at least 0; the paper has 1")
        joints, learned = len(skeleton), fusion == "learned" and len(planes) > 1
        reinjection = reinjection and learned
        self.features = feature_extractor(channels)
        self.branches = nn.ModuleList(
            Branch(joints, channels=channels, reinjection=reinjection, hourglasses=hourglasses, explicit=self.explicit)
            for _ in planes
        )
        self.sharpness = None if self.explicit else nn.Parameter(torch.ones(joints))
        message = channels if reinjection else 2 * joints
        sizes = {"channels": channels, "message": message, "branches": len(planes)}
        self.fusion = Fusion(**sizes, activated=reinjection) if learned else None
        self.axes = AXES | ({"yz": Y_HORIZONTAL} if yz == "horizontal" else {})
        if initial_std is not None:
            _initialize(self, std=initial_std)

    def outputs(self, points: Float[Tensor, "B 3 S S"]) -> LatentPose:
        """Pose, branches, weights and heat maps for point maps in `Space.IMAGE`."""
        return self._answer(self.features(points[:, 2:3]))

    def describe(self, points: Float[Tensor, "B 3 S S"]) -> Description:
        """Joints with the shared features, and the deviations and peaks of the first branch's heat maps."""
        shared = self.features(points[:, 2:3])
        pose = self._answer(shared)
        maps = pose.heatmaps[0] if not self.explicit else shares_of(pose.heatmaps[0])
        return Description(pose.joints, shared, cell_deviations(maps), maps.amax((2, 3)))

    def _answer(self, shared: Float[Tensor, "B C H W"]) -> LatentPose:
        answers: list[BranchAnswer] = [branch(shared, self.sharpness) for branch in self.branches]
        poses = [
            torch.stack([answer.coordinates[..., axis] for axis in self.axes[plane]], dim=-1)
            for plane, answer in zip(self.planes, answers, strict=True)
        ]
        branches = torch.stack(poses, dim=1)
        if self.fusion is None:
            weights = branches.new_full(branches.shape[:2], 1 / len(poses))
        else:
            weights = self.fusion([shared, *(answer.message for answer in answers)])
        joints = (branches * weights[:, :, None, None]).sum(1)
        return LatentPose(joints, branches, weights, tuple(answer.heatmaps for answer in answers))

    def forward(self, points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """Joints in `Space.IMAGE`, [-1, 1], from point maps in `Space.IMAGE`."""
        return self.outputs(points).joints

    def loss(self, points: Float[Tensor, "B 3 S S"], joints: Float[Tensor, "B J 3"]) -> dict[str, Float[Tensor, ""]]:
        """Smooth L1 of the fused pose and of each branch, to be summed; slope 1 beyond `transition`.

        `joints` are the true ones in `Space.IMAGE`. One branch alone has one term; with explicit heat maps it has
        their `gaussian_error` and the smooth L1 of the depth.
        """
        pose = self.outputs(points)
        if self.explicit:
            depth = functional.smooth_l1_loss(pose.joints[..., 2:], joints[..., 2:], beta=self.transition)
            return {"heatmaps": gaussian_error(pose.heatmaps[0], joints, sigma=SIGMA), "depth": depth}
        terms = {
            plane: functional.smooth_l1_loss(pose.branches[:, index], joints, beta=self.transition)
            for index, plane in enumerate(self.planes)
        }
        if len(self.planes) == 1:
            return terms
        return {"fused": functional.smooth_l1_loss(pose.joints, joints, beta=self.transition), **terms}
