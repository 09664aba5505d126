"""What each network learns from a frame: arguments of its loss.

stream -> LabeledFrame with a jittered cube -> targets -> arguments of a network's loss
"""

from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handkit.geometry.crop import BACKGROUND, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.graph import estimate, evidence_of, refine_centers
from handkit.models import HandPoseModel
from handkit.models.localizer import Localizer
from handkit.recipes.augment import Augment, disturb
from handkit.training.streams import HAND_WITHIN_MM, HypothesisFrame, before

ERROR_LIMIT_MM = 200.0
"""Joint errors count up to this much."""


@runtime_checkable  # for the shape checker that runs under pytest
class Targets(Protocol):
    """From frames with their labels, at a crop resolution, to the arguments of a network's loss."""

    def __call__(
        self,
        frame: Any,  # noqa: ANN401
        resolution: int,
        generator: torch.Generator | None = None,
    ) -> dict[str, Tensor]: ...


def pose_targets(model: HandPoseModel, augment: Augment | None = None) -> Targets:
    """Points and joints in the space of `model`; depth values are disturbed as `augment` says, given a generator."""

    def targets(frame: LabeledFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        crop = crop_hand(frame, frame.cube, resolution)
        if augment is not None and generator is not None:
            crop = disturb(crop, augment, generator)
        return {"points": crop.points(model.space), "joints": crop.normalize(frame.joints, model.space)}

    return targets


@torch.no_grad()
def relocate(frame: LabeledFrame, localizer: Localizer, *, edge_mm: float) -> LabeledFrame:
    """The same frames, their cubes moved to where `localizer` sees the hand; it looks at cubes of `edge_mm`."""
    center = refine_centers(localizer, frame, Cube.around(frame.cube.center, edge=edge_mm)).center_mm
    return replace(frame, cube=replace(frame.cube, center=center))


def located_targets(targets: Targets, localizer: Localizer, edge_mm: float) -> Targets:
    """As `targets`, of cubes that the localizer has moved first: its place in training (docs/reference.md, 2.5)."""

    def located(frame: LabeledFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        return targets(relocate(frame, localizer.to(frame.depth.device), edge_mm=edge_mm), resolution, generator)

    return located


def usable(targets: dict[str, Tensor]) -> Bool[Tensor, " B"]:
    """Rows that a network can learn from: all numbers finite, and something in the crop unless it is to show no hand.

    One other row in a batch would spoil its statistics, and through them every row and the running statistics.
    """
    finite = torch.stack([part.reshape(len(part), -1).isfinite().all(1) for part in targets.values()]).all(0)
    if "points" not in targets:
        return finite
    something = (targets["points"][:, 2] < BACKGROUND).flatten(1).any(1)
    return finite & (something | ~targets["hand"] if "hand" in targets else something)


def location_targets(
    frame: LabeledFrame, resolution: int, generator: torch.Generator | None = None
) -> dict[str, Tensor]:
    """Points, offset to the joint mean in the cube's units, and whether a hand is there; every second row mirrored.

    The mirror turns a right hand's crop into a left hand's, so both are seen equally often.
    """
    cube = replace(frame.cube, mirrored=torch.arange(len(frame), device=frame.depth.device) % 2 == 1)
    offset = cube.normalize(frame.joints.mean(1, keepdim=True))[:, 0]
    hand = (offset * cube.edges / 2).norm(dim=-1) < HAND_WITHIN_MM
    return {"points": crop_hand(frame, cube, resolution).points(Space.IMAGE), "offset": offset, "hand": hand}


def confidence_targets(model: HandPoseModel) -> Targets:
    """Evidence of both hypotheses of `model`, which is not trained, in each cube; and what is true of it (`judged`).

    Every second cube is moved to the joints of a first look at it, as the estimator's are.
    """
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    @torch.no_grad()
    def targets(frame: HypothesisFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        frame = _recentered(_both(frame), model)
        crop = crop_hand(frame, frame.cube, model.resolution)
        points = crop.points(model.space).contiguous(memory_format=torch.channels_last)
        with torch.autocast(points.device.type, torch.bfloat16):
            described = model.describe(points)
        evidence = evidence_of(crop, described, model.space)
        joints = crop.denormalize(described.joints.float(), model.space)
        found = evidence._asdict() | judged(frame, joints)
        return {name: part.unflatten(0, (-1, 2)) for name, part in found.items()}

    return targets


def _both(frame: HypothesisFrame) -> HypothesisFrame:
    """Every frame twice, its cube plain and mirrored."""
    rows = torch.arange(len(frame), device=frame.depth.device).repeat_interleave(2)
    return replace(frame[rows], cube=frame.cube.views(mirrored=(False, True)))


def _recentered(frame: HypothesisFrame, model: HandPoseModel) -> HypothesisFrame:
    """Every second pair of cubes moved to the mean of all joints that `model` sees in the two."""
    pair = torch.arange(len(frame), device=frame.depth.device) // 2
    first = frame[pair % 2 == 0]
    seen = estimate(model, first, first.cube, precision=torch.bfloat16).unflatten(0, (-1, 2)).mean((1, 2))
    center = frame.cube.center.clone()
    center[pair % 2 == 0] = before(seen).repeat_interleave(2, dim=0)
    return replace(frame, cube=replace(frame.cube, center=center))


def judged(frame: HypothesisFrame, joints: Float[Tensor, "B J 3"]) -> dict[str, Tensor]:
    """What is true of answered joints (camera mm): whether a hand is in the cube, looks right there, and the errors.

    Of two hands it is the one nearest to the answer. A hand is in the cube when its middle is within `HAND_WITHIN_MM`
    of the cube's. Errors are in mm, at most `ERROR_LIMIT_MM`.
    """
    middles = frame.hands.mean(2)
    inside = frame.present & ((middles - frame.cube.center[:, None]).norm(dim=-1) < HAND_WITHIN_MM)
    away = (middles - joints.mean(1, keepdim=True)).norm(dim=-1)
    nearest = torch.where(inside, away, torch.inf).argmin(1)
    rows = torch.arange(len(joints), device=joints.device)
    errors = (joints - frame.hands[rows, nearest]).norm(dim=-1).clamp(max=ERROR_LIMIT_MM)
    right = frame.left[rows, nearest] == frame.cube.mirrored
    return {"hand": inside.any(1), "right": right, "errors_mm": errors}
