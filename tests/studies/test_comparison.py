"""`handkit compare` as a user types it: a study of networks by name; interrupted, continued, refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from handkit.asked import Refinement
from handkit.cli import main
from handkit.errors import HandkitError
from handkit.evaluation.marked import MarkedFrames
from handkit.geometry.frame import LabeledFrame
from handkit.graph import LocalizerGraph
from handkit.models import MODELS
from handkit.models.checkpoint import load
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer, Location
from handkit.recipes import Recipe
from handkit.studies import measuring
from handkit.studies import study as studies
from handkit.studies.comparison import comparison
from handkit.studies.conditions import Conditions
from handkit.studies.measuring import read_real
from handkit.studies.papers import NETWORKS
from handkit.studies.plan import experiment_of
from handkit.training import experiment
from handkit.training import loop as training
from handkit.training.adapt import recipe_of
from handkit.training.experiment import Experiment, crops_of, validation_frames
from handkit.training.run import Run

SMALL = "latent-fusion:planes=xy"
OPTIONS = ("--samples", "6", "--batch", "2", "--resolution", "32", "--crops", "3", "--workers", "0", "--threads", "1")
"""Three steps."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Whatever the command writes into the working folder, it is not the project's."""
    monkeypatch.chdir(tmp_path)


def compare(folder: Path, *networks: str, more: tuple[str, ...] = ()) -> int:
    return main(["compare", *networks, *OPTIONS, "--out", str(folder / "out"), *more])


def trials(folder: Path) -> list[dict]:
    return json.loads((folder / "out/compare.json").read_text())


def errors(folder: Path) -> list[float]:
    return [trial["errors"]["mean_mm"] for trial in trials(folder)]


def weights(folder: Path, *, seed: int = 1) -> dict[str, torch.Tensor]:
    (path,) = (trial["weights"] for trial in trials(folder) if trial["seed"] == seed)
    return load_file(folder / "out" / path)


@pytest.mark.usefixtures("every_kind_of_chart")
def test_a_table_curves_and_nothing_else(tmp_path, capfd):
    """As in a clone of the project: no file of it is written."""
    (tmp_path / "README.md").write_text("mine")
    assert compare(tmp_path, SMALL, "latent-fusion") == 0
    one, other = trials(tmp_path)
    assert (one["row"], other["row"]) == (SMALL, "latent-fusion")
    assert one["parameters"] < other["parameters"] == 2_010_710
    for trial in (one, other):
        assert 1 < trial["errors"]["mean_mm"] < 500
        assert len(trial["errors"]["success"]) == 81
        assert trial["training"][1] == 6
        assert "1 thread" in trial["training"][3]
    for name in ("compare-success.png", "compare-joints.png"):
        assert (tmp_path / "out" / name).stat().st_size > 10_000
    text = (tmp_path / "out/compare.md").read_text()
    assert f"| {SMALL} | 963,903 | 1 | {one['errors']['mean_mm']:.2f} |  | - |" in text
    assert f"| latent-fusion | 2,010,710 | 1 | {other['errors']['mean_mm']:.2f} |" in text
    assert text.splitlines()[2:8] == capfd.readouterr().out.splitlines()[:4] + text.splitlines()[6:8]
    for run in (tmp_path / "out/trainings").iterdir():
        left = {file.name for file in run.iterdir()}
        assert left >= {"finished.json", "log.jsonl", "run.json", "weights.safetensors"}
        assert "state.ckpt" not in left, "three times the weights"
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "out"}
    assert (tmp_path / "README.md").read_text() == "mine"


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch, capfd):
    """A second seed is added to the table; the first one's trial stays; nothing is trained twice."""
    assert compare(tmp_path, SMALL) == 0
    (before,) = trials(tmp_path)
    assert compare(tmp_path, SMALL, more=("--seeds", "1", "2")) == 0
    assert "2 trials, 1 done before" in capfd.readouterr().err
    first, second = trials(tmp_path)
    assert "The mean over seeds ± half their range" in (tmp_path / "out/compare.md").read_text().splitlines()[-1]
    assert first == before
    assert second["seed"] == 2
    assert second["errors"]["mean_mm"] != first["errors"]["mean_mm"]

    def refuse(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(studies, "fit", refuse)
    (tmp_path / "out/compare-success.svg").unlink()
    assert compare(tmp_path, SMALL, more=("--seeds", "2", "1")) == 0
    assert (tmp_path / "out/compare-success.svg").exists()
    for path in tmp_path.rglob("trial.json"):
        path.unlink()
    assert compare(tmp_path, SMALL) == 0, "measured again, from the weights"
    assert trials(tmp_path) == [before]


def test_interrupted_it_goes_on_where_it_stopped(tmp_path, monkeypatch):
    """At the third step of the second of two trainings: the first is kept, the second ends as if nothing had been."""
    (tmp_path / "whole").mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    assert compare(Path(), SMALL, more=("--seeds", "1", "2")) == 0
    monkeypatch.chdir(tmp_path)
    steps, advance = [0], Run.advance

    def pull_the_plug(run, *arguments, **named):
        steps[0] += 1
        if steps[0] == 6:
            raise KeyboardInterrupt
        return advance(run, *arguments, **named)

    with monkeypatch.context() as broken:
        broken.setattr(training, "CHECKPOINT_SECONDS", -1.0)
        broken.setattr(Run, "advance", pull_the_plug)
        assert compare(Path(), SMALL, more=("--seeds", "1", "2")) == 130
    assert len(list(Path("out").rglob("trial.json"))) == 1
    assert len(list(Path("out").rglob("state.ckpt"))) == 1, "only of the training that goes on"
    assert not list(Path("out").rglob("*.partial"))
    assert compare(Path(), SMALL, more=("--seeds", "1", "2")) == 0
    assert errors(tmp_path) == errors(tmp_path / "whole")
    for name, tensor in weights(tmp_path, seed=2).items():
        assert torch.equal(tensor, weights(tmp_path / "whole", seed=2)[name]), name


def test_a_network_without_a_recipe_of_its_own(tmp_path, monkeypatch):
    """As `CONTRIBUTING.md` promises: one file and one line."""

    class Own(LatentFusion):
        pass

    monkeypatch.setitem(MODELS, "own", Own)
    assert compare(tmp_path, "own:planes=xy") == 0
    assert trials(tmp_path)[0]["row"] == "own:planes=xy"
    assert main(["info"]) == 0


def test_variants_of_the_readout_share_a_training(tmp_path, monkeypatch):
    trained: list[str] = []
    fit = studies.fit

    def count(*arguments, **named):
        trained.append(named["out"].name)
        return fit(*arguments, **named)

    monkeypatch.setattr(studies, "fit", count)
    small = "densereg:channels=8,stacks=1"
    assert compare(tmp_path, f"{small},weighted=false", small, f"{small},top=1") == 0
    assert len(trained) == 1
    models = [load(tmp_path / "out" / trial["weights"]) for trial in trials(tmp_path)]
    assert [(model.arguments["weighted"], model.arguments["top"]) for model in models] == [
        (False, 5), (True, 5), (True, 1)
    ]  # fmt: skip
    same = [torch.nn.utils.parameters_to_vector(model.parameters()) for model in models]
    assert torch.equal(same[0], same[1])
    assert len(set(errors(tmp_path))) == 3


@pytest.mark.parametrize(
    ("networks", "more", "sentence"),
    [
        (("srm",), (), "did you mean srn?"),
        (("srn:stage=1",), (), "did you mean stages?"),
        ((SMALL, SMALL), (), "named twice"),
        (("srn", "srn:stages=2"), (), "named twice"),
        ((SMALL,), ("--resolution", "50"), "resolution is 50"),
        ((SMALL,), ("--samples", "0"), "--samples 0 trains nothing"),
        ((SMALL,), ("--crops", "0"), "at least 1 of --crops"),
        ((SMALL,), ("--seeds", "1", "1"), "--seeds 1 1: give each once"),
        ((SMALL,), ("--batch", "1"), "at least 2 frames"),
        ((SMALL,), ("--resolution", "0"), "resolution is 0"),
        ((SMALL,), ("--workers", "-1"), "--workers -1: give 0"),
        (("srn:resolution=64",), (), "srn: resolution=64 contradicts --resolution 32; leave it to --resolution"),
        (("crossinfonet:hidden=-1",), (), "crossinfonet: hidden is -1, it must be at least 1"),
        ((SMALL,), ("--real", "nowhere"), "there is no nowhere/labels.json"),
    ],
)
def test_a_comparison_that_cannot_begin(tmp_path, networks, more, sentence, capfd):
    assert compare(tmp_path, *networks, more=more) in {1, 2}
    assert sentence in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_noticed_before_the_training(tmp_path, capfd):
    (tmp_path / "out").write_text("a file")
    assert compare(tmp_path, SMALL) == 1
    assert "out cannot be a folder" in capfd.readouterr().err


def test_folders_of_one_name_would_share_a_column(tmp_path, monkeypatch):
    monkeypatch.setattr(
        measuring,
        "read_marked_frames",
        lambda folder: MarkedFrames(folder.name, "right", ()),
    )
    assert [marked.name for marked in read_real([tmp_path / "a", tmp_path / "b"])] == ["a", "b"]
    with pytest.raises(HandkitError, match="two --real folders are called a, as their column would be; rename one"):
        read_real([tmp_path / "a", tmp_path / "b", tmp_path / "b/a"])


def centers_of(frame: LabeledFrame) -> torch.Tensor:
    return frame.cube.center


def test_every_network_sees_the_same_frames_for_as_long():
    study = comparison(())
    assert study.rows == NETWORKS.rows
    recipes = [experiment_of(study, Conditions(out=Path(), samples=200, batch=2), row, 1).recipe for row in study.rows]
    assert {recipe.network for recipe in recipes} == set(MODELS)
    first, *others = [crops_of(recipe, seed=1)[7] for recipe in recipes]
    for frame in others:
        assert torch.equal(frame.depth, first.depth)
        assert torch.equal(centers_of(frame), centers_of(first))
    assert {recipe.resolutions for recipe in recipes} == {((0.0, 96),)}
    assert {recipe.arguments["resolution"] for recipe in recipes} == {96}
    assert {recipe.average for recipe in recipes} == {0.999}, "which warms up by itself in 100 steps"
    assert {row.refinement for row in comparison(("srn",), refinement="test").rows} == {"test"}


PLACES: tuple[Refinement, ...] = ("none", "test", "train+test")


class Finder(Localizer):
    """Sees every hand 20 mm to the right of where it looks, in cubes of 400 mm."""

    def forward(self, points):
        return Location(points.new_tensor([[0.1, 0.0, 0.0]]).expand(len(points), 3), points.new_zeros(len(points)))


def test_the_localizer_s_two_places(monkeypatch):
    """None: coarse centers. Test: the same frames and cubes in training, moved at test. Train+test: in training too."""
    monkeypatch.setattr(experiment, "load_localizer", lambda _: LocalizerGraph(Finder(hidden=1), edge_mm=400.0))
    recipes: dict[Refinement, Recipe] = {
        place: recipe_of("latent-fusion", {}, resolution=32, refinement=place) for place in PLACES
    }
    assert {recipe.augment.center_mm for recipe in recipes.values()} == {20.0}
    centers: dict[str, torch.Tensor] = {}
    for place, recipe in recipes.items():
        (frame,) = validation_frames(Experiment(recipe), batches=1, size=2)
        assert frame.depth.shape == (2, 230, 230), "wide enough for what the localizer looks at"
        centers[place] = centers_of(frame)
    moved = torch.tensor([[20.0, 0.0, 0.0]]).expand(2, 3)
    torch.testing.assert_close(centers["test"] - centers["none"], moved, rtol=0, atol=1e-3)
    assert torch.equal(centers["train+test"], centers["test"])
    frame = crops_of(recipes["none"], seed=3, size=2)[0]
    assert torch.equal(centers_of(crops_of(recipes["train+test"], seed=3, size=2)[0]), centers_of(frame))
    model = Experiment(recipes["none"]).network()
    seen = {place: Experiment(recipes[place]).targets(model)(frame, 32)["joints"] for place in recipes}
    assert torch.equal(seen["none"], seen["test"])
    assert (seen["train+test"] - seen["none"])[..., 0].mean() < -0.1, (
        "moved to the right, it sees the hand farther left"
    )
