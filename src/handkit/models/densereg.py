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

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from handkit.geometry.crop import Space
from handkit.layers.batch_renorm import BatchRenorm2d
from handkit.layers.fields import Field, encode, foreground, shrink, votes
from handkit.layers.heatmaps import cell_centers, highest_cell
from handkit.layers.projection import project, unproject
from handkit.layers.readout import look_up, mean_shift, take_strongest
from handkit.models.densereg_stacks import (
    MAPS,
    REGRESSED,
    Answer,
    Cells,
    Reinjection,
    Stack,
    StackAnswer,
    direct_regression,
    stem,
)
from handkit.skeleton import Skeleton

HEAT_RADIUS = 2 * 4 / 32
"""tau: 4 of 32 cells across an image that is 2 wide."""
REACH = 100 / 150
"""Of mean shift's first histogram, half edges."""


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
    return Cells(torch.cat((grid, depth_as_published(cells)), dim=1), cells, foreground(cells))


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


def _check_arguments(arguments: dict[str, Any]) -> None:
    """Refuse what could not be built or read."""
    for name, step in (("resolution", 4), ("channels", 8)):
        value = arguments[name]
        if value <= 0 or value % step:
            raise ValueError(f"{name} is {value}, it must be a positive multiple of {step}, for example 128")
    if arguments["answer"] not in MAPS:
        raise ValueError(f"answer is {arguments['answer']!r}, it must be one of {', '.join(MAPS)}")
    for name in ("stacks", "top"):
        if arguments[name] < 1:
            raise ValueError(f"{name} is {arguments[name]}, it must be at least 1")
    for name in ("theta", "sigma"):
        if arguments[name] <= 0:
            raise ValueError(f"{name} is {arguments[name]:g} half edges of the cube, it must be above 0")
    if not 0 <= arguments["decay"] <= 1:
        raise ValueError(f"decay is {arguments['decay']:g}, it must be from 0 to 1; the paper has 0.99")
    if arguments["initial_std"] is not None and arguments["initial_std"] < 0:
        raise ValueError(f"initial_std is {arguments['initial_std']:g}, it must be at least 0, or None")


class DenseReg(nn.Module):
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
    """Arguments that decide only how the maps are read: the same weights serve all their values."""

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
        self.arguments: dict[str, Any] = {
            "resolution": resolution, "answer": answer, "stacks": stacks, "top": top, "theta": theta, "sigma": sigma,
            "weighted": weighted, "channels": channels, "dropout": dropout, "decay": decay, "initial_std": initial_std,
        }  # fmt: skip
        _check_arguments(self.arguments)
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
        return self.read_depth(maps[-1], regressed[-1], points) if self.answer == "detection-depth" else regressed[-1]

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

    def read_depth(
        self, heatmaps: Float[Tensor, "B J H W"], depth: Float[Tensor, "B J 1"], points: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, "B J 3"]:
        """Joints in `Space.CUBE` at each heat map's highest cell, with the regressed depth."""
        return unproject(torch.cat((highest_cell(heatmaps), depth), dim=-1), points)

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
