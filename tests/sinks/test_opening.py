import pytest

from handkit.errors import UsageError
from handkit.sinks import open_sink


@pytest.mark.parametrize("spec", ["hands.xyz", "udp://127.0.0.1", "ftp://a:1", "udp://a:port", "ws://:9", ""])
def test_what_is_no_sink(spec):
    with pytest.raises(UsageError, match=r"known: udp://HOST:PORT, osc://HOST:PORT, ws://127\.0\.0\.1:PORT, -, or a"):
        open_sink(spec)
