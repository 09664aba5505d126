"""Trained networks by name or path, and the backend that runs them. Nothing of torch until weights are asked for."""

from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from handkit.backends.backend import Backend
from handkit.errors import CheckpointError, UsageError

BackendName = Literal["onnx", "openvino", "torch"]
BACKENDS = ("onnx", "openvino", "torch")
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


def open_backend(
    name: str, *, backend: BackendName | None, threads: int, detector: str, confidence: str | None
) -> Backend:
    """What runs the pose network `name` and the detector; by default whatever the file found first needs.

    Raises CheckpointError, UsageError where there is no such network or backend, or a package is missing for it.
    """
    if backend not in {None, *BACKENDS}:
        raise UsageError(f"backend is {backend!r}; it must be {', '.join(BACKENDS)}")
    if threads < 1:
        raise UsageError(f"threads is {threads!r}; it must be 1 or more")
    kinds = {None: (GRAPH, WEIGHTS), "torch": (WEIGHTS,)}.get(backend, (GRAPH,))
    pose = find_network(name, kinds=kinds)
    return _from_weights(pose, threads=threads, detector=detector, confidence=confidence)


def _from_weights(pose: Path, *, threads: int, detector: str, confidence: str | None) -> Backend:
    if find_spec("torch") is None:
        raise UsageError(f"{pose} holds weights, which torch runs: pip install 'handkit[train]'")
    from handkit.backends.torch import TorchBackend

    beside = pose.with_name(f"{pose.stem}-confidence{WEIGHTS}")
    judge = find_weights(confidence) if confidence else beside if beside.is_file() else None
    return TorchBackend.from_weights(pose, detector=find_weights(detector), confidence=judge, threads=threads)
