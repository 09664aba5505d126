"""The cubes that trained weights are for."""

from pathlib import Path

from handkit.errors import CheckpointError
from handkit.models.checkpoint import read_info
from handkit.recipes.cubes import CubeRule, read_cubes


def cubes_of(path: Path) -> tuple[CubeRule, CubeRule]:
    """Cubes on which weights were trained and are tested; raises CheckpointError where the file does not say."""
    try:
        return read_cubes(read_info(path).recipe or {})
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CheckpointError(f"{path} does not say on which cubes it was trained; save it with its recipe") from None


def cube_edge(path: Path) -> float:
    """Edge (mm) of the cubes that weights were trained on; raises CheckpointError where the file does not say."""
    return cubes_of(path)[0].edge
