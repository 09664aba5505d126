"""Networks and their constructor arguments as a user names them: `srn`, `srn:stages=1,theta=0.6`.

What a constructor takes is read off its signature, so that a new argument of a network is an option here at once.
"""

import inspect
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from handkit.errors import UsageError, suggest
from handkit.models import MODELS, PARTS, readout_of
from handkit.models.network import HandPoseModel, signature_of

TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
BETWEEN = "+"
"""Between the parts of a value that has several: `planes=xy+xz`."""


class _OtherChoiceError(ValueError):
    """What was written is none of the choices; `hint` is what may have been meant."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


@dataclass(frozen=True)
class Option:
    """One keyword of a network's constructor."""

    name: str
    default: Any
    annotation: Any

    @property
    def choices(self) -> tuple[Any, ...]:
        """What the value, or each of its parts, may be; empty where a number is wanted."""
        inner = get_args(self.annotation)[0] if self.several else self.annotation
        return (True, False) if inner is bool else get_args(inner) if get_origin(inner) is Literal else ()

    @property
    def several(self) -> bool:
        """Whether the value is a sequence."""
        return get_origin(self.annotation) not in {None, Literal} and isinstance(self.default, (tuple, list))

    @property
    def kinds(self) -> str:
        """What may be written where there are no choices: "a whole number", "a number or none"."""
        names = {int: "a whole number", float: "a number", NoneType: "none"}
        return " or ".join(names.get(kind, str(kind)) for kind in get_args(self.annotation) or (self.annotation,))

    def read(self, text: str) -> Any:  # noqa: ANN401
        """The value that a user wrote; raises ValueError where it cannot be one."""
        if self.several:
            return [self._one(part) for part in text.split(BETWEEN)]
        return self._one(text)

    def _one(self, text: str) -> Any:  # noqa: ANN401
        if self.choices == (True, False):
            return TRUTH[_nearest(text.lower(), list(TRUTH))]
        if self.choices:
            return _nearest(text, [str(choice) for choice in self.choices])
        kinds = get_args(self.annotation) or (self.annotation,)
        if NoneType in kinds and text.lower() == "none":
            return None
        number = float(text) if float in kinds else int(text)
        if not math.isfinite(number):
            raise ValueError(text)
        return number


def check_network(name: str, *, parts: bool = False) -> str:
    """The name itself; raises UsageError that suggests the nearest. `parts`: PARTS count too."""
    known = [*MODELS, *(PARTS if parts else ())]
    if name in known:
        return name
    if ".py" in name:
        raise UsageError(f"{name}: a file of your own is for handkit info, study --network and compare alone; to train "
                         "it otherwise, add its class to MODELS (docs/howto/add-a-network.md)")  # fmt: skip
    raise UsageError(f"there is no network {name!r}; {suggest(name, known)}known: {', '.join(known)}")


def network_named(text: str, *, parts: bool = False) -> str:
    """The name of one of ours, or of the user's own, `FILE.py:CLASS`; raises UsageError."""
    return add_network(text) if is_own(text) else check_network(text, parts=parts)


def is_own(text: str) -> bool:
    """Whether it is meant as `FILE.py:CLASS`."""
    return ".py:" in text or text.endswith(".py")


def add_network(text: str) -> str:
    """The name under which `FILE.py:CLASS`, a network of the user's own, is known from now on: that of its class.

    Raises UsageError where there is no such file or class, it is no `HandPoseModel`, or its name is taken.
    """
    if Path(text).is_file():
        raise UsageError(f"{text}: the name of its class is missing; give {text}:CLASS")
    file, _, name = text.rpartition(":")
    path = Path(file).resolve()
    if not path.is_file() or not name.isidentifier():
        raise UsageError(f"{text}: there is no such file; give FILE.py:CLASS")
    if (known := MODELS.get(name)) and inspect.getsourcefile(known) != str(path):
        raise UsageError(f"{text}: {name} is the name of another network; rename the class")
    if known:
        return name
    loader = SourceFileLoader(path.stem, str(path))
    spec = ModuleSpec(path.stem, loader, origin=str(path))
    spec.has_location = True
    module = module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        loader.exec_module(module)
    except Exception as error:  # whatever a user's file raises
        raise UsageError(f"{text} cannot be loaded: {type(error).__name__}: {error}") from error
    kind = getattr(module, name, None)
    if kind is None:
        classes = [each.__name__ for each in vars(module).values() if _is_defined_in(path.stem, each)]
        there = f"it has {', '.join(classes)}" if classes else "write one, a HandPoseModel"
        raise UsageError(f"{text}: the file has no {name}; {suggest(name, classes)}{there}")
    if not (isinstance(kind, type) and issubclass(kind, HandPoseModel)):
        raise UsageError(f"{text}: write class {name}(HandPoseModel), from handkit")
    if lacking := sorted(kind.__abstractmethods__):
        raise UsageError(f"{text}: {name} has no {' and no '.join(lacking)}; write them")
    MODELS[name] = kind
    return name


def _is_defined_in(module: str, each: object) -> bool:
    return isinstance(each, type) and issubclass(each, HandPoseModel) and each.__module__ == module


def options(network: str) -> dict[str, Option]:
    """The keywords that the network's constructor takes."""
    parameters = signature_of((MODELS | PARTS)[network]).parameters.values()
    return {
        each.name: Option(each.name, each.default, each.annotation)
        for each in parameters
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    }


def read_arguments(network: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Constructor arguments from `key=value` pairs, several in a text or each in one; raises UsageError that says
    what is possible instead."""
    known, arguments = options(network), dict[str, Any]()
    for pair in (pair for text in pairs for pair in text.split(",") if pair):
        key, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} is no argument of {network}; write key=value, as in {_example(known)}")
        if key in arguments:
            raise UsageError(f"{network}: {key} is given twice; give it once")
        if key not in known:
            raise UsageError(f"{network} has no {key!r}; {suggest(key, known)}it takes {', '.join(known)}")
        try:
            arguments[key] = known[key].read(text)
        except ValueError as error:
            raise UsageError(f"{network}: {key}={text} is not possible; {_wanted(known[key], error)}") from None
    return arguments


def check_readout(network: str, pairs: Sequence[str]) -> None:
    """Raise UsageError where a key of `key=value` pairs is no argument of the network, naming those of its readout."""
    known, possible = options(network), sorted(readout_of(network))
    for key in (pair.partition("=")[0] for text in pairs for pair in text.split(",") if pair):
        if key not in known:
            takes = (
                f"without training it takes {', '.join(possible)}"
                if possible
                else ("nothing of it can be changed without training, leave --readout out")
            )
            raise UsageError(f"--readout {key}: {network} has no {key!r}; {suggest(key, possible)}{takes}")


def read_named(text: str) -> tuple[str, dict[str, Any]]:
    """`NETWORK` or `NETWORK:key=value,key=value` as the network and its arguments; raises UsageError.

    NETWORK may be `FILE.py:CLASS` as well.
    """
    file, own, rest = text.rpartition(".py:")
    name, _, pairs = rest.partition(":")
    network = network_named(f"{file}{own}{name}")
    return network, read_arguments(network, [pairs])


def source_of(text: str) -> str | None:
    """`FILE.py:CLASS` of what `read_named` reads; None of a network of ours."""
    file, own, rest = text.rpartition(".py:")
    return f"{file}{own}{rest.partition(':')[0]}" if own else None


def write_arguments(arguments: dict[str, Any]) -> str:
    """The arguments as `read_arguments` reads them, separated by commas."""
    return ",".join(f"{key}={_written(value)}" for key, value in sorted(arguments.items()))


def _written(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return BETWEEN.join(map(str, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _nearest(text: str, choices: list[str]) -> str:
    if text in choices:
        return text
    raise _OtherChoiceError(text, suggest(text, choices))


def _wanted(option: Option, error: ValueError) -> str:
    """What stands there instead of the value that was refused."""
    if option.choices:
        hint = error.hint if isinstance(error, _OtherChoiceError) else ""
        return f"{hint}possible: {', '.join(_written(choice) for choice in option.choices)}"
    return option.kinds


def _example(known: dict[str, Option]) -> str:
    first = next((option for name, option in known.items() if name != "resolution"), next(iter(known.values())))
    return f"{first.name}={_written(first.default)}"
