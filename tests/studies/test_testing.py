"""What a trial is measured by: its errors, those of the mean pose on the same frames, and what follows from both."""

import json
from dataclasses import asdict, replace
from math import inf, nan

import numpy as np
import pytest
import torch
from store.recorded import Recorded, packing_of
from studies.test_study import SMALL, trial

from handkit.camera import Camera
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.graph import LocalizerGraph
from handkit.models.localizer import Localizer, Location
from handkit.recipes import CenterSource
from handkit.store.packing import pack
from handkit.store.store import PackedFrames
from handkit.studies import testing
from handkit.studies.conditions import Conditions
from handkit.studies.measuring import measured
from handkit.studies.papers import STUDIES
from handkit.studies.plan import experiment_of, with_rows
from handkit.studies.report import table_of, write_tables
from handkit.studies.study import trial_of


def told(folder, *trials) -> tuple[str, str]:
    """The sign of the second row, and what stands below the table."""
    write_tables(folder, SMALL, trials, dataset="nyu", frames="On frames.", joints=("a", "b"))
    sign = table_of(SMALL, trials, dataset="nyu")[2][7]
    return sign, (folder / "small.md").read_text().splitlines()[-1]


def with_errors(trained, **changes):
    return replace(trained, errors=replace(trained.errors, **changes))


def test_no_sign_agrees_where_nothing_was_learned(tmp_path):
    """As two rows of DenseReg's figure on rendered frames, at the very same 52.66 mm."""
    first, second = trial("all", 1, 46.38), trial("xy", 1, 52.66)
    assert told(tmp_path, first, second) == ("yes", told(tmp_path, first, second)[1])
    assert "learned nothing" not in told(tmp_path, first, second)[1], "of trials that know no mean pose"
    known = [with_errors(each, mean_pose_mm=52.6) for each in (first, second)]
    sign, below = told(tmp_path, *known)
    assert sign == ""
    assert below.endswith(
        "No sign stands where one of two rows has learned nothing: xy has not left the mean pose: 52.66 mm, a constant "
        "answer has 52.60."
    )
    assert told(tmp_path, known[0], with_errors(second, mean_pose_mm=54.0))[0] == "yes", "2.5 % better"
    sign, below = told(tmp_path, with_errors(second, mean_pose_mm=52.6), with_errors(first, mean_pose_mm=52.6))
    assert sign == "", "the row that it is compared with may be the one"


@pytest.mark.parametrize(
    ("mean_mm", "sentence"),
    [
        (1.2e19, "xy has diverged: 1.2e+19 mm"),
        (inf, "xy has no finite error: its training has diverged"),
        (nan, "xy has no finite error: its training has diverged"),
    ],
)
def test_what_has_diverged_is_said(tmp_path, mean_mm, sentence):
    sign, below = told(tmp_path, trial("all", 1, 46.38), with_errors(trial("xy", 1, 50.0), mean_mm=mean_mm))
    assert (sign, sentence in below) == ("", True)
    assert len(max((tmp_path / "small.md").read_text().splitlines()[3].split("|"), key=len)) < 40


def test_a_trial_of_an_earlier_handkit_is_read(tmp_path):
    """Without the number of its frames and the mean pose."""
    content = json.loads(json.dumps(asdict(trial("all", 1, 9.0))))
    for name in ("frames", "mean_pose_mm"):
        del content["errors"][name]
    del content["best_mm"]
    assert trial_of(content).errors.doubt is None


def test_answers_that_are_none():
    errors = measured(np.array([[inf, 1.0], [nan, nan]]), {}, mean_pose_mm=np.array([[3.0, 5.0], [7.0, 9.0]]))
    assert (errors.frames, errors.mean_mm, errors.mean_pose_mm) == (1, inf, 4.0)
    none = measured(np.full((2, 3), nan), {})
    assert (none.frames, none.mean_mm, none.doubt) == (0, inf, "has no finite error: its training has diverged")


def test_the_mean_pose_of_rendered_frames_is_that_of_the_others():
    """In the axes of their cubes: a rolled hand in a rolled cube is the same pose."""
    camera = Intrinsics.of(Camera.named("icvl"))
    pose = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(1)) * 20
    cube = Cube.around(torch.tensor([[0.0, 0.0, 400.0]]), edge=200.0)
    turned = replace(cube, roll=torch.tensor([1.0]), center=torch.tensor([[30.0, 0.0, 500.0]]))
    moved = replace(cube, center=cube.center + 3)
    frames = [
        LabeledFrame(torch.zeros(1, 240, 320), camera, place.denormalize(pose / 100), each)
        for place, each in ((cube, cube), (turned, turned))
    ]
    assert testing.mean_of_others(frames) == pytest.approx(0, abs=1e-3)
    frames.append(LabeledFrame(torch.zeros(1, 240, 320), camera, cube.denormalize(pose / 100), moved))
    far = 3 * 3**0.5
    assert testing.mean_of_others(frames).mean(1) == pytest.approx([far / 2, far / 2, far], abs=1e-3)


class Finder(Localizer):
    """Sees every hand 20 mm to the right of where it looks, in cubes of 400 mm."""

    def forward(self, points):
        return Location(points.new_tensor([[0.1, 0.0, 0.0]]).expand(len(points), 3), points.new_zeros(len(points)))


def test_the_mean_pose_on_a_store(tmp_path, monkeypatch):
    """Of what is learned, in the cubes that are measured in: as packed, or where the localizer has them."""
    pack(packing_of(Recorded(6, suspect=(1,)), dataset="nyu", split="train", margin=2.6), tmp_path / "train")
    frames = Recorded(3, damaged=(2,))
    pack(packing_of(frames, dataset="nyu", split="test", margin=2.6, centers=CenterSource.MASS), tmp_path / "test")
    conditions = Conditions(train=tmp_path / "train", test=tmp_path / "test", batch=2, resolution=32, samples=2)
    experiment = experiment_of(SMALL, conditions, SMALL.rows[0], 1)
    train, test = (PackedFrames.open(tmp_path / name).rows for name in ("train", "test"))
    pose = np.delete(train["joints"] - train["center"][:, None], 1, axis=0).mean(0)
    expected = np.linalg.norm(test["center"][:, None] + pose - test["joints"], axis=-1)

    def answers(path, store, mask, *, finder=None, readout=None):
        return np.where(store.rows["valid"][:, None, None], store.rows["joints"] + np.float32(1), np.nan)

    monkeypatch.setattr(testing, "answers_of", answers)
    tested = testing.on_store(conditions, experiment, tmp_path)
    np.testing.assert_allclose(tested.mean_pose[:2], expected[:2], rtol=1e-4)
    assert np.isnan(tested.mean_pose[2]).all()
    assert measured(tested.errors, {}, mean_pose_mm=tested.mean_pose).frames == 2
    monkeypatch.setattr(testing, "load_localizer", lambda _: LocalizerGraph(Finder(hidden=1), edge_mm=400.0))
    located = replace(experiment, recipe=replace(experiment.recipe, test_center=CenterSource.LOCALIZER))
    right = np.linalg.norm(test["center"][:, None] + [20, 0, 0] + pose - test["joints"], axis=-1)
    np.testing.assert_allclose(testing.on_store(conditions, located, tmp_path).mean_pose[:2], right[:2], rtol=1e-4)


def test_theta_is_compared_among_two_stages(tmp_path):
    """T = 1 has another number of stages; without the row of two the first one stands for it."""
    study = with_rows(STUDIES["srn-table-2"], ("T = 1", "T = 2", "theta = 0.3"))
    trials = [trial("T = 1", 1, 9.0), trial("T = 2", 1, 7.0), trial("theta = 0.3", 1, 7.5)]
    lines = table_of(study, trials, dataset="nyu")
    assert [line[4:8] for line in lines[2:]] == [["-2.00", "7.78", "-2.03", "yes"], ["+0.50", "7.99", "+0.21", "yes"]]
    write_tables(tmp_path, study, trials, dataset="nyu", frames="On frames.", joints=("a", "b"))
    assert "Compared with T = 2, not with the first row: theta = 0.3." in (tmp_path / "srn-table-2.md").read_text()
    turned = with_rows(study, ("theta = 0.3", "T = 2"))
    assert [line[4] for line in table_of(turned, trials, dataset="nyu")[1:]] == ["", "-0.50"]
    alone = with_rows(study, ("T = 1", "theta = 0.3"))
    assert table_of(alone, trials, dataset="nyu")[2][4] == "-1.50"


def test_a_base_is_a_row_of_its_table():
    for study in STUDIES.values():
        names = {row.name for row in study.rows}
        assert all(row.base in {None, *names} for row in study.rows)
