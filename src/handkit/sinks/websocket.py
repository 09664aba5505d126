"""Hands for browsers: a WebSocket server that sends every client the newest frame that it is ready for."""

import asyncio
import hmac
import json
import re
import threading
from http import HTTPStatus
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from handkit.errors import SinkError, UsageError
from handkit.extras import load
from handkit.sinks.sink import Moment

LOCAL = {"localhost", "127.0.0.1", "::1"}
LOCAL_PAGES = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
"""Pages that may connect without a token; otherwise any page in the user's browser could."""
LARGEST_BYTES = 4096
"""A client that sends more in one message is disconnected; what else it sends is not read."""
OPEN_S = 5.0


class WebSocketSink:
    """`Moment.to_dict` as JSON text, one message a frame; clients need send nothing.

    Clients that read slowly skip frames, those that do not read at all are disconnected when they miss a ping. With a
    token, clients connect to `ws://HOST:PORT/?token=TOKEN`; without, this computer's programs and pages alone may.
    """

    def __init__(self, host: str, port: int, *, token: str | None = None) -> None:
        """Port 0: a free one, in `name` once it is open. Raises UsageError for another host than this without token."""
        if token is None and host not in LOCAL:
            raise UsageError(
                f"ws://{host}:{port} is open to other computers: add a token (ws://{host}:{port}?token=SECRET), or "
                f"send to ws://127.0.0.1:{port}"
            )
        self.name = f"ws://{host}:{port}"
        self._host, self._port, self._token = host, port, token
        self._clients = 0
        self._text, self._count = "", 0
        self._failure: OSError | None = None
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run, name="handkit websocket", daemon=True)

    def __enter__(self) -> "WebSocketSink":
        self._serve: Any = load("websockets.asyncio.server", extra="live").serve
        self._thread.start()
        if not self._opened.wait(OPEN_S) or self._failure is not None:
            reason = self._failure.strerror if self._failure else "no answer from the system"
            raise SinkError(f"{self.name} cannot be opened: {reason}; another port may be free")
        return self

    def write(self, moment: Moment) -> None:
        """Costs nothing while nobody listens."""
        if self._clients:
            text = json.dumps(moment.to_dict(), allow_nan=False, separators=(",", ":"))
            self._loop.call_soon_threadsafe(self._publish, text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(timeout=OPEN_S)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._next = asyncio.Event(), self._loop.create_future()
        pages = [None, LOCAL_PAGES] if self._token is None else None
        limits = {"max_size": LARGEST_BYTES, "max_queue": 4, "close_timeout": 1, "compression": None}
        try:
            server = self._serve(
                self._client, self._host, self._port, origins=pages, process_request=self._admit, **limits
            )
            async with server as listening:
                self.name = f"ws://{self._host}:{listening.sockets[0].getsockname()[1]}"
                self._opened.set()
                await self._stop.wait()
        except OSError as error:
            self._failure = error
            self._opened.set()

    def _admit(self, connection: Any, request: Any) -> Any:  # noqa: ANN401
        """None lets a client in."""
        given = parse_qs(urlsplit(request.path).query).get("token", [""])[0]
        if self._token is None or hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "add the token: ws://HOST:PORT/?token=TOKEN\n")

    async def _client(self, connection: Any) -> None:  # noqa: ANN401
        closed = load("websockets.exceptions", extra="live").ConnectionClosed
        self._clients += 1
        try:
            sent = self._count
            while not self._stop.is_set():
                if sent == self._count:
                    await asyncio.shield(self._next)  # one future of all clients
                    continue
                sent = self._count
                await connection.send(self._text)
        except closed:
            return
        finally:
            self._clients -= 1

    def _publish(self, text: str) -> None:
        self._text, self._count = text, self._count + 1
        self._next.set_result(None)
        self._next = self._loop.create_future()

    def _end(self) -> None:
        self._stop.set()
        self._next.set_result(None)
