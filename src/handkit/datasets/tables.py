"""Label and center files of the data sets: lines of numbers, perhaps with a name before them."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from handkit.errors import DatasetError, MissingError
from handkit.files.number_tables import NumberTable, Tolerances, first_words, read_numbers

REMEDY = "the file is cut short or was edited, unpack or download it again"


def read_rows(path: Path, *, columns: int, named: bool = False, skip: int = 0) -> NumberTable:
    """`columns` numbers a line, float32, after `skip` lines of head, split at any white space; raises DatasetError."""
    with readable(path):
        return read_numbers(
            path,
            columns=(columns,),
            expected=f"{columns} coordinates: {REMEDY}",
            error=DatasetError,
            tolerances=Tolerances(names="all" if named else "none", head=skip),
            dtype=np.float32,
        )


def read_head(path: Path) -> list[str]:
    """The words of the first line; raises DatasetError."""
    with readable(path):
        return first_words(path, error=DatasetError)


@contextmanager
def readable(path: Path) -> Generator[None]:
    """Says DatasetError where a file is missing or cannot be read."""
    try:
        yield
    except FileNotFoundError:
        raise MissingError(
            "is missing; give another path, or unpack the data set's archive again", source=path
        ) from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from None
