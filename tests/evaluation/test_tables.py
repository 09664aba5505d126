"""Text files in all the ways that people write them, and what is said of those that are no such files."""

import gzip

import numpy as np
import pytest

from handkit.errors import ScoreError
from handkit.evaluation.tables import join_tables, read_table

ROWS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]


def read(tmp_path, text, columns=(3,), name="file.txt"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, columns=columns, expected="3 for the 1 joints of toy")


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3\n4 5 6.5\n",
        "1 2 3 \r\n4 5 6.5 \r\n",
        "1\t2\t3\n\n4\t5\t6.5",
        "1,2,3\n4, 5, 6.5\n\n\n",
        "1;2;3\r\r\n4;5;6.5\r\r\n",
        "\ufeff1.000 2e0 3\n  4 5 6.5",
        "# pixels\n1 2 3\n% mm\n4 5 6.5\n",
        "u v d\n1 2 3\n4 5 6.5\n",
        "2\n1 2 3\n4 5 6.5\n",
    ],
)
def test_every_way_to_write_numbers(tmp_path, text):
    table = read(tmp_path, text)
    assert table.values.tolist() == ROWS
    assert table.names == ()


@pytest.mark.parametrize(
    "text",
    [
        "seq\\a.png\t1\t2\t3\nseq\\b.png\t4\t5\t6.5\n",
        "seq/a.png 1 2 3 \r\r\nseq/b.png 4 5 6.5 \r\r\n",
        "name u v d\nseq/a.png,1,2,3\nseq/b.png,4,5,6.5\n",
    ],
)
def test_names_before_the_numbers(tmp_path, text):
    table = read(tmp_path, text)
    assert table.values.tolist() == ROWS
    assert table.names == ("seq/a.png", "seq/b.png")


def test_running_numbers_count_as_names(tmp_path):
    assert read(tmp_path, "0 1 2 3\n1 4 5 6.5\n").names == ("0", "1")


def test_compressed(tmp_path):
    table = read(tmp_path, gzip.compress(b"1 2 3\n4 5 6.5\n"), name="file.txt.gz")
    assert table.values.tolist() == ROWS


def test_lines_are_those_of_the_file(tmp_path):
    assert read(tmp_path, "\n1 2 3\n\n4 5 6.5\n").lines.tolist() == [2, 4]


@pytest.mark.parametrize("word", ["nan nan nan", "1 NaN 3", "invalid", "1 -1.#IND 3", "inf 2 3"])
def test_rows_without_numbers_are_found(tmp_path, word):
    table = read(tmp_path, f"1 2 3\n{word}\n4 5 6.5\n")
    assert table.missing().tolist() == [1]
    assert table.lines[table.missing()[0]] == 2


def test_a_name_with_nothing_behind_it_is_a_row_without_numbers(tmp_path):
    table = read(tmp_path, "a.png 1 2 3\nb.png\n")
    assert table.missing().tolist() == [1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 3\n4 5\n", "line 2: 2 numbers, expected 3 for the 1 joints of toy"),
        ("1 2 3\n4 5 6 7 8\n", "line 2: 5 numbers"),
        ("a 1 2 3\nb 4 5\n", "line 2: 2 numbers"),
        ("1 2 3\n4 five 6\n", "line 2: number 2 is 'five'"),
        ("1 2 3\na 4 5 6\n", "1 of 2 lines begin with a name"),
        ("", "holds no line of numbers"),
        ("u v d\n", "holds no line of numbers"),
        ("5\n1 2 3\n4 5 6\n", "promises 5 frames in its first line but holds 2"),
        ("1 2 3\n4 -1e6 6\n", "line 2: number 2, -1e6, is no coordinate"),
        ("\N{SUPERSCRIPT TWO}\n", "holds no line of numbers"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "is not a text file"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, words):
    with pytest.raises(ScoreError, match=words) as raised:
        read(tmp_path, text)
    assert "file.txt" in str(raised.value)


def test_one_width_for_all_lines(tmp_path):
    with pytest.raises(ScoreError, match="line 2: 6 numbers, expected 3 as on the lines above"):
        read(tmp_path, "1 2 3\n1 2 3 4 5 6\n", columns=(3, 6))


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(ScoreError, match=r"nowhere\.txt cannot be read: No such file"):
        read_table(tmp_path / "nowhere.txt", columns=(3,), expected="3")
    with pytest.raises(ScoreError, match=r"damaged \.gz"):
        read(tmp_path, gzip.compress(b"1 2 3\n" * 99)[:30], name="file.txt.gz")
    with pytest.raises(ScoreError, match=r"damaged \.gz"):
        read(tmp_path, b"1 2 3\n", name="file.txt.gz")


def test_a_small_file_that_unpacks_to_a_huge_one(tmp_path, monkeypatch):
    monkeypatch.setattr("handkit.files.number_tables.MOST_BYTES", 1 << 20)
    with pytest.raises(ScoreError, match="holds more than 1 MB"):
        read(tmp_path, gzip.compress(b"1 2 3\n" * 200_000), name="file.txt.gz")


def test_two_files_one_after_the_other(tmp_path):
    first, second = read(tmp_path, "a 1 2 3\n"), read(tmp_path, "b 4 5 6.5\n")
    joined = join_tables([first, second])
    assert joined.values.tolist() == ROWS
    assert joined.names == ("a", "b")
    with pytest.raises(ScoreError, match="files of one kind"):
        join_tables([first, read(tmp_path, "1 2 3 4 5 6\n", columns=(6,))])
    assert np.isfinite(joined.values).all()
