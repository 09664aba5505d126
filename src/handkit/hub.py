"""Trained networks by name: graphs and weights, bundled, in the repository, and the user's own."""

from difflib import get_close_matches
from pathlib import Path

from handkit.errors import CheckpointError

GRAPH, WEIGHTS = ".onnx", ".safetensors"
BUNDLED = Path(__file__).parent / "weights"
REPOSITORY = Path(__file__).parents[2] / "weights"
"""Those that the package is too small for; only a clone has them."""


def weights_folders() -> list[Path]:
    """Where networks are looked for by name: the package, the repository, and `weights/` in the working folder."""
    here = Path("weights")
    return [BUNDLED, REPOSITORY] + ([] if here.resolve() == REPOSITORY.resolve() else [here])


def find_network(name: str, *, kinds: tuple[str, ...] = (GRAPH, WEIGHTS)) -> Path:
    """The file of a network, of the first of `kinds` that there is, or the path itself.

    Raises CheckpointError that says what there is.
    """
    if name.endswith(kinds) or Path(name).is_file():
        return Path(name)
    folders = weights_folders()
    for kind in kinds:
        for folder in folders:
            if (folder / f"{name}{kind}").exists():
                return folder / f"{name}{kind}"
    known = sorted({path.stem for folder in folders for kind in kinds for path in folder.glob(f"*{kind}")})
    near = get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise CheckpointError(
        f"there are no weights {name!r}; {hint}known: {', '.join(known)}; or give a {' or '.join(kinds)} file, "
        f"or put it into {folders[-1].resolve()}"
    )


def find_weights(name: str) -> Path:
    """The weights file of a network; raises CheckpointError that says what there is."""
    return find_network(name, kinds=(WEIGHTS,))
