"""From a depth picture and its camera to hands in millimetres.

    depth -> check -> propose -> localizer -> cube -> estimate -> re-centered cube -> estimate -> joints

An undecided hand is estimated in the cube and in its mirror image; `rotations` are rolled cubes. `estimate` is the one
place where a pose network is called; evaluation and training call it too.
"""

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from handkit.depth import check_depth, framed, supported
from handkit.geometry.camera import Camera
from handkit.geometry.crop import Crop, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.kinematics import bone_lengths
from handkit.geometry.skeleton import Skeleton
from handkit.locate import FAR, NEAR, Locator, find_hand, propose
from handkit.models import HandPoseModel
from handkit.models.checkpoint import load, load_part
from handkit.models.handedness import Handedness
from handkit.models.localizer import Localizer
from handkit.models.pretrained import cube_edge, find_weights

Hand = Literal["auto", "left", "right"]

LEAST_SCORE = 0.15
"""Probability of a hand below which none is reported."""
SMALL_BONE_MM = 25.0
"""Mean length of a small child's bones. Where a network sees no hand it draws its joints together, to 12 mm or less."""


@dataclass(frozen=True)
class HandPose:
    """One hand. `joints_mm` are camera millimetres (x right, y down, z forward), `joints_px` pixels of the picture."""

    joints_mm: Float32[np.ndarray, "J 3"]
    joints_px: Float32[np.ndarray, "J 2"]
    handedness: Literal["left", "right"]
    confidence: float
    """0 to 1: probability of a hand there, times the shares of its cube inside the picture and of supported joints, and
    little for a skeleton that is too small for a hand."""
    skeleton: Skeleton


@dataclass(frozen=True)
class Prediction:
    """The hands of one picture; without any, `reason` says why. Times in ms."""

    hands: list[HandPose]
    reason: str | None
    timings_ms: dict[str, float]


@torch.no_grad()
def estimate(
    model: HandPoseModel, frame: DepthFrame, cubes: Cube, *, precision: torch.dtype = torch.float32
) -> Float[Tensor, "B J 3"]:
    """Joints in camera mm of the hand in each cube: the one place where a pose network is called.

    A frame of one row serves all cubes. Networks know right hands: of a left hand ask with a mirrored cube. Geometry
    stays in float32 whatever the `precision` of the network.
    """
    crop = crop_hand(frame.expand(len(cubes)), cubes, model.resolution)
    points = crop.points(model.space)
    with torch.autocast(points.device.type, precision, enabled=precision != torch.float32):
        joints = model(points)
    return crop.denormalize(joints.float(), model.space)


def describe(crop: Crop, joints: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J 4"]:
    """Hypotheses (camera mm) as the handedness network compares them: x, y, z of a right hand in the cube, and the gap.

    The gap says how much deeper than each joint the surface is that covers it, in half edges of the cube.
    """
    seen = crop.normalize(joints, Space.IMAGE)
    surface = grid_sample(
        crop.depth[:, None], seen[:, :, None, :2], mode="nearest", padding_mode="border", align_corners=False
    )
    return torch.cat([crop.cube.normalize(joints), surface[:, 0] - seen[..., 2:]], dim=-1)


class HandPoseEstimator:
    """A pose network and what stands around it: `predict(depth, camera)`."""

    def __init__(
        self,
        model: HandPoseModel,
        localizer: Localizer,
        handedness: Handedness,
        *,
        edge_mm: float,
        localizer_edge_mm: float,
        turns: Literal[1, 2, 4] = 4,
        device: torch.device | str = "cpu",
        locator: Locator = propose,
    ) -> None:
        self.model, self.localizer, self.handedness = model, localizer, handedness
        self.edge_mm, self.localizer_edge_mm = edge_mm, localizer_edge_mm
        self.turns, self.device, self.locator = turns, torch.device(device), locator
        for network in (model, localizer, handedness):
            assert isinstance(network, nn.Module)
            network.to(self.device).eval()
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    @classmethod
    def from_pretrained(
        cls,
        name: str = "latent-fusion",
        *,
        localizer: str = "localizer",
        turns: Literal[1, 2, 4] = 4,
        device: torch.device | str = "cpu",
    ) -> "HandPoseEstimator":
        """Weights by name or by path; raises CheckpointError with the names that there are.

        `turns=1` is the fast setting: the crop is read once instead of in four directions.
        """
        pose, finder = find_weights(name), find_weights(localizer)
        return cls(
            load(pose),
            load_part(finder, Localizer),
            load_part(find_weights("handedness"), Handedness),
            edge_mm=cube_edge(pose),
            localizer_edge_mm=cube_edge(finder),
            turns=turns,
            device=device,
        )

    def predict(self, depth: np.ndarray | Tensor, camera: Camera, *, hand: Hand = "auto") -> list[HandPose]:
        """The hand in one picture, or an empty list; depth (H, W) in mm.

        Zero, NaN and infinity are no reading. Raises FrameError where the picture is none (see `check_depth`).
        """
        return self.run(depth, camera, hand=hand).hands

    @torch.inference_mode()
    def run(self, depth: np.ndarray | Tensor, camera: Camera, *, hand: Hand = "auto") -> Prediction:
        """As `predict`, with the reason for an empty answer and the time that every stage took."""
        watch = _Watch()
        picture = check_depth(depth, camera)
        proposals = self.locator(picture, camera)
        if len(proposals) == 0:
            watch.lap("locate")
            return Prediction([], _nothing_to_see(picture), watch.finish())
        frame = DepthFrame.single(torch.from_numpy(picture), camera).to(self.device)
        centers = torch.from_numpy(proposals).float().to(self.device)
        center, score = find_hand(self.localizer, frame, centers, edge_mm=self.localizer_edge_mm)
        watch.lap("locate")
        if score < LEAST_SCORE:
            reason = f"nothing in the picture looks like a hand (best score {score:.2f} of {LEAST_SCORE} needed)"
            return Prediction([], reason, watch.finish())
        mirrored = {"right": (False,), "left": (True,), "auto": (False, True)}[hand]
        rough = estimate(self.model, frame, self._cube(center).views(mirrored=mirrored))
        cube = self._cube(rough.mean((0, 1)))
        views = estimate(self.model, frame, cube.views(mirrored=mirrored, rotations=self.turns))
        joints = views.unflatten(0, (len(mirrored), self.turns)).mean(1)
        chosen = self._likelier(frame, cube, joints) if hand == "auto" else 0
        watch.lap("estimate")
        score *= framed(cube, camera)
        pose = self._pose(joints[chosen].cpu(), picture, camera, left=mirrored[chosen], score=score)
        return Prediction([pose], None, watch.finish())

    def _cube(self, center: Float[Tensor, " 3"]) -> Cube:
        return Cube.around(center[None], edge=self.edge_mm)

    def _likelier(self, frame: DepthFrame, cube: Cube, joints: Float[Tensor, "2 J 3"]) -> int:
        """Which of the hypotheses of one cube is a hand's: 0 the right one, 1 the left one."""
        crop = crop_hand(frame.expand(2), cube.views(mirrored=(False, True)), self.model.resolution)
        right, left = describe(crop, joints).chunk(2)
        return int(self.handedness(right, left) < 0)

    def _pose(
        self, joints: Float[Tensor, "J 3"], picture: np.ndarray, camera: Camera, *, left: bool, score: float
    ) -> HandPose:
        pixels = camera.project(joints).numpy()
        bone = float(bone_lengths(joints, self.model.skeleton.bones).mean())
        score *= min(1.0, bone / SMALL_BONE_MM) ** 4  # 12 mm: a twentieth
        return HandPose(
            joints.numpy(),
            pixels,
            "left" if left else "right",
            round(score * supported(joints.numpy(), pixels, picture), 4),
            self.model.skeleton,
        )


def _nothing_to_see(picture: Float32[np.ndarray, "H W"]) -> str:
    readings = picture[picture > 0]
    if len(readings) == 0:
        return "the picture has no reading at all"
    near, far = float(readings.min()), float(readings.max())
    hint = "; if those are not mm, give the mm of one unit (--depth-scale)" if near > FAR else ""
    what = "nothing that could be a hand" if near < FAR and far > NEAR else "nothing"
    return f"{what} between {NEAR:.0f} and {FAR:.0f} mm; readings span {near:.0f} to {far:.0f} mm{hint}"


class _Watch:
    """Milliseconds of the stages of one prediction; a stage that was not reached took none."""

    def __init__(self) -> None:
        self.begun = self.last = time.perf_counter()
        self.laps = {"locate": 0.0, "estimate": 0.0}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] += (now - self.last) * 1e3
        self.last = now

    def finish(self) -> dict[str, float]:
        total = (time.perf_counter() - self.begun) * 1e3
        return {name: round(value, 3) for name, value in (self.laps | {"total": total}).items()}
