"""`handkit`, and `python -m handkit` where its script is not on the path."""

import sys


def main() -> int:
    """The command line; Ctrl-C is answered while it is imported too."""
    try:
        from handkit.cli import main as command_line
    except KeyboardInterrupt:
        print("handkit: interrupted", file=sys.stderr)
        return 130
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
