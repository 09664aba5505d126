"""Packages that come with an extra of handkit: imported where they are needed, named where they are missing."""

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

from handkit.errors import MissingExtraError

PACKAGE = Path(__file__).parent
BROUGHT_BY = {
    "torch": "train", "lightning": "train", "numba": "train", "safetensors": "train", "jaxtyping": "train",
    "zstandard": "train", "scipy": "data", "onnx": "export", "onnxscript": "export", "openvino": "openvino",
}  # fmt: skip
"""Packages that not everybody installs and that are imported without `load`, and the extra that brings them."""


def install_command(extra: str) -> str:
    """What installs an extra beside the handkit that runs: its clone's, where it runs from one, with the pip it has."""
    python = Path(sys.executable)
    found = shutil.which("pip")
    pip = "pip" if found and Path(found).parent == python.parent else f"{_short(python)} -m pip"
    if clone := clone_of(PACKAGE):
        return f"{pip} install -e '{_short(clone)}[{extra}]'"
    return f"{pip} install 'handkit[{extra}]'"


def clone_of(package: Path) -> Path | None:
    """The clone that a package runs from; None for one that was installed from a wheel."""
    root = package.parents[1]
    return root if (root / "pyproject.toml").is_file() else None


def missing_extra(what: str, *, extra: str) -> MissingExtraError:
    """The error that says what is missing, and the command that installs it."""
    return MissingExtraError(f"{what}: {install_command(extra)}")


def explained(error: ModuleNotFoundError, *, what: str) -> Exception:
    """That `what` needs a package, which is not installed; the error itself where no extra brings what is missing."""
    package = (error.name or "").partition(".")[0]
    if package not in BROUGHT_BY:
        return error
    extra = BROUGHT_BY[package]
    needed = "torch" if extra == "train" else package
    return missing_extra(f"{what} needs {needed}, which is not installed", extra=extra)


def load(module: str, *, extra: str) -> Any:  # noqa: ANN401
    """The module; raises MissingExtraError with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if "shared object" in str(error):  # which no pip brings
            raise MissingExtraError(
                f"{package} cannot be loaded ({error}): install that library with the system's package manager"
                + (" (libusb-1.0-0 of Debian and Ubuntu)" if "libusb" in str(error) else "")
            ) from None
        absent = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package
        raise missing_extra(
            f"{package} {'is not installed' if absent else f'cannot be loaded ({error})'}", extra=extra
        ) from None


def _short(path: Path) -> Path:
    """From the working directory, where it lies in there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
