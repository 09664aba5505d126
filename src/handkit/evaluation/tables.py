"""Text files of joints: a frame a line, perhaps with its name before it, in whatever way people wrote them.

White space, tabs, commas or semicolons; blank lines; lines that begin with # or %; a head of words, or MSRA's line with
the number of frames.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from handkit.errors import ScoreError
from handkit.files.number_tables import NOT_A_NUMBER, NumberTable, Tolerances, read_numbers

ANY = Tolerances(names="found", head=None, missing=NOT_A_NUMBER, loose=True)


def read_table(path: Path, *, columns: Sequence[int], expected: str) -> NumberTable:
    """Rows of one of the numbers of `columns`, the same for all lines; raises ScoreError.

    `expected` says in the user's words what the columns are, for the errors.
    """
    try:
        table = read_numbers(path, columns=columns, expected=expected, error=ScoreError, tolerances=ANY)
    except OSError as error:
        raise ScoreError(f"{path} cannot be read: {error.strerror or error}") from None
    if not len(table.lines):
        raise ScoreError(f"{path} holds no line of numbers; expected {expected}")
    return table


def join_tables(tables: Sequence[NumberTable]) -> NumberTable:
    """One after the other: ICVL's labels come as two files. Raises ScoreError where their columns differ."""
    first = tables[0]
    for table in tables[1:]:
        if table.values.shape[1] != first.values.shape[1]:
            raise ScoreError(
                f"{table.path} has {table.values.shape[1]} numbers a line, {first.path} {first.values.shape[1]}; "
                "give label files of one kind"
            )
    named = all(table.names for table in tables)
    return NumberTable(
        first.path,
        tuple(name for table in tables for name in table.names) if named else (),
        np.concatenate([table.values for table in tables]),
        np.concatenate([table.lines for table in tables]),
    )
