"""Label and centre files: lines of numbers, perhaps with a name before them; every error names its line."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from handkit.data.dataset import DatasetError, MissingError

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

    Lines may end in LF, CR LF or, as ICVL's do, in CR CR LF (reference facts 1.2).
    """
    names: list[str] = []
    lines: list[int] = []
    parts: list[Float32[np.ndarray, "K C"]] = []
    words: list[list[bytes]] = []

    def flush() -> None:
        parts.append(_numbers(path, words, lines[len(lines) - len(words) :], columns))
        words.clear()

    for line, text in numbered_lines(path):
        tokens = text.split()
        if line <= skip or not tokens:
            continue
        lines.append(line)
        if named:
            names.append(tokens.pop(0).decode(errors="replace").replace("\\", "/"))
        words.append(tokens)
        if len(words) == _LINES_AT_ONCE:
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


def _numbers(path: Path, words: list[list[bytes]], lines: list[int], columns: int) -> Float32[np.ndarray, "K C"]:
    """All at once, which is fast; line by line only to name the one that is wrong."""
    if all(len(row) == columns for row in words):
        try:
            numbers = np.array(words, np.float64).reshape(len(words), columns)
        except ValueError:
            pass
        else:
            with np.errstate(over="ignore"):
                small = numbers.astype(np.float32)
            if np.isfinite(small).all():
                return small
    for line, row in zip(lines, words, strict=True):
        _check_line(path, line, row, columns)
    raise DatasetError(f"{path} holds numbers that are too large; download it again")


def _check_line(path: Path, line: int, row: list[bytes], columns: int) -> None:
    again = "the file is cut short or was edited, unpack or download it again"
    if len(row) != columns:
        raise DatasetError(f"{path}, line {line}: {len(row)} numbers where {columns} were expected; {again}")
    for word in row:
        try:
            number = float(word)
        except ValueError:
            shown = word.decode(errors="replace")[:20]
            raise DatasetError(f"{path}, line {line}: {shown!r} is not a number; {again}") from None
        if not math.isfinite(number):
            raise DatasetError(f"{path}, line {line}: {word.decode()} is no coordinate; {again}")
