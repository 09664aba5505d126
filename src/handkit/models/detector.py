"""Hand detector: every hand of a whole depth image in one pass.

Objects as points: CenterNet (Zhou, Wang and Krähenbühl, "Objects as Points", 2019, https://arxiv.org/abs/1904.07850):
a heat map whose peaks are the centers of objects, and beside it what is known of the object at every cell. The object
is a hand, its center the mean of its joints, and what is known of it how far away it is and whether it is left.

Reads a depth image in mm, (B, 1, H, W), 0 where it is invalid, resampled so that a pixel subtends the same angle
whatever the camera (a focal length of `locate.FOCAL` pixels) and padded with zeros to sides that are multiples of
`locate.MULTIPLE`. Returns `Detection`: maps with a cell for every 4 x 4 pixels.

Where we differ from the paper:

* A small residual encoder down to stride 32, and additions on the way back up (Lin et al., "Feature Pyramid Networks",
  CVPR 2017, https://arxiv.org/abs/1612.03144) in the place of an hourglass or DLA: it has to run on one CPU core.
* Sizes are not regressed: a hand's size is known in millimeters. The heat map's standard deviation is that of the same
  length in millimeters at every distance.
* Offset, depth and handedness are learned not in the center's cell alone but wherever the true heat map is above
  `NEARBY`, weighted by it: small maps have few centers.
* Left or right follows from three directions, each of which can be learned by itself: along the hand, across it, and
  where the palm faces. Their triple product has one sign for right hands and the other for left ones. Learned as one
  bit alone, handedness stayed at chance for 135,000 images. The directions are not returned.

https://arxiv.org/abs/1904.07850
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from handkit.layers.residual import BasicBlock, normalized_convolution
from handkit.locate import STRIDE
from handkit.models.network import Network

WIDTH, HEIGHT = 224, 160
"""Canvas of the images that it is trained on, pixels; wider views are cut somewhere."""
NEARBY = 0.3
"""Cells whose true heat is above it learn what is known of the hand."""
RARE = 0.05
"""Heat of a network that has learned nothing yet (its first bias)."""
DEPTH_MM = 100.0
"""Unit of the depth's residual, mm."""
TRIPLE = 4.0
"""Logit of a left hand whose three directions are certain."""
USUAL_MM = 400.0
"""Depth whose inverse is 1 where the network reads it, mm."""
NEAREST_MM = 100.0
"""Surfaces that are nearer are read as if they were here, mm."""
NOWHERE_MM = 800.0
"""Depth of a cell without any valid depth around, mm."""


class Detection(NamedTuple):
    """What is known in each cell."""

    heat: Float[Tensor, "B h w"]
    """Logit: the center of a hand is here."""
    offset: Float[Tensor, "B 2 h w"]
    """From the middle of the cell to the center's projection (u, v), cells."""
    depth: Float[Tensor, "B h w"]
    """z of the center, camera mm."""
    left: Float[Tensor, "B h w"]
    """Logit: it is a left hand."""


class HandMaps(NamedTuple):
    """What is true in each cell; see `Detection`."""

    heat: Float[Tensor, "B h w"]
    """1 in the cell of a hand's center, falling off as a Gaussian around it."""
    offset: Float[Tensor, "B 2 h w"]
    depth: Float[Tensor, "B h w"]
    left: Float[Tensor, "B h w"]
    axes: Float[Tensor, "B 9 h w"]
    """Unit vectors in the camera's frame: from wrist to middle finger, from little to index finger, out of the palm."""
    ignored: Bool[Tensor, "B h w"]
    """Around hands that can hardly be seen: neither hand nor none."""


def _pool(values: Float[Tensor, "B 1 H W"], cells: int) -> Float[Tensor, "B 1 H W"]:
    """Largest value of the `cells` x `cells` cells around."""
    return functional.max_pool2d(values, cells, stride=1, padding=cells // 2)


class HandDetector(Network):
    """From a depth image to maps of hands.

    Args:
        channels: of the maps at strides 2, 4, 8, 16 and 32.
        blocks: residual blocks at strides 4 and above.
        features: channels on the way back up.
        depth_weight: of the depth term beside heat and offset terms of weight 1.
        left_weight: of the handedness term.
        axes_weight: of the term of the hand's directions.
    """

    about = "every hand of a whole depth image in one pass"

    def __init__(
        self,
        *,
        channels: Sequence[int] = (16, 32, 64, 96, 128),
        blocks: int = 2,
        features: int = 32,
        depth_weight: float = 2.0,
        left_weight: float = 1.0,
        axes_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.depth_weight, self.left_weight, self.axes_weight = depth_weight, left_weight, axes_weight
        self.stem = normalized_convolution(3, channels[0], kernel=5, stride=2)
        self.down = nn.ModuleList(
            nn.Sequential(
                normalized_convolution(inputs, outputs, kernel=3, stride=2),
                *(BasicBlock(inputs=outputs, outputs=outputs) for _ in range(blocks)),
            )
            for inputs, outputs in pairwise(channels)
        )
        self.across = nn.ModuleList(nn.Conv2d(count, features, 1) for count in channels[1:])
        self.up = nn.ModuleList(BasicBlock(inputs=features, outputs=features) for _ in channels[1:])
        self.head = nn.Conv2d(features, 14, 1)
        bias = torch.zeros(14)
        bias[0] = math.log(RARE / (1 - RARE))
        self.head.bias = nn.Parameter(bias)

    def forward(self, depth: Float[Tensor, "B 1 H W"]) -> Detection:
        """Maps, float32, of depth images in mm; H and W are multiples of `locate.MULTIPLE`."""
        return self._detect(depth)[0]

    def _detect(self, depth: Float[Tensor, "B 1 H W"]) -> tuple[Detection, Float[Tensor, "B 9 h w"]]:
        """The maps, and the hand's directions."""
        valid = (depth > 0).float()
        inverse = valid * (USUAL_MM / depth.clamp(min=NEAREST_MM))
        maps: list[Tensor] = []
        features = self.stem(_described(depth, inverse, valid))
        for down in self.down:
            features = down(features)
            maps.append(features)
        features = None
        for row, across, up in zip(reversed(maps), reversed(self.across), reversed(self.up), strict=True):
            side = across(row)
            features = up(side if features is None else side + functional.interpolate(features, scale_factor=2.0))
        output = self.head(features).float()
        near = functional.max_pool2d(inverse, STRIDE)
        # The surface around the cell, or farther away, or nowhere.
        beside = _pool(near, 3)
        near = torch.where(beside > 0, beside, _pool(near, 11))
        surface = torch.where(near > 0, USUAL_MM / near.clamp(min=1e-3), NOWHERE_MM)[:, 0]
        left = output[:, 4] - TRIPLE * _triple_product(output[:, 5:])
        return Detection(output[:, 0], output[:, 1:3], surface + DEPTH_MM * output[:, 3], left), output[:, 5:]

    def loss(
        self,
        depth: Float[Tensor, "B 1 H W"],
        heat: Float[Tensor, "B h w"],
        offset: Float[Tensor, "B 2 h w"],
        *,
        depth_map: Float[Tensor, "B h w"],
        left: Float[Tensor, "B h w"],
        axes: Float[Tensor, "B 9 h w"],
        ignored: Bool[Tensor, "B h w"],
    ) -> dict[str, Float[Tensor, ""]]:
        """Terms to be summed, for the maps of `HandMaps`: the penalty-reduced focal loss of the heat map a hand;
        smooth L1 of offset (cells), depth (`DEPTH_MM`) and directions, and cross entropy of the handedness, weighted by
        the heat."""
        found, directions = self._detect(depth)
        weight = (heat * (heat > NEARBY)) / (heat * (heat > NEARBY)).sum().clamp_min(1.0)
        position = functional.smooth_l1_loss(found.offset, offset, reduction="none", beta=0.5).sum(1)
        away = functional.smooth_l1_loss(found.depth / DEPTH_MM, depth_map / DEPTH_MM, reduction="none", beta=0.2)
        turned = functional.smooth_l1_loss(directions, axes, reduction="none", beta=0.5).sum(1)
        side = functional.binary_cross_entropy_with_logits(found.left, left, reduction="none")
        return {
            "heat": focal_loss(found.heat, heat, ignored=ignored),
            "offset": (weight * position).sum(),
            "depth": self.depth_weight * (weight * away).sum(),
            "left": self.left_weight * (weight * side).sum(),
            "axes": self.axes_weight * (weight * turned).sum(),
        }


def _described(
    depth: Float[Tensor, "B 1 H W"], inverse: Float[Tensor, "B 1 H W"], valid: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, "B 3 H W"]:
    """Inverse depth; depth from that of the surroundings (36 pixels, 100 mm, at most three of them); valid or not."""
    shares = torch.cat([inverse, valid], dim=1)
    shares = functional.avg_pool2d(functional.avg_pool2d(shares, STRIDE), 9, stride=1, padding=4)
    around = USUAL_MM * shares[:, 1:] / shares[:, :1].clamp(min=1e-4)
    around = functional.interpolate(around, scale_factor=float(STRIDE))
    relief = ((depth - around) / DEPTH_MM).clamp(-3.0, 3.0) * valid
    return torch.cat([inverse, relief, valid], dim=1)


def _triple_product(axes: Float[Tensor, "B 9 h w"]) -> Float[Tensor, "B h w"]:
    """(across x along) . palm: 1 for a right hand, -1 for a left one, where the directions are certain."""
    (a, b, c), (d, e, f), (g, h, i) = (part.unbind(1) for part in axes.split(3, dim=1))
    return (e * c - f * b) * g + (f * a - d * c) * h + (d * b - e * a) * i


def focal_loss(
    logits: Float[Tensor, "B h w"], heat: Float[Tensor, "B h w"], *, ignored: Bool[Tensor, "B h w"]
) -> Float[Tensor, ""]:
    """Penalty-reduced focal loss a hand, equation 1 of the paper (alpha 2, beta 4); a batch without hands counts one.

    Cells of heat 1 are hands. The others count the less the nearer they are to one.
    """
    probability = logits.sigmoid()
    hand = heat >= 1
    positive = (1 - probability).square() * functional.logsigmoid(logits)
    negative = (1 - heat).pow(4) * probability.square() * functional.logsigmoid(-logits)
    terms = torch.where(hand, positive, negative.where(~ignored, 0.0))
    return -terms.sum() / hand.sum().clamp_min(1)
