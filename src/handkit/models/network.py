"""What every network is: a torch module that knows how it was built; and what every pose network offers besides."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar, cast, get_args, get_origin

import torch
from jaxtyping import Float
from torch import Tensor, nn

from handkit.errors import UsageError
from handkit.geometry.crop import Space
from handkit.skeleton import Skeleton

BY_POSITION = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
"""Kinds of parameters that only a skeleton may have."""
AnyNetwork = TypeVar("AnyNetwork", bound="Network")


class Network(nn.Module):
    """A torch module that can be built again from its `arguments`.

    All that its constructor takes, the skeleton of a pose network aside, are keywords whose values JSON can hold.

    Raises:
        ValueError: a keyword that is annotated as a `Literal` has another value.
        TypeError: a constructor takes anything else by position; raised where its class is defined.
    """

    about: ClassVar[str] = ""
    """What `handkit info` says of it; of a network with a paper, the paper says it."""
    arguments: dict[str, Any]
    """Every keyword of the constructor with its value; sequences as lists."""
    before: ClassVar[dict[str, Any]] = {}
    """Values of keywords that older weights files lack, where they are not the defaults."""
    loss: Callable[..., dict[str, Tensor]]
    """Named terms, already weighted, whose sum is the objective."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = cls.__init__ is not nn.Module.__init__
        for name, each in inspect.signature(cls.__init__).parameters.items() if own else ():
            if name == "skeleton" and each.kind is inspect.Parameter.KEYWORD_ONLY:
                raise TypeError(f"{cls.__name__}.__init__ takes skeleton by name; write it in front of *,")
            if name not in {"self", "skeleton"} and each.kind in BY_POSITION:
                raise TypeError(f"{cls.__name__}.__init__ takes {name} by position; write *, behind skeleton")

    def __new__(cls: type[AnyNetwork], *args: Any, **keywords: Any) -> AnyNetwork:  # noqa: ANN401
        """Read `arguments` off the call, before `__init__` sees it."""
        network = object.__new__(cls)
        call = signature_of(cls).bind_partial(network, *args, **keywords)  # a copy is made without any
        call.apply_defaults()
        _check_names(call)
        network.arguments = {
            name: list(value) if isinstance(value, (tuple, list)) else value for name, value in call.kwargs.items()
        }
        return network


def signature_of(network: type[Network]) -> inspect.Signature:
    """Of its constructor; annotations that its file keeps as text are read, unless a name in them is not there."""
    try:
        return inspect.signature(network.__init__, eval_str=True)
    except NameError:
        return inspect.signature(network.__init__)


def _check_names(call: inspect.BoundArguments) -> None:
    """Raise ValueError where a keyword is none of those that its annotation lists."""
    for name, value in call.arguments.items():
        annotation = call.signature.parameters[name].annotation
        if get_origin(annotation) is Literal and value not in (known := get_args(annotation)):
            raise ValueError(f"{name} is {value!r}, it must be one of {', '.join(map(str, known))}")


class Description(NamedTuple):
    """What a pose network knows about B crops after one forward pass."""

    joints: Float[Tensor, "B J 3"]
    """[-1, 1], in the network's space: what `forward` answers."""
    features: Float[Tensor, "B C H W"]
    """A map over the crop; C is 0 for a network that shows none."""
    spread: Float[Tensor, "B J 2"]
    """Standard deviation of each joint's heat map, horizontal and vertical, normalized units; 0 without heat maps."""
    peak: Float[Tensor, "B J"]
    """Largest probability of a cell of each heat map; 0 without heat maps."""


class HandPoseModel(Network, ABC):
    """A network from a point map to joints, both in [-1, 1]^3 of `space`.

    Channel 2 of ``points`` is the depth crop in both spaces: [-1, 1], background 1.
    """

    skeleton: Skeleton
    """Names the J joints; the first argument of the constructor."""
    space: Space
    """Of the points it reads and of the joints it answers."""
    resolution: int
    """S, crop pixels a side."""
    readout: ClassVar[frozenset[str]] = frozenset()
    """Keywords that decide only how the answer is read: the same weights serve all their values."""
    by_joint: ClassVar[dict[str, int]] = {}
    """How names of tensors end that hold joint after joint, once or several times over, and the axis they do it in."""
    __call__: Callable[[Float[Tensor, "B 3 S S"]], Float[Tensor, "B J 3"]]

    @abstractmethod
    def forward(self, points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """Joints in [-1, 1]^3 of ``space``."""

    @abstractmethod
    def loss(self, points: Float[Tensor, "B 3 S S"], joints: Float[Tensor, "B J 3"]) -> dict[str, Float[Tensor, ""]]:
        """Named terms, already weighted, whose sum is the objective; ``joints`` are true, in ``space``."""

    def describe(self, points: Float[Tensor, "B 3 S S"]) -> Description:
        """Joints, and what else is known of the crop; by default nothing else."""
        joints = self(points)
        empty = points.new_zeros(len(points), 0, 1, 1)
        return Description(joints, empty, torch.zeros_like(joints[..., :2]), torch.zeros_like(joints[..., 0]))


def check_answer(model: HandPoseModel) -> None:
    """Raise UsageError where a network cannot be run on two crops of zeros, or answers anything but joints."""
    name, size = type(model).__name__, model.resolution
    training = model.training
    try:
        with torch.no_grad(), torch.random.fork_rng():
            answer = cast(object, model.eval()(torch.zeros(2, 3, size, size)))
    except Exception as error:  # whatever a user's network raises
        raise UsageError(f"{name} cannot be run on (B, 3, {size}, {size}): {type(error).__name__}: {error}") from error
    model.train(training)
    expected = (2, len(model.skeleton), 3)
    if not isinstance(answer, Tensor):
        raise UsageError(f"{name} answers a {type(answer).__name__}, a tensor {_batch(expected)} expected")
    if tuple(answer.shape) != expected:
        raise UsageError(f"{name} answers {_batch(tuple(answer.shape))}, {_batch(expected)} expected")


def _batch(shape: tuple[int, ...]) -> str:
    """Of two crops, for any number of them."""
    sizes = ["B" if not at and size == 2 else str(size) for at, size in enumerate(shape)]
    return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"
