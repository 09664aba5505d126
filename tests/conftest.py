"""Settings of the whole suite. The shape checker of `handkit` itself is switched on in pyproject.toml."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# One thread, so that the suite depends less on what else the machine is doing.
torch.set_num_threads(1)

# A red test must be red again on the next run, and the first call of a compiled loop may take seconds.
settings.register_profile("handkit", deadline=None, derandomize=True, database=None)
settings.load_profile("handkit")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real frames that lies beside a developer's checkout; never part of the repository."""
    folder = Path(__file__).parents[1] / "../shared/data"
    if not folder.is_dir():
        pytest.skip("no real frames beside this checkout (../shared/data)")
    return folder.resolve()


@pytest.fixture(scope="session")
def data_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Roots of small data sets in the four genuine formats, of ten frames each; to be read, not written."""
    from datasets.fixtures import WRITERS, render

    folder = tmp_path_factory.mktemp("data-sets")
    for name, write in WRITERS.items():
        write(folder / name, render(name, 10))
    return {name: folder / name for name in WRITERS}


@pytest.fixture(autouse=True)
def no_handler_of_children_is_left() -> Iterator[None]:
    """torch's loaders leave a handler of SIGCHLD behind; after an export, a later child's end was a crash in it."""
    yield
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
