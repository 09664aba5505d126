"""One decorator for every compiled loop of the renderer."""

import contextlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from numba import njit  # pyright: ignore[reportUnknownVariableType]

Function = TypeVar("Function", bound=Callable[..., object])

compile_loop = cast(
    Callable[[Callable[..., object]], Callable[..., object]],
    # No "nnan" and no "ninf": an empty pixel is an infinite depth. Without Python's ZeroDivisionError a
    # loop that divides can use vector instructions.
    njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"}),  # pyright: ignore[reportArgumentType]
)


def kernel(function: Function) -> Function:
    """Compile a function with numba: no interpreter lock, kept on disk, its annotations left to the reader.

    The function is unwrapped first, since under test every function arrives wrapped in a type checker
    that numba cannot compile.
    """
    return cast(Function, compile_loop(inspect.unwrap(function)))


def _forget_outdated(folder: Path) -> None:
    """Delete compiled loops older than any of the sources.

    numba itself renews a loop when its own file has changed, but not when a file that it calls into has.
    """
    sources = [path for path in folder.glob("*.py") if "import kernel" in path.read_text(encoding="utf-8")]
    newest = max(path.stat().st_mtime for path in sources)
    for index in (folder / "__pycache__").glob("*.nbi"):
        # Another process may be first, or the folder may not be ours to write.
        with contextlib.suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()


_forget_outdated(Path(__file__).parent)
