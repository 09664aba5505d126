"""What a measurement was made on."""

import os
import platform
from typing import Any

from handkit.models.made_on import command, installed, processor

__all__ = ["command", "in_words", "machine"]

PACKAGES = ("handkit", "onnxruntime", "openvino", "torch", "numpy", "numba")


def machine() -> dict[str, Any]:
    """Processor, cores, how busy they are, system, versions; JSON values only."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": installed(PACKAGES),
    }


def in_words(machine: dict[str, Any]) -> list[str]:
    """Processor and load in one line, Python and packages in another."""
    load = "" if machine["load"] is None else f", load {machine['load']:.1f}"
    versions = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return [f"{machine['processor']}, {machine['cores']} cores{load}", f"Python {machine['python']}, {versions}"]
