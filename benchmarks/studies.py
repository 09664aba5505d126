"""Writes results/studies.md: every table and figure of the papers, its command, and whether it was run here."""

from pathlib import Path

from handkit.studies.index import index

RESULTS = Path(__file__).parents[1] / "results"

if __name__ == "__main__":
    (RESULTS / "studies.md").write_text(index(RESULTS), encoding="utf-8")
