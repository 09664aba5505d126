"""Confidence: evidence by hand, mirror images judged alike, and that it learns."""

import math
from dataclasses import replace

import pytest
import torch

from handkit.geometry.crop import Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.graph import estimate, evidence_of
from handkit.models.confidence import (
    MEASURES,
    Confidence,
    Evidence,
    Verdict,
    log_confidence,
    surface_of,
)
from handkit.models.crossinfonet import CrossInfoNet
from handkit.models.latent_fusion import LatentFusion
from handkit.models.network import Description
from handkit.recipes import CONFIDENCE_SYNTHETIC
from handkit.skeleton import HAND21
from handkit.training.streams import Hypotheses, HypothesisFrame
from handkit.training.targets import confidence_targets

MODEL = LatentFusion(HAND21, resolution=32, channels=16, planes=["xy"], initial_std=None).eval()


def targets_of(frame: HypothesisFrame) -> dict[str, torch.Tensor]:
    return confidence_targets(MODEL)(frame, 32)


def targets(size: int = 16) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return targets_of(Hypotheses(CONFIDENCE_SYNTHETIC, seed=3, size=size, resolution=48)[0])


def evidence(seen: dict[str, torch.Tensor]) -> Evidence:
    """Of single hypotheses, from targets of pairs."""
    return Evidence(*(seen[name].flatten(0, 1) for name in Evidence._fields))


def test_description_of_a_network():
    points = torch.rand(2, 3, 32, 32)
    described = MODEL.describe(points)
    assert torch.equal(described.joints, MODEL(points))
    assert described.features.shape == (2, 16, 8, 8)
    heatmaps = MODEL.outputs(points).heatmaps[0]
    assert torch.equal(described.peak, heatmaps.flatten(2).max(-1).values)
    pose = described.spread.square().sum(-1).sqrt()
    second = (heatmaps.sum(2) * ((torch.arange(8) + 0.5) / 4 - 1).square()).sum(-1)
    assert (pose > 0).all()
    torch.testing.assert_close(described.spread[..., 0].square() + described.joints[..., 0].square(), second)


def test_a_network_without_heat_maps_has_joints_alone():
    network = CrossInfoNet(HAND21, resolution=96).eval()
    described = network.describe(torch.rand(1, 3, 96, 96))
    assert described.features.shape[1] == 0
    assert not described.spread.any()
    judge = Confidence(features=0).eval()
    verdict = judge(torch.rand(1, 21, MEASURES), torch.zeros(1, 0, 1, 1), torch.rand(1, 96, 96))
    assert verdict.good.isfinite().all()


def test_evidence_by_hand():
    """A plane at 520 mm in a cube of 200 mm around 500 mm; features that grow to the right."""
    camera = Intrinsics(torch.tensor([[[100.0, 0, 15.5], [0, 100.0, 15.5], [0, 0, 1]]]), 32, 32)
    frame = DepthFrame(torch.full((1, 32, 32), 520.0), camera)
    crop = crop_hand(frame, Cube.around(torch.tensor([[0.0, 0, 500]]), edge=200.0), 16)
    joints = torch.tensor([[[0.25, 0.5, -0.3]]])
    features = torch.tensor([-0.75, -0.25, 0.25, 0.75]).expand(1, 1, 4, 4)
    described = Description(joints, features, torch.tensor([[[0.1, 0.2]]]), torch.tensor([[0.7]]))
    tokens, shown, surface = evidence_of(crop, described, Space.IMAGE)
    depth = 500 - 30
    cube = [0.25 * depth / 500, 0.5 * depth / 500, -0.3]
    expected = torch.tensor([0.1, 0.2, 0.7, *cube, 0.2 + 0.3, 0.25])
    torch.testing.assert_close(tokens[0, 0], expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(shown, features)
    torch.testing.assert_close(surface[0, 2:-2, 2:-2], torch.full((12, 12), 0.2))


def test_every_second_cube_is_where_a_first_look_sees_the_hand():
    frame = Hypotheses(CONFIDENCE_SYNTHETIC, seed=3, size=4, resolution=48)[0]
    seen = targets_of(frame)["tokens"][..., 3:6].mean(2)  # joint means in the cubes, a row a hypothesis
    joints = estimate(MODEL, frame[::2], frame.cube[::2], precision=torch.bfloat16)
    mirrored = replace(frame.cube[::2], mirrored=torch.ones(2, dtype=torch.bool))
    others = estimate(MODEL, frame[::2], mirrored, precision=torch.bfloat16)
    center = torch.cat([joints, others], dim=1).mean(1)
    moved = replace(frame, cube=replace(frame.cube, center=frame.cube.center.clone()))
    moved.cube.center[::2] = center
    crop = crop_hand(moved, moved.cube, 32)
    again = moved.cube.normalize(crop.denormalize(MODEL(crop.points(Space.IMAGE)), Space.IMAGE)).mean(1)
    torch.testing.assert_close(seen[:, 0], again, atol=2e-2, rtol=0)


def test_a_mirrored_frame_has_its_hypotheses_exchanged():
    frame = Hypotheses(CONFIDENCE_SYNTHETIC, seed=3, size=4, resolution=48)[0]
    matrix = frame.camera.matrix.clone()
    matrix[:, 0, 2] = frame.depth.shape[-1] - 1 - matrix[:, 0, 2]
    mirror = torch.tensor([-1.0, 1, 1])
    other = replace(
        frame,
        depth=frame.depth.flip(-1),
        camera=replace(frame.camera, matrix=matrix),
        cube=replace(frame.cube, center=frame.cube.center * mirror),
        hands=frame.hands * mirror,
        left=~frame.left,
    )
    first, second = (targets_of(each) for each in (frame, other))
    for name in ("hand", "right"):
        assert torch.equal(first[name], second[name].flip(1))
    torch.testing.assert_close(first["tokens"], second["tokens"].flip(1), atol=2e-2, rtol=2e-2)
    judge = Confidence(features=16).eval()
    plain, exchanged = (judge(*evidence(each)) for each in (first, second))
    for part, back in zip(plain, exchanged, strict=True):
        torch.testing.assert_close(part.unflatten(0, (-1, 2)), back.unflatten(0, (-1, 2)).flip(1), atol=3e-2, rtol=3e-2)


def test_confidence_by_hand():
    """Even odds of good, and three to one for the first hypothesis."""
    sure = log_confidence(torch.zeros(1, 2), torch.tensor([[1.0, 1.0 - math.log(3)]])).exp()
    torch.testing.assert_close(sure, torch.tensor([[0.375, 0.125]]))


def test_gradients_reach_everything():
    judge = Confidence(features=16)
    torch.stack(list(judge.loss(**targets()).values())).sum().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in judge.parameters())
    assert sum(each.numel() for each in Confidence().parameters()) < 1_000_000


def test_overfits_a_handful():
    seen, judge = targets(), Confidence(features=16, dropout=0.0)
    seen["errors_mm"] = torch.linspace(2, 40, 32).view(16, 2, 1).expand(16, 2, 21)
    optimizer = torch.optim.Adam(judge.parameters(), 2e-3)
    for _ in range(200):
        terms = judge.loss(**seen)
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
    fitting = seen["hand"] & seen["right"]
    good = fitting & (seen["errors_mm"].mean(-1) < 20)
    verdict = Verdict(*(part.unflatten(0, (-1, 2)) for part in judge(*evidence(seen))))
    assert ((log_confidence(verdict.good, verdict.right).exp() > 0.5) == good).all()
    assert ((verdict.hand > 0) == seen["hand"]).all()
    plain = verdict.right[:, 0] > verdict.right[:, 1]
    assert (plain == seen["right"][:, 0])[seen["hand"].all(1)].all()
    scale, error = verdict.log_scale.mean(-1).exp()[fitting], seen["errors_mm"].mean(-1)[fitting]
    assert ((scale / error).log().abs() < 0.7).all()


@pytest.mark.parametrize("resolution", [64, 96])
def test_relief_is_against_the_mean_of_the_valid_pixels_of_a_square(resolution: int) -> None:
    depth = torch.rand(2, resolution, resolution, generator=torch.Generator().manual_seed(0)) * 1.4 - 0.2
    depth = depth.clamp(max=1.0)
    there = (depth < 1).float()
    side = resolution // 7 | 1

    def mean(values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(values[:, None], side, stride=1, padding=side // 2)[:, 0]

    expected = (14 * (depth - mean(depth * there) / mean(there).clamp(min=1e-6))).clamp(-2, 2) * there
    torch.testing.assert_close(surface_of(depth)[:, 1], expected, atol=1e-4, rtol=0)
