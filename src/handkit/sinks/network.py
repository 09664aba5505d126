"""Hands as datagrams, JSON or OSC: sent and forgotten, so that no receiver can hold up the tracking."""

import socket
import struct
from types import TracebackType

from handkit.errors import SinkError
from handkit.sinks.sink import Moment, Report, log


class Datagrams:
    """One UDP datagram a frame. Where nobody listens, that is reported once and sending goes on."""

    def __init__(self, host: str, port: int, *, osc: bool = False, report: Report = log) -> None:
        """JSON as `Moment.datagram` has it, or with `osc` an OSC bundle (see `osc_bundle`)."""
        self.name = f"{'osc' if osc else 'udp'}://{host}:{port}"
        self._address = (host, port)
        self._encode = osc_bundle if osc else Moment.datagram
        self._report = report
        self._silent = False

    def __enter__(self) -> "Datagrams":
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.settimeout(0.0)
            self._socket.connect(address)
        except OSError as error:
            raise SinkError(f"{self.name} cannot be sent to: {error.strerror or error}") from None
        return self

    def write(self, moment: Moment) -> None:
        try:
            self._socket.send(self._encode(moment))
        except BlockingIOError:
            return  # the system's buffer is full: this frame is dropped
        except OSError as error:
            if not self._silent:
                reason = "nobody listens" if isinstance(error, ConnectionRefusedError) else error.strerror or error
                self._report(f"{self.name}: {reason}; sending goes on")
            self._silent = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()


def osc_bundle(moment: Moment) -> bytes:
    """`/handkit/frame index time_s hands`, then `/handkit/left` or `/handkit/right` of each hand.

    A hand: its id, confidence, 1 if it is tracked, then x, y, z of each joint in camera mm.
    OSC 1.0: https://opensoundcontrol.stanford.edu/spec-1_0.html
    """
    messages = [_message("/handkit/frame", moment.index, float(moment.time_s), len(moment.hands))]
    for hand in moment.hands:
        joints: list[float] = hand.joints_mm.reshape(-1).tolist()
        messages.append(_message(f"/handkit/{hand.handedness}", hand.id, hand.confidence, int(hand.tracked), *joints))
    immediately = struct.pack(">Q", 1)
    sized = (struct.pack(">i", len(message)) + message for message in messages)
    return _text("#bundle") + immediately + b"".join(sized)


def _message(address: str, *values: int | float) -> bytes:
    kinds = "".join("i" if isinstance(value, int) else "f" for value in values)
    return _text(address) + _text("," + kinds) + struct.pack(f">{kinds}", *values)


def _text(text: str) -> bytes:
    """With one to four zeros, to a multiple of four bytes.

    >>> _text("data")
    b'data\\x00\\x00\\x00\\x00'
    """
    data = text.encode("ascii")
    return data + bytes(4 - len(data) % 4)
