"""From a depth picture and its camera to hands in millimetres.

    depth -> check -> propose -> localizer -> crop and its mirror -> network -> re-centred crop -> network -> joints

`estimate` is the one place where a pose network is called; evaluation, tracking and export call it too.
"""

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from handkit.depth import check_depth, framed, supported
from handkit.geometry.camera import Camera
from handkit.geometry.crop import (
    Crop,
    Space,
    crop_hand,
    mirror_joints,
    mirror_points,
    turn_joints,
    turn_points,
)
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


def estimate(
    model: HandPoseModel, frame: DepthFrame, cube: Cube, *, left: Bool[Tensor, " B"] | None = None, turns: int = 1
) -> Float[Tensor, "B J 3"]:
    """Joints in camera mm of the hand in each cube; see `read`."""
    return read(model, crop_hand(frame, cube, model.resolution), left=left, turns=turns)


@torch.inference_mode()
def read(
    model: HandPoseModel, crop: Crop, *, left: Bool[Tensor, " B"] | None = None, turns: int = 1
) -> Float[Tensor, "B J 3"]:
    """Joints in camera mm of the hand in each crop.

    Rows of `left` are mirrored before the network and back after. With `turns` of 2 or 4 the answer is the mean over
    the crop turned by half or quarter turns, which costs as many passes and steadies what is hidden.
    """
    points = crop.points(model.space)
    if left is not None:
        points = torch.where(left[:, None, None, None], mirror_points(points), points)
    joints = _answer(model, points, turns)
    if left is not None:
        joints = torch.where(left[:, None, None], mirror_joints(joints), joints)
    return crop.denormalize(joints, model.space)


@torch.inference_mode()
def read_both(
    model: HandPoseModel, crop: Crop, *, turns: int = 1
) -> tuple[Float[Tensor, "B J 3"], Float[Tensor, "B J 3"]]:
    """Joints in camera mm, every crop read as a right hand and as a left one, as `read` does, at one time."""
    points = crop.points(model.space)
    right, left = _answer(model, torch.cat([points, mirror_points(points)]), turns).chunk(2)
    both = crop.denormalize(torch.cat([right, mirror_joints(left)], dim=1), model.space)
    plain, mirrored = both.chunk(2, dim=1)
    return plain, mirrored


def _answer(model: HandPoseModel, points: Float[Tensor, "B 3 S S"], turns: int) -> Float[Tensor, "B J 3"]:
    """Normalized joints, the mean over so many turns of the crops."""
    if turns == 1:
        return model(points)
    quarters = range(0, 4, 4 // turns)
    answers = model(torch.cat([turn_points(points, turn) for turn in quarters])).chunk(turns)
    return torch.stack([turn_joints(answer, -turn) for answer, turn in zip(answers, quarters, strict=True)]).mean(0)


def two_readings(
    crop: Crop, plain: Float[Tensor, "B J 3"], mirrored: Float[Tensor, "B J 3"]
) -> tuple[Float[Tensor, "B J 4"], Float[Tensor, "B J 4"]]:
    """Both readings of a crop (camera mm) as the handedness network compares them: right hands, and their gaps."""
    both = torch.cat([plain, mirrored], dim=1)
    right, left = torch.cat([crop.cube.normalize(both), _gap(crop, both)], dim=-1).chunk(2, dim=1)
    return right, mirror_joints(left)


def _gap(crop: Crop, joints: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J 1"]:
    """How much deeper than each joint (camera mm) the surface is that covers it, in half edges of the cube."""
    seen = crop.normalize(joints, Space.IMAGE)
    surface = grid_sample(
        crop.depth[:, None], seen[:, :, None, :2], mode="nearest", padding_mode="border", align_corners=False
    )
    return surface[:, 0] - seen[..., 2:]


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
        crop = self._crop(frame, center[None], watch)
        rough = self._read_roughly(crop, hand)
        watch.lap("network")
        crop = self._crop(frame, rough.mean(1), watch)
        joints, left = self._read(crop, hand)
        watch.lap("network")
        pose = self._pose(joints, picture, camera, left=left, score=score * framed(crop.cube, camera))
        return Prediction([pose], None, watch.finish())

    def _crop(self, frame: DepthFrame, center: Float[Tensor, "1 3"], watch: "_Watch") -> Crop:
        crop = crop_hand(frame, Cube.around(center, edge=self.edge_mm), self.model.resolution)
        watch.lap("crop")
        return crop

    def _read_roughly(self, crop: Crop, hand: Hand) -> Float[Tensor, "1 J 3"]:
        """First joints (camera mm), to center the crop on: those of both readings where the hand is not told."""
        if hand == "auto":
            plain, mirrored = read_both(self.model, crop)
            return (plain + mirrored) / 2
        return read(self.model, crop, left=torch.tensor([hand == "left"], device=self.device))

    def _read(self, crop: Crop, hand: Hand) -> tuple[Float[Tensor, "J 3"], bool]:
        """Joints (camera mm) in a centered crop, and whether they are a left hand's; undecided, the better reading."""
        if hand != "auto":
            left = torch.tensor([hand == "left"], device=self.device)
            return read(self.model, crop, left=left, turns=self.turns)[0].cpu(), hand == "left"
        plain, mirrored = read_both(self.model, crop, turns=self.turns)
        is_left = float(self.handedness(*two_readings(crop, plain, mirrored))) < 0
        return (mirrored if is_left else plain)[0].cpu(), is_left

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
        self.laps = {"locate": 0.0, "crop": 0.0, "network": 0.0}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] += (now - self.last) * 1e3
        self.last = now

    def finish(self) -> dict[str, float]:
        total = (time.perf_counter() - self.begun) * 1e3
        return {name: round(value, 3) for name, value in (self.laps | {"total": total}).items()}
