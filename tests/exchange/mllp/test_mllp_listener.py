"""The listener and the client on loopback, and python-hl7's own client against the listener."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hl7
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hl7.client import MLLPClient
from hl7.mllp import open_hl7_connection

from wardbridge.core.clock import FakeClock, SystemClock, settle
from wardbridge.core.ids import counted_ids
from wardbridge.exchange.codecs.hl7v2.ack import Disposition
from wardbridge.exchange.codecs.hl7v2.message import parse
from wardbridge.exchange.codecs.hl7v2.msh import read_msh
from wardbridge.exchange.mllp.client import Client, Lost
from wardbridge.exchange.mllp.frames import FrameReader, Junk, frame
from wardbridge.exchange.mllp.listener import Handle, Listener, Peer


def message(control: str, accept: str = "AL", application: str = "NE", extra: str = "") -> bytes:
    return (
        f"MSH|^~\\&|MON|ICU|WB||20260101||ORU^R01^ORU_R01|{control}|P|2.6|||{accept}|{application}\rOBR|1\r{extra}"
    ).encode()


class Bench:
    """A running listener and what it was given."""

    def __init__(self, listener: Listener, junk: list[Junk]) -> None:
        self.listener = listener
        self.junk = junk

    @property
    def port(self) -> int:
        return self.listener.port


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., object]]:
    async with contextlib.AsyncExitStack() as stack:

        async def start(handle: Handle, **more: object) -> Bench:
            junk: list[Junk] = []

            async def quarantine(item: Junk, peer: Peer) -> None:
                junk.append(item)

            options = {"clock": FakeClock(), "ids": counted_ids("W"), **more}
            listener = Listener(handle, quarantine, port=0, **options)  # type: ignore[arg-type]
            await listener.start()
            stack.push_async_callback(listener.close)
            return Bench(listener, junk)

        yield start


async def until(condition: Callable[[], bool]) -> None:
    """Let tasks and sockets go on until `condition` holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nothing to wait on but the loop itself
            await asyncio.sleep(0)


async def accept(raw: bytes, peer: Peer) -> Disposition:
    return Disposition()


async def raw_talk(port: int, *chunks: bytes) -> list[bytes]:
    """Send, close our side, and read every answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()
    frames = FrameReader()
    found = frames.feed(await reader.read(-1))
    writer.close()
    assert not any(isinstance(item, Junk) for item in found)
    return [item for item in found if isinstance(item, bytes)]


def codes(answers: list[bytes]) -> list[tuple[str, str]]:
    return [(parse(a).get("MSA", 1), parse(a).get("MSA", 2)) for a in answers]


async def test_each_message_gets_the_answer_it_asks_for(serve: Callable[..., object]) -> None:
    bench = await serve(accept)  # type: ignore[misc]
    stream = b"".join(
        frame(m) for m in (message("1"), message("2", "NE", "AL"), message("3", "", ""), message("4", "NE", "NE"))
    )
    assert codes(await raw_talk(bench.port, stream)) == [("CA", "1"), ("AA", "2"), ("AA", "3")]
    assert bench.listener.counts["messages"] == 4


async def test_answers_keep_the_order_though_handling_does_not(serve: Callable[..., object]) -> None:
    gates = {str(n): asyncio.Event() for n in range(4)}
    entered: list[str] = []

    async def handle(raw: bytes, peer: Peer) -> Disposition:
        control = read_msh(raw).control_id
        entered.append(control)
        await gates[control].wait()
        return Disposition()

    bench = await serve(handle)  # type: ignore[misc]
    talk = asyncio.create_task(raw_talk(bench.port, b"".join(frame(message(n)) for n in gates)))
    await until(lambda: len(entered) == 4)
    assert entered == ["0", "1", "2", "3"]
    for control in ("3", "1", "0", "2"):
        gates[control].set()
        await settle()
    assert codes(await talk) == [("CA", n) for n in gates]


async def test_reading_stops_while_too_much_is_in_flight(serve: Callable[..., object]) -> None:
    gate, entered = asyncio.Event(), 0

    async def handle(raw: bytes, peer: Peer) -> Disposition:
        nonlocal entered
        entered += 1
        await gate.wait()
        return Disposition()

    bench = await serve(handle, in_flight=3)  # type: ignore[misc]
    talk = asyncio.create_task(raw_talk(bench.port, *[frame(message(str(n))) for n in range(10)]))
    await until(lambda: entered == 3)
    await settle(50)
    assert entered == 3
    gate.set()
    assert len(await talk) == 10
    assert entered == 10


async def test_a_failing_handler_never_answers_yes(serve: Callable[..., object]) -> None:
    async def handle(raw: bytes, peer: Peer) -> Disposition:
        raise RuntimeError("secret detail")

    bench = await serve(handle)  # type: ignore[misc]
    answers = await raw_talk(bench.port, frame(message("1")), frame(message("2", "", "")))
    assert codes(answers) == [("CE", "1"), ("AE", "2")]
    assert b"secret" not in b"".join(answers)
    assert parse(answers[0]).get("ERR", 3) == "207"


async def test_a_held_message_is_not_answered_and_the_connection_ends(serve: Callable[..., object]) -> None:
    async def handle(raw: bytes, peer: Peer) -> Disposition:
        return Disposition("error", "error", hold=True)

    clock = FakeClock()
    bench = await serve(handle, clock=clock)  # type: ignore[misc]
    talk = asyncio.create_task(raw_talk(bench.port, frame(message("1"))))
    await until(lambda: bool(bench.listener.counts["held"]))
    assert not talk.done()
    await clock.advance(2)
    assert await talk == []


async def test_junk_is_quarantined_with_its_reason_and_the_rest_goes_on(serve: Callable[..., object]) -> None:
    bench = await serve(accept)  # type: ignore[misc]
    answers = await raw_talk(
        bench.port, b"noise" + frame(message("1")) + b"\x00\x00" + frame(b"PID|1") + b"\x0bMSH|half"
    )
    assert codes(answers) == [("CA", "1"), ("AR", "")]
    assert parse(answers[1]).get("ERR", 3) == "100"
    assert [(j.reason, j.data) for j in bench.junk] == [
        ("bytes outside a frame", b"noise"),
        ("the connection closed inside a frame", b"MSH|half"),
    ]
    assert bench.listener.counts["junk"] == 2


async def test_a_frame_too_long_is_refused_by_name(serve: Callable[..., object]) -> None:
    bench = await serve(accept, max_frame=500)  # type: ignore[misc]
    long = message("1", extra="OBX|" + "x" * 1000)
    answers = await raw_talk(bench.port, frame(long), frame(message("2")))
    assert codes(answers) == [("CR", "1"), ("CA", "2")]
    assert bench.junk[0].size == len(long)


async def test_a_sender_that_leaves_out_the_last_cr(serve: Callable[..., object]) -> None:
    clock = FakeClock()
    bench = await serve(accept, clock=clock)  # type: ignore[misc]
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(frame(message("1"))[:-1])
    answer = asyncio.create_task(reader.readuntil(b"\x1c\r"))
    while not answer.done():
        await clock.advance(0.1)
        await asyncio.sleep(0)
    assert parse(answer.result()[1:-2]).get("MSA", 1) == "CA"
    writer.close()


async def test_a_batch_is_answered_message_by_message(serve: Callable[..., object]) -> None:
    bench = await serve(accept)  # type: ignore[misc]
    batch = b"BHS|^~\\&|A\r" + message("1") + message("2") + b"BTS|2\r"
    assert codes(await raw_talk(bench.port, frame(batch))) == [("CA", "1"), ("CA", "2")]


async def test_more_connections_than_allowed_are_refused_and_places_come_back(serve: Callable[..., object]) -> None:
    bench = await serve(accept, max_connections=2)  # type: ignore[misc]
    first, second = [await asyncio.open_connection("127.0.0.1", bench.port) for _ in range(2)]
    await until(lambda: len(bench.listener.peers) == 2)
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    assert bench.listener.counts["refused"] == 1
    first[1].close()
    await until(lambda: len(bench.listener.peers) == 1)
    assert codes(await raw_talk(bench.port, frame(message("1")))) == [("CA", "1")]
    second[1].close()


async def test_nagle_is_off_on_both_sides(serve: Callable[..., object]) -> None:
    bench = await serve(accept)  # type: ignore[misc]
    async with await Client.connect("127.0.0.1", bench.port, SystemClock()) as client:
        await client.send(message("1"))
        sock = client._writer.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_the_client_matches_answers_out_of_many(serve: Callable[..., object]) -> None:
    async def handle(raw: bytes, peer: Peer) -> Disposition:
        return Disposition("accept", "error") if read_msh(raw).control_id == "7" else Disposition()

    bench = await serve(handle)  # type: ignore[misc]
    async with await Client.connect("127.0.0.1", bench.port, SystemClock()) as client:
        answers = await asyncio.gather(*[client.send(message(str(n), "NE", "AL")) for n in range(20)])
        assert [a.control_id for a in answers] == [str(n) for n in range(20)]
        assert [a.code for a in answers].count("AE") == 1
        both = await client.send(message("x", "AL", "AL"), level="application")
        assert both.code == "AA"


async def test_the_client_gives_up_on_its_clock_and_counts_the_late_answer(serve: Callable[..., object]) -> None:
    gate = asyncio.Event()

    async def handle(raw: bytes, peer: Peer) -> Disposition:
        await gate.wait()
        return Disposition()

    bench = await serve(handle)  # type: ignore[misc]
    clock = FakeClock()
    connecting = asyncio.create_task(Client.connect("127.0.0.1", bench.port, clock))
    async with await connecting as client:
        sending = asyncio.create_task(client.send(message("1"), timeout=5))
        await until(lambda: bool(bench.listener.counts["messages"]))
        await clock.advance(6)
        with pytest.raises(TimeoutError, match="5 s"):
            await sending
        gate.set()
        await until(lambda: bool(client.counts["late"]))


async def test_the_client_fails_what_is_in_flight_when_the_peer_goes(serve: Callable[..., object]) -> None:
    async def handle(raw: bytes, peer: Peer) -> Disposition:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    bench = await serve(handle)  # type: ignore[misc]
    async with await Client.connect("127.0.0.1", bench.port, SystemClock()) as client:
        sending = asyncio.create_task(client.send(message("1")))
        await until(lambda: bool(bench.listener.counts["messages"]))
        await bench.listener.close()
        with pytest.raises(Lost):
            await sending
        with pytest.raises(Lost):
            await client.send(message("2"))
        assert not client.connected


async def test_closing_leaves_no_task(serve: Callable[..., object]) -> None:
    before = asyncio.all_tasks()
    bench = await serve(accept)  # type: ignore[misc]
    await raw_talk(bench.port, frame(message("1")))
    await bench.listener.close()
    await settle(20)
    assert asyncio.all_tasks() <= before


def test_python_hl7s_blocking_client_is_served() -> None:
    async def main() -> bytes:
        async def quarantine(junk: Junk, peer: Peer) -> None:
            raise AssertionError(junk.reason)

        listener = Listener(accept, quarantine, clock=SystemClock(), ids=counted_ids("W"), port=0)
        await listener.start()

        def talk() -> list[bytes]:
            with MLLPClient("127.0.0.1", listener.port) as client:
                return [client.send_message(message(str(n))) for n in range(5)]

        try:
            return b"".join(await asyncio.to_thread(talk))
        finally:
            await listener.close()

    answers = FrameReader().feed(asyncio.run(main()))
    assert codes([a for a in answers if isinstance(a, bytes)]) == [("CA", str(n)) for n in range(5)]


async def test_python_hl7s_async_client_is_served(serve: Callable[..., object]) -> None:
    bench = await serve(accept)  # type: ignore[misc]
    reader, writer = await open_hl7_connection("127.0.0.1", bench.port, encoding="utf-8")
    writer.writemessage(hl7.parse(message("42", "", "").decode()))
    await writer.drain()
    answer = await reader.readmessage()
    assert str(answer.segment("MSA")) == "MSA|AA|42"
    writer.close()
    await writer.wait_closed()


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("gateway.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


async def test_mutual_tls_names_the_peer(serve: Callable[..., object], tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    server.load_verify_locations(cert)
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cert)
    client.load_cert_chain(cert, key)
    seen: list[str] = []

    async def handle(raw: bytes, peer: Peer) -> Disposition:
        seen.append(peer.subject)
        return Disposition()

    bench = await serve(handle, tls=server)  # type: ignore[misc]
    async with await Client.connect(
        "127.0.0.1", bench.port, SystemClock(), tls=client, server_name="gateway.example"
    ) as link:
        assert (await link.send(message("1"))).code == "CA"
    assert seen == ["gateway.example"]
