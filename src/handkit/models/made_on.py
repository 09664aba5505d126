"""What weights and figures are made on: the processor, the versions, the command; without torch."""

import contextlib
import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def processor() -> str:
    """As Linux names it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of Python, and of those of the packages that are installed."""
    return {"python": platform.python_version()} | installed(packages)


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Versions of the packages that are there."""
    found: dict[str, str] = {}
    for name in packages:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def command() -> str:
    """As it was typed, but for the path of the program; `python -m handkit` is `handkit`."""
    name = os.path.basename(sys.argv[0])
    return " ".join(["handkit" if name == "__main__.py" else name, *sys.argv[1:]])
