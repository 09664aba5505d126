"""Rows of a paper's table, and the table: data alone, listed without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handkit.asked import Refinement


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of the network's constructor."""
    reported_mm: Mapping[str, float] = field(default_factory=dict[str, float])
    """The paper's mean joint error by data set."""
    refinement: Refinement | None = None
    augmented: bool = True
    network: str | None = None
    """If not the study's."""
    experiment: str | None = None
    """Row of `recipes.SRN_TABLE_1` whose learning rate it has on a store, if not its network's."""
    worse: bool | None = field(default=None, repr=False)
    """Whether the paper has it worse than the first row, where its text says so without a figure."""
    base: str | None = field(default=None, repr=False)
    """Name of the row that it is compared with, if not the first and if it is shown."""
    own: str | None = None
    """`FILE.py:CLASS` of a network of the user's own ..."""
    source: str | None = None
    """... and SHA-256 of this file."""

    @property
    def located(self) -> bool:
        """Whether a localizer moves the centers, at test at least."""
        return self.refinement in {"test", "train+test"}


@dataclass(frozen=True)
class Study:
    """A table or figure of a paper; the others are compared with its first row, or with a base of their own.

    `cumulative`: each row has what those above it have, and is compared with the one before it.
    """

    name: str
    title: str
    source: str
    """Where the figures come from: table, and section of the reference."""
    network: str
    rows: tuple[Row, ...]
    cumulative: bool = False
    folds: bool = False
    """Every subject of the store left out in turn."""
    splits: Mapping[str, str] = field(default_factory=dict[str, str])
    """By data set what the paper trains this table on, if not what it trains its network on."""
