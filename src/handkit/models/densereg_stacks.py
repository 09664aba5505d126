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
    "offset": {"heatmap": 1, "closeness": 1, "offset": 3},
    "detection-depth": {"heatmap": 1, "depth": 1},
    "detection-coordinates": {"heatmap": 1},
    "coordinates": {},
}
"""What the maps of a stack are, in order, and how many of each a joint has."""


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
    """R from the features, S from those and where the cells are, V from both maps, with and without background."""

    def __init__(self, channels: int, joints: int, *, dropout: float) -> None:
        super().__init__()
        wide = 2 * channels
        self.heatmaps = nn.Conv2d(channels, joints, 1)
        self.closeness = nn.Sequential(Residual(channels + 3, channels), nn.Conv2d(channels, joints, 1))
        self.whole = nn.Sequential(Residual(channels + 2 * joints, wide), Residual(wide, wide))
        self.hand = nn.Sequential(Residual(channels + 2 * joints, wide), Residual(wide, wide))
        self.both = Residual(2 * wide, 2 * wide)
        self.direction = nn.Sequential(
            nn.Conv2d(2 * wide + 3, 2 * wide, 1), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Conv2d(2 * wide, 2 * wide, 1), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Conv2d(2 * wide, 3 * joints, 1),
        )  # fmt: skip

    def forward(
        self, hourglass: Float[Tensor, "B C H W"], features: Float[Tensor, "B C H W"], cells: Cells
    ) -> Float[Tensor, "B maps H W"]:
        heatmaps = self.heatmaps(features)
        closeness = self.closeness(torch.cat((features, cells.image), dim=1))
        whole = torch.cat((hourglass, heatmaps, closeness), dim=1)
        both = self.both(torch.cat((self.whole(whole), self.hand(whole * cells.foreground.unsqueeze(1))), dim=1))
        return torch.cat((heatmaps, closeness, self.direction(torch.cat((both, cells.image), dim=1))), dim=1)


class Stack(nn.Module):
    """One hourglass, its features, and the maps that `answer` has."""

    def __init__(self, channels: int, joints: int, *, answer: Answer, dropout: float) -> None:
        super().__init__()
        maps = sum(MAPS[answer].values()) * joints
        self.hourglass = Hourglass(lambda: Residual(channels, channels), order=4, core=False, window=3)
        self.features = nn.Sequential(Residual(channels, channels), activated_convolution(channels, channels))
        self.field = FieldHead(channels, joints, dropout=dropout) if "closeness" in MAPS[answer] else None
        self.maps = nn.Conv2d(channels, maps, 1) if maps and self.field is None else None

    def forward(
        self, inputs: Float[Tensor, "B C H W"], cells: Cells
    ) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B maps H W"]]:
        """(features, maps)."""
        hourglass = self.hourglass(inputs)
        features = self.features(hourglass)
        if self.field is not None:
            return features, self.field(hourglass, features, cells)
        return features, features[:, :0] if self.maps is None else self.maps(features)


class Reinjection(nn.Module):
    """What a stack found, added to what the next one reads."""

    def __init__(self, channels: int, maps: int) -> None:
        super().__init__()
        self.maps = nn.Conv2d(maps, channels, 1) if maps else None
        self.features = nn.Conv2d(channels, channels, 1)

    def forward(
        self, features: Float[Tensor, "B C H W"], maps: Float[Tensor, "B maps H W"]
    ) -> Float[Tensor, "B C H W"]:
        found = self.features(features)
        return found if self.maps is None else found + self.maps(maps)


def coordinate_head(*, channels: int, joints: int, dropout: float) -> nn.Sequential:
    """Two fully connected layers on the map's 8 x 8 maxima."""
    return nn.Sequential(
        nn.AdaptiveMaxPool2d(8), nn.Flatten(),
        nn.Linear(64 * channels, 512), nn.ReLU(inplace=True), nn.Dropout(dropout),
        nn.Linear(512, 512), nn.ReLU(inplace=True), nn.Dropout(dropout),
        nn.Linear(512, 3 * joints), nn.Unflatten(1, (joints, 3)),
    )  # fmt: skip
