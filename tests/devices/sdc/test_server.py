"""The event sink against peers that are rude, and the inbox against those that are many."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from wardbridge.core.clock import FakeClock, settle
from wardbridge.devices.drivers.sdc.inbox import Inbox
from wardbridge.devices.drivers.sdc.server import BODY, EventSink


class Echo:
    """Answers what it got, as sdc11073's message converter would."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def do_post(self, headers: Any, path: str, peer: str, body: bytes) -> tuple[int, str, bytes]:
        self.bodies.append(body)
        return 200, "Ok", b"<answer/>"


class Sink:
    def __init__(self) -> None:
        self.gone = threading.Semaphore(0)
        self.refused: list[str] = []
        self.echo = Echo()
        self.events = EventSink("127.0.0.1", None, self.gone.release, lambda raw, why: self.refused.append(why))
        self.events.start()
        assert self.events.started_evt.wait(5)
        self.events.dispatcher.register_instance("x", self.echo)

    def connect(self) -> socket.socket:
        port = urlsplit(str(self.events.base_url)).port
        return socket.create_connection(("127.0.0.1", port or 0), timeout=5)

    def left(self) -> None:
        """Wait until the server has done with a connection."""
        assert self.gone.acquire(timeout=5)


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.events.stop()
    assert not made.events.is_alive()


def post(body: bytes, *headers: str) -> bytes:
    head = ["POST /x/subscr1 HTTP/1.1", "Host: x", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def test_the_answer_leaves_in_one_piece(sink: Sink) -> None:
    with sink.connect() as peer:
        for number in range(3):
            body = b"<n>%d</n>" % number
            peer.sendall(post(body, f"Content-Length: {len(body)}"))
            answer = peer.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(b"<answer/>")
    assert sink.echo.bodies == [b"<n>0</n>", b"<n>1</n>", b"<n>2</n>"]
    sink.left()


def test_chunks_are_joined(sink: Sink) -> None:
    with sink.connect() as peer:
        peer.sendall(post(b"3\r\n<a>\r\n4\r\n</a>\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))
        assert peer.recv(65_536).startswith(b"HTTP/1.1 200")
    assert sink.echo.bodies == [b"<a></a>"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((f"Content-Length: {BODY + 1}",), b""),
        (("Content-Length: -5",), b""),
        (("Content-Length: many",), b""),
        (("Transfer-Encoding: chunked",), b"ffffffff\r\n"),
        (("Transfer-Encoding: chunked",), b"zz\r\n"),
    ],
)
def test_a_body_that_cannot_be_is_refused_and_counted(sink: Sink, headers: tuple[str, ...], body: bytes) -> None:
    with sink.connect() as peer:
        peer.sendall(post(body, *headers))
        assert peer.recv(65_536).startswith(b"HTTP/1.1 413")
    sink.left()
    assert len(sink.refused) == 1
    assert sink.echo.bodies == []


@pytest.mark.parametrize(
    "start",
    [
        post(b"<half", "Content-Length: 100"),
        post(b"64\r\nhalf", "Transfer-Encoding: chunked"),
        b"POST /x",
        b"\x16\x03\x01 not HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_a_peer_that_leaves_in_the_middle_leaves_no_thread(sink: Sink, start: bytes) -> None:
    with sink.connect() as peer:
        peer.sendall(start)
    sink.left()
    assert sink.echo.bodies == []


def test_stopping_ends_connections_that_say_nothing(sink: Sink) -> None:
    peers = [sink.connect() for _ in range(3)]
    for peer in peers:
        peer.sendall(post(b"<a/>", "Content-Length: 4"))
        assert peer.recv(65_536)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("SubscrRecv")]
    assert len(threads) >= 3
    sink.events.stop()
    assert not any(thread.is_alive() for thread in threads)
    for peer in peers:
        with contextlib.suppress(OSError):
            assert peer.recv(10) == b""
        peer.close()


async def test_an_inbox_is_bounded_by_number_and_by_bytes() -> None:
    for limit, room in ((3, 10_000), (1000, 30)):
        inbox = Inbox(FakeClock(), limit, room)
        for number in range(3):
            inbox.offer(number, 10)
        assert len(inbox) == 3
        inbox.offer(3, 10)
        assert len(inbox) == 0
        assert inbox.overflowed
        assert inbox.counts["dropped"] == 4
        assert await inbox.take() == []
        inbox.offer(4, 10)
        inbox.reset()
        assert [item.node for item in await inbox.take()] == [4]


async def test_an_inbox_keeps_order_and_knows_when_it_is_drained() -> None:
    inbox = Inbox(FakeClock())
    threads = [threading.Thread(target=inbox.offer, args=(number, 1)) for number in range(5)]
    for thread in threads:
        thread.start()
        thread.join()
    assert [item.node for item in await inbox.take(3)] == [0, 1, 2]
    drained = asyncio.create_task(inbox.drained())
    await settle()
    assert not drained.done()
    assert [item.node for item in await inbox.take()] == [3, 4]
    more = asyncio.create_task(inbox.take())
    await asyncio.wait_for(drained, 5)
    inbox.reject(b"<bro", "XMLSyntaxError")
    broken = await asyncio.wait_for(more, 5)
    assert [(item.broken, item.reason) for item in broken] == [(b"<bro", "XMLSyntaxError")]
    assert inbox.counts["quarantined"] == 1
