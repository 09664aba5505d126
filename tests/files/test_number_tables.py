"""One parser, strict to loose; tests/evaluation/test_tables.py and tests/data/test_damaged_data.py have the rest."""

from pathlib import Path

import numpy as np
import pytest

from handkit.errors import DatasetError
from handkit.files import number_tables
from handkit.files.number_tables import NumberTable, Tolerances, first_words, read_numbers


def read(path: Path, text: str, tolerances: Tolerances, *, columns: tuple[int, ...] = (2,)) -> NumberTable:
    path.write_text(text)
    return read_numbers(path, columns=columns, expected="two", error=DatasetError, tolerances=tolerances)


def test_strict_takes_numbers_and_nothing_else(tmp_path: Path):
    table = read(tmp_path / "a.txt", "1 2\n\n3 -4e0\n", Tolerances())
    assert table.values.tolist() == [[1, 2], [3, -4]]
    assert (table.names, table.lines.tolist()) == ((), [1, 3])
    for line in ("1,2", "# 1 2", "name 1 2", "nan 2", "invalid", "1e6 2", "1"):
        with pytest.raises(DatasetError, match=r"a\.txt, line 2: .* expected two"):
            read(tmp_path / "a.txt", f"1 2\n{line}\n", Tolerances())


def test_names_stand_before_all_lines_even_where_they_are_numbers(tmp_path: Path):
    table = read(tmp_path / "a.txt", "7 1 2\n8 3 4\n", Tolerances(names="all"))
    assert (table.names, table.values.tolist()) == (("7", "8"), [[1, 2], [3, 4]])


def test_heads(tmp_path: Path):
    assert len(read(tmp_path / "a.txt", "u v\n7\n1 2\n", Tolerances(head=2)).lines) == 1
    assert len(read(tmp_path / "a.txt", "u v\n1\n1 2\n", Tolerances(head=None)).lines) == 1
    assert first_words(tmp_path / "a.txt", error=DatasetError) == ["u", "v"]


def test_words_for_missing_numbers_are_those_that_were_named(tmp_path: Path):
    tolerances = Tolerances(missing=frozenset({"invalid"}))
    assert read(tmp_path / "a.txt", "invalid\n1 2\nInvalid 2\n", tolerances).missing().tolist() == [0, 2]
    with pytest.raises(DatasetError, match=r"line 1: number 2, nan, is no coordinate"):
        read(tmp_path / "a.txt", "1 nan\n", tolerances)


def test_no_row_is_an_empty_table(tmp_path: Path):
    assert read(tmp_path / "a.txt", "", Tolerances()).values.shape == (0, 2)


def test_blocks_of_lines_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(number_tables, "_LINES_AT_ONCE", 3)
    text = "".join(f"{i} {-i}.5\n" for i in range(10))
    assert np.array_equal(read(tmp_path / "a.txt", text, Tolerances()).values[:, 0], np.arange(10))
    with pytest.raises(DatasetError, match="line 8: number 2 is 'x'"):
        read(tmp_path / "a.txt", text.replace("-7.5", "x"), Tolerances())
