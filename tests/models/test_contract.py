"""What every network in `MODELS` must do, whatever its paper."""

import copy
import functools
import json
from typing import Any, NamedTuple

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from handkit.geometry.crop import crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.graph import estimate
from handkit.models import MODELS, HandPoseModel
from handkit.recipes import LATENT_FUSION_SYNTHETIC
from handkit.skeleton import HAND21, NYU14
from handkit.training.streams import SyntheticFrames

SMALL: dict[str, dict[str, Any]] = {
    # Joints are read from 32 cells rather than 16, or the read-out alone would cost the error allowed.
    "attention-hourglass": {"resolution": 64, "channels": 32},
    "crossinfonet": {"resolution": 32, "dropout": 0.0},
    # Statistics over 100 steps, dropout and a start from weights near 0 are made for long trainings.
    "densereg": {"resolution": 32, "channels": 48, "decay": 0.9, "dropout": 0.0, "initial_std": None},
}
"""Arguments with which a network learns eight crops in seconds; by default its own, at 32 crop pixels a side."""
PACE: dict[str, tuple[int, float]] = {
    # Batch normalization of its answers starts at deviation 1, five times the joints', and shrinks by the rate.
    "crossinfonet": (90, 2e-2),
    "latent-fusion": (60, 3e-3),
    "srn": (60, 2e-3),
}
"""Steps, and the learning rate of their first half; it then falls to 0. By default 100 and 3e-3."""
STEADY = {"attention-hourglass": 2 * 2 / 32, "densereg": 0.125}
"""How far half precision may move a coordinate: 0.05, or half a cell of 8 or two of 32 where cells are picked."""


def arguments(name: str) -> dict[str, Any]:
    return {"resolution": 32, **SMALL.get(name, {})}


@pytest.fixture(params=sorted(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> HandPoseModel:
    torch.manual_seed(0)
    return MODELS[name](NYU14, **arguments(name))


class Learned(NamedTuple):
    model: HandPoseModel
    trained: float
    """Mean error of a coordinate on the crops it learned, with their own statistics."""
    evaluated: float
    """With the running statistics."""


@functools.cache
def learn(name: str) -> Learned:
    """A network after its `PACE` on eight crops, in evaluation mode."""
    torch.manual_seed(0)
    model = MODELS[name](NYU14, **arguments(name))
    points, joints = batch(8, model)
    steps, rate = PACE.get(name, (100, 3e-3))
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, 2 * (1 - step / steps))
        optimizer.zero_grad()
        loss(model, points, joints).backward()
        optimizer.step()
    with torch.inference_mode():
        trained = (model(points) - joints).abs().mean().item()
        model.eval()
        evaluated = (model(points) - joints).abs().mean().item()
    return Learned(model, trained, evaluated)


@pytest.fixture
def learned(name: str) -> HandPoseModel:
    """A copy: what a test does to it, no other test sees.

    Read-outs that pick a cell or a bin are steady where the maps say something, not on the noise of a network that
    has learned nothing; what is asked of all networks is asked of those that have.
    """
    return copy.deepcopy(learn(name).model)


def batch(
    count: int, model: HandPoseModel, *, seed: int = 0
) -> tuple[Float[Tensor, "B 3 S S"], Float[Tensor, "B J 3"]]:
    """Balls in front of a wall, and joints at fixed offsets from each ball's middle."""
    generator = torch.Generator().manual_seed(seed)
    size, joints = model.resolution, len(model.skeleton)
    middle = torch.rand(count, 3, generator=generator) - 0.5
    offsets = 0.6 * (torch.rand(joints, 3, generator=generator) - 0.5)
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    v, u = torch.meshgrid(line, line, indexing="ij")
    distance = (u - middle[:, 0, None, None]).square() + (v - middle[:, 1, None, None]).square()
    depth = torch.where(distance < 0.16, middle[:, 2, None, None] + distance, torch.tensor(1.0))
    points = torch.stack((u.expand_as(depth), v.expand_as(depth), depth), dim=1)
    return points, middle[:, None] + offsets


def loss(model: HandPoseModel, points: Tensor, joints: Tensor) -> Tensor:
    return torch.stack(list(model.loss(points, joints).values())).sum()


@pytest.mark.parametrize("skeleton", [NYU14, HAND21], ids=lambda skeleton: skeleton.name)
def test_one_joint_for_each_name(name: str, skeleton):
    model = MODELS[name](skeleton, **arguments(name))
    points, _ = batch(2, model)
    joints = model(points)
    assert joints.shape == (2, len(skeleton), 3)
    assert joints.dtype == torch.float32
    assert model.skeleton is skeleton
    assert model.resolution == arguments(name)["resolution"]


def test_every_parameter_gets_a_finite_gradient(model: HandPoseModel):
    points, joints = batch(4, model)
    loss(model, points, joints).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # A bias before batch normalization or softmax rightly has none.
        assert name.endswith("bias") or parameter.grad.abs().max() > 0, name


def test_loss_terms_are_named_scalars(model: HandPoseModel):
    points, joints = batch(2, model)
    terms = model.loss(points, joints)
    assert terms
    assert all(term.shape == () and term.isfinite() and term >= 0 for term in terms.values())


def test_evaluation_is_deterministic_and_rows_are_independent(learned: HandPoseModel):
    points, _ = batch(4, learned)
    with torch.inference_mode():
        whole, again, row = learned(points), learned(points), learned(points[2:3])
    assert torch.equal(whole, again)
    torch.testing.assert_close(row, whole[2:3], rtol=0, atol=1e-5)


def test_rebuilt_from_its_arguments(name: str, model: HandPoseModel):
    twin = MODELS[name](model.skeleton, **json.loads(json.dumps(model.arguments)))
    assert twin.arguments == model.arguments
    twin.load_state_dict(model.state_dict())
    points, _ = batch(2, model)
    model.eval()
    twin.eval()
    torch.testing.assert_close(twin(points), model(points), rtol=0, atol=0)


class FromFrame(nn.Module):
    """What a deployed network is: a depth image, its camera's matrix and a rough center in, joints in mm out."""

    def __init__(self, model: HandPoseModel) -> None:
        super().__init__()
        self.network = model

    def forward(self, depth: Tensor, matrix: Tensor, center: Tensor) -> Tensor:
        frame = DepthFrame(depth, Intrinsics(matrix, depth.shape[2], depth.shape[1]))
        crop = crop_hand(frame, Cube.around(center, edge=280.0), self.network.resolution)
        return crop.denormalize(self.network(crop.points(self.network.space)), self.network.space)


def test_export_with_the_crop_and_the_denormalization_around_it_at_any_batch(learned: HandPoseModel):
    frame = SyntheticFrames(LATENT_FUSION_SYNTHETIC, seed=3, size=5, resolution=96)[0]
    whole = FromFrame(learned).eval()
    every = (frame.depth, frame.camera.matrix, frame.cube.center)
    inputs = tuple(each[:3] for each in every)
    batch_axis = {0: torch.export.Dim("batch", min=1, max=64)}
    program = torch.export.export(whole, inputs, dynamic_shapes=(batch_axis,) * 3).module()
    with torch.no_grad():
        for rows in (slice(0, 1), slice(0, 3), slice(0, 5)):
            some = tuple(each[rows].contiguous() for each in every)
            expected = estimate(learned, frame[rows], Cube.around(some[2], edge=280.0))
            torch.testing.assert_close(program(*some), expected, rtol=0, atol=0.01)


def test_bfloat16_autocast_and_channels_last_stay_close(name: str, learned: HandPoseModel):
    points, _ = batch(4, learned)
    with torch.inference_mode():
        plain = learned(points)
        for parameter in learned.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(learned(points), plain, rtol=0, atol=1e-5)
        with torch.autocast("cpu", torch.bfloat16):
            fast = learned(points)
    assert fast.dtype == torch.float32
    torch.testing.assert_close(fast, plain, rtol=0, atol=STEADY.get(name, 0.05))


def test_learns_eight_crops(name: str):
    """From the mean pose's error, 0.25 a coordinate, to a tenth; the running statistics come after."""
    assert learn(name).trained < 0.025
    assert learn(name).evaluated < 0.1
