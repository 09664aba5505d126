"""The list of the papers' tables is whole, and what the repository says of them is what would be written today."""

from pathlib import Path

from handkit.models.papers import PAPERS
from handkit.studies.index import ENTRIES, index
from handkit.studies.papers import STUDIES

RESULTS = Path(__file__).parents[2] / "results"


def test_every_study_and_every_paper_has_its_place():
    assert {entry.study for entry in ENTRIES if entry.study} == STUDIES.keys()
    assert {entry.network for entry in ENTRIES} == PAPERS.keys()
    assert all((entry.study is None) == bool(entry.command) for entry in ENTRIES)
    reference = (RESULTS.parent / "docs" / "reference.md").read_text(encoding="utf-8")
    assert all(entry.place.split(",")[0] in reference for entry in ENTRIES if entry.place[:3] in {"Tab", "Fig"})


def test_the_page_is_written_again_when_a_study_was_run(tmp_path):
    assert (RESULTS / "studies.md").read_text(encoding="utf-8") == index(RESULTS), "print it anew"
    before = index(tmp_path)
    (tmp_path / "srn-table-2.json").write_text('[{"seed": 3, "training": ["w", 64000, 1.0, "a machine"]}]')
    (changed,) = set(index(tmp_path).splitlines()) - set(before.splitlines())
    assert "`handkit study srn-table-2 --data TRAIN --test TEST`" in changed
    assert changed.endswith("| rendered frames, 64,000 samples, 1 seed: `srn-table-2.md` |")


def test_commands_name_what_is_there():
    for entry in ENTRIES:
        for word in entry.command.split():
            if word.startswith("benchmarks/"):
                assert (RESULTS.parent / word).exists(), word
