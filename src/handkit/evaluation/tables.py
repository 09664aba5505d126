"""Text files of joints: a frame a line, perhaps with its name before it, in whatever way people wrote them.

White space, tabs, commas or semicolons; LF, CR LF or ICVL's CR CR LF; `.gz` or not; blank lines; lines that begin
with # or %; a head of words, or MSRA's line with the number of frames. Errors name the line of the file.
"""

import gzip
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from handkit.errors import ScoreError

NOT_A_NUMBER = frozenset({"nan", "-nan", "+nan", "inf", "-inf", "+inf", "1.#qnan", "-1.#ind", "1.#inf", "invalid"})
"""How programs write that there is no number, in lower case."""
LARGEST = 1e5
"""Beyond this (100 m, or as many pixels) a number is no coordinate."""
MOST_BYTES = 2**30
"""Of a file, unpacked; the largest test set, HANDS2017's, takes 400 MB with 16 digits a number."""
MOST_DIGITS = 9
"""Of a number of frames."""


@dataclass(frozen=True)
class Table:
    """The rows of one or several files, in their order; NaN where a row has no number."""

    path: Path
    """Of the first file."""
    names: tuple[str, ...]
    """Of the frames, with `/`; empty where the files give none."""
    values: Float[np.ndarray, "N C"]
    lines: Int[np.ndarray, " N"]
    """Line of every row in its file, from 1."""

    def missing(self) -> Int[np.ndarray, " M"]:
        """Rows with a number that is none."""
        return np.flatnonzero(~np.isfinite(self.values).all(axis=1))


def read_table(path: Path, *, columns: Sequence[int], expected: str) -> Table:
    """Rows of one of the numbers of `columns`, the same for all lines; raises ScoreError.

    `expected` says in the user's words what the columns are, for the errors.
    """
    rows = _Rows(path, columns, expected)
    for number, line in enumerate(_text(path).splitlines(), start=1):
        tokens = line.replace(",", " ").replace(";", " ").split()
        if tokens and tokens[0][0] not in "#%":
            rows.add(number, tokens)
    return rows.table()


def join_tables(tables: Sequence[Table]) -> Table:
    """One after the other: ICVL's labels come as two files. Raises ScoreError where their columns differ."""
    first = tables[0]
    for table in tables[1:]:
        if table.values.shape[1] != first.values.shape[1]:
            raise ScoreError(
                f"{table.path} has {table.values.shape[1]} numbers a line, {first.path} {first.values.shape[1]}; "
                "give label files of one kind"
            )
    named = all(table.names for table in tables)
    return Table(
        first.path,
        tuple(name for table in tables for name in table.names) if named else (),
        np.concatenate([table.values for table in tables]),
        np.concatenate([table.lines for table in tables]),
    )


def _text(path: Path) -> str:
    """The file as text; raises ScoreError where it is none. CR CR LF counts as one end of line."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ScoreError(f"{path} holds more than {MOST_BYTES >> 20} MB; give one line of numbers for each frame")
        return data.decode("utf-8-sig").replace("\r\r\n", "\n").replace("\r\n", "\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ScoreError(f"{path} is a damaged .gz file ({error}); download it again") from None
    except UnicodeDecodeError:
        raise ScoreError(f"{path} is not a text file; give one line of numbers for each frame") from None
    except OSError as error:
        raise ScoreError(f"{path} cannot be read: {error.strerror or error}") from None


class _Rows:
    """Collects the lines of one file."""

    def __init__(self, path: Path, columns: Sequence[int], expected: str) -> None:
        self.path, self.columns, self.expected = path, columns, expected
        self._width: int | None = None
        self._promised: int | None = None
        self._names: list[str] = []
        self._lines: list[int] = []
        self._values = array("d")

    def add(self, number: int, tokens: list[str]) -> None:
        """One line that is not blank."""
        if not self._lines and self._promised is None and self._head(tokens):
            return
        if len(tokens) == 1 and tokens[0].lower() == "invalid":
            tokens = []
        elif _number(tokens[0]) is None or len(tokens) - 1 == (self._width or self.columns[0]):
            self._names.append(tokens.pop(0).replace("\\", "/"))
        if tokens and len(tokens) not in ((self._width,) if self._width else self.columns):
            raise ScoreError(f"{self.path} line {number}: {len(tokens)} numbers, expected {self._wanted(len(tokens))}")
        self._width = self._width or len(tokens) or self.columns[0]
        self._lines.append(number)
        self._values.extend(self._numbers(number, tokens) if tokens else [float("nan")] * self._width)

    def table(self) -> Table:
        """Raises ScoreError where there is no row, or names before some of the lines only."""
        if not self._lines:
            raise ScoreError(f"{self.path} holds no line of numbers; expected {self.expected}")
        if self._promised is not None and self._promised != len(self._lines):
            raise ScoreError(
                f"{self.path} promises {self._promised} frames in its first line but holds {len(self._lines)}; "
                "the file is cut short, unpack it again"
            )
        if self._names and len(self._names) != len(self._lines):
            raise ScoreError(
                f"{self.path}: {len(self._names)} of {len(self._lines)} lines begin with a name; name all or none"
            )
        values = np.array(self._values).reshape(len(self._lines), -1)
        wild = np.argwhere(np.isfinite(values) & (np.abs(values) > LARGEST))
        if len(wild):
            row, column = wild[0].tolist()
            raise ScoreError(
                f"{self.path} line {self._lines[row]}: number {column + 1}, {values[row, column]:g}, is no coordinate; "
                f"expected {self.expected}, in mm or pixels"
            )
        return Table(self.path, tuple(self._names), values, np.array(self._lines, np.int64))

    def _head(self, tokens: list[str]) -> bool:
        """A first line that is no row: words only, or how many rows follow."""
        numbers = [token for token in tokens if _number(token) is not None]
        if len(tokens) == 1 and tokens[0].isdecimal() and len(tokens[0]) <= MOST_DIGITS:
            self._promised = int(tokens[0])
            return True
        return not numbers and tokens[0].lower() not in NOT_A_NUMBER

    def _numbers(self, number: int, tokens: list[str]) -> list[float]:
        """Raises ScoreError that names the word that is no number."""
        try:
            return list(map(float, tokens))
        except ValueError:
            numbers = [_number(token) for token in tokens]
        for column, value in enumerate(numbers, start=1):
            if value is None:
                word = tokens[column - 1][:20]
                raise ScoreError(f"{self.path} line {number}: number {column} is {word!r}; expected {self.expected}")
        return [value for value in numbers if value is not None]

    def _wanted(self, seen: int) -> str:
        if self._width and seen in self.columns:
            return f"{self._width} as on the lines above"
        return self.expected


def _number(token: str) -> float | None:
    """NaN for the ways in which programs write that there is none; None for words."""
    try:
        return float(token)
    except ValueError:
        return float("nan") if token.lower() in NOT_A_NUMBER else None
