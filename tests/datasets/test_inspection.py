"""What `handkit data check` is made from."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from handkit.datasets.inspection import first_there, inspect
from handkit.datasets.picture import draw_frame
from handkit.errors import DatasetError, UsageError


@pytest.fixture
def copy(data_sets: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A data set of one's own to damage."""
    return lambda name: shutil.copytree(data_sets[name], tmp_path / name)


def states(name: str, root: Path) -> dict[str, str]:
    return {report.name: report.state for report in inspect(name, root)}


def test_inspection_of_whole_sets(data_sets: dict[str, Path]):
    for name, root in data_sets.items():
        reports = inspect(name, root)
        assert {report.state for report in reports} == {"ready"}
        assert {report.frames for report in reports} == {10}
        assert {report.opened for report in reports} == {10}


def test_inspection_of_half_a_download(copy: Callable[[str], Path]):
    root = copy("nyu")
    (root / "dataset/train/depth_1_0000002.png").unlink()
    (root / "dataset/train/depth_1_0000003.png").write_bytes(b"")
    train = inspect("nyu", root, split="train")[0]
    assert train.state == "incomplete"
    assert train.missing == ("train/depth_1_0000002.png", "train/depth_1_0000003.png")
    assert states("nyu", root) == {"test": "ready", "train": "incomplete"}
    shutil.rmtree(root / "dataset/train")
    assert states("nyu", root) == {"test": "ready", "train": "absent"}
    (root / "dataset/test/joint_data.mat").unlink()
    assert states("nyu", root)["test"] == "incomplete"


def test_inspection_decodes_as_many_as_it_is_told(copy: Callable[[str], Path]):
    root = copy("hands17")
    image = root / "training/images/image_D00000007.png"
    image.write_bytes(image.read_bytes()[:200])
    whole, none = (inspect("hands17", root, split="train", images=count)[0] for count in (None, 0))
    assert (whole.state, len(whole.damaged), whole.opened) == ("damaged", 1, 10)
    assert (none.state, none.opened) == ("ready", 0)
    (root / "training/images/image_D00000001.png").unlink()
    assert inspect("hands17", root, split="train")[0].state == "incomplete", "one of ten is more than is known to miss"


def test_what_cannot_be_used_is_said_in_words(copy: Callable[[str], Path]):
    root = copy("nyu")
    (root / "dataset/train/depth_1_0000002.png").unlink()
    test, train = inspect("nyu", root)
    assert (test.usable, train.usable) == (True, False)
    assert train.in_words()[0] == train.reason
    assert train.in_words()[-1] == "missing: train/depth_1_0000002.png"
    assert test.in_words() == ["10 frames, not 8,252: errors measured on them do not compare with published ones"]
    shutil.rmtree(root / "dataset/train")
    assert inspect("nyu", root)[1].usable, "who needs no training frames needs none"


def test_what_is_not_there_comes_from_somewhere(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"It comes from .*http"):
        inspect("nyu", tmp_path)
    with pytest.raises(UsageError, match="--images -1 is less than none; give a count or all"):
        inspect("nyu", tmp_path, images=-1)


def test_the_first_split_that_is_there(copy: Callable[[str], Path]):
    root = copy("nyu")
    shutil.rmtree(root / "dataset/test")
    split, files = first_there("nyu", root)
    assert (split, len(files)) == ("train", 10)
    shown = draw_frame("nyu", root, index=9)
    assert (shown.split, shown.record.source) == ("train", files.sources[9])
    assert shown.picture.shape[1] == 1280
    with pytest.raises(UsageError, match="--index 10 is not a frame: nyu train has frames 0 to 9"):
        draw_frame("nyu", root, index=10)
    shutil.rmtree(root / "dataset/train")
    with pytest.raises(DatasetError):
        first_there("nyu", root)
