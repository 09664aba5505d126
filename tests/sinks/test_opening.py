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
