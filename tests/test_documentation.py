"""The documentation: its pages exist, its site builds without a warning."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from handkit.files.png import decode_image

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "node_modules" not in path.parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\w\]\(([^)#\s]+\.\w+)", text):
        assert "://" in target or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    for page in PAGES:
        name = page.relative_to(ROOT / "docs").with_suffix("").as_posix()
        assert name == "index" or re.search(rf"^{re.escape(name)}$", index, re.MULTILINE), f"{name} cannot be reached"


def test_rooms_of_the_design_page_stand_in_order() -> None:
    """Every room is in the table, once, and imports from its own row and those above; three rooms have doors down."""
    from test_architecture import MODULES, imports, room

    page = (ROOT / "docs/design.md").read_text(encoding="utf-8").partition("## Rooms")[2]
    rows = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in page.splitlines() if line.startswith("| `")]
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    assert sum(map(len, rows)) == len(row_of)
    rooms = {room(module) for module in MODULES} - {"", "__main__"}
    assert set(row_of) == rooms
    down = {
        (room(module), room(origin))
        for module in MODULES
        for origin, _ in imports(module)
        if room(module) in rooms and room(origin) in rooms and row_of[room(origin)] > row_of[room(module)]
    }
    doors = {("backends", "graph"), ("backends", "models"), ("sources", "synthetic"), ("benchmark", "models")}
    assert down == doors


def test_the_layout_for_contributors_is_that_of_the_package() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Layout")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+(?:\.py|/))`", row)]
    there = {f"{path.name}/" if path.is_dir() else path.name for path in (ROOT / "src/handkit").iterdir()}
    assert len(named) == len(set(named))
    assert set(named) == {name for name in there if not name.startswith("_")} - {"py.typed"}


def test_the_graph_alone_is_run_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs/howto/export.md").read_text(encoding="utf-8").partition("## The file alone")[2]
    (tmp_path / "hand.onnx").symlink_to(ROOT / "src/handkit/weights/latent-fusion.onnx")
    (tmp_path / "frame.png").symlink_to(ROOT / "src/handkit/recording/00.png")
    monkeypatch.chdir(tmp_path)
    exec(page.partition("```python\n")[2].partition("```")[0], {})  # as a reader would
    said = capsys.readouterr().out
    assert said.startswith("right index fingertip: [")
    assert float(said.split()[-1]) > 0.5


def test_python_of_the_first_page_says_why_there_is_no_hand(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a depth image in another unit, and of another camera: 0.1 mm is what fits both best."""
    page = (ROOT / "docs/start/first-pose.md").read_text(encoding="utf-8").partition("## From Python")[2]
    taken = decode_image((ROOT / "src/handkit/recording/00.png").read_bytes())
    assert taken is not None
    there = {"depth": taken[:424, :512] * 8}
    for block in page.split("```python\n")[1:]:
        exec(block.partition("```")[0], there)  # as a reader would
    reason, doubt = capsys.readouterr().out.splitlines()
    assert reason.startswith("no hand is sure enough")
    assert "give --depth-scale 0.1, or the camera that took it" in doubt


@pytest.mark.extra
@pytest.mark.skipif(importlib.util.find_spec("furo") is None, reason="needs the docs extra")
def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "dirhtml", ROOT / "docs", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "index_tip" in (tmp_path / "index.html").read_text(encoding="utf-8")
    elsewhere = re.compile(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?:\w+:)?//')
    for page in tmp_path.rglob("*.html"):
        assert not elsewhere.search(page.read_text(encoding="utf-8")), f"{page} loads something from another server"


def test_the_networks_table_of_the_readme_is_that_of_the_results() -> None:
    """The same figures, of fewer columns."""
    shown = re.findall(
        r"^\| [\w:=,-]+ \| [\d,]+ \| .*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    lines = (ROOT / "results/compare.md").read_text(encoding="utf-8").splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|"))
    kept = [head.index(name) for name in ("row", "parameters", "seeds", "ours, mm", "sr305 tips, median mm")]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in shown] == [
        [row[column] for column in kept] for row in rows
    ]
