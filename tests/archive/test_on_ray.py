"""The same on Ray, where an actor is killed."""

import sys
from pathlib import Path

import pytest

from handkit.archive import annotate
from handkit.archive.job import Job
from handkit.errors import HandkitError

pytestmark = pytest.mark.extra

parquet = pytest.importorskip("pyarrow.parquet")
ray = pytest.importorskip("ray")

RECORDING = Path(sys.modules["handkit"].__path__[0]) / "recording"
TAKEN_BY = "475.066,475.066,315.945,245.287"


class Killed(Job):
    """Ends its process, as `kill -9` does, in the middle of the third shard, the first time."""

    def _row(self, estimator, number, raw):
        import os
        import signal

        mark = self.out / ".killed"
        if number == 5 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._row(estimator, number, raw)


class Full(Job):
    """On a full disk."""

    def _write(self, shard, rows):
        raise OSError(28, "No space left on device", str(self.path(shard)))


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handkit.archive.engines.Job", Full)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    out = tmp_path / "out.parquet"
    with pytest.raises(HandkitError, match=r"part-00000-of-00001.parquet: No space left on device; what is finished"):
        annotate(str(RECORDING), out, camera=TAKEN_BY, engine="ray")


def test_an_actor_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, out = tmp_path / "whole.parquet", tmp_path / "out.parquet"
    annotate(str(RECORDING), whole, camera=TAKEN_BY, shard_frames=2)
    monkeypatch.setattr("handkit.archive.engines.Job", Killed)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # actors cannot import this file
    told: list[int] = []
    done = annotate(
        str(RECORDING), out, camera=TAKEN_BY, shard_frames=2, engine="ray", workers=2,
        tell=lambda frames, total: told.append(frames),
    )  # fmt: skip
    assert done[:3] == (12, 12, 0)
    assert (out / ".killed").exists()
    assert sum(told) == 12
    assert parquet.read_table(out).to_pylist() == parquet.read_table(whole).to_pylist()
    (out / "part-00003-of-00006.parquet").unlink()
    assert annotate(str(RECORDING), out, camera=TAKEN_BY, shard_frames=2)[:3] == (12, 2, 0)
    assert parquet.read_table(out).to_pylist() == parquet.read_table(whole).to_pylist()
