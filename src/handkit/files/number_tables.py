"""Text files of numbers: a frame a line, perhaps with its name before it, as strictly or loosely as is asked for.

Lines end in LF, CR LF or, as ICVL's test labels do (docs/reference.md, 1.2), in CR CR LF; blank ones do not count;
`.gz` or not. Every error names the line of the file.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from handkit.errors import HandkitError
from handkit.files.regular import open_regular
from handkit.shapes import Float, Int

LARGEST = 1e5
"""Beyond this (100 m, or as many pixels) a number is no coordinate."""
MOST_BYTES = 2**30
"""Of a `.gz` file, unpacked; the largest test set, HANDS2017's, takes 400 MB with 16 digits a number."""
MOST_DIGITS = 9
"""Of a number of frames."""
NOT_A_NUMBER = frozenset(
    {sign + word for sign in ("", "-", "+") for word in ("nan", "inf", "infinity")}
    | {"1.#qnan", "-1.#ind", "1.#inf", "invalid"}
)
"""How programs write that there is no number, in lower case."""
_LINES_AT_ONCE = 8192


@dataclass(frozen=True)
class Tolerances:
    """What a file may hold beside lines of numbers."""

    names: Literal["none", "all", "found"] = "none"
    """Whether a name precedes the numbers; found: where the first word is no number, or one too many."""
    head: int | None = 0
    """Lines of head; None: a first line of words only, or MSRA's with the number of rows, where there is one."""
    missing: frozenset[str] = frozenset()
    """Words in the place of a missing number; one alone, for all numbers of its line."""
    loose: bool = False
    """Also commas and semicolons between numbers, and lines that begin with # or %."""


@dataclass(frozen=True)
class NumberTable:
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


def read_numbers(
    path: Path,
    *,
    columns: Sequence[int],
    expected: str,
    error: type[HandkitError],
    tolerances: Tolerances,
    dtype: type[np.floating] = np.float64,
) -> NumberTable:
    """Rows of one of the numbers of `columns`, the same for all lines; perhaps none at all.

    `expected` says in the user's words what the columns are, and perhaps what to do; every `error` ends in it. Raises
    `error` for what the file holds, OSError where it cannot be read.
    """
    rows = _Rows(path, columns, expected, error, tolerances)
    for number, text in _lines(path, error):
        line = text.replace(",", " ").replace(";", " ") if tolerances.loose else text
        tokens = line.split()
        if tokens and not (tolerances.loose and tokens[0][0] in "#%"):
            rows.add(number, tokens, dtype)
    return rows.table(dtype)


def first_words(path: Path, *, error: type[HandkitError]) -> list[str]:
    """The words of the first line; none of an empty file. Raises as `read_numbers`."""
    return next((text.split() for _, text in _lines(path, error)), [])


def _lines(path: Path, error: type[HandkitError]) -> Iterator[tuple[int, str]]:
    """Numbered from 1."""
    try:
        for number, line in enumerate(_bytes_of_lines(path), start=1):
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except (EOFError, zlib.error, gzip.BadGzipFile) as damage:
        raise error(f"{path} is a damaged .gz file ({damage}); download it again") from None
    except UnicodeDecodeError:
        raise error(f"{path} is not a text file; give one line of numbers for each frame") from None
    except OverflowError:
        raise error(f"{path} holds more than {MOST_BYTES >> 20} MB; give one line of numbers for each frame") from None


def _bytes_of_lines(path: Path) -> Iterator[bytes]:
    """Raises OverflowError where a `.gz` file unpacks to more than `MOST_BYTES`."""
    packed, total = path.suffix == ".gz", 0
    with open_regular(path) as raw, gzip.open(raw) if packed else raw as file:
        while line := file.readline(MOST_BYTES):
            total += len(line)
            if packed and total > MOST_BYTES:
                raise OverflowError
            yield line


class _Rows:
    """Collects the lines of one file."""

    def __init__(
        self, path: Path, columns: Sequence[int], expected: str, error: type[HandkitError], tolerances: Tolerances
    ) -> None:
        self.path, self.columns, self.expected = path, columns, expected
        self.error, self.tolerances = error, tolerances
        self._width = columns[0] if len(columns) == 1 else None
        self._promised: int | None = None
        self._names: list[str] = []
        self._lines: list[int] = []
        self._waiting: list[list[str]] = []
        self._parts: list[Float[np.ndarray, "K C"]] = []

    def add(self, number: int, tokens: list[str], dtype: type[np.floating]) -> None:
        """One line that is not blank."""
        if self._is_head(number, tokens):
            return
        if len(tokens) == 1 and tokens[0].lower() in self.tolerances.missing:
            tokens = []
        elif self._is_named(tokens):
            self._names.append(tokens.pop(0).replace("\\", "/"))
        if not tokens and self.tolerances.missing:
            tokens = [min(self.tolerances.missing)] * (self._width or self.columns[0])
        if len(tokens) not in ((self._width,) if self._width else self.columns):
            raise self._refused(number, f"{len(tokens)} numbers,", seen=len(tokens))
        self._width = len(tokens)
        self._lines.append(number)
        self._waiting.append(tokens)
        if len(self._waiting) == _LINES_AT_ONCE:
            self._flush(dtype)

    def table(self, dtype: type[np.floating]) -> NumberTable:
        """Raises where there are fewer rows than promised, or names before some of the lines only."""
        self._flush(dtype)
        count = len(self._lines)
        if self._promised is not None and self._promised != count:
            raise self.error(
                f"{self.path} promises {self._promised} frames in its first line but holds {count}; "
                "the file is cut short, unpack it again"
            )
        if self._names and len(self._names) != count:
            raise self.error(f"{self.path}: {len(self._names)} of {count} lines begin with a name; name all or none")
        values = np.concatenate([np.empty((0, self._width or self.columns[0]), dtype), *self._parts])
        return NumberTable(self.path, tuple(self._names), values, np.array(self._lines, np.int64))

    def _is_head(self, number: int, tokens: list[str]) -> bool:
        """One of the lines of head, words only, or how many rows follow."""
        if self.tolerances.head is not None:
            return number <= self.tolerances.head
        if self._lines or self._promised is not None:
            return False
        if len(tokens) == 1 and tokens[0].isdecimal() and len(tokens[0]) <= MOST_DIGITS:
            self._promised = int(tokens[0])
            return True
        return not any(self._is_number(token) for token in tokens)

    def _is_named(self, tokens: list[str]) -> bool:
        if self.tolerances.names == "found":
            one_more = len(tokens) - 1 == (self._width or self.columns[0])
            return not self._is_number(tokens[0]) or (one_more and tokens[0].isdecimal())
        return self.tolerances.names == "all"

    def _is_number(self, token: str) -> bool:
        return token.lower() in self.tolerances.missing or _number(token) is not None

    def _flush(self, dtype: type[np.floating]) -> None:
        """All at once, which is fast; word by word where that fails, or to name what is wrong."""
        if not self._waiting:
            return
        try:
            with np.errstate(over="ignore"):
                numbers = np.array(self._waiting, dtype)
        except ValueError:
            numbers = np.full(1, np.nan, dtype)
        if not (np.abs(numbers) <= LARGEST).all():
            lines = self._lines[-len(self._waiting) :]
            pairs = zip(lines, self._waiting, strict=True)
            numbers = np.array([self._numbers(line, tokens) for line, tokens in pairs], dtype)
        self._parts.append(numbers)
        self._waiting = []

    def _numbers(self, line: int, tokens: list[str]) -> list[float]:
        """Of one line; raises for the first word that is no coordinate."""
        numbers: list[float] = []
        for column, token in enumerate(tokens, start=1):
            value = float("nan") if token.lower() in self.tolerances.missing else _number(token)
            if value is None:
                raise self._refused(line, f"number {column} is {token[:20]!r};")
            if not abs(value) <= LARGEST and token.lower() not in self.tolerances.missing:
                raise self._refused(line, f"number {column}, {token[:20]}, is no coordinate;")
            numbers.append(value)
        return numbers

    def _refused(self, line: int, words: str, *, seen: int = 0) -> HandkitError:
        above = self._width and len(self.columns) > 1 and seen in self.columns
        expected = f"{self._width} as on the lines above" if above else self.expected
        return self.error(f"{self.path}, line {line}: {words} expected {expected}")


def _number(token: str) -> float | None:
    """None for words."""
    try:
        return float(token)
    except ValueError:
        return None
