"""What a recipe holds: everything of a training run but its network's weights, its frames and its budget."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from handkit.recipes.augment import Augment
from handkit.recipes.centers import CenterSource
from handkit.recipes.cubes import CubeRule

Precision = Literal["bf16-mixed", "32-true"]
PRECISIONS: Mapping[str, Precision] = {"bf16": "bf16-mixed", "f32": "32-true"}
"""As they are asked for."""


@dataclass(frozen=True)
class Optimizer:
    """How gradients become steps."""

    kind: Literal["adamw", "adam", "sgd"] = "adamw"
    """Adam and SGD add the weight decay to the gradient; AdamW takes it off the weights, times the learning rate."""
    momentum: float = 0.9
    """Of SGD; of Adam the decay of the first moment."""
    clip: float | None = 1.0
    """Largest norm of the gradient, or largest element (`clip_by`); None leaves it as it is."""
    clip_by: Literal["norm", "element"] = "norm"
    decay_vectors: bool = False
    """Weight decay for biases and normalization too, not for convolutions and linear maps only."""


@dataclass(frozen=True)
class Cosine:
    """From 1 to 0 along half a cosine.

    >>> Cosine().share(0.5, epochs=80)
    0.5
    """

    kind: Literal["cosine"] = "cosine"

    def share(self, progress: float, *, epochs: int) -> float:
        """Of the full learning rate, after `progress` (0 to 1) of the run; `epochs` make no difference."""
        return (1 + math.cos(math.pi * progress)) / 2

    def over(self, epochs: int, *, published: int) -> "Cosine":
        """For a run of other epochs than the published ones: at each share of them the same."""
        return self


@dataclass(frozen=True)
class Exponential:
    """Times `factor` after every epoch.

    >>> Exponential(0.5).share(0.25, epochs=8)
    0.25
    """

    factor: float
    kind: Literal["exponential"] = "exponential"

    def share(self, progress: float, *, epochs: int) -> float:
        """Of the full learning rate, after `progress` (0 to 1) of a run of `epochs` epochs."""
        return self.factor ** math.floor(progress * epochs)

    def over(self, epochs: int, *, published: int) -> "Steps":
        """For a run of other epochs than the published ones: at each share of them the same."""
        return Steps(tuple(range(1, published)), self.factor).over(epochs, published=published)


@dataclass(frozen=True)
class Steps:
    """Times `factor` after each of these epochs.

    >>> Steps((30, 50)).share(0.5, epochs=60)
    0.1
    """

    after: tuple[float, ...]
    factor: float = 0.1
    kind: Literal["steps"] = "steps"

    def share(self, progress: float, *, epochs: int) -> float:
        """Of the full learning rate, after `progress` (0 to 1) of a run of `epochs` epochs."""
        return self.factor ** sum(progress * epochs >= epoch for epoch in self.after)

    def over(self, epochs: int, *, published: int) -> "Steps":
        """For a run of other epochs than the published ones: at each share of them the same.

        >>> Steps((30, 50)).over(30, published=60).after
        (15.0, 25.0)
        """
        return Steps(tuple(epoch * epochs / published for epoch in self.after), self.factor)


@dataclass(frozen=True)
class Recipe:
    """A training run but for its budget; `dataclasses.replace` makes variants."""

    network: str
    arguments: dict[str, Any]
    """Constructor arguments of the network, skeleton aside."""
    cube: CubeRule
    """In training and, without `test_cube`, at test."""
    augment: Augment
    batch: int
    """Frames of one optimizer step."""
    learning_rate: float
    weight_decay: float
    warmup: float
    """Share of the budget over which the learning rate rises, along a line; the schedule goes from there to the end."""
    resolutions: tuple[tuple[float, int], ...]
    """(share of the budget done, crop resolution from there on): small crops first buy samples."""
    average: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is saved; 0 saves the last weights."""
    negatives: float = 0.0
    """Share of cubes put where there is no hand (localizer), or of images without a hand (detector)."""
    optimizer: Optimizer = Optimizer()
    accumulate: int = 1
    """Parts of a batch that pass the network one after the other, whose gradients are averaged: batch statistics are
    those of one part."""
    precision: Precision = "bf16-mixed"
    """Of training: layers in bfloat16 where it is safe, or float32 throughout."""
    schedule: Cosine | Exponential | Steps = Cosine()
    data: str = "synthetic"
    """Which frames: "synthetic", or the name of a data set."""
    epochs: int | None = None
    """Passes over the data set; None where the budget decides."""
    center: CenterSource = CenterSource.MEAN
    """In training and, without `test_center`, at test."""
    test_cube: CubeRule | None = None
    """At test where it is another."""
    test_center: CenterSource | None = None
    """At test where it is another."""

    def to_json(self) -> str:
        """All of it as text, as weights files and `run.json` hold it."""
        return json.dumps(dataclasses.asdict(self))

    def resolution_at(self, progress: float) -> int:
        """Crop resolution after `progress` (0 to 1) of the budget."""
        return [size for start, size in self.resolutions if progress >= start][-1]

    def learning_rate_at(self, progress: float) -> float:
        """Learning rate after `progress` (0 to 1) of the budget."""
        if progress < self.warmup:
            return self.learning_rate * (progress + 1e-3) / (self.warmup + 1e-3)
        part = (progress - self.warmup) / (1 - self.warmup)
        return self.learning_rate * self.schedule.share(part, epochs=self.epochs or 1)

    def continued(self) -> "Recipe":
        """The same for a network that is trained already: the last resolution throughout, half the learning rate."""
        last = self.resolutions[-1][1]
        return dataclasses.replace(self, learning_rate=self.learning_rate / 2, resolutions=((0.0, last),))

    def at(self, resolution: int) -> "Recipe":
        """The same with crops of one size throughout."""
        arguments = self.arguments | {"resolution": resolution}
        return dataclasses.replace(self, arguments=arguments, resolutions=((0.0, resolution),))


def differences(one: Mapping[str, Any], other: Mapping[str, Any], *, above: str = "") -> list[str]:
    """What differs in two recipes as JSON has them.

    >>> differences({"batch": 32, "cube": {"edges": [300]}}, {"batch": 64, "cube": {"edges": [250]}})
    ['batch 32 there, 64 here', 'cube.edges [300] there, [250] here']
    """
    found: list[str] = []
    for name in dict.fromkeys([*one, *other]):
        there, here = one.get(name), other.get(name)
        if isinstance(there, Mapping) and isinstance(here, Mapping):
            found += differences(there, here, above=f"{above}{name}.")
        elif there != here:
            found.append(f"{above}{name} {json.dumps(there)} there, {json.dumps(here)} here")
    return found
