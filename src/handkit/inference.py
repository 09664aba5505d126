"""From a depth image and its camera to hands in millimetres.

    DepthImage -> propose -> localizer -> cube -> estimate -> re-centered cube -> estimate -> joints

An undecided hand is estimated in the cube and in its mirror image; `rotations` are rolled cubes.
"""

import time
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from handkit.camera import Camera, doubts_about
from handkit.depth import DepthImage, framed, supported
from handkit.errors import FrameError, UsageError
from handkit.geometry.crop import crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.graph import describe, estimate
from handkit.hand import HandPose, Prediction
from handkit.locate import FAR, NEAR, Locator, find_hand, propose
from handkit.models import HandPoseModel
from handkit.models.checkpoint import load, load_part
from handkit.models.handedness import Handedness
from handkit.models.localizer import Localizer
from handkit.models.pretrained import cube_edge, find_weights

Asked = Literal["auto", "left", "right"]
MIRRORED = {"right": (False,), "left": (True,), "auto": (False, True)}
"""Hypotheses of a hand asked for like this: a left one is looked at in a mirrored cube."""
ROTATIONS = (1, 2, 4)

LEAST_SCORE = 0.15
"""Probability of a hand below which none is reported."""
SMALL_BONE_MM = 25.0
"""Mean length of a small child's bones. Where a network sees no hand it draws its joints together, to 12 mm or less."""


class HandPoseEstimator:
    """A pose network and what stands around it: `predict(depth, camera)`; threads may share one.

    `rotations` (test-time augmentation) of 2 or 4 average over so many rolled views of the crop.
    """

    def __init__(
        self,
        model: HandPoseModel,
        localizer: Localizer,
        handedness: Handedness,
        *,
        edge_mm: float,
        localizer_edge_mm: float,
        rotations: Literal[1, 2, 4] = 4,
        device: torch.device | str = "cpu",
        locator: Locator = propose,
    ) -> None:
        if rotations not in ROTATIONS:
            raise UsageError(f"rotations is {rotations!r}; it must be 1, 2 or 4")
        self.model, self.localizer, self.handedness = model, localizer, handedness
        self.edge_mm, self.localizer_edge_mm = edge_mm, localizer_edge_mm
        self.rotations, self.device, self.locator = rotations, torch.device(device), locator
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
        rotations: Literal[1, 2, 4] = 4,
        device: torch.device | str = "cpu",
    ) -> "HandPoseEstimator":
        """Weights by name or by path; raises CheckpointError with the names that there are.

        `rotations=1` is the fast setting: the crop is estimated once instead of in four rolls.
        """
        pose, finder = find_weights(name), find_weights(localizer)
        return cls(
            load(pose),
            load_part(finder, Localizer),
            load_part(find_weights("handedness"), Handedness),
            edge_mm=cube_edge(pose),
            localizer_edge_mm=cube_edge(finder),
            rotations=rotations,
            device=device,
        )

    def predict(self, depth: np.ndarray | Tensor, camera: Camera, *, handedness: Asked = "auto") -> list[HandPose]:
        """The hand in one depth image (H, W), in units of `camera.unit_mm`, or an empty list.

        Raises FrameError where it is no depth image (see `DepthImage.of`), UsageError for another `handedness`.
        """
        return self.run(DepthImage.of(depth, camera), handedness=handedness).hands

    def predict_many(
        self, depths: Iterable[np.ndarray | Tensor], camera: Camera, *, handedness: Asked = "auto"
    ) -> list[Prediction]:
        """Each of several depth images of one camera; one that is refused has the sentence as its reason."""
        self.check(handedness)
        predictions: list[Prediction] = []
        for depth in depths:
            try:
                predictions.append(self.run(DepthImage.of(depth, camera), handedness=handedness))
            except FrameError as error:
                predictions.append(Prediction([], str(error), _Watch().finish(), doubts_about(camera)))
        return predictions

    def check(self, handedness: Asked) -> None:
        """Raise UsageError where a hand cannot be asked for like this."""
        if handedness not in MIRRORED:
            raise UsageError(f"handedness is {handedness!r}; it must be auto, left or right")
        joints, compared = len(self.model.skeleton), self.handedness.arguments["joints"]
        if handedness == "auto" and joints != compared:
            raise UsageError(
                f"this network returns {joints} joints ({self.model.skeleton.name}), left or right is predicted from "
                f"{compared}: give handedness='left' or 'right' (--handedness)"
            )

    @torch.inference_mode()
    def run(self, image: DepthImage, *, handedness: Asked = "auto") -> Prediction:
        """The hand in one depth image, or the reason for its absence; and the time that every stage took."""
        self.check(handedness)
        watch, camera = _Watch(), image.camera.pinhole
        warnings = (*doubts_about(image.camera), *image.notes)
        proposals = self.locator(image.depth, camera)
        if len(proposals) == 0:
            watch.lap("locate")
            return Prediction([], _nothing_to_see(image.depth), watch.finish(), warnings)
        frame = DepthFrame.single(torch.from_numpy(image.depth), camera).to(self.device)
        centers = torch.from_numpy(proposals).float().to(self.device)
        center, score = find_hand(self.localizer, frame, centers, edge_mm=self.localizer_edge_mm)
        watch.lap("locate")
        if score < LEAST_SCORE:
            reason = f"nothing in the image looks like a hand (best score {score:.2f} of {LEAST_SCORE} needed)"
            return Prediction([], reason, watch.finish(), warnings)
        cube, joints, left = self._estimate(frame, center, handedness)
        watch.lap("estimate")
        score *= framed(cube.center[0].cpu().numpy(), camera, edge_mm=self.edge_mm)
        return Prediction([self._pose(joints, image, left=left, score=score)], None, watch.finish(), warnings)

    def _estimate(
        self, frame: DepthFrame, center: Float[Tensor, " 3"], handedness: Asked
    ) -> tuple[Cube, Float32[np.ndarray, "J 3"], bool]:
        """The re-centered cube of a hand, its joints in camera mm, and whether it is a left one."""
        mirrored = MIRRORED[handedness]
        coarse = estimate(self.model, frame, self._cube(center).views(mirrored=mirrored))
        cube = self._cube(coarse.mean((0, 1)))
        views = estimate(self.model, frame, cube.views(mirrored=mirrored, rotations=self.rotations))
        joints = views.unflatten(0, (len(mirrored), self.rotations)).mean(1)
        chosen = self._likelier(frame, cube, joints) if handedness == "auto" else 0
        return cube, joints[chosen].cpu().numpy(), mirrored[chosen]

    def _cube(self, center: Float[Tensor, " 3"]) -> Cube:
        return Cube.around(center[None], edge=self.edge_mm)

    def _likelier(self, frame: DepthFrame, cube: Cube, joints: Float[Tensor, "2 J 3"]) -> int:
        """Which of the hypotheses of one cube is a hand's: 0 the right one, 1 the left one."""
        crop = crop_hand(frame, cube.views(mirrored=(False, True)), self.model.resolution)
        right, left = describe(crop, joints).chunk(2)
        return int(self.handedness(right, left) < 0)

    def _pose(self, joints: Float32[np.ndarray, "J 3"], image: DepthImage, *, left: bool, score: float) -> HandPose:
        seen = image.camera.pinhole.project(joints)
        bone = float(np.mean([np.linalg.norm(joints[end] - joints[start]) for start, end in self.model.skeleton.bones]))
        score *= min(1.0, bone / SMALL_BONE_MM) ** 4  # 12 mm: a twentieth
        return HandPose(
            joints,
            image.camera.project(joints),
            "left" if left else "right",
            round(score * supported(joints, seen, image.depth), 4),
            self.model.skeleton,
            np.full(len(joints), np.nan, np.float32),
            1.0,
        )


def _nothing_to_see(depth: Float32[np.ndarray, "H W"]) -> str:
    valid = depth[depth > 0]
    if len(valid) == 0:
        return "the image has no valid depth value at all"
    near, far = float(valid.min()), float(valid.max())
    hint = ""
    if near > FAR:
        hint = "; if those are not mm, give the mm of one unit (--depth-scale)"
    elif far < NEAR:
        hint = "; if those are centimeters, give --depth-scale 10, if they are inches, 25.4"
    what = "nothing that could be a hand" if near < FAR and far > NEAR else "nothing"
    return f"{what} between {NEAR:.0f} and {FAR:.0f} mm; depth values span {near:.0f} to {far:.0f} mm{hint}"


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
