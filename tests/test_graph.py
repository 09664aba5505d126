"""The whole graph in tensors: what `estimate` says, pixels by hand, and what it refuses."""

import math

import pytest
import torch

from handkit.camera import Camera
from handkit.errors import UsageError
from handkit.geometry.crop import crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.graph import HandGraph, estimate, evidence_of
from handkit.models.confidence import Confidence
from handkit.models.latent_fusion import LatentFusion
from handkit.models.srn import SRN
from handkit.skeleton import HAND21, NYU14

CAMERA = Camera(fx=120.0, fy=118.0, cx=47.0, cy=39.0, width=96, height=80)
INTRINSICS = torch.tensor([120.0, 118.0, 47.0, 39.0])
CENTERS = torch.tensor([[0.0, 10, 500], [-40, 20, 450], [30, -10, 520]])
MIRRORED, ROLL = torch.tensor([False, True, True]), torch.tensor([0.0, 0.0, math.pi / 3])
EDGE = 280.0


def depth() -> torch.Tensor:
    return 420 + 150 * torch.rand(80, 96, generator=torch.Generator().manual_seed(2))


def pose() -> LatentFusion:
    torch.manual_seed(0)
    return LatentFusion(HAND21, resolution=32, channels=16, planes=["xy"], initial_std=None).eval()


def test_the_graph_says_what_its_parts_say():
    model, confidence = pose(), Confidence(features=16).eval()
    answer = HandGraph(model, confidence, edge_mm=EDGE)(depth(), INTRINSICS, CENTERS, MIRRORED, ROLL)
    frame = DepthFrame.single(depth(), CAMERA)
    cubes = Cube(CENTERS, torch.full_like(CENTERS, EDGE), ROLL, MIRRORED)
    assert torch.allclose(answer.joints_mm, estimate(model, frame, cubes), atol=1e-4)
    crop = crop_hand(frame, cubes, 32)
    verdict = confidence(*evidence_of(crop, model.describe(crop.points(model.space)), model.space))
    torch.testing.assert_close(answer[2:], (verdict.log_scale.exp(), verdict.good, verdict.hand, verdict.right))
    x, y, z = answer.joints_mm[1, 4].tolist()
    assert answer.joints_px[1, 4].tolist() == pytest.approx([120 * x / z + 47, 118 * y / z + 39], abs=1e-3)


def test_without_a_confidence_network_nothing_is_said():
    answer = HandGraph(pose(), None, edge_mm=EDGE)(depth(), INTRINSICS, CENTERS, MIRRORED, ROLL)
    assert answer.uncertainty_mm.shape == (3, 21)
    assert not any(each.any() for each in answer[2:])


@pytest.mark.parametrize(
    ("model", "words"),
    [(LatentFusion(NYU14, resolution=32, channels=16), "14 and 16"), (SRN(HAND21, resolution=32), "21 and 0")],
)
def test_a_confidence_network_judges_the_pose_network_it_learned_from(model: LatentFusion | SRN, words: str):
    with pytest.raises(UsageError, match=f"21 joints by 128 features, and the pose network has {words}"):
        HandGraph(model, Confidence(), edge_mm=EDGE)


def test_a_confidence_network_knows_cubes_of_one_edge():
    with pytest.raises(UsageError, match="judge cubes of 280 mm, and this pose network was trained on cubes of 250 mm"):
        HandGraph(pose(), Confidence(features=16), edge_mm=250.0)
    assert HandGraph(pose(), None, edge_mm=250.0).edge_mm == 250
