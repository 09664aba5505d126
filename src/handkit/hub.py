"""Trained networks by name: graphs and weights, bundled, in the repository, the user's own, and OWNER/NAME on the Hub.

Of a repository of the Hugging Face Hub nothing is downloaded but the four files of `SHARED`: no pickle.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from handkit.errors import CheckpointError, HandkitError, suggest
from handkit.extras import clone_of, load

GRAPH, WEIGHTS = ".onnx", ".safetensors"
PARTS = ("detector", "localizer", "confidence")
"""What stands around a pose network: files of these names, or that end in `-confidence`, hold none."""
SHARED = (f"model{GRAPH}", f"model{WEIGHTS}", "config.json", "README.md")
"""What a shared folder holds; the first two are as a network's kinds are named."""
NAME = re.compile(r"[\w.-]+/[\w.-]+")
BUNDLED = Path(__file__).parent / "weights"
_CLONE = clone_of(Path(__file__).parent)
REPOSITORY = _CLONE / "weights" if _CLONE else None
"""Those that the package is too small for; only a clone has them."""


def weights_folders() -> list[Path]:
    """Where networks are looked for by name: the package, a clone's `weights/`, and that of the working folder."""
    here = Path("weights")
    there = [REPOSITORY] if REPOSITORY else []
    return [BUNDLED, *there] + ([] if here.resolve() in {folder.resolve() for folder in there} else [here])


def find_network(name: str, *, kinds: tuple[str, ...] = (GRAPH, WEIGHTS), parts: bool = True) -> Path:
    """The file of a network, of the first of `kinds` that there is, or the path itself.

    Raises CheckpointError that says what there is; without `parts` only the pose networks.
    """
    if name.endswith((*kinds, GRAPH, WEIGHTS)) or Path(name).is_file() or Path(name).is_symlink():
        return Path(name)
    if is_shared(name):
        return fetch(name, kinds=kinds)
    folders = weights_folders()
    for kind in kinds:
        for folder in folders:
            if (folder / f"{name}{kind}").exists():
                return folder / f"{name}{kind}"
    there = {path.stem for folder in folders for kind in kinds for path in folder.glob(f"*{kind}")}
    known = sorted(stem for stem in there if parts or not _is_part(stem))
    raise CheckpointError(
        f"there are no weights {name!r}; {suggest(name, known)}known: {', '.join(known)}; "
        f"or give a {' or '.join(kinds)} file, or put it into {folders[-1].resolve()}"
    )


def _is_part(stem: str) -> bool:
    return stem in PARTS or stem.endswith("-confidence")


def find_weights(name: str) -> Path:
    """The weights file of a network; raises CheckpointError that says what there is."""
    return find_network(name, kinds=(WEIGHTS,))


def is_shared(name: str) -> bool:
    """Whether it is a folder that `handkit push` has written, or reads as OWNER/NAME and is nothing on this disk.

    >>> is_shared("somebody/some-hand"), is_shared("latent-fusion"), is_shared("a/b/c")
    (True, False, False)
    """
    folder = Path(name)
    if folder.is_dir():
        return (folder / "config.json").is_file()
    return NAME.fullmatch(name) is not None and not folder.exists() and folder.suffix not in {GRAPH, WEIGHTS}


def fetch(name: str, *, kinds: Sequence[str] = (GRAPH, WEIGHTS)) -> Path:
    """The network of a shared folder, or of OWNER/NAME on the Hub, which is downloaded once: the first kind there is.

    Raises HandkitError: there is no such repository, it holds no network of handkit's, or no network leads to it.
    """
    folder = Path(name)
    if not folder.is_dir():
        hub = load("huggingface_hub", extra="hub")
        try:
            folder = Path(hub.snapshot_download(name, allow_patterns=list(SHARED)))
        except Exception as error:  # whatever the client, its cache and its transport raise
            raise HandkitError(
                f"{name} cannot be fetched from the Hugging Face Hub: {reason(error)}; check the name and the "
                "connection, or give a folder or a file"
            ) from None
    for kind in kinds:
        if (folder / f"model{kind}").is_file():
            return folder / f"model{kind}"
    there = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
    wanted = " and no ".join(f"model{kind}" for kind in kinds)
    raise HandkitError(f"{name} holds no {wanted} (there is: {there}); `handkit push` writes them")


def reason(error: Exception) -> str:
    """What the Hub's client says, in one line."""
    return str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
