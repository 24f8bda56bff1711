"""A small HTTP/1.1 server on asyncio: keep-alive, no framework on the way.

A WSGI server with a web framework spends about a millisecond on each request, which is more than the work an
alarm call needs. This one hands a parsed request to one function and writes what comes back.

The function may answer at once, answer later (a coroutine), or answer nothing (`None`: the connection is closed,
which is how a lost answer looks to a client). When the client goes away, the coroutine is cancelled.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

MAX_HEAD_BYTES = 64 * 1024
REASONS = {status.value: status.phrase for status in HTTPStatus}


class Request:
    """One HTTP request; header names are in lower case."""

    __slots__ = ("method", "path", "query", "headers", "body")

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes):
        parts = urlsplit(target)
        self.method = method
        self.path = unquote(parts.path)
        self.query = parts.query
        self.headers = headers
        self.body = body


class Response:
    """One HTTP answer; `code` is the AWS error code it carries, for the call log."""

    __slots__ = ("status", "headers", "body", "code")

    def __init__(self, status: int, headers: dict[str, str], body: bytes, code: str | None = None):
        self.status = status
        self.headers = headers
        self.body = body
        self.code = code

    def encode(self, close: bool) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"content-length: {len(self.body)}")
        if close:
            lines.append("connection: close")
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + self.body


Answer = Response | None
Handler = Callable[[Request], "Answer | Coroutine[Any, Any, Answer]"]


class Connection(asyncio.Protocol):
    """The requests of one client connection, one after the other."""

    def __init__(self, handler: Handler):
        self.handler = handler
        self.buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.task: asyncio.Task[Answer] | None = None
        self.close_after = False
        self.without_body = False
        self.continue_sent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport  # asyncio has set TCP_NODELAY on it

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._serve()

    def _serve(self) -> None:
        """Answers every request that is complete in the buffer, unless one is still being answered."""
        while self.task is None and self.transport is not None and not self.transport.is_closing():
            try:
                request = self._next_request()
            except ValueError as problem:
                self.close_after = True
                self._write(Response(400, {"content-type": "text/plain"}, str(problem).encode()))
                return
            if request is None:
                return
            self._answer(request)

    def _next_request(self) -> Request | None:
        """Takes one complete request out of the buffer; `None` when more bytes have to come first."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > MAX_HEAD_BYTES:
                raise ValueError("the head of the request is too long")
            return None
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        try:
            method, target, version = lines[0].split(" ")
        except ValueError:
            raise ValueError(f"not an HTTP request line: {lines[0]!r}") from None
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if "transfer-encoding" in headers:
            raise ValueError("chunked requests are not supported: send a content-length")
        length = int(headers.get("content-length", 0))
        start = end + 4
        if len(self.buffer) < start + length:
            self._continue_if_asked(headers)
            return None
        body = bytes(self.buffer[start : start + length])
        del self.buffer[: start + length]
        self.continue_sent = False
        self.close_after = version == "HTTP/1.0" or headers.get("connection", "").lower() == "close"
        return Request(method, target, headers, body)

    def _continue_if_asked(self, headers: dict[str, str]) -> None:
        if "expect" in headers and not self.continue_sent and self.transport is not None:
            self.continue_sent = True
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self, request: Request) -> None:
        self.without_body = request.method == "HEAD"
        try:
            answer = self.handler(request)
        except Exception:
            answer = crash(request)
        if answer is None or isinstance(answer, Response):
            self._write(answer)
        else:
            self.task = asyncio.ensure_future(answer)
            self.task.add_done_callback(self._answered_later)

    def _answered_later(self, task: asyncio.Task[Answer]) -> None:
        self.task = None
        if task.cancelled():
            return
        if problem := task.exception():
            traceback.print_exception(problem, file=sys.stderr)
            self._write(Response(500, {"content-type": "text/plain"}, repr(problem).encode()))
        else:
            self._write(task.result())
        self._serve()

    def _write(self, answer: Answer) -> None:
        if self.transport is None:
            return
        if answer is None:
            self.transport.close()
            return
        if self.without_body:
            answer.body = b""
        self.transport.write(answer.encode(self.close_after))
        if self.close_after:
            self.transport.close()


def crash(request: Request) -> Response:
    """A bug in the emulator: told on stderr, and told to the client so that no test waits for ever."""
    traceback.print_exc(file=sys.stderr)
    text = f"the emulator failed on {request.method} {request.path}: see its stderr"
    return Response(500, {"content-type": "text/plain"}, text.encode())


async def listen(handler: Handler, port: int) -> tuple[asyncio.Server, int]:
    """Listens on 127.0.0.1; port 0 takes a free one. Gives the server and its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(handler), "127.0.0.1", port, backlog=1024)
    return server, server.sockets[0].getsockname()[1]
