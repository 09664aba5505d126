"""Packages that come with an extra of handkit: imported where they are needed, named where they are missing."""

import importlib
from typing import Any

from handkit.errors import MissingExtraError


def load(module: str, *, extra: str) -> Any:  # noqa: ANN401
    """The module; raises MissingExtraError with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == module.split(".")[0]
        reason = "is not installed" if missing else f"cannot be loaded ({error})"
        raise MissingExtraError(f"{module.split('.')[0]} {reason}: pip install 'handkit[{extra}]'") from None
