"""What a command says beside its answer."""

import sys


def say(sentence: str) -> None:
    """To stderr, under the name of the program."""
    print(f"handkit: {sentence}", file=sys.stderr)
