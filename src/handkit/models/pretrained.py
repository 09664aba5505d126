"""Trained weights by name: bundled with the package, in the repository, and the user's own."""

from difflib import get_close_matches
from pathlib import Path

from handkit.errors import CheckpointError
from handkit.models import MODELS, PARTS
from handkit.models.checkpoint import read_info
from handkit.recipes.cubes import CubeRule, read_cubes

BUNDLED = Path(__file__).parents[1] / "weights"
REPOSITORY = Path(__file__).parents[3] / "weights"
"""Those that the package is too small for; only a clone has them."""


def weights_folders() -> list[Path]:
    """Where weights are looked for by name: the package, the repository, and `weights/` in the working folder."""
    here = Path("weights")
    return [BUNDLED, REPOSITORY] + ([] if here.resolve() == REPOSITORY.resolve() else [here])


def find_weights(name: str) -> Path:
    """The file of weights of that name, or the path itself; raises CheckpointError that says what there is."""
    if name.endswith(".safetensors") or Path(name).is_file():
        return Path(name)
    folders = weights_folders()
    for folder in folders:
        if (folder / f"{name}.safetensors").exists():
            return folder / f"{name}.safetensors"
    known = sorted({path.stem for folder in folders for path in folder.glob("*.safetensors")})
    if name in MODELS:
        known = [other for other in known if other not in PARTS]
        raise CheckpointError(
            f"no weights of {name} are bundled, and {folders[-1].resolve()} has no {name}.safetensors; put the file "
            f"there, give its path, or train the network: handkit train {name} (there are: {', '.join(known)})"
        )
    near = get_close_matches(name.lower(), [*known, *MODELS], n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise CheckpointError(
        f"there are no weights {name!r}; {hint}known: {', '.join(known)}; or give a .safetensors file"
    )


def cubes_of(path: Path) -> tuple[CubeRule, CubeRule]:
    """Cubes on which weights were trained and are tested; raises CheckpointError where the file does not say."""
    try:
        return read_cubes(read_info(path).recipe or {})
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CheckpointError(f"{path} does not say on which cubes it was trained; save it with its recipe") from None


def cube_edge(path: Path) -> float:
    """Edge (mm) of the cubes that weights were trained on; raises CheckpointError where the file does not say."""
    return cubes_of(path)[0].edge
