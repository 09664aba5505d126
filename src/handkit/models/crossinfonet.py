"""CrossInfoNet: palm and fingers as two tasks that tell each other what they are not, Du et al., CVPR 2019.

Reads the depth channel of a point map in `Space.CUBE`, `(B, 3, S, S)`; returns joints in `Space.CUBE`,
`(B, J, 3)`. A narrow residual network under a feature pyramid finds shared features T. One branch makes palm
features P0 of them, one finger features F0; each is then given, beside its own, what the other left over:
T - F0 for the palm, T - P0 for the fingers. Each branch regresses its joints, both together the whole pose, and
heat maps of all joints and of each branch's own supervise the features on the way. docs/reference.md, 3.1.

Where the paper and its authors' code differ, this is the code, from which the published results come:

* The fully connected layers are 1024 wide (`hidden`; the text says 2048), and none follows the concatenation
  (the paper's Fig. 6 draws one: `joined`). Only this fits the reported size.
* The skeleton's split is the code's; for NYU that is 9 palm and 5 finger joints, where Fig. 4 shows 4 and 10
  (`split="figure"`).
* `initializer` is "xavier"; the text's N(0, 0.01) is "normal". `dropout` is 0.4: the text's "dropout 0.6" is
  the code's probability of keeping.
* The pyramid adds where Fig. 2 prints a subtraction.
* Batch normalization follows every convolution and fully connected layer, the last ones included, and
  no layer has a bias.
* Every term of the loss is half of half the squared error, summed over joints and pixels, averaged over images.

Where we differ from both:

* The penalty of 1e-5 on the weights is the optimizer's weight decay, not a term of the loss.
* Maps are resized with aligned pixel areas; the code's resize samples from the corners, half a cell off.
* A heat map's blur ends at the border; the code's is mirrored there and doubles the border cells. A joint's cell is
  the one that it lies in; the code, which counts pixels from their centers, is half a crop pixel off.
* Targets are placed by the view that the point map shows, also after the cube was moved or scaled; the code projects
  into the crop as it was before.
* `gamma`, the first scale of the batch normalizations of the outputs, is 1 as in the code; joints of a cube have
  a standard deviation of 0.24, and from 0.25 on a short training gets as far as from 1 in many times the steps.
* Without `cross` a branch goes on with its own 256 channels alone; neither paper nor code spells that baseline out.

https://openaccess.thecvf.com/content_CVPR_2019/papers/Du_CrossInfoNet_Multi-Task_Information_Sharing_Based_Hand_Pose_Estimation_CVPR_2019_paper.pdf
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from handkit.geometry.crop import Space
from handkit.layers.heatmaps import blurred_cell_heatmaps
from handkit.layers.projection import project
from handkit.layers.residual import PostActivationBottleneck, normalized_convolution
from handkit.models.network import HandPoseModel
from handkit.skeleton import Skeleton

CHANNELS = 256
"""Of the pyramid and of everything behind it."""
STAGES = ((3, 16, 64), (4, 32, 128), (6, 64, 256), (3, 64, 256))
"""(units, middle, outputs) of the four residual stages: ResNet-50's units, an eighth to a quarter of its width."""


Split = Literal["code", "figure"]
FIGURE_PALM = ("TH_KNU2_B", "PALM_1", "PALM_2", "PALM_3")
"""NYU's palm in the paper's Fig. 4 (docs/reference.md, 1.3)."""


class CrossInfoPose(NamedTuple):
    """Everything the network says about a batch of crops; heat maps have S/4 x S/4 cells, None without them."""

    joints: Float[Tensor, "B J 3"]
    """The pose, from both branches together, `Space.CUBE`."""
    palm: Float[Tensor, "B P 3"]
    """Joints `palm_joints` as the palm branch alone has them."""
    fingers: Float[Tensor, "B F 3"]
    """Joints `finger_joints` as the finger branch alone has them."""
    heatmaps: Float[Tensor, "B J H W"] | None
    palm_heatmaps: Float[Tensor, "B P H W"] | None
    finger_heatmaps: Float[Tensor, "B F H W"] | None


def bottleneck(inputs: int = CHANNELS) -> PostActivationBottleneck:
    """The residual block behind the pyramid."""
    return PostActivationBottleneck(inputs=inputs, middle=CHANNELS // 2, outputs=CHANNELS)


def residual_stage(inputs: int, *, units: int, middle: int, outputs: int) -> nn.Sequential:
    """Residual blocks of which the last, not the first, halves the map."""
    channels = [inputs] + [outputs] * (units - 1)
    return nn.Sequential(
        *(
            PostActivationBottleneck(inputs=size, middle=middle, outputs=outputs, stride=2 if index == units - 1 else 1)
            for index, size in enumerate(channels)
        )
    )


def normalized_linear(inputs: int, outputs: int, *, gamma: float = 1.0) -> nn.Sequential:
    """Fully connected layer without bias, batch normalization whose first scale is `gamma`."""
    normalization = nn.BatchNorm1d(outputs)
    nn.init.constant_(normalization.weight, gamma)
    return nn.Sequential(nn.Linear(inputs, outputs, bias=False), normalization)


def hidden_layer(inputs: int, outputs: int, *, dropout: float) -> nn.Sequential:
    """Fully connected, normalized, activated, dropout."""
    return nn.Sequential(normalized_linear(inputs, outputs), nn.ReLU(inplace=True), nn.Dropout(dropout))


def output_layer(hidden: int, joints: int, *, gamma: float) -> nn.Sequential:
    """Joints `(B, J, 3)` from hidden features."""
    return nn.Sequential(normalized_linear(hidden, 3 * joints, gamma=gamma), nn.Unflatten(1, (joints, 3)))


class Pyramid(nn.Module):
    """The residual network, and from its smallest map up again: each level is its own map plus the level below it.

    Args:
        finest: levels at S/32, S/16, ... down to this share of the crop, 4 or 8, are built.
    """

    def __init__(self, *, finest: int) -> None:
        super().__init__()
        levels = 4 if finest == 4 else 3
        inputs = [32] + [outputs for _, _, outputs in STAGES[:-1]]
        # The pooling has stride 1: the first stage halves the map itself.
        self.stem = nn.Sequential(normalized_convolution(1, 32, kernel=5, stride=2), nn.MaxPool2d(3, 1, padding=1))
        self.stages = nn.ModuleList(
            residual_stage(size, units=units, middle=middle, outputs=outputs)
            for size, (units, middle, outputs) in zip(inputs, STAGES, strict=True)
        )
        sides = [outputs for _, _, outputs in reversed(STAGES)][:levels]
        self.laterals = nn.ModuleList(normalized_convolution(size, CHANNELS) for size in sides)
        self.merges = nn.ModuleList(
            normalized_convolution(CHANNELS, CHANNELS, activated=False) for _ in range(levels - 1)
        )

    def forward(self, depth: Float[Tensor, "B 1 S S"]) -> list[Float[Tensor, "B 256 _ _"]]:
        """Levels from S/32 to S/8 or S/4."""
        features = self.stem(depth)
        maps: list[Tensor] = []
        for stage in self.stages:
            features = stage(features)
            maps.insert(0, features)
        levels = [self.laterals[0](maps[0])]
        for lateral, merge, finer in zip(self.laterals[1:], self.merges, maps[1:], strict=False):
            coarser = functional.interpolate(levels[-1], scale_factor=2.0, mode="bilinear")
            levels.append(lateral(finer) + merge(coarser))
        return levels


class Branch(nn.Module):
    """Palm or fingers behind the shared features.

    Args:
        joints: that this branch regresses.
        cells: side of its map after pooling, S/16.
        hidden: width of the two fully connected layers.
        cross: it also reads what the other branch left over.
        heatmaps: it predicts heat maps of its joints.
        gamma: see the module.
    """

    def __init__(
        self, joints: int, *, cells: int, hidden: int, dropout: float, cross: bool, heatmaps: bool, gamma: float
    ) -> None:
        super().__init__()
        self.own = bottleneck()
        self.heatmaps = (
            nn.Sequential(
                normalized_convolution(CHANNELS, CHANNELS),
                normalized_convolution(CHANNELS, joints, kernel=3, activated=False),
            )
            if heatmaps
            else None
        )
        self.hidden = nn.Sequential(
            bottleneck(2 * CHANNELS if cross else CHANNELS), nn.MaxPool2d(2), nn.Flatten(),
            *hidden_layer(cells**2 * CHANNELS, hidden, dropout=dropout), *hidden_layer(hidden, hidden, dropout=dropout),
        )  # fmt: skip
        self.joints = output_layer(hidden, joints, gamma=gamma)

    def draw(self, own: Float[Tensor, "B 256 h w"]) -> Float[Tensor, "B J H W"] | None:
        """Heat maps of its joints at twice the size of its features."""
        if self.heatmaps is None:
            return None
        return functional.interpolate(self.heatmaps(own), scale_factor=2.0, mode="bilinear").float()


def _initialize(network: nn.Module, *, initializer: Literal["xavier", "normal"]) -> None:
    """Weights of convolutions and fully connected layers in place: uniform after Glorot, or N(0, 0.01)."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            if initializer == "xavier":
                nn.init.xavier_uniform_(module.weight)
            else:
                nn.init.normal_(module.weight, std=0.01)


def _check_arguments(skeleton: Skeleton, *, resolution: int, hidden: int) -> None:
    """Refuse what the layers could not be built or run with."""
    if resolution <= 0 or resolution % 32:
        raise ValueError(f"resolution is {resolution}, it must be a positive multiple of 32, for example 96")
    if hidden < 1:
        raise ValueError(f"hidden is {hidden}, it must be at least 1, for example 1024")
    split = sorted((*skeleton.palm, *skeleton.fingers))
    if split != list(range(len(skeleton))) or not skeleton.palm or not skeleton.fingers:
        raise ValueError(
            f"{skeleton.name} has no palm/finger split, which CrossInfoNet needs: "
            f"each of its {len(skeleton)} joints must be once in `palm` or in `fingers`"
        )


def split_of(skeleton: Skeleton, split: Split) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(palm, fingers) as indices; raises ValueError for the figure's split of other joints than NYU's."""
    if split == "code":
        return skeleton.palm, skeleton.fingers
    if not set(FIGURE_PALM) <= set(skeleton.joints):
        raise ValueError(
            f"split is {split!r} of {skeleton.name}; it must be code, or figure for NYU's joints, which Fig. 4 shows"
        )
    palm = tuple(skeleton.joints.index(name) for name in FIGURE_PALM)
    return palm, tuple(index for index in range(len(skeleton)) if index not in palm)


class CrossInfoNet(HandPoseModel):
    """The network of the paper. Its ablation: {base, base + HM, cross, cross + HM} = `cross` x `heatmaps`.

    Args:
        skeleton: names the J joints and splits them into palm and fingers.
        resolution: S, crop pixels a side, a multiple of 32; the paper's is 96.
        cross: each branch also reads what the other left over.
        heatmaps: the three heat map heads and their losses.
        hidden: width of the fully connected layers.
        joined: one more of these layers behind the concatenation.
        split: palm and fingers as the authors' code has them, or for NYU as the paper's "figure" 4 does.
        dropout: probability after each of them.
        initializer: of the weights, see the module.
        gamma: first scale of the batch normalizations of the outputs, see the module.
        alpha: weight of the heat map losses.
        beta: weight of the joint losses.

    Raises:
        ValueError: no multiple of 32, no palm/finger split, no hidden channels, or an unknown initializer or split.
    """

    space = Space.CUBE

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        resolution: int = 96,
        cross: bool = True,
        heatmaps: bool = True,
        hidden: int = 1024,
        joined: bool = False,
        split: Split = "code",
        dropout: float = 0.4,
        initializer: Literal["xavier", "normal"] = "xavier",
        gamma: float = 1.0,
        alpha: float = 0.01,
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        _check_arguments(skeleton, resolution=resolution, hidden=hidden)
        self.palm_joints, self.finger_joints = split_of(skeleton, split)
        self.skeleton, self.resolution, self.cross, self.alpha, self.beta = skeleton, resolution, cross, alpha, beta
        joints, cells = len(skeleton), resolution // 16
        self.pyramid = Pyramid(finest=4 if heatmaps else 8)
        self.heatmaps = (
            nn.Sequential(bottleneck(), normalized_convolution(CHANNELS, joints, kernel=3, activated=False))
            if heatmaps
            else None
        )
        self.palm, self.fingers = (
            Branch(len(own), cells=cells, hidden=hidden, dropout=dropout, cross=cross, heatmaps=heatmaps, gamma=gamma)
            for own in (self.palm_joints, self.finger_joints)
        )
        self.joined = hidden_layer(2 * hidden, hidden, dropout=dropout) if joined else nn.Identity()
        self.joints = output_layer(hidden if joined else 2 * hidden, joints, gamma=gamma)
        _initialize(self, initializer=initializer)

    def outputs(self, points: Float[Tensor, "B 3 S S"]) -> CrossInfoPose:
        """The pose of the whole, of each branch, and all heat maps."""
        levels = self.pyramid(points[:, 2:3])
        shared = levels[2]
        palm, fingers = self.palm.own(shared), self.fingers.own(shared)
        palm_input = torch.cat((palm, shared - fingers), dim=1) if self.cross else palm
        finger_input = torch.cat((fingers, shared - palm), dim=1) if self.cross else fingers
        palm_hidden, finger_hidden = self.palm.hidden(palm_input), self.fingers.hidden(finger_input)
        return CrossInfoPose(
            joints=self.joints(self.joined(torch.cat((palm_hidden, finger_hidden), dim=1))).float(),
            palm=self.palm.joints(palm_hidden).float(),
            fingers=self.fingers.joints(finger_hidden).float(),
            heatmaps=None if self.heatmaps is None else self.heatmaps(levels[3]).float(),
            palm_heatmaps=self.palm.draw(palm),
            finger_heatmaps=self.fingers.draw(fingers),
        )

    def forward(self, points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """Joints in `Space.CUBE`, [-1, 1], from point maps in `Space.CUBE`."""
        return self.outputs(points).joints

    def loss(self, points: Float[Tensor, "B 3 S S"], joints: Float[Tensor, "B J 3"]) -> dict[str, Float[Tensor, ""]]:
        """Equation 7, to be summed: squared errors of joints (weight beta) and heat maps (alpha), all and by branch."""
        pose, palm, fingers = self.outputs(points), self.palm_joints, self.finger_joints
        terms = {
            "joints": self.beta * _squared_error(pose.joints, joints),
            "palm": self.beta * _squared_error(pose.palm, _pick(joints, palm)),
            "fingers": self.beta * _squared_error(pose.fingers, _pick(joints, fingers)),
        }
        if pose.heatmaps is None or pose.palm_heatmaps is None or pose.finger_heatmaps is None:
            return terms
        targets = blurred_cell_heatmaps(project(joints, points), self.resolution // 4)
        return {
            **terms,
            "heatmaps": self.alpha * _squared_error(pose.heatmaps, targets),
            "palm_heatmaps": self.alpha * _squared_error(pose.palm_heatmaps, _pick(targets, palm)),
            "finger_heatmaps": self.alpha * _squared_error(pose.finger_heatmaps, _pick(targets, fingers)),
        }


def _pick(values: Float[Tensor, "B J *rest"], joints: tuple[int, ...]) -> Float[Tensor, "B j *rest"]:
    """Those of some joints. A list as index would be copied to a GPU, which waits for it."""
    return torch.stack([values[:, joint] for joint in joints], dim=1)


def _squared_error(output: Float[Tensor, "B *rest"], truth: Float[Tensor, "B *rest"]) -> Float[Tensor, ""]:
    """Half of half the squared error: summed over an image's numbers, averaged over images."""
    return (output - truth).square().sum() / (4 * len(output))
