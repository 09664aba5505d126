"""`handkit compare` as a user types it: rows, pictures, README; interrupted, continued, refused."""

import csv
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from handkit.cli import main
from handkit.errors import HandkitError
from handkit.evaluation.marked import MarkedFrames
from handkit.geometry.frame import LabeledFrame
from handkit.models import MODELS
from handkit.models.checkpoint import load
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer, Location
from handkit.recipes import Recipe
from handkit.studies import comparison
from handkit.studies.comparison import Comparison, contestants_of, read_real
from handkit.studies.table import BEGIN, END
from handkit.training import experiment
from handkit.training import loop as training
from handkit.training.adapt import Refinement, recipe_of
from handkit.training.experiment import Experiment, crops_of, validation_frames
from handkit.training.loop import Run
from handkit.training.stored import Finder as Located

SMALL = "latent-fusion:planes=xy"
OPTIONS = ("--samples", "6", "--batch", "2", "--resolution", "32", "--crops", "3", "--workers", "0")
"""Three steps."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Whatever the command writes into the working folder, it is not the project's."""
    monkeypatch.chdir(tmp_path)


def compare(folder: Path, *networks: str, more: tuple[str, ...] = ()) -> int:
    return main(["compare", *networks, *OPTIONS, "--out", str(folder / "out"), "--runs", str(folder / "runs"), *more])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "out/compare.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def weights(folder: Path, *, seed: int = 1) -> dict[str, torch.Tensor]:
    return load_file(next((folder / "runs").glob(f"*_seed{seed}/weights.safetensors")))


def test_nobodys_readme_and_results_are_written_unless_asked(tmp_path):
    """As in a clone of the project."""
    readme, results = tmp_path / "README.md", tmp_path / "results"
    results.mkdir()
    readme.write_text(f"{BEGIN}\nold\n{END}\n")
    assert main(["compare", SMALL, *OPTIONS]) == 0
    assert main(["compare", SMALL, *OPTIONS, "--out", "results"]) == 0
    assert readme.read_text() == f"{BEGIN}\nold\n{END}\n"
    assert (tmp_path / "runs/compare/compare.csv").read_bytes() == (results / "compare.csv").read_bytes()


def test_rows_pictures_and_the_readme(tmp_path, capfd):
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\n\nthe rest\n")
    assert compare(tmp_path, SMALL, "latent-fusion", more=("--readme", str(readme))) == 0
    first, second = rows(tmp_path)
    assert (first["network"], first["variant"], second["variant"]) == ("latent-fusion", "planes=xy", "")
    assert int(first["parameters"]) < int(second["parameters"]) == 2_010_710
    assert all(1 < float(row["synthetic_mm"]) < 500 and float(row["seconds"]) >= 0 for row in (first, second))
    assert all(row["samples"] == "6" and "threads" in row["hardware"] for row in (first, second))
    for name in ("compare-success.png", "compare-joints.png"):
        assert (tmp_path / "out" / name).stat().st_size > 10_000
    curves = json.loads((tmp_path / "out/compare-curves.json").read_text())
    assert [len(one["success"]) for one in curves.values()] == [81, 81]
    text = readme.read_text()
    assert "old" not in text
    assert text.startswith("# Title\n")
    assert text.endswith("the rest\n")
    assert "| latent-fusion:planes=xy | 963,903 | 6 | 2 | 32 | 1 |" in text
    for run in (tmp_path / "runs").iterdir():
        assert sorted(file.name for file in run.iterdir()) == [
            "finished.json", "log.jsonl", "recipe.json", "run.json", "weights.safetensors"
        ], "the state, three times the weights, is deleted"  # fmt: skip


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch, capfd):
    """A second seed is added to the table; the first one's row stays; nothing is trained twice."""
    assert compare(tmp_path, SMALL) == 0
    (before,) = rows(tmp_path)
    assert compare(tmp_path, SMALL, more=("--seeds", "1", "2")) == 0
    assert "done before" in capfd.readouterr().err
    first, second = rows(tmp_path)
    assert first == before
    assert second["seed"] == "2"
    assert second["synthetic_mm"] != first["synthetic_mm"]

    def refuse(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(comparison, "fit", refuse)
    (tmp_path / "out/compare-success.png").unlink()
    assert compare(tmp_path, SMALL, more=("--seeds", "2", "1")) == 0
    assert (tmp_path / "out/compare-success.png").exists()
    (tmp_path / "out/compare.csv").unlink()
    assert compare(tmp_path, SMALL, more=("--seeds", "1")) == 0, "measured again, from the weights"
    assert rows(tmp_path) == [before]


def test_interrupted_it_goes_on_where_it_stopped(tmp_path, monkeypatch):
    """At the third step of the second of two trainings: the first is kept, the second ends as if nothing had been."""
    assert compare(tmp_path / "whole", SMALL, more=("--seeds", "1", "2")) == 0
    steps, advance = [0], Run.advance

    def pull_the_plug(run, *arguments, **named):
        steps[0] += 1
        if steps[0] == 6:
            raise KeyboardInterrupt
        return advance(run, *arguments, **named)

    with monkeypatch.context() as broken:
        broken.setattr(training, "CHECKPOINT_SECONDS", -1.0)
        broken.setattr(Run, "advance", pull_the_plug)
        assert compare(tmp_path, SMALL, more=("--seeds", "1", "2")) == 130
    assert [row["seed"] for row in rows(tmp_path)] == ["1"]
    assert len(list((tmp_path / "runs").glob("*/state.ckpt"))) == 1, "only of the training that goes on"
    assert not list((tmp_path / "runs").glob("*/*.partial"))
    monkeypatch.setattr(Run, "advance", advance)
    assert compare(tmp_path, SMALL, more=("--seeds", "1", "2")) == 0
    assert [row["synthetic_mm"] for row in rows(tmp_path)] == [row["synthetic_mm"] for row in rows(tmp_path / "whole")]
    for name, tensor in weights(tmp_path, seed=2).items():
        assert torch.equal(tensor, weights(tmp_path / "whole", seed=2)[name]), name


def test_a_network_without_a_recipe_of_its_own(tmp_path, monkeypatch):
    """As `CONTRIBUTING.md` promises: one file and one line."""

    class Own(LatentFusion):
        pass

    monkeypatch.setitem(MODELS, "own", Own)
    assert compare(tmp_path, "own:planes=xy") == 0
    assert rows(tmp_path)[0]["network"] == "own"
    assert main(["info"]) == 0


def test_variants_of_the_readout_share_a_training(tmp_path, monkeypatch):
    trained: list[str] = []
    fit = comparison.fit

    def count(*arguments, **named):
        trained.append(named["out"].name)
        return fit(*arguments, **named)

    monkeypatch.setattr(comparison, "fit", count)
    small = "densereg:channels=8,stacks=1"
    assert compare(tmp_path, f"{small},weighted=false", small, f"{small},top=1") == 0
    assert len(trained) == 1
    assert "weighted" not in trained[0]
    models = [load(path) for path in sorted((tmp_path / "runs").glob("*/weights.safetensors"))]
    assert sorted((model.arguments["weighted"], model.arguments["top"]) for model in models) == [
        (False, 5), (True, 1), (True, 5)
    ]  # fmt: skip
    same = [torch.nn.utils.parameters_to_vector(model.parameters()) for model in models]
    assert torch.equal(same[0], same[1])
    assert len({row["synthetic_mm"] for row in rows(tmp_path)}) == 3
    assert len({row["seconds"] for row in rows(tmp_path)}) == 1


@pytest.mark.parametrize("finished", [False, True])
def test_a_run_that_another_recipe_began_is_not_continued(tmp_path, finished: bool, capfd):
    assert compare(tmp_path, SMALL) == 0
    (run,) = (tmp_path / "runs").iterdir()
    (tmp_path / "out/compare.csv").unlink()
    if not finished:
        (run / "finished.json").unlink()
        (run / "state.ckpt").write_bytes(b"a state")
    recipe = json.loads((run / "recipe.json").read_text())
    (run / "recipe.json").write_text(json.dumps(recipe | {"learning_rate": 0.5}))
    assert compare(tmp_path, SMALL) == 2
    assert "another recipe began" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("networks", "more", "sentence"),
    [
        (("srm",), (), "did you mean srn?"),
        (("srn:stage=1",), (), "did you mean stages?"),
        ((SMALL, SMALL), (), "named twice"),
        (("srn", "srn:stages=2"), (), "named twice"),
        ((SMALL,), ("--resolution", "50"), "resolution is 50"),
        ((SMALL,), ("--samples", "0"), "at least 1"),
        ((SMALL,), ("--batch", "1"), "at least 2 frames"),
        ((SMALL,), ("--resolution", "0"), "resolution is 0"),
        ((SMALL,), ("--workers", "-1"), "--workers -1: give 0"),
        (("srn:resolution=64",), (), "srn: resolution=64 contradicts --resolution 32; leave it to --resolution"),
        (("crossinfonet:hidden=-1",), (), "crossinfonet: hidden is -1, it must be at least 1"),
        ((SMALL,), ("--real", "nowhere"), "there is no nowhere/labels.json"),
        ((SMALL,), ("--readme", "nowhere.md"), "no place for the table"),
    ],
)
def test_a_comparison_that_cannot_begin(tmp_path, networks, more, sentence, capfd):
    assert compare(tmp_path, *networks, more=more) in {1, 2}
    assert sentence in capfd.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_is_noticed_before_the_training(tmp_path, capfd):
    (tmp_path / "out").write_text("a file")
    assert compare(tmp_path, SMALL) == 1
    assert "out cannot be written" in capfd.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_folders_of_one_name_would_share_a_column(tmp_path, monkeypatch):
    monkeypatch.setattr(
        comparison,
        "read_marked_frames",
        lambda folder: MarkedFrames(folder.name, "right", ()),
    )
    assert [marked.name for marked in read_real([tmp_path / "a", tmp_path / "b"])] == ["a", "b"]
    with pytest.raises(HandkitError, match="two --real folders are called a, as their column would be; rename one"):
        read_real([tmp_path / "a", tmp_path / "b", tmp_path / "b/a"])


def centers_of(frame: LabeledFrame) -> torch.Tensor:
    return frame.cube.center


def asked(**options) -> Comparison:
    folder = Path("unused")
    return Comparison((), samples=200, seeds=(1,), resolution=64, out=folder, runs=folder, **options)


def test_every_network_sees_the_same_frames_for_as_long():
    contestants = contestants_of(asked(batch=2))
    assert {each.recipe.network for each in contestants} == set(MODELS)
    first, *others = [crops_of(each.recipe, seed=each.seed)[7] for each in contestants]
    for frame in others:
        assert torch.equal(frame.depth, first.depth)
        assert torch.equal(centers_of(frame), centers_of(first))
    assert {each.samples for each in contestants} == {200}
    assert {each.recipe.arguments["resolution"] for each in contestants} == {64}
    assert {each.recipe.average for each in contestants} == {0.999}, "which warms up by itself in 100 steps"


PLACES: tuple[Refinement, ...] = ("none", "test", "train+test")


class Finder(Localizer):
    """Sees every hand 20 mm to the right of where it looks, in cubes of 400 mm."""

    def forward(self, points):
        return Location(points.new_tensor([[0.1, 0.0, 0.0]]).expand(len(points), 3), points.new_zeros(len(points)))


def test_the_localizer_s_two_places(monkeypatch):
    """None: coarse centers. Test: the same frames and cubes in training, moved at test. Train+test: in training too."""
    monkeypatch.setattr(experiment, "find_localizer", lambda _: Located(Finder(hidden=1), 400.0))
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
