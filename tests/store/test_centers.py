"""Centers and cubes: by hand, and published center files right and wrong."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from datasets.fixtures import pack_nyu, render, write_nyu

from handkit.camera import Camera
from handkit.datasets.catalog import DATA_SETS, open_split
from handkit.datasets.dataset import LabeledFiles
from handkit.datasets.msra import CAMERA as MSRA_CAMERA
from handkit.datasets.msra import EDITIONS, SUBJECTS
from handkit.errors import DatasetError
from handkit.recipes import cubes
from handkit.store import centers
from handkit.store.centers import center_of_mass, label_centers, mass_centers, nearest_center, read_centers


@pytest.fixture
def nyu(data_sets: dict[str, Path]) -> LabeledFiles:
    return open_split("nyu", data_sets["nyu"])


@pytest.fixture
def truth(nyu: LabeledFiles) -> np.ndarray:
    """Centers near the joints' mean, as a published network would have put them."""
    assert nyu.joints is not None
    noise = np.random.default_rng(0).normal(0, 8, (len(nyu), 3))
    return (nyu.joints.mean(axis=1) + noise).astype(np.float32)


def write(path: Path, rows: np.ndarray, *, invalid: tuple[int, ...] = ()) -> Path:
    lines = ["invalid" if i in invalid else " ".join(f"{x:.4f}" for x in row) for i, row in enumerate(rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def to_uvd(rows: np.ndarray, camera: Camera) -> np.ndarray:
    return np.concatenate([camera.project(rows), rows[:, 2:]], axis=1)


def test_centers_of_labels_by_hand():
    joints = np.array([[[0, 0, 100], [2, 0, 100], [7, 3, 130]]], np.float32)
    assert label_centers(joints, "mean").tolist() == [[3, 1, 110]]
    assert label_centers(joints, "box").tolist() == [[3.5, 1.5, 115]]
    assert label_centers(joints, 1).tolist() == [[2, 0, 100]]


def test_center_of_mass_by_hand():
    """Two depth values in the window, at columns 1 and 3, 200 and 400 mm; what is farther or nearer does not count."""
    depth = np.zeros((4, 5), np.float32)
    depth[2, 1], depth[2, 3], depth[0, 0], depth[3, 4] = 200, 400, 900, 40
    camera = Camera(fx=100, fy=100, cx=0, cy=0, width=5, height=4)
    center = center_of_mass(depth, camera, near_mm=50, far_mm=500)
    assert center is not None
    assert center.tolist() == pytest.approx([2 * 3, 2 * 3, 300])
    assert center_of_mass(depth, camera, near_mm=401, far_mm=500) is None
    lowest = center_of_mass(depth, camera, near_mm=0, far_mm=40)
    assert lowest is not None
    assert lowest[2] == 40, "invalid pixels never count"


def test_the_center_of_mass_is_near_the_hand(data_sets: dict[str, Path]):
    near, far = centers.DEPTH_WINDOWS["msra"]
    files = open_split("msra", data_sets["msra"])
    assert files.joints is not None
    inside = np.flatnonzero(files.joints[..., 2].max(axis=1) < far).tolist()
    assert len(inside) > 5
    for i in inside:
        found = center_of_mass(files.depth(i), files.camera, near_mm=near, far_mm=far)
        assert found is not None
        assert np.linalg.norm(found - files.joints[i].mean(axis=0)) < 60


def test_the_nearest_object_by_hand():
    """A hand of 20 x 20 pixels at 600 mm on an arm that goes back; a body at 1000 mm; noise before all."""
    camera = Camera(fx=100, fy=100, cx=0, cy=0, width=60, height=60)
    depth = np.full((60, 60), 1000, np.float32)
    depth[20:40, 20:40] = 600
    depth[28:32, 40:60] = np.linspace(660, 900, 20)
    depth[0, :9] = 300
    center = nearest_center(depth, camera, far_mm=1300)
    assert center is not None
    assert center == pytest.approx([29.5 * 6, 29.5 * 6, 600], abs=25)
    assert nearest_center(depth, camera, far_mm=500) is None, "specks alone"


def test_nyu_s_centers_hold_the_hand_in_every_rendered_frame(tmp_path: Path):
    write_nyu(tmp_path, render("nyu", 48))
    files = open_split("nyu", tmp_path)
    words, center_of = mass_centers(files)
    assert words == "of the nearest object within 1300 mm"
    assert files.joints is not None
    for i in range(len(files)):
        found = center_of(i, files.record(i), files.depth(i))
        if found is None:
            assert files.joints[i][:, 2].min() > 1300, "a hand beyond the window"
            continue
        assert (np.abs(files.joints[i] - found) < 150).all(), "the 300 mm cube of Latent Fusion"


def test_nyu_s_rendered_depth_is_used_where_it_is(tmp_path: Path):
    """As Pose-REN's published centers were (docs/reference.md, 1.7): a hand of 9 pixels at 700 mm and nothing else."""
    write_nyu(tmp_path, render("nyu", 2))
    alone = np.zeros((2, 480, 640), np.float32)
    alone[:, 100:103, 200:203] = 700
    alone[:, 0, 0] = 400  # before the window
    for i, image in enumerate(pack_nyu(alone)):
        cv2.imwrite(str(tmp_path / f"dataset/test/synthdepth_1_{i + 1:07d}.png"), image)
    files = open_split("nyu", tmp_path)
    place = files.camera.unproject(np.array([201.0, 101.0], np.float32), np.array(700.0, np.float32))
    labels = np.broadcast_to(place.astype(np.float32), (2, 14, 3))
    words, center_of = mass_centers(replace(files, joints=labels))
    assert words == "500 to 1300 mm of synthdepth"
    assert center_of(0, files.record(0), files.depth(0)) == pytest.approx(place, abs=0.1)
    said = r"synthdepth, are 4\d\d mm from the joints' mean .*, where 13 to 41 mm are expected .* give a center file of"
    with pytest.raises(DatasetError, match=said):
        mass_centers(replace(files, joints=labels + np.float32(250)))


def test_some_computed_centers_that_are_far_off_are_refused(tmp_path: Path):
    """A center file with as many is: nothing is said of the median alone."""
    write_nyu(tmp_path, render("nyu", 10))
    files = open_split("nyu", tmp_path)
    _, center_of = mass_centers(files)
    found = [center_of(i, files.record(i), files.depth(i)) for i in range(10)]
    assert files.joints is not None
    joints = files.joints.copy()
    (first, *_) = [i for i, center in enumerate(found) if center is not None]
    joints[first] += np.float32(300)
    said = rf"within 1300 mm: 1 of {sum(each is not None for each in found)} are more than 100 mm .* give a center file"
    with pytest.raises(DatasetError, match=said):
        mass_centers(replace(files, joints=joints))


def test_no_computed_center_at_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_nyu(tmp_path, render("nyu", 4))
    monkeypatch.setitem(centers.DEPTH_WINDOWS, "nyu", (0.0, 20.0))
    with pytest.raises(
        DatasetError, match=r"none of 4 frames has a center of mass, of the nearest object within 20 mm"
    ):
        mass_centers(open_split("nyu", tmp_path))


@pytest.mark.parametrize("form", centers.FORMS)
@pytest.mark.parametrize("declared", [True, False])
def test_every_published_form_gives_the_same_centers(
    tmp_path: Path, nyu: LabeledFiles, truth: np.ndarray, form: centers.Form, declared: bool
):
    rows = {"xyz": truth, "xyz-y-up": truth * (1, -1, 1), "uvd": to_uvd(truth, nyu.camera)}[form]
    found = read_centers(write(tmp_path / "c.txt", rows), nyu, form=form if declared else "auto")
    np.testing.assert_allclose(found.points, truth, atol=0.01)
    assert found.valid.all()


def test_invalid_rows_keep_the_others_aligned(tmp_path: Path, nyu: LabeledFiles, truth: np.ndarray):
    found = read_centers(write(tmp_path / "c.txt", truth, invalid=(0, 4)), nyu)
    assert np.flatnonzero(~found.valid).tolist() == [0, 4]
    assert not found.points[[0, 4]].any()
    np.testing.assert_allclose(found.points[found.valid], truth[found.valid], atol=1e-3)


def test_another_y_direction(tmp_path: Path, nyu: LabeledFiles, truth: np.ndarray):
    file = write(tmp_path / "c.txt", truth * (1, -1, 1))
    off = np.median(np.linalg.norm(truth * (1, -1, 1) - nyu.joints.mean(axis=1), axis=1))  # pyright: ignore[reportOptionalMemberAccess]
    assert off > centers.DOUBTFUL_MM, "else nothing can be seen"
    with pytest.raises(DatasetError, match=rf"c\.txt, read as xyz, is {off:.0f} mm .* read as xyz-y-up only 9: "):
        read_centers(file, nyu, form="xyz")


def test_centers_of_other_frames(tmp_path: Path, nyu: LabeledFiles, truth: np.ndarray):
    with pytest.raises(DatasetError, match="in no other form nearer than 100"):
        read_centers(write(tmp_path / "c.txt", truth + np.float32(400)), nyu)
    swapped = truth.copy()
    far = np.linalg.norm(truth - truth[0], axis=1).argmax()
    swapped[[0, far]] = truth[[far, 0]]
    with pytest.raises(DatasetError, match=r"20% of its centers .* another version or order"):
        read_centers(write(tmp_path / "c.txt", swapped), nyu)


def test_centers_of_another_split_or_edition(tmp_path: Path, nyu: LabeledFiles, truth: np.ndarray):
    with pytest.raises(DatasetError, match=r"has 9 rows, the frames are 10; give the file of this very split"):
        read_centers(write(tmp_path / "c.txt", truth[:9]), nyu)
    subjects = ["P1"] * EDITIONS["old"][SUBJECTS.index("P1")]
    old = replace(nyu, name="msra", camera=MSRA_CAMERA, sources=subjects, subjects=subjects, joints=None)
    new = write(tmp_path / "new.txt", np.full((EDITIONS["new"][1], 3), 300.0))
    with pytest.raises(DatasetError, match=r"8,499 rows, the frames are 8,492: it is of the new edition of MSRA15"):
        read_centers(new, old)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("1 2", "line 3: 2 numbers, expected three numbers"),
        ("1 2 nan", "line 3: number 3, nan, is no coordinate"),
        ("a b c", "line 3: number 1 is 'a'"),
    ],
)
def test_damaged_lines(tmp_path: Path, nyu: LabeledFiles, truth: np.ndarray, line: str, sentence: str):
    file = write(tmp_path / "c.txt", truth)
    lines = file.read_text().splitlines()
    lines[2] = line
    file.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match=sentence):
        read_centers(file, nyu)


def test_files_without_centers(tmp_path: Path, nyu: LabeledFiles, truth: np.ndarray):
    with pytest.raises(DatasetError, match="is missing"):
        read_centers(tmp_path / "c.txt", nyu)
    (tmp_path / "c.txt").write_text("invalid\n" * 10)
    with pytest.raises(DatasetError, match="holds no center"):
        read_centers(tmp_path / "c.txt", nyu)
    unlabeled = replace(nyu, joints=None)
    file = write(tmp_path / "d.txt", truth)
    with pytest.raises(DatasetError, match="name it: xyz-y-up, xyz, uvd"):
        read_centers(file, unlabeled)
    np.testing.assert_allclose(read_centers(file, unlabeled, form="xyz").points, truth, atol=1e-3)


def test_cubes_follow_the_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """docs/reference.md, 1.6: SRN cuts 5/6 of the cube from NYU's test frame 2440 on, CrossInfoNet does not."""
    write_nyu(tmp_path, render("nyu", 2))
    monkeypatch.setattr("handkit.datasets.nyu.FIRST_SUBJECT", 1)
    subjects = open_split("nyu", tmp_path).subjects
    assert [cubes.CUBES["srn"]["nyu"].of(subject)[0] for subject in subjects] == pytest.approx([250, 250 * 5 / 6])
    assert [cubes.CUBES["crossinfonet"]["nyu"].of(subject)[0] for subject in subjects] == [250, 250]
    assert [cubes.CUBES["deepprior++"]["nyu"].of(subject)[0] for subject in subjects] == [300, 250]
    assert cubes.five_sixths(cubes.CUBES["crossinfonet"]["nyu"]).of("2")[2] == pytest.approx(250 * 5 / 6)
    assert [cubes.CUBES["srn"]["msra"].of(f"P{i}")[0] for i in range(9)] == [200] * 3 + [180] * 3 + [170, 160, 150]


def test_cubes_are_of_known_data_sets_and_of_a_hands_size():
    for by_data_set in cubes.CUBES.values():
        assert by_data_set.keys() <= DATA_SETS.keys()
        for rule in by_data_set.values():
            sizes = [*rule.edges, *(edge for edges in rule.by_subject.values() for edge in edges)]
            assert 150 <= min(sizes) <= max(sizes) <= 300
