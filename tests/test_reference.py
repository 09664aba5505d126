"""Every citation of docs/reference.md names one of its sections, and every paper's file ends in the paper's URL."""

import ast
import re
from pathlib import Path

import pytest

from handkit.models import MODELS

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
SECTIONS = set(re.findall(r"^#{2,3} (\d(?:\.\d)?)\.? ", REFERENCE, flags=re.MULTILINE))
FILES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in ("src", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != Path(__file__)
}
NUMBERS = re.compile(r"docs/reference\.md,\s+(\d(?:\.\d)?(?:(?:,| to| and|, and)\s+\d(?:\.\d)?\b)*)")
NO_PAPER = {
    "__init__",
    "arguments",
    "catalog",
    "checkpoint",
    "confidence",
    "header",
    "listing",
    "made_on",
    "network",
    "facts",
    "papers",
}
"""Files of models/ that are ours."""


def cited(text: str) -> list[str]:
    """Section numbers behind every citation.

    >>> cited("docs/reference.md, 1.2 to 1.5; docs/reference.md, 0 and 3: 4.1")
    ['1.2', '1.5', '0', '3']
    """
    return [number for numbers in NUMBERS.findall(text) for number in re.findall(r"\d(?:\.\d)?", numbers)]


def test_the_sections_are_those_that_the_page_names() -> None:
    assert {"0", "1.1", "2.5", "3.1", "3.2", "3.3", "3.4", "3.5", "4", "7"} <= SECTIONS
    assert len(SECTIONS) == 25


def test_citations_name_sections() -> None:
    citing = {name: text for name, text in FILES.items() if "docs/reference.md" in text}
    assert len(citing) > 30
    for name, text in citing.items():
        assert text.count("docs/reference.md") == len(NUMBERS.findall(text)), f"{name} cites no section"
        missing = set(cited(text)) - SECTIONS
        assert not missing, f"{name} cites {sorted(missing)}"


def test_nothing_cites_what_is_not_here() -> None:
    for name, text in FILES.items():
        assert "reference facts" not in text.lower(), name


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("src/handkit/models/")])
def test_a_papers_file_ends_in_its_url(name: str) -> None:
    document = ast.get_docstring(ast.parse(FILES[name])) or ""
    ends = re.search(r"https://\S+\Z", document) is not None
    assert ends == (Path(name).stem not in NO_PAPER)


def test_every_network_has_its_file() -> None:
    assert {f"src/handkit/models/{name.replace('-', '_')}.py" for name in MODELS} <= FILES.keys()
