"""What a command says beside its answer."""

import sys

PIPED_WIDTH = 120
"""A pipe is as wide as the tables."""
WIDE = 150
"""Those of `handkit info`."""


def say(sentence: str) -> None:
    """To stderr, under the name of the program."""
    print(f"handkit: {sentence}", file=sys.stderr)
