"""One frozen recipe per experiment: what is trained, on which cubes, with which optimizer, for how long."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from handkit.data.augment import Augment


@dataclass(frozen=True)
class Recipe:
    """A training run but for its budget; `dataclasses.replace` makes variants."""

    network: str
    arguments: dict[str, Any]
    """Constructor arguments of the network, skeleton aside."""
    edge_mm: float
    """Full edge of the cube around the joint mean."""
    augment: Augment
    batch: int
    learning_rate: float
    weight_decay: float
    warmup: float
    """Share of the budget over which the learning rate rises; it then falls to zero along a cosine."""
    resolutions: tuple[tuple[float, int], ...]
    """(share of the budget done, crop resolution from there on): small crops first buy samples."""
    average: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is saved."""
    negatives: float = 0.0
    """Share of cubes put where there is no hand (localizer)."""

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    def resolution_at(self, progress: float) -> int:
        """Crop resolution after `progress` (0 to 1) of the budget."""
        return [size for start, size in self.resolutions if progress >= start][-1]

    def continued(self) -> "Recipe":
        """The same for a network that is trained already: the last resolution throughout, half the learning rate."""
        last = self.resolutions[-1][1]
        return dataclasses.replace(self, learning_rate=self.learning_rate / 2, resolutions=((0.0, last),))


LATENT_FUSION_SYNTHETIC = Recipe(
    network="latent-fusion",
    arguments={"resolution": 96, "initial_std": None, "transition": 0.02},
    edge_mm=280.0,
    augment=Augment(center_mm=9.0, far_mm=22.0, far=0.25, scale=0.08),
    batch=32,
    learning_rate=2e-3,
    weight_decay=1e-4,
    warmup=0.03,
    resolutions=((0.0, 64), (0.7, 96)),
)

LOCALIZER_SYNTHETIC = Recipe(
    network="localizer",
    arguments={"filters": 24, "hidden": 448, "normalized": True, "blocks": 1, "dropout": 0.1},
    edge_mm=400.0,
    augment=Augment(center_mm=20.0, far_mm=45.0, far=0.5, scale=0.05),
    batch=64,
    learning_rate=1e-3,
    weight_decay=1e-4,
    warmup=0.03,
    resolutions=((0.0, 128),),
    negatives=0.35,
)

HANDEDNESS_SYNTHETIC = Recipe(
    network="handedness",
    arguments={},
    edge_mm=LATENT_FUSION_SYNTHETIC.edge_mm,
    augment=Augment(center_mm=11.0, far_mm=20.0, far=0.3),
    batch=64,
    learning_rate=2e-3,
    weight_decay=0.03,
    warmup=0.03,
    resolutions=((0.0, 128),),
    average=0.99,
)

RECIPES = {recipe.network: recipe for recipe in (LATENT_FUSION_SYNTHETIC, LOCALIZER_SYNTHETIC, HANDEDNESS_SYNTHETIC)}
