"""The notebooks run from the first cell to the last, and say what their texts say."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
PUBLISHED = ROOT.parent / "shared/data/published/icvl"

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(importlib.util.find_spec("nbclient") is None, reason="needs the docs extra"),
]


def printed(name: str) -> str:
    """All that the cells of a notebook print."""
    sys.path.insert(0, str(ROOT / "docs/notebooks"))
    from execute import execute  # pyright: ignore[reportMissingImports]

    notebook = execute(ROOT / f"docs/notebooks/{name}.ipynb")
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


@pytest.fixture(autouse=True)
def _of_this_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))


def test_from_a_camera_to_smooth_hands() -> None:
    said = printed("own-camera")
    assert "right hand, confidence 1.00" in said
    assert '"handedness": "right"' in said


def test_two_networks_are_trained_and_compared() -> None:
    said = printed("two-networks")
    assert said.count(" mm mean joint error after 1024 samples") == 2
    assert "95 % interval" in said


def test_a_made_up_file_is_scored() -> None:
    said = printed("score-a-file")
    assert "mean joint error 8.7" in said
    assert "report.html" in said


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs published prediction files")
def test_a_published_file_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDKIT_PREDICTIONS", str(PUBLISHED / "SRN.txt.gz"))
    monkeypatch.setenv("HANDKIT_LABELS", str(PUBLISHED / "groundtruth.txt.gz"))
    assert "mean joint error 6.2" in printed("score-a-file")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_kept_was_shown_by_a_whole_run(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")

    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)
