"""The four readers on small data sets and by hand: where a label lands, what a pixel says, whose frame it is."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from datasets.fixtures import icvl_joints, joints_of, nyu_joints, render, write_bin, write_icvl, write_nyu

from handkit.datasets import hands17, icvl, msra, nyu
from handkit.datasets.catalog import DATA_SETS, find_data_set, open_split
from handkit.datasets.dataset import HandDataset, LabeledFiles, unique
from handkit.datasets.tables import read_rows
from handkit.errors import DatasetError, MissingError
from handkit.skeleton import HAND21, HANDS17, MSRA21

PARTS = [(name, part) for name, publication in DATA_SETS.items() for part in publication.frames if name != "own"]


def behind(files: HandDataset, index: int) -> np.ndarray:
    """How much deeper than the surface in its pixel every joint is, mm; NaN where the image sees no hand."""
    joints, depth = files.record(index).joints, files.depth(index)
    assert joints is not None
    u, v = files.camera.project(joints).round().astype(int).T
    surface = depth[v.clip(0, depth.shape[0] - 1), u.clip(0, depth.shape[1] - 1)]
    return np.where(surface > 0, joints[:, 2] - surface, np.nan)


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_labels_lie_in_the_hands_of_the_images(data_sets: dict[str, Path], name: str, part: str):
    files = open_split(name, data_sets[name], part)
    assert isinstance(files, HandDataset)
    assert len(files) == 10
    assert len(set(files.sources)) == 10
    if files.joints is None:
        return
    deep = np.stack([behind(files, i) for i in range(10)])
    assert np.isfinite(deep).mean() > 0.93, "joints beside the hand"
    assert 5 < np.nanmedian(deep) < 18
    assert (deep[np.isfinite(deep)] > -3).mean() > 0.97, "joints before their skin"


def test_nyu_gives_back_what_was_rendered(data_sets: dict[str, Path]):
    frames = render("nyu", 10)
    files = nyu.open_nyu(data_sets["nyu"], "test")
    assert files.joints is not None
    np.testing.assert_allclose(files.joints, nyu_joints(joints_of(frames))[:, nyu.EVALUATED], atol=1e-3)
    assert np.abs(files.depth(3) - frames.depth[3].numpy()).max() <= 0.5


@pytest.mark.parametrize(("name", "skeleton"), [("msra", MSRA21), ("hands17", HANDS17)])
def test_skeletons_of_21_joints_convert_back_to_what_was_rendered(data_sets: dict[str, Path], name: str, skeleton):
    files = open_split(name, data_sets[name])
    assert files.joints is not None
    order = [files.sources.index(source) for source in sorted(files.sources, key=by_number)] if name == "msra" else ...
    back = HAND21.convert(torch.from_numpy(files.joints), skeleton)[order].numpy()
    np.testing.assert_allclose(back, joints_of(render(name, 10)), atol=1e-3)


def by_number(source: str) -> tuple[int, str]:
    """The writer gives P0 to P8 one frame each, then the next gesture."""
    subject, gesture, _ = source.split("/")
    return msra.GESTURES.index(gesture), subject


def test_icvl_hands_are_mirrored_and_stay_so(data_sets: dict[str, Path]):
    """The camera frame is kept true: column u of our image is column 319 - u of ICVL's, and so is the label."""
    files, frames = icvl.open_icvl(data_sets["icvl"], "train"), render("icvl", 10)
    assert files.joints is not None
    plane = files.camera.project(files.joints)
    expected = frames.camera.project(torch.from_numpy(icvl_joints(joints_of(frames))).float()).numpy()
    np.testing.assert_allclose(plane[..., 0], 319 - expected[..., 0], atol=2e-3)
    np.testing.assert_allclose(plane[..., 1], expected[..., 1], atol=2e-3)


# By hand


def test_nyu_pixel_by_hand(tmp_path: Path):
    """Green 2 and blue 44 are 2 * 256 + 44 mm, red is nothing; neither overflows nor wraps."""
    packed = np.zeros((480, 640, 3), np.uint8)
    packed[0, :3] = [(44, 2, 200), (255, 255, 0), (0, 0, 255)]
    cv2.imwrite(str(tmp_path / "a.png"), packed)
    assert nyu.decode(tmp_path / "a.png")[0, :3].tolist() == [556.0, 65535.0, 0.0]


def test_nyu_names_of_the_14_evaluated_joints():
    """The table of docs/reference.md, 1.3."""
    names = [nyu.JOINT_NAMES[i] for i in nyu.EVALUATED]
    fingers = [name for i in (1, 2, 3, 4) for name in (f"F{i}_KNU3_A", f"F{i}_KNU2_B")]
    assert names == [*fingers, "TH_KNU3_A", "TH_KNU3_B", "TH_KNU2_B", "PALM_1", "PALM_2", "PALM_3"]
    assert len(nyu.JOINT_NAMES) == 36


def test_msra_bin_by_hand(tmp_path: Path):
    """Columns 2 and 3, rows 5 to 7; what is negative or not finite is invalid."""
    whole = np.zeros((240, 320), np.float32)
    whole[5:8, 2:4] = [[500.5, 501], [-3, 502], [np.nan, 503]]
    write_bin(tmp_path / "a.bin", whole, (2, 5, 4, 8))
    depth = msra.decode(tmp_path / "a.bin")
    assert depth.shape == (240, 320)
    assert {(v, u): float(depth[v, u]) for v, u in np.argwhere(depth).tolist()} == {
        (5, 2): 500.5,
        (5, 3): 501.0,
        (6, 3): 502.0,
        (7, 3): 503.0,
    }


def test_msra_labels_by_hand(tmp_path: Path):
    (tmp_path / "joint.txt").write_text("1\n" + " ".join(["10 20 -300"] * 21) + "\n")
    assert msra.read_joints(tmp_path / "joint.txt")[0, 0].tolist() == [10, -20, 300]


def test_an_empty_box_is_an_image_without_valid_depth(tmp_path: Path):
    write_bin(tmp_path / "a.bin", np.zeros((240, 320), np.float32), (7, 7, 7, 7))
    assert not msra.decode(tmp_path / "a.bin").any()


def test_icvl_labels_and_far_pixels_by_hand(tmp_path: Path):
    """(160 + 240.99, 120 - 240.96) at 500 mm is (500, -500, 500); 32001 is invalid; CR CR LF ends a line."""
    write_icvl(tmp_path, render("icvl", 2))
    label = "160 120 500 400.99 -120.96 500 " + "160 120 500 " * 14
    (tmp_path / "Testing/test_seq_1.txt").write_bytes(f"test_seq_1/image_0000.png {label}\r\r\n".encode())
    files = icvl.open_icvl(tmp_path, "test")
    assert files.joints is not None
    np.testing.assert_allclose(files.joints[0, :2], [[0, 0, 500], [500, -500, 500]], atol=1e-3)
    cv2.imwrite(str(files.path(0)), np.full((240, 320), 32001, np.uint16))
    assert not files.depth(0).any()


def test_rows_keep_their_line_numbers(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"head\r\n\r\na\\b.png 1 2\r\r\n\nc.png\t3\t-4e0\n")
    rows = read_rows(tmp_path / "a.txt", columns=2, named=True, skip=1)
    assert rows.names == ("a/b.png", "c.png")
    assert rows.lines.tolist() == [3, 5]
    assert rows.values.tolist() == [[1, 2], [3, -4]]


# Parts, subjects, faults


def test_icvl_parts(data_sets: dict[str, Path]):
    train, rotated, both = (icvl.open_icvl(data_sets["icvl"], part) for part in ("train", "rotated", "train-all"))
    assert both.sources == [*train.sources, *rotated.sources]
    assert train.record(0).source == "Training/Depth/201403121135/image_0000.png"
    assert rotated.record(0).source == "Training/Depth/180/201403121135/image_0000.png"
    assert {both.record(i).subject for i in range(len(both))} == {"201403121135"}
    test = icvl.open_icvl(data_sets["icvl"], "test")
    assert [test.record(i).subject for i in (0, 4, 5, 9)] == ["test_seq_1"] * 2 + ["test_seq_2"] * 2


def test_icvl_faults(tmp_path: Path):
    write_icvl(tmp_path, render("icvl", 2))
    labels = tmp_path / "Training/labels.txt"
    first, second, *_ = [line for line in labels.read_text().splitlines() if line]
    name, u, v, _, *rest = second.split()
    labels.write_text("\n".join([first, " ".join([name, u, v, "0", *rest]), first]))
    files = icvl.open_icvl(tmp_path, "train")
    assert [files.record(i).fault for i in range(3)] == [
        None,
        "a label without depth",
        "the label file lists this image again",
    ]
    assert files.record(2).source == files.record(0).source + "#2"
    assert (files.depth(2) == files.depth(0)).all()


def test_icvl_published_invalid_rows_apply_to_the_whole_label_file_only():
    """One frame in each of 15 rotations of a session of 3475 (docs/reference.md, 1.2)."""
    rows = list(icvl.INVALID_ROWS)
    assert rows[:3] == [56_503, 59_978, 63_453]
    assert len(rows) == 15
    assert rows[-1] < icvl.TRAIN_ROWS


def test_nyu_subjects_and_views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_nyu(tmp_path, render("nyu", 3))
    monkeypatch.setattr(nyu, "FIRST_SUBJECT", 2)
    assert nyu.open_nyu(tmp_path, "test").subjects == ["1", "1", "2"]
    assert nyu.open_nyu(tmp_path, "train").subjects == ["1", "1", "1"]
    first, third = nyu.open_nyu(tmp_path, "test"), open_split("nyu", tmp_path, "test-view3")
    assert third.record(0).source == "test/depth_3_0000001.png"
    assert first.joints is not None
    assert third.joints is not None
    np.testing.assert_allclose(third.joints - first.joints, np.broadcast_to([200, 0, 0], first.joints.shape), atol=1e-3)
    with pytest.raises(MissingError, match=r"depth_3_0000001\.png is missing"):
        third.depth(0)


def test_msra_folds_share_nobody(data_sets: dict[str, Path]):
    whole = open_split("msra", data_sets["msra"], "all")
    test, train = (open_split("msra", data_sets["msra"], f"{part}-P3") for part in ("test", "train"))
    assert set(test.sources) | set(train.sources) == set(whole.sources)
    assert not set(test.sources) & set(train.sources)
    assert set(test.subjects) == {"P3"}


def test_msra_editions():
    assert [sum(counts) for counts in msra.EDITIONS.values()] == [76_375, 76_391]
    assert msra.edition(["P1"] * 8492) == "old"
    assert msra.edition(["P1"] * 8499) == "new"
    assert msra.edition(["P0"] * 8499) == "old or new"
    assert msra.edition(["P0"] * 8498) == "unknown"


def test_msra_faulty_frames_are_listed_where_they_stand(tmp_path: Path, data_sets: dict[str, Path]):
    root = shutil.copytree(data_sets["msra"], tmp_path / "msra")
    label = " ".join(["1 2 -300"] * 21)
    (root / "P8/4/joint.txt").write_text("\n".join(["170", *[label] * 170]))
    files = msra.open_msra(root)
    faulty = [files.record(i).source for i in range(len(files)) if files.record(i).fault]
    assert faulty == ["P8/4/000168_depth.bin"]


def test_hands17_missing_images_are_faults_and_boxes_are_kept(tmp_path: Path, data_sets: dict[str, Path]):
    root = shutil.copytree(data_sets["hands17"], tmp_path / "hands17")
    (root / "training/images/image_D00000004.png").unlink()
    files = hands17.open_hands17(root, "train")
    assert [i for i in range(10) if files.record(i).fault] == [3]
    assert len(files) == 10
    test = hands17.open_hands17(root, "test")
    assert test.record(0).joints is None
    assert test.boxes is not None
    assert (test.boxes[:, 2:] > 5).all()
    labeled = hands17.open_hands17(root, "test", annotations=root / "training/Training_Annotation.txt")
    np.testing.assert_array_equal(labeled.joints, files.joints)


def test_frames_are_numbered_from_zero_and_end(data_sets: dict[str, Path]):
    files = open_split("nyu", data_sets["nyu"])
    assert isinstance(files, LabeledFiles)
    with pytest.raises(IndexError):
        files.record(10)


def test_names_that_do_not_exist(data_sets: dict[str, Path]):
    with pytest.raises(DatasetError, match="did you mean msra"):
        find_data_set("msra15")
    with pytest.raises(DatasetError, match="did you mean test-view2"):
        open_split("nyu", data_sets["nyu"], "test-view-2")
    assert unique(["a", "a", "a"])[0] == ["a", "a#2", "a#3"]
