"""The loop's parts by hand, and a run that is interrupted and resumed."""

import dataclasses
import json
import math

import pytest
import torch
from torch.utils._pytree import tree_leaves
from torch.utils.data import Dataset

from handkit import training
from handkit.data.augment import Augment
from handkit.geometry.camera import Camera
from handkit.geometry.crop import Space
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.skeleton import HAND21
from handkit.models.checkpoint import load, read_info
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer
from handkit.recipes import LATENT_FUSION_SYNTHETIC, LOCALIZER_SYNTHETIC
from handkit.streams import SyntheticFrames, location_targets, pose_targets
from handkit.training import Budget, Run, learning_rate, train

RECIPE = dataclasses.replace(
    LATENT_FUSION_SYNTHETIC,
    arguments={"resolution": 32, "initial_std": None},
    resolutions=((0.0, 32),),
    batch=2,
    average=0.9,
)
FRAMES = SyntheticFrames(RECIPE, seed=5, size=2, resolution=48)
SIX = Budget(samples=12)
"""Six steps of two frames."""


class UnpluggedError(Exception):
    """Someone pulled the plug."""


@dataclasses.dataclass(frozen=True)
class Unreliable(Dataset[DepthFrame]):
    """The same frames until batch `last`."""

    last: int

    def __getitem__(self, index):
        if index == self.last:
            raise UnpluggedError
        return FRAMES[index]


def new_run(*, seed=0) -> Run:
    torch.manual_seed(seed)
    model = LatentFusion(HAND21, **RECIPE.arguments)
    return Run(model, RECIPE, pose_targets(model), accelerator="cpu")


def assert_same(one: Run, other: Run):
    for parts in ("model", "average", "optimizer"):
        left, right = (tree_leaves(getattr(run, parts).state_dict()) for run in (one, other))
        assert all(
            torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(left, right, strict=True)
        ), parts
    assert (one.step, one.samples) == (other.step, other.samples)


def test_learning_rate_by_hand():
    """Up along a line over the first 10 %, then down along a cosine: half of it in the middle, 0 at the end."""
    recipe = dataclasses.replace(RECIPE, learning_rate=2.0, warmup=0.1)
    assert learning_rate(recipe, 0.0) == pytest.approx(2.0 * 0.001 / 0.101)
    assert learning_rate(recipe, 0.0495) == pytest.approx(1.0)
    assert learning_rate(recipe, 0.1) == pytest.approx(2.0)
    assert learning_rate(recipe, 0.55) == pytest.approx(1.0)
    assert learning_rate(recipe, 0.325) == pytest.approx(1 + math.sqrt(0.5))
    assert learning_rate(recipe, 1.0) == pytest.approx(0.0)


def test_budget_by_hand():
    assert Budget(samples=200).progress(samples=50, seconds=9e9) == 0.25
    assert Budget(samples=200).progress(samples=250, seconds=0.0) == 1.0
    assert Budget(minutes=2.0).progress(samples=10**9, seconds=30.0) == 0.25
    assert Budget(minutes=2.0).progress(samples=0, seconds=121.0) == 1.0


def test_location_targets_by_hand():
    """Cubes of 200 mm around 500 mm; hands 50 and 150 mm to the right of their middle; every second row mirrored."""
    camera = Camera.from_intrinsics(fx=100.0, fy=100.0, cx=15.5, cy=15.5, width=32, height=32).batched()
    depth = (torch.arange(32.0) + 480).expand(4, 32, 32)
    joints = torch.tensor([50.0, 50.0, 150.0, 150.0])[:, None, None] * torch.tensor([1.0, 0.0, 0.0])
    joints = joints.expand(4, 21, 3) + torch.tensor([0.0, 20.0, 500.0])
    cube = Cube.around(torch.tensor([[0.0, 0.0, 500.0]]).expand(4, 3), edge=200.0)
    frame = DepthFrame(depth, Camera(camera.matrix.expand(4, 3, 3), 32, 32), joints, cube)
    targets = location_targets(frame, 16)
    expected = torch.tensor([[0.5, 0.2, 0.0], [-0.5, 0.2, 0.0], [1.5, 0.2, 0.0], [-1.5, 0.2, 0.0]])
    torch.testing.assert_close(targets["offset"], expected)
    assert targets["hand"].tolist() == [True, True, False, False]
    plain, mirrored = targets["points"][:2]
    torch.testing.assert_close(mirrored[2], plain[2].flip(-1))
    torch.testing.assert_close(mirrored[0], plain[0])
    assert not torch.equal(plain[2], plain[2].flip(-1))


def test_pose_targets_are_the_crop_s():
    frame, model = FRAMES[0], LatentFusion(HAND21, resolution=32)
    targets = pose_targets(model)(frame, 24)
    assert targets["points"].shape == (2, 3, 24, 24)
    assert targets["joints"].shape == (2, 21, 3)
    assert model.space is Space.IMAGE
    assert (targets["joints"].mean(1).abs() < 0.6).all(), "the cube is around the hand"


def test_batches_depend_on_seed_and_number_alone():
    again = SyntheticFrames(RECIPE, seed=5, size=2, resolution=48)
    assert again[3].depth.numpy().tobytes() == FRAMES[3].depth.numpy().tobytes()
    assert again[3].depth.numpy().tobytes() != FRAMES[4].depth.numpy().tobytes()
    other = SyntheticFrames(RECIPE, seed=6, size=2, resolution=48)
    assert other[3].depth.numpy().tobytes() != FRAMES[3].depth.numpy().tobytes()


def test_a_localizer_sees_places_without_hands():
    recipe = dataclasses.replace(LOCALIZER_SYNTHETIC, negatives=0.5, augment=Augment())
    frame = SyntheticFrames(recipe, seed=0, size=60, resolution=32)[0]
    hand = location_targets(frame, 16)["hand"]
    assert 0.4 < float(hand.float().mean()) < 0.8
    assert frame.joints is not None
    taken_out = frame.joints[:, 0, 2] > 5000
    assert 0.1 < float(taken_out.float().mean()) < 0.4
    assert not hand[taken_out].any()
    assert frame.cube is not None
    assert (frame.cube.center[:, 2] >= 150).all()


def test_matrices_decay_and_vectors_do_not():
    decayed, free = training._parameter_groups(LatentFusion(HAND21, resolution=32), 0.25)
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.25, 0.0)
    assert {parameter.ndim for parameter in free["params"]} == {1}
    assert all(parameter.ndim >= 2 for parameter in decayed["params"])


def test_steps_lower_the_loss_and_the_average_follows():
    """On one batch again and again; the running average starts as a copy and then lags behind."""
    run, frame = new_run(), FRAMES[0]
    first = {name: tensor.clone() for name, tensor in run.average.module.named_parameters()}
    losses = [float(sum(run.advance(frame, progress=0.05).values())) for _ in range(10)]
    assert losses[-1] < 0.8 * losses[0]
    assert (run.step, run.samples) == (10, 20)
    now = dict(run.model.named_parameters())
    copied = dict(run.average.module.named_parameters())
    name = next(name for name in first if first[name].ndim == 4)
    assert not torch.equal(copied[name], first[name])
    assert not torch.equal(copied[name], now[name])


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    """Bit for bit: weights, averages, moments; the state is kept at every step, and read into other weights."""
    monkeypatch.setattr(training, "AVERAGE_EVERY", 2)
    whole = new_run()
    train(whole, FRAMES, SIX, out=tmp_path / "whole", workers=0)
    assert whole.step == 6

    broken = new_run()
    with monkeypatch.context() as often:
        often.setattr(training, "CHECKPOINT_SECONDS", -1.0)
        with pytest.raises(UnpluggedError):
            train(broken, Unreliable(4), SIX, out=tmp_path / "broken", workers=0)
    resumed = new_run(seed=1)
    resumed.restore(tmp_path / "broken/state.ckpt")
    assert resumed.step == 3, "the state before the step that was lost"
    train(resumed, FRAMES, SIX, out=tmp_path / "broken", workers=0)
    assert_same(resumed, whole)


def test_dropout_resumes_too(tmp_path):
    recipe = dataclasses.replace(LOCALIZER_SYNTHETIC, augment=Augment(), negatives=0.0)
    frame = SyntheticFrames(recipe, seed=0, size=2)[0]

    def start(seed):
        torch.manual_seed(seed)
        return Run(Localizer(filters=2, hidden=8, dropout=0.5), recipe, location_targets, accelerator="cpu")

    run = start(0)
    run.advance(frame, progress=0.1)
    run.fabric.save(tmp_path / "state.ckpt", run.state())
    run.advance(frame, progress=0.2)
    again = start(1)
    again.restore(tmp_path / "state.ckpt")
    again.advance(frame, progress=0.2)
    assert_same(again, run)


def test_what_a_run_leaves_behind(tmp_path):
    """Weights that load as they are measured, the recipe inside them, and a log of JSON lines."""
    run, told, measured = new_run(), [], []

    def measure(model):
        assert not model.training
        measured.append(model)
        return 12.5

    path = train(run, FRAMES, Budget(samples=4), out=tmp_path / "new/run", workers=0, measure=measure, tell=told.append)
    assert path == tmp_path / "new/run/weights.safetensors"
    assert sorted(file.name for file in path.parent.iterdir()) == ["log.jsonl", "state.ckpt", path.name]
    points = pose_targets(load(path))(FRAMES[9], 32)["points"]
    with torch.no_grad():
        torch.testing.assert_close(load(path)(points), run.average.module(points), rtol=0, atol=5e-3)
    recipe = read_info(path).recipe
    assert recipe is not None
    assert recipe["edge_mm"] == RECIPE.edge_mm
    lines = [json.loads(line) for line in (path.parent / "log.jsonl").read_text().splitlines()]
    assert [line["error_mm"] for line in lines] == [12.5]
    assert lines[0] == json.loads(json.dumps(dataclasses.asdict(told[0])))
    assert lines[0]["samples"] == 4
    assert measured == [run.averaged()]
