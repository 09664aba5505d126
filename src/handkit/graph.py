"""From cubes in a depth image to hands: where a pose network is called, and the modules that are exported.

    depth, intrinsics, cubes -> crop_hand -> points -> pose network -> joints in mm and pixels
                                                  \\-> evidence -> confidence network -> how good they are

`HandGraph` is the whole of it in tensors alone: torch runs it, ONNX Runtime and OpenVINO what is exported of it.
`LocalizerGraph` is the same for the localizer, which moves cubes to where it sees their hands.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from handkit.errors import UsageError
from handkit.geometry.crop import Crop, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.hub import find_weights
from handkit.models import HandPoseModel
from handkit.models.checkpoint import load, load_part, read_info
from handkit.models.confidence import EDGE_MM, Confidence, Evidence, surface_of
from handkit.models.localizer import Localizer
from handkit.models.network import Description
from handkit.recipes.cubes import cubes_of


@torch.no_grad()
def estimate(
    model: HandPoseModel, frame: DepthFrame, cubes: Cube, *, precision: torch.dtype = torch.float32
) -> Float[Tensor, "B J 3"]:
    """Joints in camera mm of the hand in each cube, without a word on how good they are.

    A frame of one row serves all cubes. Networks know right hands: of a left hand ask with a mirrored cube. Geometry
    stays in float32 whatever the `precision` of the network.
    """
    crop = crop_hand(frame, cubes, model.resolution)
    points = crop.points(model.space)
    with torch.autocast(points.device.type, precision, enabled=precision != torch.float32):
        joints = model(points)
    return crop.denormalize(joints.float(), model.space)


class Refined(NamedTuple):
    """Where a localizer sees the hand in each of N cubes."""

    center_mm: Float[Tensor, "N 3"]
    """Mean of the joints, camera mm."""
    objectness: Float[Tensor, " N"]
    """Logit: above 0, a hand is in the cube."""


def refine_centers(localizer: Localizer, frame: DepthFrame, cubes: Cube) -> Refined:
    """Where `localizer` sees the hand in each cube; a frame of one row serves all of them."""
    offset, objectness = localizer(crop_hand(frame, cubes, localizer.resolution).points(Space.IMAGE))
    return Refined(cubes.denormalize(offset[:, None])[:, 0], objectness)


def _gap(crop: Crop, seen: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J 1"]:
    """How much deeper than each joint (`Space.IMAGE`) the surface that covers it is, in half edges of the cube."""
    where = seen[:, :, None, :2]
    surface = grid_sample(crop.depth[:, None], where, mode="nearest", padding_mode="border", align_corners=False)
    return surface[:, 0] - seen[..., 2:]


def evidence_of(crop: Crop, described: Description, space: Space) -> Evidence:
    """Evidence of the hypotheses of `crop`, described in `space` by the pose network."""
    joints = described.joints.float()
    joints_mm = crop.denormalize(joints, space)
    seen = joints if space is Space.IMAGE else crop.normalize(joints_mm, Space.IMAGE)
    features, count = described.features.float(), described.features.shape[1]
    at_joints = joints.new_zeros(*joints.shape[:2], 0)
    if count:
        sampled = grid_sample(features, seen[:, :, None, :2], padding_mode="border", align_corners=False)
        at_joints = sampled[..., 0].mT
    maps = [described.spread.float(), described.peak.float()[..., None]]
    measures = [*maps, crop.cube.normalize(joints_mm), _gap(crop, seen)]
    return Evidence(torch.cat([*measures, at_joints], dim=-1), features, crop.depth)


class Answer(NamedTuple):
    """What `backends.backend.Estimates` holds, as tensors; the last four are 0 without a confidence network."""

    joints_mm: Float[Tensor, "N J 3"]
    joints_px: Float[Tensor, "N J 2"]
    uncertainty_mm: Float[Tensor, "N J"]
    good: Float[Tensor, " N"]
    hand: Float[Tensor, " N"]
    right: Float[Tensor, " N"]


class Inside(NamedTuple):
    """What lies between the geometry and the networks, in front of them and behind them."""

    points: Float[Tensor, "N 3 S S"]
    crop: Float[Tensor, "N S S"]
    """Depth, normalized."""
    surface: Float[Tensor, "N 3 S S"] | None
    """What the confidence network looks at beside the features; None without one."""
    joints: Float[Tensor, "N J 3"]
    features: Float[Tensor, "N C h w"]
    spread: Float[Tensor, "N J 2"]
    peak: Float[Tensor, "N J"]
    seen: Float[Tensor, "N M"] | None
    """By the confidence network, in features and surface."""


class HandGraph(nn.Module):
    """A pose network, and the confidence network that judges it, on cubes of one depth image.

    Args:
        pose: the pose network.
        confidence: trained on what this pose network answers; None: nothing is said on how good the joints are.
        edge_mm: of the cubes; with a confidence network `confidence.EDGE_MM`, the only ones that it knows.

    Raises:
        UsageError: the confidence network is one of other joints, of other features or of cubes of another edge.
    """

    def __init__(self, pose: HandPoseModel, confidence: Confidence | None, *, edge_mm: float) -> None:
        super().__init__()
        self.pose, self.confidence, self.edge_mm = pose, confidence, edge_mm
        if confidence is not None:
            _check_pair(pose, confidence, edge_mm=edge_mm)
        self.eval()

    def forward(
        self,
        depth: Float[Tensor, "H W"],
        intrinsics: Float[Tensor, "4"],
        center: Float[Tensor, "N 3"],
        mirrored: Bool[Tensor, " N"],
        roll: Float[Tensor, " N"],
    ) -> Answer:
        """Depth in mm (0: invalid), undistorted; fx, fy, cx, cy in its pixels; centers in camera mm; rolls in rad."""
        return self.look(depth, intrinsics, center, mirrored, roll)[0]

    def look(
        self,
        depth: Float[Tensor, "H W"],
        intrinsics: Float[Tensor, "4"],
        center: Float[Tensor, "N 3"],
        mirrored: Bool[Tensor, " N"],
        roll: Float[Tensor, " N"],
    ) -> tuple[Answer, Inside]:
        """As `forward`, and what is between its parts."""
        frame, cubes = _frame(depth, intrinsics), Cube(center, torch.full_like(center, self.edge_mm), roll, mirrored)
        crop = crop_hand(frame, cubes, self.pose.resolution)
        points = crop.points(self.pose.space)
        described = self.pose.describe(points)
        joints = crop.denormalize(described.joints.float(), self.pose.space)
        pixels = frame.camera.project(joints)
        if self.confidence is None:
            nothing = torch.zeros_like(roll)
            answer = Answer(joints, pixels, torch.zeros_like(joints[..., 0]), nothing, nothing, nothing)
            return answer, Inside(points, crop.depth, None, *described, None)
        evidence, surface = evidence_of(crop, described, self.pose.space), surface_of(crop.depth)
        seen = self.confidence.look(evidence.features, surface)
        verdict = self.confidence.judge(evidence.tokens, seen)
        answer = Answer(joints, pixels, verdict.log_scale.exp(), verdict.good, verdict.hand, verdict.right)
        return answer, Inside(points, crop.depth, surface, *described, seen)


def cube_edge(path: Path) -> float:
    """Edge (mm) of the cubes that weights were trained on; raises CheckpointError where the file does not say."""
    return cubes_of(path, read_info(path).recipe)[0].edge


def load_graph(pose: str, confidence: str | None = None) -> HandGraph:
    """Of weights by name or path; raises CheckpointError where there are none, UsageError where two do not fit."""
    path = find_weights(pose)
    judge = None if confidence is None else load_part(find_weights(confidence), Confidence)
    return HandGraph(load(path), judge, edge_mm=cube_edge(path))


class LocalizerGraph(nn.Module):
    """A localizer on cubes of one depth image.

    Args:
        localizer: its network.
        edge_mm: of the cubes.
    """

    def __init__(self, localizer: Localizer, *, edge_mm: float) -> None:
        super().__init__()
        self.localizer, self.edge_mm = localizer, edge_mm
        self.eval()

    def forward(
        self,
        depth: Float[Tensor, "H W"],
        intrinsics: Float[Tensor, "4"],
        center: Float[Tensor, "N 3"],
        mirrored: Bool[Tensor, " N"],
        roll: Float[Tensor, " N"],
    ) -> Refined:
        """Inputs as those of `HandGraph`."""
        cubes = Cube(center, torch.full_like(center, self.edge_mm), roll, mirrored)
        return refine_centers(self.localizer, _frame(depth, intrinsics), cubes)


def load_localizer(weights: str) -> LocalizerGraph:
    """Of weights by name or path; raises CheckpointError where there are none."""
    path = find_weights(weights)
    return LocalizerGraph(load_part(path, Localizer), edge_mm=cube_edge(path))


def _frame(depth: Float[Tensor, "H W"], intrinsics: Float[Tensor, "4"]) -> DepthFrame:
    """A depth image, and K of fx, fy, cx, cy."""
    fx, fy, cx, cy = intrinsics.unbind()
    zero, one = torch.zeros_like(fx), torch.ones_like(fx)
    matrix = torch.stack([fx, zero, cx, zero, fy, cy, zero, zero, one]).reshape(1, 3, 3)
    return DepthFrame(depth[None], Intrinsics(matrix, depth.shape[1], depth.shape[0]))


@torch.no_grad()
def _check_pair(pose: HandPoseModel, confidence: Confidence, *, edge_mm: float) -> None:
    """Raise UsageError where the confidence network cannot judge the answers of this pose network in these cubes."""
    if edge_mm != EDGE_MM:
        raise UsageError(
            f"confidence networks judge cubes of {EDGE_MM:g} mm, and this pose network was trained on cubes of "
            f"{edge_mm:g} mm; use it without one"
        )
    joints, features = confidence.arguments["joints"], confidence.arguments["features"]
    device = next(iter(pose.parameters())).device
    points = torch.ones(1, 3, pose.resolution, pose.resolution, device=device)
    shown = pose.eval().describe(points).features.shape[1]
    if (joints, features) != (len(pose.skeleton), shown):
        raise UsageError(
            f"this confidence network judges {joints} joints by {features} features, and the pose network has "
            f"{len(pose.skeleton)} and {shown}; train one for it: handkit train confidence --pose WEIGHTS"
        )
