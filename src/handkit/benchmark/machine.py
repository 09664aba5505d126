"""What a measurement was made on."""

import contextlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("handkit", "onnxruntime", "openvino", "torch", "numpy", "numba")


def machine() -> dict[str, Any]:
    """Processor, cores, how busy they are, system, versions; JSON values only."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": installed(),
    }


def installed() -> dict[str, str]:
    """Versions of the packages that are there."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def processor() -> str:
    """Its model, as /proc/cpuinfo names it; elsewhere what Python knows."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def in_words(machine: dict[str, Any]) -> list[str]:
    """Processor and load in one line, Python and packages in another."""
    load = "" if machine["load"] is None else f", load {machine['load']:.1f}"
    versions = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return [f"{machine['processor']}, {machine['cores']} cores{load}", f"Python {machine['python']}, {versions}"]


def command() -> str:
    """As it was typed, but for the path of the program."""
    name, *arguments = sys.argv
    return " ".join(["handkit" if os.path.basename(name) == "__main__.py" else os.path.basename(name), *arguments])
