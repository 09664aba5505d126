import json
import socket
import time
from functools import partial

import pytest
from sinks.moving import moments

from handkit.errors import SinkError, UsageError
from handkit.sinks import open_sink

connect = partial(pytest.importorskip("websockets.sync.client").connect, close_timeout=0.2)
exceptions = pytest.importorskip("websockets.exceptions")


def write_until(sink, count, seconds=5.0):
    """Until so many clients are there, then one frame."""
    end = time.monotonic() + seconds
    while sink._clients < count and time.monotonic() < end:
        time.sleep(0.01)
    assert sink._clients == count
    sink.write(moments()[-1])


def test_every_client_gets_every_frame_it_waits_for():
    with open_sink("ws://127.0.0.1:0") as sink, connect(sink.name) as one, connect(sink.name) as other:
        write_until(sink, 2)
        assert json.loads(one.recv(timeout=5)) == moments()[-1].to_dict()
        assert json.loads(other.recv(timeout=5))["index"] == 29
        sink.write(moments()[3])
        assert json.loads(one.recv(timeout=5))["index"] == 3


def test_rubbish_harms_nobody():
    """A client that sends too much is disconnected, one that is no client is refused; the others go on."""
    with open_sink("ws://127.0.0.1:0") as sink, connect(sink.name) as good:
        with connect(sink.name) as chatty:
            for _ in range(100):
                chatty.send("rubbish \0 {")
            write_until(sink, 2)
            assert json.loads(chatty.recv(timeout=5))["index"] == 29
        with connect(sink.name) as bad:
            bad.send("x" * 100_000)
            with pytest.raises(exceptions.ConnectionClosed):
                bad.recv(timeout=5)
        with socket.create_connection(("127.0.0.1", int(sink.name.rpartition(":")[2]))) as stranger:
            stranger.sendall(b"\xff\x00 nothing of HTTP\r\n\r\n")
        good.recv(timeout=5)
        sink.write(moments()[4])
        assert json.loads(good.recv(timeout=5))["index"] == 4


def test_a_client_that_never_reads_holds_up_nobody():
    with open_sink("ws://127.0.0.1:0") as sink, connect(sink.name), connect(sink.name) as good:
        write_until(sink, 2)
        good.recv(timeout=5)
        for _ in range(500):
            sink.write(moments()[-1])
        begun = time.monotonic()
        sink.write(moments()[7])
        while json.loads(good.recv(timeout=5))["index"] != 7:
            pass
        assert time.monotonic() - begun < 3


def test_a_token_opens_it():
    with open_sink("ws://127.0.0.1:0?token=secret") as sink:
        for wrong in (sink.name, sink.name + "/?token=wrong"):
            with pytest.raises(exceptions.InvalidStatus, match="401"):
                connect(wrong)
        with connect(sink.name + "/?token=secret", origin="https://anywhere.example") as one:
            write_until(sink, 1)
            assert json.loads(one.recv(timeout=5))["index"] == 29


def test_pages_of_other_sites_are_refused_without_a_token():
    with open_sink("ws://127.0.0.1:0") as sink:
        with pytest.raises(exceptions.InvalidStatus, match="403"):
            connect(sink.name, origin="https://anywhere.example")
        with connect(sink.name, origin="http://localhost:8000"):
            pass


def test_other_computers_need_a_token():
    with pytest.raises(UsageError, match=r"ws://0\.0\.0\.0:9001 is open to other computers: add a token"):
        open_sink("ws://0.0.0.0:9001")


def test_a_port_that_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SinkError, match="cannot be opened"):
            open_sink(f"ws://127.0.0.1:{taken.getsockname()[1]}").__enter__()
