"""The driver behind the real listener on loopback, spoken to by python-hl7's client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from hl7.client import MLLPClient

from wardbridge.core.clock import FakeClock, SystemClock
from wardbridge.core.ids import counted_ids
from wardbridge.devices.driver import DriverContext, Sink
from wardbridge.devices.drivers.hl7_mllp.driver import Hl7Driver, build
from wardbridge.devices.kit.suite import FailingSink, RecordingSink
from wardbridge.devices.values import Reading
from wardbridge.exchange.mllp.frames import FrameReader, Junk
from wardbridge.exchange.mllp.listener import Listener, Peer

from .rig import Hl7Rig


def captured(name: str) -> list[bytes]:
    data = (Hl7Rig.tests / "captures" / f"{name}.mllp").read_bytes()
    return [item for item in FrameReader().feed(data) if isinstance(item, bytes)]


@asynccontextmanager
async def gateway(sink: Sink) -> AsyncIterator[tuple[Listener, Hl7Driver]]:
    clock = SystemClock()
    driver = build(DriverContext("ward", {"zone": "Europe/Berlin"}, clock, sink, structlog.get_logger("t")))

    async def keep(junk: Junk, peer: Peer) -> None:
        await driver.junk(junk.reason, junk.data)

    listener = Listener(driver.handle, keep, clock=clock, ids=counted_ids("W"), port=0)
    await listener.start()
    running = asyncio.create_task(driver.run())
    try:
        yield listener, driver
    finally:
        await listener.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def send(port: int, messages: list[bytes]) -> list[bytes]:
    with MLLPClient("127.0.0.1", port) as client:
        return [client.send_message(message) for message in messages]


async def test_python_hl7s_client_gets_its_commit_acknowledgements() -> None:
    sink = RecordingSink()
    messages = captured("repeats") + captured("alarm")
    async with gateway(sink) as (listener, driver):
        answers = await asyncio.to_thread(send, listener.port, messages)
        assert [b"\rMSA|CA|" in answer for answer in answers] == [True] * len(messages)
        assert driver.health().counts["messages"] == len(messages)
    assert [batch.raw for batch in sink.batches] == messages
    texts = [v.text for v in sink.values if isinstance(v, Reading) and v.code == 147842]
    assert texts == ["80", "81", "82", "83", "84", "85"]


async def test_reconnect_goes_on_where_the_last_connection_broke() -> None:
    sink = RecordingSink()
    messages = captured("repeats")
    async with gateway(sink) as (listener, _):
        for message in messages:
            _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(b"\x0b" + message[:100])
            await writer.drain()
            writer.close()
            (answer,) = await asyncio.to_thread(send, listener.port, [message])
            assert b"\rMSA|CA|" in answer
    stored = [batch.raw for batch in sink.batches if batch.profile != "junk"]
    junk = [batch.raw for batch in sink.batches if batch.profile == "junk"]
    assert stored == messages
    assert junk == [message[:100] for message in messages]


async def test_a_refusing_store_gets_no_answer_out() -> None:
    sink = FailingSink()
    async with gateway(sink) as (listener, driver):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"\x0b" + captured("monitor")[0] + b"\x1c\r")
        assert await reader.read() == b""
        writer.close()
        assert driver.health().state == "degraded"
        sink.failing = False
        (answer,) = await asyncio.to_thread(send, listener.port, captured("monitor"))
        assert b"\rMSA|CA|M1" in answer


async def test_both_clocks_are_kept_apart() -> None:
    """A device clock that is wrong changes device times only; a zone applies where none is written."""
    sink, clock = RecordingSink(), FakeClock()
    driver = build(DriverContext("ward", {"zone": "Europe/Berlin"}, clock, sink, structlog.get_logger("t")))
    (message,) = captured("monitor")
    await driver.handle(message)
    await driver.handle(message.replace(b"+0100", b""))
    await driver.handle(message.replace(b"20261121", b"19991121"))
    same: Callable[[int], list[int]] = lambda at: [  # noqa: E731
        v.device_time for v in sink.batches[at].values if isinstance(v, Reading)
    ]
    assert same(0) == same(1)
    assert [old + 852_076_800_000_000 for old in same(2)] == same(0)
    assert {batch.received for batch in sink.batches} == {clock.now()}
