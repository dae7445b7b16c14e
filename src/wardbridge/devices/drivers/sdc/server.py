"""The HTTP server that providers push notifications to: sdc11073's, with the brake off and the doors shut.

sdc11073 answers each notification in two small writes with Nagle's algorithm on. The provider waits for
the second, its kernel delays the acknowledgement of the first: about 45 ms a report, some 20 reports a
second. Here the answer leaves in one buffered write and TCP_NODELAY is set. Bodies are bounded, a silent
connection ends, and a TLS handshake is made in the connection's own thread, where it holds up nobody.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

from sdc11073.httpserver.compression import CompressionHandler
from sdc11073.httpserver.httprequesthandler import DispatchingRequestHandler
from sdc11073.httpserver.httpserverimpl import HttpServerThreadBase, _ThreadingHTTPServer
from sdc11073.loghelper import get_logger_adapter

BODY = 16_000_000  # bytes of one notification, before and after decompression
QUIET = 180.0  # seconds without a byte until a connection is closed


class SlowHandler(DispatchingRequestHandler):
    """sdc11073's handler as it comes, kept for the benchmark that shows the difference."""


class QuickHandler(DispatchingRequestHandler):
    """One write for head and body, no Nagle, bounded bodies."""

    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = QUIET

    def do_POST(self) -> None:
        try:
            post: Any = super().do_POST
            post()
        except ValueError:
            self.close_connection = True
            server: Any = self.server
            server.refused(b"", "the body is too long or no HTTP")
            self.send_error(413)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the library's base writes peers' addresses to stderr."""

    def _read_request(self) -> bytes:
        """The body of a request. Raises ValueError for one that is too long or ends early."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            length = int(self.headers.get("content-length") or 0)
            if not 0 <= length <= BODY:
                raise ValueError("the body is too long")
            body = self._exactly(length)
        encoding = self.headers.get("content-encoding")
        if encoding:
            body = CompressionHandler.decompress_payload(encoding, body)
            if len(body) > BODY:
                raise ValueError("the body is too long")
        return body

    def _exactly(self, length: int) -> bytes:
        data: bytes = self.rfile.read(length)
        if len(data) < length:
            raise ConnectionResetError("the body ends early")
        return data

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while True:
            line: bytes = self.rfile.readline(64)
            size = int(line.split(b";")[0], 16)
            total += size
            if size < 0 or total > BODY:
                raise ValueError("the body is too long")
            parts.append(self._exactly(size))
            self._exactly(2)
            if size == 0:
                return b"".join(parts)


class _Server(_ThreadingHTTPServer):
    """Tells when a provider's connection is over."""

    gone: Callable[[], None]
    refused: Callable[[bytes, str], None]
    tls: ssl.SSLContext | None = None

    def __init__(self, *args: Any) -> None:
        self.live: set[Any] = set()  # the sockets that handlers read: with TLS not those that were accepted
        super().__init__(*args)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is not None:
            request.settimeout(10.0)
            request = self.tls.wrap_socket(request, server_side=True)
        self.live.add(request)
        handler: Any = self.RequestHandlerClass
        try:
            handler(request, client_address, self)
        finally:
            self.live.discard(request)
            request.close()

    def server_close(self) -> None:
        close: Any = super().server_close
        close()
        for request in list(self.live):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.gone()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is the provider's loss; nothing of it goes to stderr."""


class EventSink(HttpServerThreadBase):
    """Our end of all subscriptions of one link, on ``address`` and a port of the system's choice."""

    def __init__(
        self,
        address: str,
        tls: ssl.SSLContext | None,
        gone: Callable[[], None],
        refused: Callable[[bytes, str], None],
        handler: type[Any] = QuickHandler,
    ) -> None:
        super().__init__(
            address, cast(Any, tls), CompressionHandler.available_encodings[:], get_logger_adapter("sdc.wardbridge")
        )
        self.name = f"sdc events {address}"
        self._gone = gone
        self._refused = refused
        self._handler = handler
        self.failed = ""

    def run(self) -> None:
        httpd: Any
        try:
            httpd = _Server(self.logger, (self._my_ipaddress, 0), self.chunk_size, self.supported_encodings)
        except OSError as error:
            self.failed = f"cannot listen on the adapter: {error.strerror}"
            self.started_evt.set()
            return
        httpd.RequestHandlerClass = self._handler
        httpd.gone = self._gone
        httpd.refused = self._refused
        httpd.tls = self._ssl_context
        self.httpd = httpd
        scheme = "https" if self._ssl_context else "http"
        url: Any = f"{scheme}://{self._my_ipaddress}:{self.server_port}/"
        self.base_url = url
        self.started_evt.set()
        httpd.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Close the port and every connection, and wait until their threads are gone."""
        httpd: Any = self.httpd
        if httpd is None:
            return
        threads = [info.thread for info in httpd.threads]
        stop: Any = super().stop
        stop()
        for thread in threads:
            thread.join(2)
        self.join(2)
