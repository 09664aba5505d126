"""What `handkit data check` is made from."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from handkit.datasets.inspection import inspect


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
