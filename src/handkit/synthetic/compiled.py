"""One decorator for every compiled loop of the renderer."""

import inspect
from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit  # pyright: ignore[reportUnknownVariableType]

Function = TypeVar("Function", bound=Callable[..., object])

compile_loop = cast(
    Callable[[Callable[..., object]], Callable[..., object]],
    # No "nnan" and no "ninf": an empty pixel is an infinite depth. Without Python's ZeroDivisionError a
    # loop that divides can use vector instructions.
    njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"}),  # pyright: ignore[reportArgumentType],
)


def kernel(function: Function) -> Function:
    """Compile a function with numba: no interpreter lock, kept on disk, its annotations left to the reader.

    The function is unwrapped first, since under test every function arrives wrapped in a type checker
    that numba cannot compile.
    """
    return cast(Function, compile_loop(inspect.unwrap(function)))
