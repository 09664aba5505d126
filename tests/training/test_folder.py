"""What a run leaves in its folder: with a full disk, a changed recipe, too little memory; pictures and TensorBoard."""

import json
import math
from dataclasses import asdict, replace
from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch
from full_disk import full_disk
from training.ranks import RECIPE, network_of

from handkit.cli import main
from handkit.errors import TrainingError
from handkit.extras import install_command
from handkit.hub import find_weights
from handkit.recipes.recipe import Optimizer
from handkit.reports.training import training_chart
from handkit.training import loop
from handkit.training.folder import Report, RunFolder, begun, held
from handkit.training.loop import Budget, train
from handkit.training.pictures import prediction_sheet
from handkit.training.processes import Machine
from handkit.training.run import Run
from handkit.training.streams import SyntheticFrames
from handkit.training.targets import pose_targets

SMALL = replace(RECIPE, arguments={"resolution": 32, "initial_std": None, "channels": 16}, batch=4)
FRAMES = SyntheticFrames(SMALL, seed=5, size=4, resolution=48)
STEPS = Budget(samples=16)


def new_run(recipe=SMALL, say=lambda sentence: None) -> Run:
    model = network_of(recipe)
    return Run(model, recipe, pose_targets(model), machine=Machine(accelerator="cpu"), say=say)


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    return run.model.state_dict()


def assert_same(one: Run, other: Run) -> None:
    assert one.spent.samples == other.spent.samples
    expected = weights_of(other)
    assert all(torch.equal(value, expected[name]) for name, value in weights_of(one).items())


def test_a_full_disk_in_mid_run_loses_nothing(tmp_path, monkeypatch):
    """Checkpoints after every step; of those at steps 1 and 2 no state can be written."""
    whole, told, kept = new_run(), [], []
    train(whole, FRAMES, STEPS, out=tmp_path / "whole", workers=0)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    run = new_run(say=told.append)
    honest = run.save

    def save(path):
        kept.append(json.loads(json.dumps(run.spent.step)))
        if run.spent.step not in {1, 2}:
            return honest(path)
        with full_disk(50_000):  # a state has some 300 kB
            return honest(path)

    monkeypatch.setattr(run, "save", save)
    train(run, FRAMES, STEPS, out=tmp_path / "run", workers=0)
    assert kept == [0, 1, 2, 3, 4]
    assert [sentence.partition(": ")[2].partition(" samples")[0] for sentence in told] == [
        "the state after 4", "the state after 8"
    ]  # fmt: skip
    assert "File too large; the run goes on and tries again" in told[0]
    assert_same(run, whole)
    assert not list((tmp_path / "run").glob("*.partial"))


def test_a_full_disk_at_the_beginning_of_a_resume_loses_nothing(tmp_path):
    out = tmp_path / "run"
    begin = ["train", "latent-fusion", "--resolution", "32", "--batch", "2", "--workers", "0", "--out", str(out)]
    assert main([*begin, "--samples", "2"]) == 0
    before = {name: (out / name).read_bytes() for name in ("run.json", "log.jsonl")}
    assert len(before["run.json"]) > 1000
    with full_disk(1000), pytest.raises(TrainingError, match="cannot be written: File too large; what was there is"):
        RunFolder(new_run(), out, {}, lambda _: None)
    assert {name: (out / name).read_bytes() for name in before} == before
    (out / "log.jsonl").write_bytes(before["log.jsonl"] + b'{"progress": 0.1, "terms": {"a": 1}')
    assert main([*begin, "--samples", "4", "--resume"]) == 0
    assert all(json.loads(line) for line in (out / "log.jsonl").read_text().splitlines())
    (out / "run.json").write_text("{")
    assert main([*begin, "--samples", "6", "--resume"]) == 1
    (out / "run.json").unlink()
    assert main([*begin, "--samples", "6", "--resume"]) == 0


def test_a_full_disk_at_the_end_leaves_the_last_state(tmp_path, monkeypatch):
    whole, run = new_run(), new_run()
    train(whole, FRAMES, STEPS, out=tmp_path / "whole", workers=0)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    honest = run.save

    def save(path):
        if run.spent.step < 4:
            return honest(path)
        with full_disk(50_000):  # a state has some 300 kB
            return honest(path)

    monkeypatch.setattr(run, "save", save)
    with pytest.raises(
        TrainingError, match=r"after 16 samples cannot be written: .*; that after 12 is whole; make room"
    ):
        train(run, FRAMES, STEPS, out=tmp_path / "run", workers=0)
    resumed = new_run()
    resumed.restore(tmp_path / "run/state.ckpt")
    assert resumed.spent.step == 3
    train(resumed, FRAMES, STEPS, out=tmp_path / "run", workers=0)
    assert_same(resumed, whole)


def test_a_changed_recipe_is_shown(tmp_path):
    train(new_run(), FRAMES, Budget(samples=4), out=tmp_path, workers=0)
    changed = replace(SMALL, learning_rate=0.5, optimizer=Optimizer(clip=None))
    with pytest.raises(TrainingError) as caught:
        new_run(changed).restore(tmp_path / "state.ckpt")
    differing = f"learning_rate {SMALL.learning_rate} there, 0.5 here; optimizer.clip 1.0 there, null here"
    assert differing in str(caught.value)
    (tmp_path / "state.ckpt").write_bytes(b"no state")
    with pytest.raises(TrainingError, match="is damaged; begin the run again"):
        new_run().restore(tmp_path / "state.ckpt")


def test_memory_that_runs_out_halves_the_parts(monkeypatch):
    """A network that takes two frames at a time, in batches of eight: four parts, as if the recipe had said so."""
    told: list[str] = []
    recipe = replace(SMALL, batch=8)
    frame = SyntheticFrames(recipe, seed=5, size=8, resolution=48)[0]
    run, wanted = new_run(recipe, told.append), new_run(replace(recipe, accumulate=4))
    honest = cast(Any, run.model).loss

    def loss(points, joints):
        if len(points) > 2:
            honest(points, joints)  # its statistics are taken back
            raise torch.OutOfMemoryError
        return honest(points, joints)

    monkeypatch.setattr(run.model, "loss", loss)
    for each in (run, wanted):
        each.advance(frame, progress=0.1)
        each.advance(frame, progress=0.1)
    assert_same(run, wanted)
    assert [sentence.partition(": ")[2][:40] for sentence in told] == [
        "each batch passes the network in 2 parts", "each batch passes the network in 4 parts"
    ]  # fmt: skip
    monkeypatch.setattr(run.model, "loss", lambda **_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    with pytest.raises(TrainingError, match="does not fit into the memory of cpu with batches of 8 at 32 pixels"):
        run.advance(frame, progress=0.1)


def test_predictions_are_drawn_at_checkpoints(tmp_path):
    run = new_run()

    def draw(model):
        return prediction_sheet(model, FRAMES[9], title="latent-fusion")

    train(run, FRAMES, Budget(samples=8), out=tmp_path, workers=0, draw=draw)
    (path,) = (tmp_path / "predictions").iterdir()
    assert path.name == "0000000008.png"
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape[0] > 100
    assert len({tuple(color) for color in picture.reshape(-1, 3)[::7]}) > 100, "skeletons and reliefs"


def test_the_log_is_drawn(tmp_path):
    lines = [
        asdict(Report(step / 4, 20 * step, 2.0, 1e-3 / step, 32, {"fused": 1 / step, "xy": 2 / step}, error))
        for step, error in ((1, None), (2, 30.0), (3, None), (4, 20.0))
    ]
    loss, error, rate = training_chart(lines, title="latent-fusion").axes
    assert [line.get_label() for line in loss.lines] == ["fused", "xy"]
    assert np.asarray(error.lines[0].get_xydata()).tolist() == [[40, 30], [80, 20]]
    assert np.asarray(rate.lines[0].get_ydata()).tolist() == [1e-3, 5e-4, 1e-3 / 3, 2.5e-4]


def test_what_was_never_measured_has_no_axes(tmp_path):
    """Ctrl-C before the first evaluation, a loss that is not finite, a log without a line."""
    line = asdict(Report(0.1, 20, 2.0, 1e-3, 32, {"fused": 1.0, "xy": math.nan}, None))
    loss, rate = training_chart([line], title="srn").axes
    assert [curve.get_label() for curve in loss.lines] == ["fused"]
    assert (loss.get_title("left"), rate.get_title("left")) == ("srn: loss terms", "learning rate")
    assert [axes.get_title("left") for axes in training_chart([line | {"terms": {}}], title="srn").axes] == [
        "learning rate"
    ]
    assert training_chart([], title="srn").axes == []


def test_tensorboard_is_an_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    train = ["train", "latent-fusion", "--resolution", "32", "--samples", "2", "--tensorboard", "--out", str(tmp_path)]
    assert main(train) == 1
    assert install_command("tensorboard") in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.extra
def test_tensorboard_holds_the_log(tmp_path):
    events_of = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator").EventAccumulator

    from handkit.training.tensorboard import TensorBoard

    board = TensorBoard(tmp_path)
    for samples, error in ((20, None), (40, 12.5)):
        board(Report(0.5, samples, 2.0, 1e-3, 32, {"fused": 0.25}, error))
    events = events_of(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss/fused")] == [(20, 0.25), (40, 0.25)]
    assert [(event.step, event.value) for event in events.Scalars("error, mm")] == [(40, 12.5)]


def test_two_processes_do_not_train_in_one_folder(tmp_path, capsys):
    """The second would overwrite the first one's states; when the first is gone, the folder is free."""
    command = ["train", "latent-fusion", "--samples", "2", "--batch", "2", "--resolution", "32", "--out", str(tmp_path)]
    with held(tmp_path):
        assert main(command) == 2
        assert "another process trains there" in capsys.readouterr().err
        assert not list(tmp_path.glob("*.*t"))
    with held(tmp_path):
        pass


def test_a_run_keeps_how_it_was_begun(tmp_path, monkeypatch):
    """The weights that began it may be named from the root or from where one stands."""
    first: dict[str, Any] = {
        "command": "handkit train",
        "started": "2026-11-29T10:17:03Z",
        "seed": 3,
        "init": str(tmp_path / "a/w.pt"),
    }
    (tmp_path / "run.json").write_text(json.dumps(first))
    monkeypatch.chdir(tmp_path)
    for init in (None, "a/w.pt", first["init"]):
        kept = begun(tmp_path, {"seed": 3}, init=init)
        assert {name: kept[name] for name in ("command", "started", "init")} == {
            name: first[name] for name in ("command", "started", "init")
        }
        assert len(kept["resumed"]) == 1
    (tmp_path / "run.json").write_text(json.dumps(first | {"init": str(find_weights("latent-fusion"))}))
    assert len(begun(tmp_path, {"seed": 3}, init="latent-fusion")["resumed"]) == 1
    (tmp_path / "run.json").write_text(json.dumps(first))
    with pytest.raises(TrainingError, match=r'init "a/w.pt" there, "b/w.pt" here'.replace('"a', f'"{tmp_path}/a')):
        begun(tmp_path, {"seed": 3}, init="b/w.pt")


def test_another_fold_is_another_run(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"seed": 3, "init": None, "fold": "P1"}))
    assert len(begun(tmp_path, {"seed": 3, "fold": "P1"}, init=None)["resumed"]) == 1
    for fold, here in (("P2", '"P2"'), (None, "null")):
        with pytest.raises(TrainingError, match=f'begun otherwise: fold "P1" there, {here} here; give the options'):
            begun(tmp_path, {"seed": 3, "fold": fold}, init=None)
