"""Networks of anybody's choice alike, as one study more."""

from collections.abc import Sequence
from dataclasses import replace

from handkit.asked import Refinement
from handkit.errors import UsageError
from handkit.models.arguments import options, read_named, source_of, write_arguments
from handkit.models.papers import PAPERS
from handkit.recipes import synthetic_recipe
from handkit.studies.papers import NETWORKS
from handkit.studies.plan import own_row
from handkit.studies.table import Row, Study


def comparison(networks: Sequence[str], *, refinement: Refinement | None = None) -> Study:
    """Networks alike, each `NETWORK` or `NETWORK:key=value,...`; without any, the five. Raises HandkitError.

    NETWORK is one of ours, or `FILE.py:CLASS`.
    """
    rows = [_row_of(text) for text in networks] or NETWORKS.rows
    whole = {_in_full(row) for row in rows}
    if len(whole) < len(rows):
        raise UsageError("a network with the same arguments is named twice; name each once")
    refined = tuple(replace(row, refinement=refinement) for row in rows)
    return replace(NETWORKS, name="compare", title="Networks alike", rows=refined)


def _row_of(text: str) -> Row:
    network, arguments = read_named(text)
    if own := source_of(text):
        return own_row(text[len(own) - len(network) :], own, network=network, arguments=arguments)
    paper = None if arguments else PAPERS.get(network)
    return Row(text, arguments, paper.errors_mm if paper else {}, network=network)


def _in_full(row: Row) -> str:
    """The network with all of its arguments, those of our recipe and of its constructor among them."""
    network = row.network or NETWORKS.network
    defaults = {name: option.default for name, option in options(network).items()}
    return f"{network}:{write_arguments(defaults | synthetic_recipe(network).arguments | dict(row.arguments))}"
