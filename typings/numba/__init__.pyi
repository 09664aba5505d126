"""The part of numba that handkit uses: numba ships no types, and an untyped decorator hides the function."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, overload

_P = ParamSpec("_P")
_R = TypeVar("_R")

@overload
def njit(function: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def njit(
    *,
    cache: bool = ...,
    parallel: bool = ...,
    fastmath: bool | set[str] = ...,
    nogil: bool = ...,
    boundscheck: bool = ...,
    inline: str = ...,
    error_model: str = ...,
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...

prange = range

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
