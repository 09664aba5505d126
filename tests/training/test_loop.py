"""The loop's parts by hand, and a run that is interrupted and resumed."""

import dataclasses
import json
import math
import os
import signal
import threading
from operator import attrgetter
from typing import cast

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.data import Dataset

from handkit.errors import StoppedError, TrainingError
from handkit.geometry.crop import Space
from handkit.geometry.frame import LabeledFrame
from handkit.layers.batch_renorm import BatchRenorm2d
from handkit.models.checkpoint import load, read_info
from handkit.models.densereg import DenseReg
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer
from handkit.models.network import HandPoseModel, Network
from handkit.recipes import LATENT_FUSION_SYNTHETIC, LOCALIZER_SYNTHETIC, PUBLISHED
from handkit.recipes.augment import Augment
from handkit.recipes.recipe import Optimizer
from handkit.skeleton import HAND21
from handkit.training import loop
from handkit.training import run as running
from handkit.training.loop import Budget, train
from handkit.training.processes import Machine
from handkit.training.run import Average, Run
from handkit.training.streams import SyntheticFrames
from handkit.training.targets import location_targets, pose_targets

RECIPE = dataclasses.replace(
    LATENT_FUSION_SYNTHETIC,
    arguments={"resolution": 32, "initial_std": None},
    resolutions=((0.0, 32),),
    batch=2,
    average=0.9,
)
FRAMES = SyntheticFrames(RECIPE, seed=5, size=2, resolution=48)
CPU = Machine(accelerator="cpu")
SIX = Budget(samples=12)
"""Six steps of two frames."""


class UnpluggedError(Exception):
    """Someone pulled the plug."""


@dataclasses.dataclass(frozen=True)
class Unreliable(Dataset[LabeledFrame]):
    """The same frames until batch `last`."""

    last: int

    def __getitem__(self, index):
        if index == self.last:
            raise UnpluggedError
        return FRAMES[index]


def new_run(*, seed=0) -> Run:
    torch.manual_seed(seed)
    model = LatentFusion(HAND21, **RECIPE.arguments)
    return Run(model, RECIPE, pose_targets(model), machine=CPU)


def assert_same(one: Run, other: Run):
    for parts in ("model", "average.module", "optimizer"):
        left, right = (tree_leaves(attrgetter(parts)(run).state_dict()) for run in (one, other))
        assert all(
            torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(left, right, strict=True)
        ), parts
    assert (one.spent.step, one.spent.samples) == (other.spent.step, other.spent.samples)
    assert one.average.updates == other.average.updates


class Weight(Network):
    """One number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


def test_the_average_warms_up():
    """1 / 10 of the first, 2 / 11 of what came of it, ...: n updates reach back over about n / 9, not over 1000."""
    network = Weight()
    average = Average(network, decay=0.999)
    expected = 0.0
    for update, value in enumerate([1.0, 2.0, 4.0]):
        nn.init.constant_(network.weight, value)
        average.update(network)
        kept = 0.0 if update == 0 else (1 + update) / (10 + update)
        expected = kept * expected + (1 - kept) * value
        assert float(cast(Tensor, average.module.weight)) == pytest.approx(expected)
    average.updates = 10**6
    average.update(network)
    assert float(cast(Tensor, average.module.weight)) == pytest.approx(0.999 * expected + 0.001 * 4)


@dataclasses.dataclass(frozen=True)
class Stopping(Dataset[LabeledFrame]):
    """The same frames; while batch 3 is made, a signal comes."""

    number: signal.Signals

    def __getitem__(self, index):
        if index == 3:
            os.kill(os.getpid(), self.number)
        return FRAMES[index]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_that_can_be_resumed(tmp_path, number):
    assert threading.current_thread() is threading.main_thread()
    whole, stopped, before = new_run(), new_run(), signal.getsignal(number)
    train(whole, FRAMES, SIX, out=tmp_path / "whole", workers=0)
    with pytest.raises(StoppedError, match=f"{number.name} after 6 samples") as caught:
        train(stopped, Stopping(number), SIX, out=tmp_path / "run", workers=0)
    assert caught.value.status == 128 + number
    assert signal.getsignal(number) is before
    resumed = new_run(seed=1)
    resumed.restore(tmp_path / "run/state.ckpt")
    train(resumed, FRAMES, SIX, out=tmp_path / "run", workers=0)
    assert_same(resumed, whole)
    samples = [json.loads(line)["samples"] for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert samples == [6, 12]


def test_sigterm_to_a_whole_group_leaves_the_workers_to_the_loop(tmp_path):
    """As `timeout` and service managers send it: the worker that makes the batches goes on."""
    undisturbed, run = new_run(), new_run()
    train(undisturbed, FRAMES, SIX, out=tmp_path / "undisturbed", workers=0)
    train(run, Stopping(signal.SIGTERM), SIX, out=tmp_path / "run", workers=1)
    assert_same(run, undisturbed)


def test_batches_for_a_gpu_are_pinned_and_copied_without_waiting(monkeypatch):
    assert [loop._batches(FRAMES, 0, 0, pinned=pinned).pin_memory for pinned in (True, False)] == [True, False]
    run, frame, waits = new_run(), FRAMES[0], list[bool]()
    honest = Tensor.to

    def to(tensor, *arguments, **named):
        waits.append(not named.get("non_blocking", False))
        return honest(tensor, *arguments, **named)

    monkeypatch.setattr(run, "targets", lambda *_: 1 / 0)
    monkeypatch.setattr(Tensor, "to", to)
    with pytest.raises(ZeroDivisionError):
        run.advance(frame, progress=0.1)
    assert waits == [False] * 7, "depth, camera, joints, and four of a cube"


def test_a_log_holds_one_run(tmp_path):
    """A new run in the folder of an abandoned one begins a log of its own."""
    (tmp_path / "log.jsonl").write_text('{"samples": 4}\n{"samples": 8}\n{"sam')
    train(new_run(), FRAMES, Budget(samples=4), out=tmp_path, workers=0)
    assert [json.loads(line)["samples"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [4]


def test_weights_say_where_they_come_from(tmp_path):
    path = train(new_run(), FRAMES, Budget(samples=4), out=tmp_path, workers=0, about={"seed": 7})
    notes = read_info(path).notes
    assert (notes["seed"], notes["samples"]) == (7, 4)
    about = json.loads((tmp_path / "run.json").read_text())
    assert (about["seed"], about["recipe"]["batch"]) == (7, 2)


def test_matrices_decay_and_vectors_do_not():
    decayed, free = running._parameter_groups(LatentFusion(HAND21, resolution=32), 0.25)
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.25, 0.0)
    assert {parameter.ndim for parameter in free["params"]} == {1}
    assert all(parameter.ndim >= 2 for parameter in decayed["params"])


def test_steps_lower_the_loss_and_the_average_follows():
    """On one batch again and again; the running average starts as a copy and then lags behind."""
    run, frame = new_run(), FRAMES[0]
    first = {name: tensor.clone() for name, tensor in run.average.module.named_parameters()}
    losses = [float(sum(run.advance(frame, progress=0.05).values())) for _ in range(10)]
    assert losses[-1] < 0.8 * losses[0]
    assert (run.spent.step, run.spent.samples) == (10, 20)
    now = dict(run.model.named_parameters())
    copied = dict(run.average.module.named_parameters())
    name = next(name for name in first if first[name].ndim == 4)
    assert not torch.equal(copied[name], first[name])
    assert not torch.equal(copied[name], now[name])


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    """Bit for bit: weights, averages, moments; the state is kept at every step, and read into other weights."""
    monkeypatch.setattr(running, "AVERAGE_EVERY", 2)
    whole = new_run()
    train(whole, FRAMES, SIX, out=tmp_path / "whole", workers=0)
    assert whole.spent.step == 6

    broken = new_run()
    with monkeypatch.context() as often:
        often.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
        with pytest.raises(UnpluggedError):
            train(broken, Unreliable(4), SIX, out=tmp_path / "broken", workers=0)
    resumed = new_run(seed=1)
    resumed.restore(tmp_path / "broken/state.ckpt")
    assert resumed.spent.step == 3, "the state before the step that was lost"
    train(resumed, FRAMES, SIX, out=tmp_path / "broken", workers=0)
    assert_same(resumed, whole)


def test_dropout_resumes_too(tmp_path):
    recipe = dataclasses.replace(LOCALIZER_SYNTHETIC, augment=Augment(), negatives=0.0)
    frame = SyntheticFrames(recipe, seed=0, size=2)[0]

    def start(seed):
        torch.manual_seed(seed)
        return Run(Localizer(hidden=8, dropout=0.5), recipe, location_targets, machine=CPU)

    run = start(0)
    run.advance(frame, progress=0.1)
    run.save(tmp_path / "state.ckpt")
    run.advance(frame, progress=0.2)
    again = start(1)
    again.restore(tmp_path / "state.ckpt")
    again.advance(frame, progress=0.2)
    assert_same(again, run)


@pytest.mark.usefixtures("every_kind_of_chart")
def test_what_a_run_leaves_behind(tmp_path):
    """Weights that load as they are measured, the recipe inside them, and a log of JSON lines."""
    run, told, measured = new_run(), [], []

    def measure(model):
        assert not model.training
        measured.append(model)
        return 12.5

    path = train(run, FRAMES, Budget(samples=4), out=tmp_path / "new/run", workers=0, measure=measure, tell=told.append)
    assert path == tmp_path / "new/run/weights.safetensors"
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "log.jsonl", "progress.pdf", "progress.png", "progress.svg", "run.json", "state.ckpt", path.name
    ]  # fmt: skip
    points = pose_targets(load(path))(FRAMES[9], 32)["points"]
    with torch.no_grad():
        torch.testing.assert_close(load(path)(points), run.average.module(points), rtol=0, atol=5e-3)
    recipe = read_info(path).recipe
    assert recipe is not None
    assert recipe["cube"]["edges"] == list(RECIPE.cube.edges)
    lines = [json.loads(line) for line in (path.parent / "log.jsonl").read_text().splitlines()]
    assert [line["error_mm"] for line in lines] == [12.5]
    assert lines[0] == json.loads(json.dumps(dataclasses.asdict(told[0])))
    assert lines[0]["samples"] == 4
    assert measured == [run.averaged()]


def spoiled_frame(*rows: int) -> LabeledFrame:
    """Six frames, of which these have a label that is not a number, and row 5 no valid depth value."""
    frame = SyntheticFrames(RECIPE, seed=5, size=6, resolution=48)[0]
    joints, depth = frame.joints.clone(), frame.depth.clone()
    joints[list(rows), 3, 1] = torch.nan
    depth[5] = 0
    return dataclasses.replace(frame, joints=joints, depth=depth)


def test_a_spoiled_row_is_replaced_by_the_first_whole_one():
    whole, spoiled = new_run(), new_run()
    frame = spoiled_frame(0, 2)
    spoiled.advance(frame, progress=0.5)
    whole.advance(frame[torch.tensor([1, 1, 1, 3, 4, 1])], progress=0.5)
    assert (*spoiled.counts(), spoiled.spent.samples) == (3, 0, 6)
    found = spoiled.model.state_dict()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, found[name]), name


@pytest.mark.parametrize("where", ["loss", "gradient", "rows"])
def test_a_step_that_is_not_finite_is_undone_and_counted(where, monkeypatch):
    run, frame = new_run(), FRAMES[0]
    run.advance(frame, progress=0.5)
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    network, honest = run.model, run.model.loss
    if where == "loss":
        monkeypatch.setattr(network, "loss", lambda **parts: {"x": honest(**parts)["fused"] * torch.inf})
    elif where == "gradient":  # of the square root at 0
        monkeypatch.setattr(network, "loss", lambda **parts: {"x": (honest(**parts)["fused"] * 0).sqrt()})
    else:
        frame = dataclasses.replace(frame, depth=frame.depth * 0)
    run.advance(frame, progress=0.5)
    monkeypatch.undo()
    assert (run.spent.step, run.counts()[1]) == (2, 1)
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    run.advance(FRAMES[1], progress=0.5)
    assert run.left_out.tolist()[1:] == [1, 0]
    assert not torch.equal(before["features.0.0.weight"], run.model.state_dict()["features.0.0.weight"])


def test_a_run_that_learns_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 3)
    run, empty = new_run(), dataclasses.replace(FRAMES[0], depth=FRAMES[0].depth * 0)
    for batch in (empty, empty, FRAMES[0], empty, empty):
        run.advance(batch, progress=0.5)
    assert run.counts() == (8, 4)
    run.advance(empty, progress=0.5)
    with pytest.raises(TrainingError, match="3 batches in a row, up to step 6"):
        run.counts()


def test_what_was_left_out_is_logged_and_kept(tmp_path):
    run = new_run()
    run.advance(spoiled_frame(1), progress=0.5)
    train(run, FRAMES, Budget(samples=8), out=tmp_path, workers=0)
    again = new_run()
    again.restore(tmp_path / "state.ckpt")
    assert again.counts() == (2, 0)
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["dropped"] == 2


@pytest.mark.parametrize("network", sorted(name for name, _ in PUBLISHED))
def test_optimizers_are_those_of_the_papers(network):
    recipe = PUBLISHED[network, "nyu"]
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = running._optimizer(model, recipe)
    kinds = {"srn": torch.optim.SGD, "attention-hourglass": torch.optim.SGD}
    assert type(optimizer) is kinds.get(network, torch.optim.Adam)
    matrices, vectors = optimizer.param_groups
    assert matrices["weight_decay"] == recipe.weight_decay
    assert vectors["weight_decay"] == (recipe.weight_decay if network in kinds else 0.0)
    assert matrices.get("momentum", matrices.get("betas", [0])[0]) == {"densereg": 0.5}.get(network, 0.9)


def test_elements_are_clipped_as_densereg_clips():
    run = new_run()
    run.recipe = dataclasses.replace(RECIPE, optimizer=PUBLISHED["densereg", "nyu"].optimizer)
    for parameter in run.model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    norm = run._clip()
    assert float(norm) == pytest.approx(3 * math.sqrt(sum(each.numel() for each in run.model.parameters())), rel=1e-4)
    assert all((each.grad == torch.tensor(0.2 / 40)).all() for each in run.model.parameters())


def test_a_batch_in_parts_has_the_statistics_of_its_parts():
    """DenseReg's sub-batches: the schedule of batch renormalization counts five a step (docs/reference.md, 7)."""
    recipe = dataclasses.replace(
        PUBLISHED["densereg", "nyu"], arguments={"resolution": 32, "channels": 8, "stacks": 1}, resolutions=((0.0, 32),)
    )
    assert (recipe.batch, recipe.accumulate) == (200, 5)
    torch.manual_seed(0)
    model = DenseReg(HAND21, **recipe.arguments)
    run = Run(model, recipe, pose_targets(model), machine=CPU)
    run.advance(SyntheticFrames(RECIPE, seed=5, size=10, resolution=48)[0], progress=0.0)
    layers = [module for module in model.modules() if isinstance(module, BatchRenorm2d)]
    assert all(int(layer.steps) == 5 for layer in layers)
    layers[0].steps.fill_(5 * 80 * 72_757 / recipe.batch)
    r_max, d_max = layers[0].bounds()
    assert (float(r_max), float(d_max)) == pytest.approx((2.05, 0.0184), rel=1e-2), "after 80 epochs of NYU"


class Affine(HandPoseModel):
    """Squared error of a linear map, without statistics."""

    space, resolution, skeleton = Space.IMAGE, 32, HAND21

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, points: Tensor) -> Tensor:
        return self.linear(points.mean((2, 3))).unsqueeze(1).expand(-1, 21, -1)

    def loss(self, points: Tensor, joints: Tensor) -> dict[str, Tensor]:
        return {"error": (self.linear(points.mean((2, 3))) - joints.mean(1)).square().mean()}


def test_a_batch_in_parts_has_the_gradient_of_the_whole():
    frame = SyntheticFrames(RECIPE, seed=5, size=6, resolution=48)[0]
    weights: list[Tensor] = []
    for parts in (1, 3):
        torch.manual_seed(0)
        recipe = dataclasses.replace(RECIPE, accumulate=parts, precision="32-true", optimizer=Optimizer("sgd"))
        run = Run(Affine(), recipe, pose_targets(LatentFusion(HAND21)), machine=CPU)
        terms = run.advance(frame, progress=0.5)
        weights += [run.model.get_parameter("linear.weight"), terms["error"]]
    torch.testing.assert_close(weights[:2], weights[2:])


def test_published_experiments_are_trained_in_float32():
    assert {recipe.precision for recipe in PUBLISHED.values()} == {"32-true"}
    assert RECIPE.precision == "bf16-mixed"
    for precision in ("32-true", "bf16-mixed"):
        model = LatentFusion(HAND21, **RECIPE.arguments)
        seen: list[torch.dtype] = []
        model.get_submodule("features.0.0").register_forward_hook(
            lambda _module, _inputs, output, seen=seen: seen.append(cast(Tensor, output).dtype)
        )
        recipe = dataclasses.replace(RECIPE, precision=precision)
        Run(model, recipe, pose_targets(model), machine=CPU).advance(FRAMES[0], progress=0.5)
        assert seen == [torch.float32 if precision == "32-true" else torch.bfloat16]
