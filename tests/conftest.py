"""Settings of the whole suite. The shape checker of `handkit` itself is switched on in pyproject.toml."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

# One thread, in the processes that tests start as well: two that wait for each other spin on a busy machine.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)

# A shell's background job ignores Ctrl-C, and so would every process that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A red test must be red again on the next run, and the first call of a compiled loop may take seconds.
settings.register_profile("handkit", deadline=None, derandomize=True, database=None)
settings.load_profile("handkit")


@pytest.fixture(autouse=True, scope="session")
def one_core() -> Iterator[None]:
    """Commands that take a thread a core take one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 1)
        yield


@pytest.fixture
def every_kind_of_chart() -> None:
    """PDF and PNG as well: for tests that look at them."""


@pytest.fixture(autouse=True)
def charts_as_svg(request: pytest.FixtureRequest) -> Iterator[None]:
    """Charts that nobody looks at took three quarters of a training of a few steps; one kind of them is enough."""
    with pytest.MonkeyPatch.context() as patch:
        if "every_kind_of_chart" not in request.fixturenames:
            patch.setattr("handkit.reports.charts.KINDS", ("svg",))
        yield


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


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """A thread that is no daemon keeps a process from ending: here the test is named that began it.

    Those of a ThreadPoolExecutor are told to end when the process does.
    """
    before = set(threading.enumerate())
    yield
    begun = [each for each in threading.enumerate() if each not in before and not each.daemon]
    left = [each for each in begun if not each.name.startswith("ThreadPoolExecutor")]
    for each in left:
        each.join(timeout=20)  # a pool that is gone needs a moment
    assert not [each.name for each in left if each.is_alive()]
