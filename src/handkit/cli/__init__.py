"""The command line: what a user types. A command is a file; its work is imported when it runs, so help is instant.

Exit status: 0 something was done, 1 nothing could be, 2 wrong usage, 130 interrupted.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import tyro
from tyro.conf import Positional, arg
from tyro.extras import subcommand_cli_from_dict

import handkit
from handkit.cli.annotate import Annotate
from handkit.cli.benchmark import Benchmark
from handkit.cli.cameras import Cameras
from handkit.cli.compare import Compare
from handkit.cli.completion import print_completion
from handkit.cli.convert import Convert
from handkit.cli.data import DATA_COMMANDS
from handkit.cli.demo import Demo
from handkit.cli.doctor import Doctor
from handkit.cli.evaluate import Evaluate
from handkit.cli.export import Export
from handkit.cli.info import Info
from handkit.cli.live import Live
from handkit.cli.options import join_camera
from handkit.cli.predict import Predict
from handkit.cli.push import Push
from handkit.cli.render import Render
from handkit.cli.replay import Replay
from handkit.cli.score import Score
from handkit.cli.study import RunStudy
from handkit.cli.train import Train
from handkit.cli.values import check_values
from handkit.errors import HandkitError
from handkit.extras import explained


class Command(Protocol):
    """Options, and what to do with them."""

    def run(self) -> int:
        """The exit status; raises HandkitError."""
        ...


@dataclass(frozen=True)
class Data:
    """ICVL, NYU, MSRA15 and HANDS2017 as they were downloaded: commands of their own."""

    def run(self) -> int:
        return main(["data"])  # for the list of commands; `main` passes on to the group's own before it gets here


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Print what completes commands and options in a shell: `source <(handkit completion bash)`."""

    shell: Annotated[Positional[Literal["bash", "zsh", "fish"]], arg(metavar="SHELL")]
    """That reads it."""

    def run(self) -> int:
        print_completion(self.shell, COMMANDS, GROUPS)
        return 0


COMMANDS: dict[str, Callable[..., Command]] = {
    "predict": Predict,
    "annotate": Annotate,
    "live": Live,
    "train": Train,
    "render": Render,
    "demo": Demo,
    "evaluate": Evaluate,
    "score": Score,
    "compare": Compare,
    "study": RunStudy,
    "export": Export,
    "push": Push,
    "info": Info,
    "cameras": Cameras,
    "convert": Convert,
    "replay": Replay,
    "doctor": Doctor,
    "benchmark": Benchmark,
    "completion": Completion,
    "data": Data,
}
GROUPS: dict[str, dict[str, Callable[..., Command]]] = {"data": {**DATA_COMMANDS}}
"""Commands that have commands of their own."""

DESCRIPTION = "From any depth frame to a hand: 21 joints in camera millimeters."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, answer its exit status; bad input ends in a sentence on stderr, not in a traceback."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    _open_streams()
    if given == ["--version"]:
        print(f"handkit {handkit.__version__}")
        return 0
    try:
        _check_folder()
        return _run(given)
    except HandkitError as error:
        print(f"handkit: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("handkit: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has what it wanted (`| head`). Python flushes stdout once more at its end: let it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sentence = f"{where}{error.strerror or error}"
        if isinstance(error, FileExistsError):
            sentence = f"{error.filename} is a file where a folder is to be made; give another --out"
        print(f"handkit: {sentence}", file=sys.stderr)
        return 1


def _open_streams() -> None:
    """Where stdout or stderr is closed, what is said there goes nowhere, and not to the other one."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _check_folder() -> None:
    """Raise HandkitError where the working folder has been deleted: relative names mean nothing then."""
    try:
        os.getcwd()
    except OSError as error:
        raise HandkitError(f"the working folder cannot be used: {error.strerror}; go to another (cd)") from None


def _run(given: list[str]) -> int:
    """One command; raises HandkitError where it needs a package that is not installed."""
    given = join_camera(given)
    group = given[0] if given and given[0] in GROUPS else ""
    commands, rest = GROUPS.get(group, COMMANDS), given[1:] if group else given
    try:
        if rest and rest[0] in commands:  # alone, so that what it says of a wrong option is of this command
            prog = " ".join(["handkit", *given[: len(given) - len(rest) + 1]])
            check_values(commands[rest[0]], rest[1:])
            return tyro.cli(commands[rest[0]], prog=prog, args=rest[1:]).run()
        asked = subcommand_cli_from_dict(
            commands,
            prog=f"handkit {group}".strip(),
            description=COMMANDS[group].__doc__ if group else DESCRIPTION,
            args=rest or ["--help"],
        )
        return asked.run()
    except ModuleNotFoundError as error:
        raise explained(error, what="this") from None
