"""What an option does not take, refused in a sentence before tyro refuses it in Python's words."""

from collections.abc import Sequence
from itertools import chain
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from tyro.constructors import PrimitiveConstructorSpec

from handkit.errors import UsageError

_NUMBERS = {int: "a whole number", float: "a number"}


class _Taken(NamedTuple):
    """By an option."""

    kinds: tuple[Any, ...]
    """int, float, or the words themselves; empty where it takes anything, or reads it itself."""
    many: bool
    """Values up to the next option."""


def check_values(command: Any, arguments: Sequence[str]) -> None:  # noqa: ANN401
    """Raise UsageError for the first value that is no number, or none of the words, that its option takes."""
    if {"-h", "--help"} & set(arguments):
        return
    hints = get_type_hints(command, include_extras=True)
    taken = {_option_of(name, hint): _taken(hint) for name, hint in hints.items()}
    option = ""
    for each in arguments:
        value = each
        if each.startswith("--"):
            option, _, value = each.partition("=")
            option = option.replace("_", "-")
        kinds, many = taken.get(option, _Taken((), many=False))
        if not value:
            continue
        if kinds and not any(_fits(value, kind) for kind in kinds):
            words = [str(_NUMBERS.get(kind, kind)) for kind in kinds if kind is not NoneType]
            listed = " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
            raise UsageError(f"{option} takes {listed}; got {value!r}")
        option = option if many else ""


def _option_of(name: str, hint: Any) -> str:  # noqa: ANN401
    """As it is typed: by its field, or the name that its annotation gives it."""
    given = next((part.name for part in get_args(hint)[1:] if getattr(part, "name", None)), name)
    return f"--{given.replace('_', '-')}"


def _taken(hint: Any) -> _Taken:  # noqa: ANN401
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return _Taken(_kinds(hint), many=get_origin(bare) is tuple)


def _kinds(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return () if any(isinstance(part, PrimitiveConstructorSpec) for part in parts[1:]) else _kinds(parts[0])
    if origin is Literal:
        return tuple(map(str, parts))
    if origin in (Union, UnionType, tuple):
        found = [_kinds(part) for part in parts if part is not Ellipsis]
        return tuple(chain(*found)) if all(found) else ()
    return (hint,) if hint in (int, float, NoneType) else ()


def _fits(value: str, kind: Any) -> bool:  # noqa: ANN401
    if kind in _NUMBERS:
        try:
            kind(value)
        except ValueError:
            return False
        return True
    return value == str(None if kind is NoneType else kind)
