"""DenseReg: dense 3D regression for hand pose estimation, Wan et al., CVPR 2018.

Reads a point map, `(B, 3, S, S)`, in `Space.CUBE`: the depth crop, and where each pixel is; returns joints in
`Space.CUBE`, `(B, J, 3)`. Stacked hourglasses predict three fields for each of S/4 x S/4 cells and each joint:

    R  heat map      max(1 - pixels to the joint / tau, 0) in the image          tau = 4 of 32 cells
    S  closeness     max(1 - |j - p| / theta, 0) in space, on the hand             theta = 80 mm
    V  direction     (j - p) / |j - p| where S > 0, otherwise 0

and Algorithm 1 reads joints from the last stack's: the K cells of highest (1 + R) S vote p + theta (1 - S) V, each vote
weighs R where it falls in the image, and weighted mean shift finds where the votes are densest.

Sizes and interpretations are those of docs/reference.md, 3.5, after the released code. Where we differ:

* A point map is in units of half a cube's edge, so theta, sigma and the reach of the first histogram are given in it;
  the defaults are the paper's 80, 40 and 100 mm over 150 mm (its depth range is 300 mm). In a cube of 280 mm they are
  75, 37 and 93 mm. tau is a share of the image, so that it fits maps of any size.
* Our crop is a cube around the hand, as is fair (E5); the code cuts the true joints' box at test time (E1, E2). Depth
  in it is changed to the paper's, [0, 1] on the hand and -1 behind; nothing lies in front of 0, because the
  crop ends there. Every fourth pixel is a cell, where the code resizes bicubically and rings at edges.
  A cell's u and v are those of its center, (i + 0.5) / 16 - 1 of 32; the code has i / 16 - 1.
* The code's V is 0 beyond 79 mm, ours beyond 80 mm, as the paper says. The paper prints V and S unnormalized and
  pointing away from the joint; its own Algorithm 1 needs them as here.
* The loss is the published one, half the sum of squares over cells and joints, but averaged over the batch, so that it
  does not depend on its size. L2 (5e-4 in the code) is the optimizer's weight decay.
* Votes that fall out of the image weigh what its nearest cell says; R below 0 weighs next to nothing, and so does the
  vote of a cell without a positive score. The code leaves these cases open.
* `weighted=False` is Table 1's "unweighted" as its text has it: votes weigh the (1 + R) S of their cells, and nothing
  is projected into the image. The 2 behind S there is most likely the mark of a footnote.
* Normalization and its two deviations: `layers.batch_renorm`. The hourglass has order 4 at any resolution.

The baselines of the paper's figure 3 as its section 4.1 describes them (docs/reference.md, 7), as `answer`; their
layers it does not give:

* "coordinates": direct regression by convolutions and fully connected layers, without an hourglass (`stacks` does
  not matter).
* "detection-coordinates": the heat maps R; features, R and the depth map go together into a regression of the
  coordinates, which every stack repeats.
* "detection-depth": the same, but only each joint's z is regressed; u and v are those of the highest cell of R.
* "offset": R and one 3D vector to each joint in units of theta, trained within theta only (its "mask loss"), without S:
  the K cells of highest R vote.

https://arxiv.org/abs/1711.08996
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from handkit.geometry.crop import Space
from handkit.layers.batch_renorm import BatchRenorm2d
from handkit.layers.fields import Field, encode, foreground, shrink, votes
from handkit.layers.heatmaps import cell_centers, highest_cell
from handkit.layers.hourglass import Hourglass
from handkit.layers.projection import project, unproject
from handkit.layers.readout import look_up, mean_shift, take_strongest
from handkit.models.network import HandPoseModel
from handkit.skeleton import Skeleton

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

HEAT_RADIUS = 2 * 4 / 32
"""tau: 4 of 32 cells across an image that is 2 wide."""
REACH = 100 / 150
"""Of mean shift's first histogram, half edges."""


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


def regression_head(channels: int, joints: int, *, numbers: int, dropout: float) -> nn.Sequential:
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
        regression_head(channels, joints, numbers=3, dropout=dropout),
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
        closeness, known = "closeness" in MAPS[answer], channels + joints + 1
        self.field = None if regressed else FieldHead(channels, joints, closeness=closeness, dropout=dropout)
        self.heatmaps = nn.Conv2d(channels, joints, 1) if regressed else None
        self.regression = regression_head(known, joints, numbers=regressed, dropout=dropout) if regressed else None

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


class DenseAnswer(NamedTuple):
    """Everything the network says about a batch of crops."""

    maps: Float[Tensor, "T B M H W"]
    """Of each of T stacks: the J maps R, the J maps S, then x, y, z of V for each joint; of a baseline, `MAPS`."""
    regressed: Float[Tensor, "T B J _"] | None
    """Of the baselines that regress x, y, z or z alone, in `Space.CUBE`."""


def depth_as_published(points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B 1 S S"]:
    """The depth crop from 0 on the cube's front face to 1 on its back face, and -1 for the background."""
    return torch.where(foreground(points), (points[:, 2] + 1) / 2, -1.0).unsqueeze(1)


def cells_of(points: Float[Tensor, "B 3 S S"]) -> Cells:
    """What is where on the grid of the maps."""
    cells = shrink(points, points.shape[-1] // 4)
    line = cell_centers(cells.shape[-1], device=points.device)
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy")).expand_as(cells[:, :2])
    return Cells(torch.cat((grid, depth_as_published(cells)), dim=1), foreground(cells))


def cone_heatmaps(joints: Float[Tensor, "B J 2"], size: int) -> Float[Tensor, "B J size size"]:
    """R, equation 1: from 1 on the joint, (horizontal, vertical) in [-1, 1], down to 0 at `HEAT_RADIUS`."""
    offset = cell_centers(size, device=joints.device) - joints.float().unsqueeze(-1)
    squared = offset[:, :, 1, :, None].square() + offset[:, :, 0, None, :].square()
    return (1 - squared.sqrt() / HEAT_RADIUS).clamp_min(0)


def _prepare(network: nn.Module, *, decay: float, std: float | None) -> None:
    """Decay of all running statistics; with `std`, weights from N(0, std) cut at two deviations and biases 0."""
    for module in network.modules():
        if isinstance(module, BatchRenorm2d):
            module.decay = decay
        if std is not None and isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _half_square(error: Float[Tensor, "T B *rest"]) -> Float[Tensor, ""]:
    """Half the sum of squares, for one frame of the batch."""
    return error.float().square().sum() / (2 * error.shape[1])


def _check_arguments(*, resolution: int, channels: int, stacks: int, top: int, theta: float, sigma: float) -> None:
    """Refuse what could not be built or read."""
    for name, value, step in (("resolution", resolution, 4), ("channels", channels, 8)):
        if value <= 0 or value % step:
            raise ValueError(f"{name} is {value}, it must be a positive multiple of {step}, for example 128")
    for name, count in (("stacks", stacks), ("top", top)):
        if count < 1:
            raise ValueError(f"{name} is {count}, it must be at least 1")
    for name, length in (("theta", theta), ("sigma", sigma)):
        if length <= 0:
            raise ValueError(f"{name} is {length:g} half edges of the cube, it must be above 0")


class DenseReg(HandPoseModel):
    """The network of the paper.

    Args:
        skeleton: names the J joints.
        resolution: S, crop pixels a side, a multiple of 4; the paper's is 128.
        answer: what the stacks predict, see the module; "field" is the paper's.
        stacks: hourglasses, 2 in the paper (Table 1 compares 1).
        top: K, cells that vote for a joint; 1, 5, 10 and 30 in Table 1.
        theta: radius of S and V, half edges of the cube.
        sigma: of mean shift's Gaussian kernel, half edges; 10, 40, 80 and 100 mm in Table 1.
        weighted: votes weigh R where they fall; without, what their cells scored, (1 + R) S.
        channels: of the hourglasses, 128 in the paper, a multiple of 8; the heads have 2 and 4 times as many.
        dropout: share of V's (or the fully connected) channels that training silences.
        decay: of the running statistics of batch renormalization, for one step.
        initial_std: of the truncated normal distribution that weights start from, biases 0; None leaves
            torch's own initialization.

    Raises:
        ValueError: a size is out of range, or `answer` is unknown.
    """

    space = Space.CUBE
    readout = frozenset({"top", "sigma", "weighted"})

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        resolution: int = 128,
        answer: Answer = "field",
        stacks: int = 2,
        top: int = 5,
        theta: float = 80 / 150,
        sigma: float = 40 / 150,
        weighted: bool = True,
        channels: int = 128,
        dropout: float = 0.5,
        decay: float = 0.99,
        initial_std: float | None = 0.01,
    ) -> None:
        super().__init__()
        self.skeleton, self.resolution, self.weighted = skeleton, resolution, weighted
        self.answer: Answer = answer
        self.top, self.theta, self.sigma = top, theta, sigma
        _check_arguments(resolution=resolution, channels=channels, stacks=stacks, top=top, theta=theta, sigma=sigma)
        if not 0 <= decay <= 1:
            raise ValueError(f"decay is {decay:g}, it must be from 0 to 1; the paper has 0.99")
        if initial_std is not None and initial_std < 0:
            raise ValueError(f"initial_std is {initial_std:g}, it must be at least 0, or None")
        joints, maps, direct = len(skeleton), sum(MAPS[answer].values()) * len(skeleton), answer == "coordinates"
        stacks = 0 if direct else stacks
        self.stem = stem(channels)
        self.stacks = nn.ModuleList(Stack(channels, joints, answer=answer, dropout=dropout) for _ in range(stacks))
        self.returns = nn.ModuleList(Reinjection(channels, maps) for _ in range(stacks - 1))
        self.direct = direct_regression(channels, joints, dropout=dropout) if direct else None
        _prepare(self, decay=decay, std=initial_std)

    def outputs(self, points: Float[Tensor, "B 3 S S"]) -> DenseAnswer:
        """What every stack says for points in `Space.CUBE`; direct regression is one stack without maps."""
        inputs, cells = self.stem(depth_as_published(points)), cells_of(points)
        if self.direct is not None:
            return DenseAnswer(inputs[None, :, :0].float(), self.direct(inputs).float().unsqueeze(0))
        answers: list[StackAnswer] = [self.stacks[0](inputs, cells)]
        for back, stack in zip(self.returns, self.stacks[1:], strict=True):
            inputs = inputs + back(answers[-1].features, answers[-1].maps)
            answers.append(stack(inputs, cells))
        regressed = [answer.regressed for answer in answers if answer.regressed is not None]
        return DenseAnswer(
            torch.stack([answer.maps for answer in answers]).float(), torch.stack(regressed) if regressed else None
        )

    def forward(self, points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """Joints in `Space.CUBE` from point maps in `Space.CUBE`, of the last stack."""
        maps, regressed = self.outputs(points)
        if regressed is None:
            return self.read(maps[-1], points)
        if self.answer == "detection-depth":  # at each heat map's highest cell
            return unproject(torch.cat((highest_cell(maps[-1]), regressed[-1]), dim=-1), points)
        return regressed[-1]

    def read(self, maps: Float[Tensor, "B M H W"], points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """Joints in `Space.CUBE` that the maps of a stack vote for: Algorithm 1."""
        joints = len(self.skeleton)
        cells = shrink(points, maps.shape[-1])
        heatmaps, directions = maps[:, :joints].float(), maps[:, -3 * joints :].float().unflatten(1, (joints, 3))
        if self.answer == "field":
            closeness = maps[:, joints : 2 * joints].float()
            score = (1 + heatmaps) * closeness
            positions = votes(Field(closeness, directions), cells, radius=self.theta)
        else:
            score = heatmaps
            positions = cells[:, None] + self.theta * directions
        candidates, score = take_strongest(positions, score * foreground(cells)[:, None], top=self.top)
        weights = score.clamp_min(0)
        if self.weighted:
            pixels = project(candidates.flatten(1, 2), points).unflatten(1, candidates.shape[1:3])
            weights = (score > 0) * look_up(heatmaps, pixels)
        return mean_shift(candidates, weights, width=self.sigma, reach=REACH)

    def targets(self, points: Float[Tensor, "B 3 S S"], joints: Float[Tensor, "B J 3"]) -> Float[Tensor, "B M H W"]:
        """The maps of one stack that knows the joints."""
        cells = shrink(points, points.shape[-1] // 4)
        heatmaps = cone_heatmaps(project(joints, points), cells.shape[-1])
        if self.answer in REGRESSED:
            return heatmaps[:, : len(self.skeleton) * len(MAPS[self.answer])]
        closeness, directions = encode(joints, cells, foreground(cells), radius=self.theta)
        if self.answer == "offset":
            offset = directions * (1 - closeness).unsqueeze(2)
            return torch.cat((heatmaps, offset.flatten(1, 2)), dim=1)
        return torch.cat((heatmaps, closeness, directions.flatten(1, 2)), dim=1)

    def loss(self, points: Float[Tensor, "B 3 S S"], joints: Float[Tensor, "B J 3"]) -> dict[str, Float[Tensor, ""]]:
        """Half the sum of squared errors for a frame, of each kind of map over all stacks, to be summed.

        `joints` are the true ones in `Space.CUBE`.
        """
        maps, regressed = self.outputs(points)
        truth = self.targets(points, joints)
        error = (maps - truth) * self._counted(truth)
        parts = error.split([count * len(self.skeleton) for count in MAPS[self.answer].values()] or [0], dim=2)
        terms = {name: _half_square(part) for name, part in zip(MAPS[self.answer], parts, strict=False)}
        if regressed is not None:
            ((name, numbers),) = REGRESSED[self.answer].items()
            terms[name] = _half_square(regressed - joints[..., -numbers:])
        return terms

    def _counted(self, truth: Float[Tensor, "B M H W"]) -> Float[Tensor, "B M H W"]:
        """1 where an error of the maps counts: everywhere but for offsets beyond theta."""
        counted = torch.ones_like(truth)
        if self.answer == "offset":
            joints = len(self.skeleton)
            offset = truth[:, joints:].unflatten(1, (joints, 3))
            counted[:, joints:] = (offset != 0).any(2, keepdim=True).expand_as(offset).flatten(1, 2)
        return counted
