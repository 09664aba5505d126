"""What every network in ``MODELS`` must do, whatever its paper."""

import json

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from handkit.geometry.skeleton import HAND21, NYU14
from handkit.models import MODELS, HandPoseModel

SIZE = 32  # crop pixels a side: small, so that the whole contract takes seconds


@pytest.fixture(params=sorted(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> HandPoseModel:
    torch.manual_seed(0)
    return MODELS[name](NYU14, resolution=SIZE)


def module(model: HandPoseModel) -> nn.Module:
    assert isinstance(model, nn.Module)
    return model


def batch(count: int, joints: int, *, seed: int = 0) -> tuple[Float[Tensor, "B 3 S S"], Float[Tensor, "B J 3"]]:
    """Balls in front of a wall, and joints at fixed offsets from each ball's middle."""
    generator = torch.Generator().manual_seed(seed)
    middle = torch.rand(count, 3, generator=generator) - 0.5
    offsets = 0.6 * (torch.rand(joints, 3, generator=generator) - 0.5)
    line = (torch.arange(SIZE) + 0.5) / SIZE * 2 - 1
    v, u = torch.meshgrid(line, line, indexing="ij")
    distance = (u - middle[:, 0, None, None]).square() + (v - middle[:, 1, None, None]).square()
    depth = torch.where(distance < 0.16, middle[:, 2, None, None] + distance, torch.tensor(1.0))
    points = torch.stack((u.expand_as(depth), v.expand_as(depth), depth), dim=1)
    return points, middle[:, None] + offsets


def loss(model: HandPoseModel, points: Tensor, joints: Tensor) -> Tensor:
    return torch.stack(list(model.loss(points, joints).values())).sum()


@pytest.mark.parametrize("skeleton", [NYU14, HAND21], ids=lambda skeleton: skeleton.name)
def test_one_joint_for_each_name(name: str, skeleton):
    model = MODELS[name](skeleton, resolution=SIZE)
    points, _ = batch(2, len(skeleton))
    joints = model(points)
    assert joints.shape == (2, len(skeleton), 3)
    assert joints.dtype == torch.float32
    assert model.skeleton is skeleton
    assert model.resolution == SIZE


def test_every_parameter_gets_a_finite_gradient(model: HandPoseModel):
    points, joints = batch(4, len(NYU14))
    loss(model, points, joints).backward()
    for name, parameter in module(model).named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # A bias before batch normalization or softmax rightly has none.
        assert name.endswith("bias") or parameter.grad.abs().max() > 0, name


def test_loss_terms_are_named_scalars(model: HandPoseModel):
    points, joints = batch(2, len(NYU14))
    terms = model.loss(points, joints)
    assert terms
    assert all(term.shape == () and term.isfinite() and term >= 0 for term in terms.values())


def test_evaluation_is_deterministic_and_rows_are_independent(model: HandPoseModel):
    points, _ = batch(4, len(NYU14))
    model(points)  # moves the batch statistics off their start
    model.eval()
    with torch.inference_mode():
        whole, again, row = model(points), model(points), model(points[2:3])
    assert torch.equal(whole, again)
    torch.testing.assert_close(row, whole[2:3], rtol=0, atol=1e-5)


def test_rebuilt_from_its_arguments(name: str, model: HandPoseModel):
    twin = MODELS[name](model.skeleton, **json.loads(json.dumps(model.arguments)))
    assert twin.arguments == model.arguments
    module(twin).load_state_dict(module(model).state_dict())
    points, _ = batch(2, len(NYU14))
    model.eval()
    twin.eval()
    torch.testing.assert_close(twin(points), model(points), rtol=0, atol=0)


def test_export_equals_eager_at_any_batch(model: HandPoseModel):
    points, _ = batch(3, len(NYU14))
    model(points)
    model.eval()
    axes = ({0: torch.export.Dim("batch", min=1, max=64)},)
    program = torch.export.export(module(model), (points,), dynamic_shapes=axes)
    for count in (1, 3, 5):
        points, _ = batch(count, len(NYU14), seed=count)
        torch.testing.assert_close(program.module()(points), model(points), rtol=0, atol=1e-5)


def test_bfloat16_autocast_and_channels_last_stay_close(model: HandPoseModel):
    points, _ = batch(4, len(NYU14))
    model(points)
    model.eval()
    with torch.inference_mode():
        plain = model(points)
        for parameter in model.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(model(points), plain, rtol=0, atol=1e-5)
        with torch.autocast("cpu", torch.bfloat16):
            fast = model(points)
    assert fast.dtype == torch.float32
    torch.testing.assert_close(fast, plain, rtol=0, atol=0.05)


def test_learns_eight_crops(model: HandPoseModel):
    """From the mean pose's error, 0.25 a coordinate, to a tenth; the running statistics come after."""
    points, joints = batch(8, len(NYU14))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss(model, points, joints).backward()
        optimizer.step()
    with torch.inference_mode():
        trained = (model(points) - joints).abs().mean()
        model.eval()
        evaluated = (model(points) - joints).abs().mean()
    assert trained < 0.025
    assert evaluated < 0.1
