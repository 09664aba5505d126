"""Counts, shapes and interpretations of docs/reference.md, 3.5."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from handkit.camera import Camera
from handkit.geometry.crop import Crop, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.layers.projection import project
from handkit.models.densereg import Answer, DenseAnswer, DenseReg, cone_heatmaps, depth_as_published
from handkit.skeleton import ICVL16, MSRA21, NYU14

ANSWERS: list[Answer] = ["field", "offset", "detection-depth", "detection-coordinates", "coordinates"]
EDGE = 300.0


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def points(size: int, *, rows: int = 2) -> torch.Tensor:
    """A tilted plane with background above it."""
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    v, u = torch.meshgrid(line, line, indexing="ij")
    depth = torch.where(v < -0.5, torch.tensor(1.0), 0.4 * u)
    return torch.stack((u, v, depth)).expand(rows, -1, -1, -1).contiguous()


def crops(rows: int) -> tuple[Crop, torch.Tensor]:
    """Bumpy walls through rolled cubes off the optical axis, and joints near their surface, camera mm."""
    generator = torch.Generator().manual_seed(0)
    camera = Intrinsics.of(Camera(fx=475.0, fy=470.0, cx=320.0, cy=240.0, width=640, height=480))
    center = torch.rand(rows, 3, generator=generator) * torch.tensor([200.0, 150.0, 200.0])
    cube = Cube.around(center + torch.tensor([-100.0, -75.0, 450.0]), edge=EDGE)
    cube = replace(cube, roll=6 * torch.rand(rows, generator=generator) - 3)
    depth = cube.center[:, 2, None, None] + 20 * (torch.rand(rows, 480, 640, generator=generator) - 0.5)
    frame = DepthFrame(depth, Intrinsics(camera.matrix.expand(rows, 3, 3), 640, 480))
    offsets = (torch.rand(rows, 14, 3, generator=generator) - 0.5) * torch.tensor([200.0, 200.0, 60.0])
    return crop_hand(frame, cube, 128), cube.center[:, None] + offsets


@pytest.mark.parametrize(
    ("skeleton", "stacks", "total"),
    [(NYU14, 1, 2_923_902), (NYU14, 2, 5_827_804), (ICVL16, 2, 5_856_352), (MSRA21, 2, 5_929_262)],
)
def test_whole_size(skeleton, stacks: int, total: int):
    assert count(DenseReg(skeleton, stacks=stacks)) == total


def test_parts_have_the_sizes_of_the_code():
    network = DenseReg(NYU14)
    assert count(network.stem) == 45_600
    assert count(network.get_submodule("stacks.0.hourglass")) == 645_120
    assert count(network.returns[0]) == 5 * 14 * 128 + 128 + 128 * 128 + 128


def test_stage_shapes():
    network = DenseReg(NYU14, stacks=1).eval()
    shapes: dict[str, torch.Size] = {}
    stages = {
        "stem": "stem.0",
        "shared": "stem",
        "innermost": "stacks.0.hourglass.inner.inner.inner.enter",
        "hourglass": "stacks.0.hourglass",
        "features": "stacks.0.features",
        "heatmaps": "stacks.0.field.heatmaps",
        "closeness": "stacks.0.field.closeness",
        "whole": "stacks.0.field.whole",
        "hand": "stacks.0.field.hand",
        "both": "stacks.0.field.both",
        "direction": "stacks.0.field.direction",
    }

    def note(name: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        return lambda _module, _inputs, output: shapes.update({name: output.shape})

    for name, path in stages.items():
        network.get_submodule(path).register_forward_hook(note(name))
    with torch.inference_mode():
        answer = network.outputs(points(128))
    assert shapes == {
        "stem": (2, 32, 64, 64),
        "shared": (2, 128, 32, 32),
        "innermost": (2, 128, 2, 2),
        "hourglass": (2, 128, 32, 32),
        "features": (2, 128, 32, 32),
        "heatmaps": (2, 14, 32, 32),
        "closeness": (2, 14, 32, 32),
        "whole": (2, 256, 32, 32),
        "hand": (2, 256, 32, 32),
        "both": (2, 512, 32, 32),
        "direction": (2, 42, 32, 32),
    }
    assert answer.maps.shape == (1, 2, 70, 32, 32)
    assert answer.regressed is None


def test_depth_as_published():
    """Front face 0, center 0.5, just before the back face 1, background -1."""
    depth = torch.tensor([-1.0, 0.0, 0.999, 1.0]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    torch.testing.assert_close(depth_as_published(depth).flatten(), torch.tensor([0.0, 0.5, 0.9995, -1.0]))


def test_second_direction_branch_does_not_see_the_background():
    network = DenseReg(NYU14, resolution=32, stacks=1, channels=16).eval()
    seen: list[torch.Tensor] = []
    network.get_submodule("stacks.0.field.hand").register_forward_pre_hook(lambda _module, inputs: seen.append(*inputs))
    network(points(32))
    background = points(32)[:, 2, 2::4, 2::4] == 1
    assert background.any()
    assert seen[0].abs().sum(1)[background].eq(0).all()
    assert seen[0].abs().sum(1)[~background].gt(0).all()


def test_cone_by_hand():
    """tau is 4 of 32 cells: a joint on a cell's center gives 1 there, 3/4 beside it and 0 four cells away."""
    joint = torch.tensor([[[1 / 32, 1 / 32]]])
    row = cone_heatmaps(joint, 32)[0, 0, 16]
    torch.testing.assert_close(row[16:22], torch.tensor([1.0, 0.75, 0.5, 0.25, 0.0, 0.0]))
    torch.testing.assert_close(cone_heatmaps(joint, 32)[0, 0, 13, 12], torch.tensor(0.0))  # 5 cells away


@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "unweighted"])
@pytest.mark.parametrize("answer", ["field", "offset"])
@pytest.mark.parametrize("top", [1, 5, 30])
def test_a_perfect_field_gives_the_joints_back(answer, weighted: bool, top: int):
    """To 0.01 mm, from rolled cubes of 300 mm off the optical axis."""
    network = DenseReg(NYU14, answer=answer, weighted=weighted, top=top, stacks=1, channels=8)
    crop, joints = crops(4)
    seen, truth = crop.points(Space.CUBE), crop.normalize(joints, Space.CUBE)
    maps = network.targets(seen, truth)
    assert (maps[:, :14] > 0).flatten(2).any(-1).all()
    found = crop.denormalize(network.read(maps, seen), Space.CUBE)
    assert (found - joints).norm(dim=-1).max() < 0.01


def test_a_perfect_heatmap_and_depth_give_the_joints_back_to_the_cell(monkeypatch):
    """Half a diagonal of a cell off at most, less the quarter cell; here 300 mm / 32 a cell and some perspective."""
    network = DenseReg(NYU14, answer="detection-depth", stacks=1, channels=8)
    crop, joints = crops(4)
    seen, truth = crop.points(Space.CUBE), crop.normalize(joints, Space.CUBE)
    known = DenseAnswer(network.targets(seen, truth)[None], truth[None, ..., 2:])
    monkeypatch.setattr(network, "outputs", lambda points: known)
    found = crop.denormalize(network(seen), Space.CUBE)
    assert (found - joints).norm(dim=-1).max() < EDGE / 32 * 0.5
    torch.testing.assert_close(found[..., 2], joints[..., 2])


def test_read_equals_algorithm_1_frame_by_frame():
    """Votes and weights of one frame and joint at a time, from noisy maps; mean shift has its own slow truth."""
    network = DenseReg(NYU14, stacks=1, channels=8, sigma=10.0)  # so wide that mean shift is the weighted mean
    crop, joints = crops(2)
    seen, truth = crop.points(Space.CUBE), crop.normalize(joints, Space.CUBE)
    maps = network.targets(seen, truth)
    maps = maps + 0.1 * torch.randn(maps.shape, generator=torch.Generator().manual_seed(1))
    found = network.read(maps, seen)
    cells = seen[:, :, 2::4, 2::4]
    for frame in range(2):
        for joint in range(14):
            heat, close = maps[frame, joint].flatten(), maps[frame, 14 + joint].flatten()
            arrow = maps[frame, 28 + 3 * joint : 31 + 3 * joint].flatten(1)
            score = (1 + heat) * close * (cells[frame, 2].flatten() < 1)
            place = total = 0
            for cell in score.argsort(descending=True)[:5]:
                vote = cells[frame].flatten(1)[:, cell] + network.theta * (1 - close[cell]) * arrow[:, cell]
                pixel = project(vote.reshape(1, 1, 3), seen[frame : frame + 1]).flatten()
                column, row = (int(min(max((c + 1) * 16, 0), 31)) for c in pixel.tolist())
                weight = max(maps[frame, joint, row, column].item(), 1e-6)
                place, total = place + weight * vote, total + weight
            torch.testing.assert_close(found[frame, joint], place / total, rtol=0, atol=2e-3)


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_baseline_answers_and_learns_from_finite_terms(answer):
    network = DenseReg(NYU14, resolution=32, answer=answer, channels=16)
    joints = torch.rand(2, 14, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    terms = network.loss(points(32), joints)
    assert (
        set(terms)
        == {
            "field": {"heatmap", "closeness", "direction"},
            "offset": {"heatmap", "offset"},
            "detection-depth": {"heatmap", "depth"},
            "detection-coordinates": {"heatmap", "coordinates"},
            "coordinates": {"coordinates"},
        }[answer]
    )
    total = torch.stack(list(terms.values())).sum()
    total.backward()
    assert total.isfinite()
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.eval()
    assert network(points(32)).shape == (2, 14, 3)
    assert network(points(32)).isfinite().all()


@pytest.mark.parametrize("arguments", [{"stacks": 1}, {"stacks": 3}, {"top": 1}, {"top": 200}, {"sigma": 0.1}])
def test_rows_of_table_1_are_arguments_away(arguments):
    network = DenseReg(NYU14, resolution=32, channels=16, **arguments).eval()
    assert network(points(32)).isfinite().all()


def test_a_crop_of_background_alone_has_finite_joints_and_losses():
    network = DenseReg(NYU14, resolution=32, channels=16)
    empty = points(32)
    empty[:, 2] = 1
    assert all(term.isfinite() for term in network.loss(empty, torch.zeros(2, 14, 3)).values())
    assert network.eval()(empty).isfinite().all()


def test_a_pixel_that_is_no_number_spoils_its_own_row_alone():
    network = DenseReg(NYU14, resolution=32, channels=16).eval()
    bad = points(32, rows=3)
    bad[1, 2, 4, 4] = torch.nan
    found = network(bad)
    torch.testing.assert_close(found[[0, 2]], network(points(32)), rtol=0, atol=1e-4)


def test_loss_is_half_the_sum_of_squares_for_a_frame():
    """All maps 0.1 off on 8 x 8 cells, for two stacks: 2 * 0.5 * 14 * 64 * 0.01, and three times that for V."""
    network = DenseReg(NYU14, resolution=32, channels=16)
    truth = network.targets(points(32), torch.zeros(2, 14, 3))
    maps = iter([truth + 0.1, truth - 0.1])
    for stack in network.stacks:
        stack.get_submodule("field").register_forward_hook(lambda *_: next(maps))
    terms = {name: term.item() for name, term in network.loss(points(32), torch.zeros(2, 14, 3)).items()}
    assert terms == pytest.approx({"heatmap": 8.96, "closeness": 8.96, "direction": 26.88}, rel=1e-4)


def test_masked_offset_counts_within_theta_alone():
    network = DenseReg(NYU14, resolution=32, channels=16, stacks=1, answer="offset")
    truth = network.targets(points(32), torch.zeros(2, 14, 3))
    wrong = truth.clone()
    wrong[:, 14:] += 1
    network.get_submodule("stacks.0.field").register_forward_hook(lambda *_: wrong)
    closeness = DenseReg(NYU14, resolution=32, channels=8).targets(points(32), torch.zeros(2, 14, 3))[:, 14:28]
    near = (closeness > 0).sum().item()
    assert 0 < near < 2 * 14 * 64
    loss = network.loss(points(32), torch.zeros(2, 14, 3))
    assert loss["offset"].item() == pytest.approx(3 * near / 4)
    assert loss["heatmap"] == 0


def test_baselines_have_what_the_text_says():
    """Section 4.1: no hourglass in the first; a regression in every stack of the next two; no S map in the last."""
    parts = {
        answer: {name.split(".")[-1] for name, _ in DenseReg(NYU14, channels=16, answer=answer).named_modules()}
        for answer in ANSWERS
    }
    assert [answer for answer in ANSWERS if "hourglass" not in parts[answer]] == ["coordinates"]
    assert [answer for answer in ANSWERS if "regression" in parts[answer]] == ANSWERS[2:4]
    assert [answer for answer in ANSWERS if "closeness" in parts[answer]] == ["field"]
    network = DenseReg(NYU14, channels=16, resolution=32, answer="detection-depth").eval()
    answer = network.outputs(points(32))
    assert answer.maps.shape == (2, 2, 14, 8, 8)
    assert answer.regressed is not None
    assert answer.regressed.shape == (2, 2, 14, 1)
    seen: list[torch.Tensor] = []
    network.get_submodule("stacks.1.regression").register_forward_pre_hook(lambda _module, inputs: seen.append(*inputs))
    network(points(32))
    assert torch.equal(seen[0][:, -1], depth_as_published(points(32))[:, 0, 2::4, 2::4]), "the depth map"
    assert torch.equal(seen[0][:, 16:30], answer.maps[1]), "and the heat maps"


def test_unweighted_votes_weigh_what_their_cells_score():
    """Two votes, by hand: (1 + 0.5) 0.8 = 1.2 at one place, (1 + 0) 0.4 = 0.4 at another: three quarters of the way."""
    network = DenseReg(NYU14, resolution=16, channels=8, top=2, weighted=False, sigma=50.0)
    seen = points(16, rows=1)
    maps = torch.zeros(1, 70, 4, 4)
    maps[:, :14, 3, 1], maps[:, 14:28, 3, 1], maps[:, 14:28, 1, 3] = 0.5, 0.8, 0.4
    cells = seen[0, :, 2::4, 2::4]
    expected = 0.75 * cells[:, 3, 1] + 0.25 * cells[:, 1, 3]
    torch.testing.assert_close(network.read(maps, seen), expected.expand(1, 14, 3), atol=1e-3, rtol=0)


def test_weights_start_as_the_code_says():
    network = DenseReg(NYU14, stacks=1)
    weights = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv2d)])
    assert weights.abs().max() <= 0.02
    assert weights.std().item() == pytest.approx(0.0088, rel=0.02)  # of a normal distribution cut at 2 deviations
    assert DenseReg(NYU14, stacks=1, initial_std=None).get_parameter("stem.0.0.weight").abs().max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 90}, "resolution is 90, it must be a positive multiple of 4"),
        ({"channels": 0}, "channels is 0, it must be a positive multiple of 8"),
        ({"stacks": 0}, "stacks is 0, it must be at least 1"),
        ({"top": 0}, "top is 0, it must be at least 1"),
        ({"sigma": 0.0}, "sigma is 0 half edges of the cube, it must be above 0"),
        ({"decay": 5.0}, "decay is 5, it must be from 0 to 1; the paper has 0.99"),
        ({"initial_std": -1.0}, "initial_std is -1, it must be at least 0, or None"),
    ],
)
def test_refuses_what_cannot_be_built(arguments, message: str):
    with pytest.raises(ValueError, match=message):
        DenseReg(NYU14, **arguments)
