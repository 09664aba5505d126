from pathlib import Path

import pytest

from handkit.errors import UsageError
from handkit.sinks import open_sink, open_sinks


@pytest.mark.parametrize("spec", ["hands.xyz", "udp://127.0.0.1", "ftp://a:1", "udp://a:port", "ws://:9", ""])
def test_what_is_no_sink(spec):
    with pytest.raises(UsageError, match=r"known: udp://HOST:PORT, osc://HOST:PORT, ws://127\.0\.0\.1:PORT, -, or a"):
        open_sink(spec)


@pytest.mark.parametrize(
    "specs",
    [
        ["./a.jsonl", "a.jsonl"],
        ["-", "-"],
        ["udp://127.0.0.1:9", "udp://127.0.0.1:9"],
        ["a.bvh", "a-2.bvh"],
        ["a-3.bvh", "./a.bvh"],
    ],
)
def test_two_that_are_one(specs):
    with pytest.raises(UsageError, match=r"two outputs go to .*; give each a name of its own"):
        open_sinks(specs)


def test_a_sink_and_what_lies_beside_it():
    with pytest.raises(UsageError, match=r"two outputs go to a\.csv"):
        open_sinks(["a.csv"], beside=[Path("a.csv")])
    names = ["a.csv", "a-2.csv", "b-2.bvh", "a.bvh", "a-b.bvh"]
    assert [each.name for each in open_sinks(names, beside=[Path("a.mcap")])] == names


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "bvh", "glb"])
def test_a_file_that_is_there_is_refused_and_stays(suffix, tmp_path):
    there = tmp_path / f"hands.{suffix}"
    there.write_text("precious")
    with pytest.raises(UsageError, match=rf"hands\.{suffix} exists; give another name"):
        open_sinks([str(tmp_path / "new.csv"), str(there)])
    assert there.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [there]


def test_a_file_of_a_further_hand_is_refused_too(tmp_path):
    (tmp_path / "hands-2.bvh").write_text("precious")
    with pytest.raises(UsageError, match=r"hands-2\.bvh exists; give another name"):
        open_sink(str(tmp_path / "hands.bvh"))
    for free in ("hands-2.csv", "hands-3.bvh", "hands.glb", "other.bvh"):
        open_sink(str(tmp_path / free))


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_device_is_written_to(suffix, tmp_path):
    (tmp_path / f"null.{suffix}").symlink_to("/dev/null")
    for _ in range(2):
        with open_sink(str(tmp_path / f"null.{suffix}")):
            pass


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_session_without_a_frame_leaves_the_name_free(suffix, tmp_path):
    with pytest.raises(ZeroDivisionError), open_sink(str(tmp_path / f"hands.{suffix}")):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
