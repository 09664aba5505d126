"""Localizer: from a coarse cube around a hand to the mean of its joints.

The network is ScaleNet type 1 of DeepPrior++ (Oberweger and Lepetit, 2017): a 128 x 128 depth crop and its
central 64 x 64 and 32 x 32 windows, not resized, each through three valid convolutions; then two fully
connected layers. The target is that of SRN (Ren et al., BMVC 2019): the mean of the joints rather than one
reference joint. docs/reference.md, 2.5.

Reads the depth channel of a point map, `(B, 3, 128, 128)`; returns a `Location` in `Space.CUBE`.

Where we differ:

* Objectness (argument `verdict`): one more output says whether a hand is in the cube. `verdict=False` is the
  paper's network, 3,567,651 parameters.
* `features="residual"` puts a residual network in the windows' place; the default is the paper's.
* The offset's loss is smooth L1 where the paper has the squared error: the same up to a factor for errors
  below half a cube, gentler for the few beyond.

https://arxiv.org/abs/1708.08325
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from handkit.layers.residual import residual_trunk
from handkit.models.network import Network

WINDOWS = (128, 64, 32)
"""Sides of the central windows, crop pixels."""
STEPS: dict[int, tuple[int, int]] = {128: (4, 2), 64: (2, 2), 32: (2, 1)}
"""Max pooling after the first and the second convolution, for each window."""
FILTERS = 8
CHANNELS = (16, 32, 64, 128, 256)
"""Of the residual features, each map half as large as the one before: 4 x 4 at last."""
CELLS = 11 * 11 + 11 * 11 + 8 * 8
"""Cells of the three windows' final maps together."""


class Location(NamedTuple):
    """Where the hand is in its cube, and what it is."""

    offset: Float[Tensor, "B 3"]
    """(joint mean - cube center) / (edges / 2), in `Space.CUBE`."""
    objectness: Float[Tensor, "B"]
    """Logit: above 0, a hand is in the cube. 0 without `verdict`."""


def window(crop: Float[Tensor, "B 1 S S"], *, size: int) -> Float[Tensor, "B 1 size size"]:
    """The central `size` x `size` pixels."""
    start = (crop.shape[-1] - size) // 2
    return crop[..., start : start + size, start : start + size]


def window_network(*, filters: int, pools: tuple[int, int]) -> nn.Sequential:
    """Three valid convolutions of one window."""

    def step(inputs: int, kernel: int, pool: int) -> list[nn.Module]:
        # ReLU after the pooling gives what ReLU before it would, on a fraction of the cells.
        layers: list[nn.Module] = [nn.Conv2d(inputs, filters, kernel)]
        layers += [nn.MaxPool2d(pool)] if pool > 1 else []
        return [*layers, nn.ReLU(inplace=True)]

    return nn.Sequential(*step(1, 5, pools[0]), *step(filters, 5, pools[1]), *step(filters, 3, 1))


class Windows(nn.Module):
    """ScaleNet's three windows, their features side by side."""

    def __init__(self, *, filters: int) -> None:
        super().__init__()
        self.windows = nn.ModuleList(window_network(filters=filters, pools=STEPS[size]) for size in WINDOWS)

    def forward(self, depth: Float[Tensor, "B 1 128 128"]) -> Float[Tensor, "B N"]:
        pairs = zip(WINDOWS, self.windows, strict=True)
        return torch.cat([network(window(depth, size=size)).flatten(1) for size, network in pairs], dim=1)


class Localizer(Network):
    """From a crop to the joint mean.

    Args:
        features: "scalenet" or "residual".
        hidden: width of the fully connected layers; the paper's 1024.
        dropout: probability after each fully connected layer.
        verdict: output the objectness (the name is that of the weights files).
        verdict_weight: of the cross entropy in the loss, beside an offset term of weight 1.

    Raises:
        ValueError: `features` are unknown, or `hidden` is not positive.
    """

    about = "from a coarse cube around a hand to the mean of its joints"
    resolution = 128

    def __init__(
        self,
        *,
        features: Literal["scalenet", "residual"] = "scalenet",
        hidden: int = 1024,
        dropout: float = 0.3,
        verdict: bool = True,
        verdict_weight: float = 0.05,
    ) -> None:
        super().__init__()
        if hidden < 1:
            raise ValueError(f"hidden is {hidden}, it must be at least 1; the paper has 1024")
        self.verdict = verdict
        self.verdict_weight = verdict_weight
        outputs = 4 if verdict else 3
        if features == "scalenet":
            self.features = Windows(filters=FILTERS)
            self.head = nn.Sequential(
                nn.Linear(CELLS * FILTERS, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout),
                nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout),
                nn.Linear(hidden, outputs),
            )  # fmt: skip
        else:
            self.features = nn.Sequential(residual_trunk(CHANNELS, blocks=2), nn.Flatten())
            self.head = nn.Sequential(
                nn.Linear(CHANNELS[-1] * 4 * 4, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout),
                nn.Linear(hidden, outputs),
            )  # fmt: skip

    def forward(self, points: Float[Tensor, "B 3 128 128"]) -> Location:
        """Location of the hand in each cube, float32."""
        output = self.head(self.features(points[:, 2:3])).float()
        if self.verdict:
            return Location(output[:, :3], output[:, 3])
        return Location(output, torch.zeros_like(output[:, 0]))

    def loss(
        self,
        points: Float[Tensor, "B 3 128 128"],
        offset: Float[Tensor, "B 3"],
        *,
        hand: Bool[Tensor, "B"],
    ) -> dict[str, Float[Tensor, ""]]:
        """Terms to be summed; `offset` counts only where `hand` is true.

        Smooth L1 of the offset, averaged over coordinates of hands, and the cross entropy of the objectness.
        """
        found = self(points)
        hands = hand.float()
        count = hands.sum().clamp_min(1)
        error = functional.smooth_l1_loss(found.offset, offset, reduction="none").mean(1)
        terms = {"offset": (error * hands).sum() / count}
        if self.verdict:
            entropy = functional.binary_cross_entropy_with_logits(found.objectness, hands)
            terms["hand"] = self.verdict_weight * entropy
        return terms
