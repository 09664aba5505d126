"""Label and centre files: lines of numbers, perhaps with a name before them; every error names its line."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from handkit.errors import DatasetError, MissingError

LARGEST = 1e5
"""Beyond this (100 m, or as many pixels), and for what is not finite, a number cannot be a label."""
_LINES_AT_ONCE = 8192


class Rows(NamedTuple):
    """What a text file says, blank lines left out."""

    names: list[str]
    """The word before the numbers of every line; empty where lines are numbers only."""
    numbers: Float32[np.ndarray, "N C"]
    lines: list[int]
    """Line of every row in the file, from 1."""


def read_rows(path: Path, *, columns: int, named: bool = False, skip: int = 0) -> Rows:
    """`columns` numbers a line after `skip` lines of head, split at any white space; raises DatasetError.

    Lines may end in LF, CR LF or, as ICVL's do, in CR CR LF (docs/reference.md, 1.2).
    """
    names: list[str] = []
    lines: list[int] = []
    parts: list[Float32[np.ndarray, "K C"]] = []
    rows: list[str] = []

    def flush() -> None:
        parts.append(_numbers(path, rows, lines[len(lines) - len(rows) :], columns))
        rows.clear()

    for line, text in numbered_lines(path):
        row = text.decode(errors="replace").strip()
        if line <= skip or not row:
            continue
        lines.append(line)
        if named:
            name, *rest = row.split(None, 1)
            names.append(name.replace("\\", "/"))
            row = rest[0] if rest else ""
        rows.append(row)
        if len(rows) == _LINES_AT_ONCE:
            flush()
    flush()
    return Rows(names, np.concatenate(parts), lines)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines from 1; raises DatasetError where the file is missing or cannot be read."""
    try:
        with path.open("rb") as file:
            yield from enumerate(file, start=1)
    except FileNotFoundError:
        raise MissingError(path, "give another path, or unpack the data set's archive again") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from None


def _numbers(path: Path, rows: list[str], lines: list[int], columns: int) -> Float32[np.ndarray, "K C"]:
    """All at once, which is fast; line by line only to name the one that is wrong."""
    if not rows:
        return np.empty((0, columns), np.float32)
    try:
        numbers = np.loadtxt(rows, np.float32, comments=None, ndmin=2)
    except ValueError:
        numbers = np.empty((0, 0), np.float32)
    if numbers.shape == (len(rows), columns) and (np.abs(numbers) <= LARGEST).all():
        return numbers
    for line, row in zip(lines, rows, strict=True):
        _check_line(path, line, row.split(), columns)
    raise DatasetError(f"{path} holds what is no label between lines {lines[0]} and {lines[-1]}; download it again")


def _check_line(path: Path, line: int, words: list[str], columns: int) -> None:
    again = "the file is cut short or was edited, unpack or download it again"
    if len(words) != columns:
        raise DatasetError(f"{path}, line {line}: {len(words)} numbers where {columns} were expected; {again}")
    for word in words:
        try:
            number = float(word)
        except ValueError:
            raise DatasetError(f"{path}, line {line}: {word[:20]!r} is not a number; {again}") from None
        if not abs(number) <= LARGEST:
            raise DatasetError(f"{path}, line {line}: {word[:20]} is no coordinate; {again}")
