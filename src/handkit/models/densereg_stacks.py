"""The layers of DenseReg, Wan et al., CVPR 2018: docs/reference.md, 3.5, after the released code.

Residual blocks with batch renormalization; stacked hourglasses; in each stack the heads that answer its maps.

https://arxiv.org/abs/1711.08996
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from handkit.layers.batch_renorm import BatchRenorm2d
from handkit.layers.hourglass import Hourglass

Answer = Literal["field", "offset", "detection-depth", "detection-coordinates", "coordinates"]

MAPS: dict[Answer, dict[str, int]] = {
    "field": {"heatmap": 1, "closeness": 1, "direction": 3},
    "offset": {"heatmap": 1, "offset": 3},
    "detection-depth": {"heatmap": 1},
    "detection-coordinates": {"heatmap": 1},
    "coordinates": {},
}
"""What the maps of a stack are, in order, and how many of each a joint has."""

REGRESSED: dict[Answer, dict[str, int]] = {
    "detection-depth": {"depth": 1}, "detection-coordinates": {"coordinates": 3}, "coordinates": {"coordinates": 3}
}  # fmt: skip
"""What a joint has that is regressed for the image as a whole."""


def activated_convolution(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution, batch renormalization, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
        BatchRenorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """1x1 to half of the *inputs*, 3x3, 1x1 to the outputs, all activated; nothing after the sum."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = inputs // 2
        self.body = nn.Sequential(
            activated_convolution(inputs, middle),
            activated_convolution(middle, middle, kernel=3),
            activated_convolution(middle, outputs),
        )
        self.shortcut = nn.Identity() if inputs == outputs else activated_convolution(inputs, outputs)

    def forward(self, features: Float[Tensor, "B inputs H W"]) -> Float[Tensor, "B outputs H W"]:
        return self.shortcut(features) + self.body(features)


def stem(channels: int) -> nn.Sequential:
    """Depth `(B, 1, S, S)` to features `(B, channels, S/4, S/4)`."""
    return nn.Sequential(
        activated_convolution(1, channels // 4, kernel=7, stride=2),
        Residual(channels // 4, channels // 2),
        nn.MaxPool2d(2),
        Residual(channels // 2, channels // 2),
        Residual(channels // 2, channels),
    )


class Cells(NamedTuple):
    """What is where on the S/4 x S/4 grid of the maps."""

    image: Float[Tensor, "B 3 H W"]
    """(u, v) in [-1, 1] and depth as the network reads it."""
    points: Float[Tensor, "B 3 H W"]
    """In `Space.CUBE`."""
    foreground: Bool[Tensor, "B H W"]


class FieldHead(nn.Module):
    """R from the features, S from those and where the cells are, V from both maps, with and without background.

    Without `closeness` there is no S, and V (then an offset) is made from R alone.
    """

    def __init__(self, channels: int, joints: int, *, closeness: bool, dropout: float) -> None:
        super().__init__()
        wide, maps = 2 * channels, (1 + closeness) * joints
        self.heatmaps = nn.Conv2d(channels, joints, 1)
        self.closeness = (
            nn.Sequential(Residual(channels + 3, channels), nn.Conv2d(channels, joints, 1)) if closeness else None
        )
        self.whole = nn.Sequential(Residual(channels + maps, wide), Residual(wide, wide))
        self.hand = nn.Sequential(Residual(channels + maps, wide), Residual(wide, wide))
        self.both = Residual(2 * wide, 2 * wide)
        self.direction = nn.Sequential(
            nn.Conv2d(2 * wide + 3, 2 * wide, 1), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Conv2d(2 * wide, 2 * wide, 1), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Conv2d(2 * wide, 3 * joints, 1),
        )  # fmt: skip

    def forward(
        self, hourglass: Float[Tensor, "B C H W"], features: Float[Tensor, "B C H W"], cells: Cells
    ) -> Float[Tensor, "B maps H W"]:
        maps = self.heatmaps(features)
        if self.closeness is not None:
            maps = torch.cat((maps, self.closeness(torch.cat((features, cells.image), dim=1))), dim=1)
        whole = torch.cat((hourglass, maps), dim=1)
        both = self.both(torch.cat((self.whole(whole), self.hand(whole * cells.foreground.unsqueeze(1))), dim=1))
        return torch.cat((maps, self.direction(torch.cat((both, cells.image), dim=1))), dim=1)


def regression_head(*, channels: int, joints: int, numbers: int, dropout: float) -> nn.Sequential:
    """`numbers` of each joint, `(B, J, numbers)`, by fully connected layers on the map's 8 x 8 maxima."""
    return nn.Sequential(
        nn.AdaptiveMaxPool2d(8), nn.Flatten(),
        nn.Linear(64 * channels, 512), nn.ReLU(inplace=True), nn.Dropout(dropout),
        nn.Linear(512, 512), nn.ReLU(inplace=True), nn.Dropout(dropout),
        nn.Linear(512, numbers * joints), nn.Unflatten(1, (joints, numbers)),
    )  # fmt: skip


def direct_regression(channels: int, joints: int, *, dropout: float) -> nn.Sequential:
    """The first baseline: coordinates from the stem's features, without an hourglass."""
    return nn.Sequential(
        Residual(channels, channels),
        Residual(channels, channels),
        regression_head(channels=channels, joints=joints, numbers=3, dropout=dropout),
    )


class StackAnswer(NamedTuple):
    features: Float[Tensor, "B C H W"]
    maps: Float[Tensor, "B maps H W"]
    regressed: Float[Tensor, "B J _"] | None
    """Of the baselines that detect joints in the image and regress the rest."""


class Stack(nn.Module):
    """One hourglass, its features, the maps that `answer` has, and what is regressed from all of it and the depth."""

    def __init__(self, channels: int, joints: int, *, answer: Answer, dropout: float) -> None:
        super().__init__()
        self.hourglass = Hourglass(lambda: Residual(channels, channels), order=4, core=False, window=3)
        self.features = nn.Sequential(Residual(channels, channels), activated_convolution(channels, channels))
        regressed = sum(REGRESSED.get(answer, {}).values())
        self.field = None if regressed else FieldHead(
            channels, joints, closeness="closeness" in MAPS[answer], dropout=dropout
        )  # fmt: skip
        self.heatmaps = nn.Conv2d(channels, joints, 1) if regressed else None
        self.regression = (
            regression_head(channels=channels + joints + 1, joints=joints, numbers=regressed, dropout=dropout)
            if regressed
            else None
        )

    def forward(self, inputs: Float[Tensor, "B C H W"], cells: Cells) -> StackAnswer:
        hourglass = self.hourglass(inputs)
        features = self.features(hourglass)
        if self.field is not None:
            return StackAnswer(features, self.field(hourglass, features, cells), None)
        assert self.heatmaps is not None
        assert self.regression is not None
        heatmaps = self.heatmaps(features)
        regressed = self.regression(torch.cat((features, heatmaps, cells.image[:, 2:]), dim=1))
        return StackAnswer(features, heatmaps, regressed.float())


class Reinjection(nn.Module):
    """What a stack found, added to what the next one reads."""

    def __init__(self, channels: int, maps: int) -> None:
        super().__init__()
        self.maps = nn.Conv2d(maps, channels, 1)
        self.features = nn.Conv2d(channels, channels, 1)

    def forward(
        self, features: Float[Tensor, "B C H W"], maps: Float[Tensor, "B maps H W"]
    ) -> Float[Tensor, "B C H W"]:
        return self.features(features) + self.maps(maps)
