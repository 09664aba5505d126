"""Networks, one file per paper: point map in, joints out, both in the normalized space of the crop."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handkit.models.catalog import MODELS, PARTS, HandPoseModel, readout_of

__all__ = ["MODELS", "PARTS", "HandPoseModel", "readout_of"]


def __getattr__(name: str) -> object:
    """Import torch with the first network: what the papers say (`handkit.models.papers`) needs none."""
    if name not in __all__:
        raise AttributeError(f"module 'handkit.models' has no attribute {name!r}")
    from handkit.models import catalog

    return getattr(catalog, name)
