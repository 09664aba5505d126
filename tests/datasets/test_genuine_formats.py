"""The readers on genuine files of the four data sets; skipped where they are not beside the checkout."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from datasets.fixtures import ICVL_SESSIONS, write_nyu_labels

from handkit.datasets import hands17, icvl, msra, nyu
from handkit.datasets.dataset import LabeledFiles
from handkit.skeleton import HANDS17, MSRA21, Skeleton
from handkit.store.centers import center_of_mass, nearest_center


@pytest.fixture
def genuine_nyu(shared_data: Path, tmp_path: Path) -> LabeledFiles:
    """Frame 1 of the test set; its labels are the first of 40 rows of u, v and d, made y-up xyz again."""
    formats = shared_data / "formats/nyu"
    uvd = np.stack([np.loadtxt(formats / f"joint36_{axis}.csv", delimiter=",") for axis in "uvd"], axis=-1)
    write_nyu_labels(tmp_path / "test/joint_data.mat", nyu.CAMERA.unproject(uvd[..., :2], uvd[..., 2]) * (1, -1, 1))
    shutil.copy(formats / "depth_1_0000001.png", tmp_path / "test")
    return nyu.open_nyu(tmp_path, "test")


@pytest.fixture
def genuine_icvl(shared_data: Path, tmp_path: Path) -> LabeledFiles:
    (tmp_path / "Testing").mkdir()
    for sequence in ICVL_SESSIONS:
        shutil.copy(shared_data / f"formats/icvl/{sequence}.txt", tmp_path / "Testing")
    return icvl.open_icvl(tmp_path, "test")


def published(path: Path) -> np.ndarray:
    """u, v, d of every joint, one frame a line."""
    with gzip.open(path, "rt") as lines:
        numbers = np.array([line.split() for line in lines], np.float64)
    return numbers.reshape(len(numbers), -1, 3)


def uvd(files: LabeledFiles) -> np.ndarray:
    assert files.joints is not None
    plane = files.camera.project(files.joints)
    return np.concatenate([plane, files.joints[..., 2:]], axis=-1)


def test_the_joints_of_nyu_frame_1_lie_just_behind_its_surface(genuine_nyu: LabeledFiles):
    record, depth = genuine_nyu.record(0), genuine_nyu.depth(0)
    assert record.joints is not None
    u, v = genuine_nyu.camera.project(record.joints).round().astype(int).T
    behind = record.joints[:, 2] - depth[v, u]
    assert (depth[v, u] > 0).all(), "every joint is seen"
    assert -5 < behind.min() < behind.max() < 50
    assert 5 < np.median(behind) < 20
    beside = depth[v, 639 - u]
    assert np.median(np.abs(record.joints[:, 2] - beside)) > 100, "in a mirrored image they would not"


def test_the_center_of_mass_of_nyu_frame_1_is_the_hand_s(genuine_nyu: LabeledFiles):
    """A window of 500 to 1300 mm holds the body too and is 284 mm off; published centers are 28 mm off on average."""
    record, depth = genuine_nyu.record(0), genuine_nyu.depth(0)
    assert record.joints is not None
    window = center_of_mass(depth, genuine_nyu.camera, near_mm=500, far_mm=1300)
    nearest = nearest_center(depth, genuine_nyu.camera, far_mm=1300)
    assert window is not None
    assert nearest is not None
    assert np.linalg.norm(window - record.joints.mean(axis=0)) > 250
    assert np.linalg.norm(nearest - record.joints.mean(axis=0)) < 35
    assert (np.abs(record.joints - nearest) < 125).all(), "all 14 joints are in a cube of 250 mm"


def test_nyu_labels_are_the_published_ones(genuine_nyu: LabeledFiles, shared_data: Path):
    """The 14 of 36 and their order."""
    truth = published(shared_data / "published/nyu/groundtruth.txt.gz")
    assert len(truth) == nyu.FRAMES["test"]
    np.testing.assert_allclose(uvd(genuine_nyu), truth[:40], atol=0.01)


def test_icvl_labels_are_the_published_ones(genuine_icvl: LabeledFiles, shared_data: Path):
    assert {name: genuine_icvl.subjects.count(name) for name in ICVL_SESSIONS} == {"test_seq_1": 702, "test_seq_2": 894}
    np.testing.assert_allclose(
        uvd(genuine_icvl), published(shared_data / "published/icvl/groundtruth.txt.gz"), atol=0.01
    )
    assert genuine_icvl.record(702).source == "Testing/Depth/test_seq_2/image_0000.png"
    assert not genuine_icvl.faults


def test_msra_labels(shared_data: Path):
    """Of the predecessor, which has the same text layout and the same camera."""
    joints = msra.read_joints(shared_data / "formats/msra14/joint.txt")
    assert joints.shape == (400, 21, 3)
    assert joints[..., 2].min() > 100
    pixels = msra.CAMERA.project(joints)
    assert (pixels > 0).all()
    assert (pixels < (320, 240)).all()
    lengths = np.linalg.norm(joints[:, 5] - joints[:, 0], axis=-1)
    assert 60 < lengths.mean() < 110, "wrist to the middle finger's knuckle"


def test_msra_list_has_the_order_and_the_counts_of_the_old_edition(shared_data: Path):
    with gzip.open(shared_data / "formats/msra_test_list.txt.gz", "rt") as lines:
        listed = [line.strip() for line in lines]
    folders = [f"{subject}/{gesture}" for subject in msra.SUBJECTS for gesture in msra.GESTURES]
    counts = {folder: 0 for folder in folders}
    for name in listed:
        counts[name.rpartition("/")[0]] += 1
    assert listed == [f"{folder}/{number:06d}_depth.bin" for folder in folders for number in range(counts[folder])]
    assert msra.edition([name.partition("/")[0] for name in listed]) == "old"
    assert all(max(numbers) < counts[folder] for folder, numbers in msra.FAULTY.items())


def test_hands17_image(shared_data: Path):
    """A hand some 400 mm away, in 16-bit mm."""
    depth = hands17.decode(shared_data / "formats/hands2017/image_D00000030.png")
    assert depth.shape == (480, 640)
    assert 138 < np.percentile(depth[depth > 0], 2) < 907


def handedness(joints: np.ndarray, skeleton: Skeleton, *, roots: tuple[str, str, str], wrist: str) -> float:
    """Median over the frames of the cosine of docs/reference.md, 1.2: fingers bend to the palm's side of the hand."""
    at = {name: joints[:, i] for i, name in enumerate(skeleton.joints)}
    index, middle, pinky = (at[name] for name in roots)
    normal = np.cross(middle - at[wrist], index - pinky)
    bent = np.mean([at[f"{finger}_tip"] for finger in ("index", "middle", "ring", "pinky")], axis=0) - middle
    cosine = (normal * bent).sum(-1) / np.linalg.norm(normal, axis=-1) / np.linalg.norm(bent, axis=-1)
    return float(np.median(cosine))


def test_right_hands_are_right_hands_and_icvl_is_mirrored(
    genuine_nyu: LabeledFiles, genuine_icvl: LabeledFiles, shared_data: Path, data_sets: dict[str, Path]
):
    """A missing sign of y or z would turn a hand into the other; ICVL's are it (docs/reference.md, 1.2 and 5: 3)."""
    whole_nyu = published(shared_data / "published/nyu/groundtruth.txt.gz")
    nyu_joints = nyu.CAMERA.unproject(whole_nyu[..., :2], whole_nyu[..., 2])
    nyu_hand = handedness(
        nyu_joints, genuine_nyu.skeleton, roots=("F4_KNU2_B", "F3_KNU2_B", "F1_KNU2_B"), wrist="PALM_3"
    )
    knuckles = ("index_mcp", "middle_mcp", "pinky_mcp")
    msra_hand = handedness(
        msra.read_joints(shared_data / "formats/msra14/joint.txt"), MSRA21, roots=knuckles, wrist="wrist"
    )
    ours = hands17.open_hands17(data_sets["hands17"], "train").joints
    assert ours is not None
    our_hand = handedness(ours, HANDS17, roots=knuckles, wrist="wrist")
    assert genuine_icvl.joints is not None
    icvl_hand = handedness(
        genuine_icvl.joints, genuine_icvl.skeleton, roots=("index_root", "middle_root", "pinky_root"), wrist="palm"
    )
    assert max(nyu_hand, msra_hand, our_hand) < -0.1
    assert icvl_hand > 0.1
