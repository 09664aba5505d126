import json
import socket
import struct

import pytest
from sinks.moving import moments

from handkit.errors import SinkError
from handkit.sinks import open_sink
from handkit.sinks.network import osc_bundle


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(5)
        yield bound


def test_udp_is_json_that_fits_a_packet(receiver):
    with open_sink(f"udp://127.0.0.1:{receiver.getsockname()[1]}") as sink:
        sink.write(moments()[-1])
    data = receiver.recv(65536)
    assert len(data) < 1472
    record = json.loads(data)
    assert (record["index"], [hand["id"] for hand in record["hands"]]) == (29, [1, 2])
    assert record["hands"][0]["joints_mm"][8] == pytest.approx(moments()[-1].hands[0]["index_tip"], abs=0.06)


def test_osc_by_an_own_reader(receiver):
    with open_sink(f"osc://127.0.0.1:{receiver.getsockname()[1]}") as sink:
        sink.write(moments()[-1])
    frame, right, left = read_bundle(receiver.recv(65536))
    assert frame == ("/handkit/frame", [29, pytest.approx(5 + 29 / 30, abs=1e-5), 2])
    hand = moments()[-1].hands[0]
    assert (right[0], left[0]) == ("/handkit/right", "/handkit/left")
    assert right[1][:3] == [1, pytest.approx(hand.confidence), 1]
    assert right[1][3:] == pytest.approx(hand.joints_mm.reshape(-1).tolist())


def test_osc_bytes_by_hand():
    data = osc_bundle(moments()[0])
    assert data[:16] == b"#bundle\0" + bytes(7) + b"\1"
    size = struct.unpack(">i", data[16:20])[0]
    assert data[20:36] == b"/handkit/frame\0\0"
    assert data[36:44] == b",ifi\0\0\0\0"
    assert size == 16 + 8 + 12


def test_nobody_listens():
    """Said once; the tracking goes on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = []
    with open_sink(f"udp://127.0.0.1:{port}", report=said.append) as sink:
        for moment in moments():
            sink.write(moment)
    assert said == [f"udp://127.0.0.1:{port}: nobody listens; sending goes on"]


def test_a_host_without_address():
    with pytest.raises(SinkError, match=r"udp://nowhere\.invalid:9 cannot be sent to"):
        open_sink("udp://nowhere.invalid:9").__enter__()


def read_bundle(data):
    """Of OSC 1.0: the address and arguments of every message."""
    assert data.startswith(b"#bundle\0")
    at, messages = 16, []
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        messages.append(read_message(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return messages


def read_message(data):
    address, rest = read_text(data)
    kinds, rest = read_text(rest)
    assert kinds[0] == ","
    return address, [struct.unpack_from(f">{kind}", rest, 4 * i)[0] for i, kind in enumerate(kinds[1:])]


def read_text(data):
    end = data.index(b"\0")
    return data[:end].decode(), data[(end // 4 + 1) * 4 :]
