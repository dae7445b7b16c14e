"""Outbound queues against hl7's MLLP server: order, patience, refusal, replay, and no mutual delay."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from tests.exchange.outbound.peer import parse, peer

from wardbridge.core.clock import DAY, SECOND, FakeClock, SystemClock
from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.exchange.feeds.oru import Party, trial
from wardbridge.exchange.intake.entry import Entry
from wardbridge.exchange.intake.log import Intake
from wardbridge.exchange.outbound.message import Outbound, control_id
from wardbridge.exchange.outbound.mllp import MllpSender
from wardbridge.exchange.outbound.store import queue, screens
from wardbridge.exchange.outbound.worker import Patience, Worker

NOW = 1_767_225_600 * SECOND


def message(destination: str, key: str, patients: tuple[str, ...] = ()) -> Outbound:
    control = control_id(destination, key)
    return Outbound(destination, control, "ORU^R01^ORU_R01", patients, trial(Party(), control, NOW), key)


async def put(pool: Any, *messages: Outbound, now: int = NOW) -> int:
    async with transaction(pool) as conn:
        return await queue.enqueue(conn, messages, now)


def client(port: int) -> MllpSender:
    return MllpSender("127.0.0.1", port, SystemClock(), timeout=10.0)


def half() -> float:
    return 0.5


async def dead_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_in_order_once_and_marked_sent(database: Any, clock: FakeClock) -> None:
    keys = [f"k{n}" for n in range(20)]
    assert await put(database.pool, *(message("his", key) for key in keys)) == 20
    assert await put(database.pool, message("his", "k3"), message("his", "new")) == 1
    async with peer() as receiver:
        worker = Worker(database.pool, clock, "his", client(receiver.port), half)
        while await worker.step() == 0:
            pass
    assert receiver.controls == [control_id("his", key) for key in [*keys, "new"]]
    state = (await screens.queues(database.pool))[0]
    assert (state.destination, state.state, state.waiting, state.sent, state.dead) == ("his", "up", 0, 21, 0)
    assert state.last_sent == clock.now()


async def test_a_dead_destination_delays_no_other(database: Any) -> None:
    await put(database.pool, *(message(name, f"k{n}") for n in range(5) for name in ("dead", "alive", "silent")))
    silent: list[asyncio.StreamWriter] = []
    mute = await asyncio.start_server(lambda r, w: silent.append(w), "127.0.0.1", 0)
    async with peer() as receiver:
        ports = {"alive": receiver.port, "dead": await dead_port(), "silent": mute.sockets[0].getsockname()[1]}
        workers = {name: Worker(database.pool, SystemClock(), name, client(port), half) for name, port in ports.items()}
        tasks = [asyncio.create_task(worker.run()) for worker in workers.values()]
        await receiver.got(5)
        async with asyncio.timeout(30):
            while True:  # the living one may be done before the dead one has been tried
                states = {state.destination: state for state in await screens.queues(database.pool)}
                if states["dead"].state == "down":
                    break
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for writer in silent:
        writer.close()
    mute.close()
    assert states["dead"].waiting == 5
    assert states["silent"].waiting == 5
    assert (states["dead"].state, states["dead"].last_error.partition(":")[0]) == ("down", "ConnectionRefusedError")
    assert states["dead"].oldest == NOW


async def test_back_off_grows_is_bounded_and_ends(database: Any, clock: FakeClock) -> None:
    await put(database.pool, message("his", "a"), message("his", "b"))
    worker = Worker(database.pool, clock, "his", client(await dead_port()), half, Patience(1.0, 8.0))
    assert [await worker.step() for _ in range(6)] == [0.75, 1.5, 3.0, 6.0, 6.0, 6.0]
    state = (await screens.queues(database.pool))[0]
    assert (state.state, state.failures, state.waiting, state.since) == ("down", 6, 2, clock.now())
    async with peer() as receiver:
        worker.sender = client(receiver.port)
        assert await worker.step() == 0
        assert await worker.step() == 0
        assert await worker.step() == worker.patience.idle
    assert receiver.controls == [control_id("his", "a"), control_id("his", "b")]
    assert (await screens.queues(database.pool))[0].failures == 0


async def test_refusals_become_dead_letters_and_can_be_replayed(database: Any, clock: FakeClock) -> None:
    verdicts = {control_id("his", "rejected"): "AR", control_id("his", "faulty"): "AE"}
    await put(database.pool, *(message("his", key, ("4711",)) for key in ("rejected", "faulty", "good")))

    async with peer(lambda m: verdicts.get(str(m.segment("MSH")[10]), "CA")) as receiver:
        worker = Worker(database.pool, clock, "his", client(receiver.port), half, Patience(errors=3))
        pauses = [await worker.step() for _ in range(6)]
        assert pauses == [0, 0.75, 1.5, 0, 0, worker.patience.idle]
        letters = await screens.dead_letters(database.pool, "his")
        assert [(letter.control, letter.attempts, letter.reason) for letter in letters] == [
            (control_id("his", "faulty"), 3, "AE"),
            (control_id("his", "rejected"), 1, "AR"),
        ]
        assert letters[0].patient_ids == ("4711",)
        await put(database.pool, message("his", "later"))
        verdicts.clear()
        async with transaction(database.pool) as conn:
            assert await queue.replay(conn, letters[1].id) == "his"
        with pytest.raises(NotFound):
            await queue.replay(database.pool, letters[1].id)
        while await worker.step() == 0:
            pass
    assert receiver.controls[-2:] == [control_id("his", "later"), control_id("his", "rejected")]
    assert len(await screens.dead_letters(database.pool)) == 1


@pytest.mark.parametrize(
    "frame",
    [
        b"nonsense",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\r",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|AA|other\r",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|ZZ|CONTROL\r",
    ],
)
async def test_an_answer_that_is_none_counts_as_silence(database: Any, clock: FakeClock, frame: bytes) -> None:
    """Whatever comes back that is no acknowledgement of this message, the message stays queued."""
    control = control_id("his", "a")
    await put(database.pool, message("his", "a"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        writer.write(b"\x0b" + frame.replace(b"CONTROL", control.encode()) + b"\x1c\r")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    worker = Worker(database.pool, clock, "his", client(server.sockets[0].getsockname()[1]), half)
    assert await worker.step() > 0
    server.close()
    state = (await screens.queues(database.pool))[0]
    assert (state.waiting, state.state, state.failures) == (1, "down", 1)


async def test_one_connection_is_kept_and_made_anew(database: Any, clock: FakeClock) -> None:
    await put(database.pool, *(message("his", f"k{n}") for n in range(4)))
    verdicts = iter(["AA", "AA", "", "AA", "AA"])
    async with peer(lambda m: next(verdicts)) as receiver:
        sender = client(receiver.port)
        worker = Worker(database.pool, clock, "his", sender, half)
        pauses = [await worker.step() for _ in range(5)]
        await sender.close()
    assert pauses == [0, 0, 0.75, 0, 0]
    assert receiver.connections == 2
    assert receiver.controls == [control_id("his", f"k{n}") for n in (0, 1, 2, 2, 3)]


async def test_silence_ends_with_the_time_limit(database: Any, clock: FakeClock) -> None:
    await put(database.pool, message("his", "a"))
    heard = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        heard.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sender = MllpSender("127.0.0.1", server.sockets[0].getsockname()[1], clock, timeout=5.0)
    step = asyncio.create_task(Worker(database.pool, clock, "his", sender, half).step())
    await heard.wait()
    await clock.advance(4.0)
    assert not step.done()
    await clock.advance(2.0)
    assert await step == 0.75
    server.close()
    assert (await screens.queues(database.pool))[0].last_error.startswith("TimeoutError")


async def test_a_restored_queue_goes_on(database: Any, clock: FakeClock) -> None:
    await put(database.pool, message("his", "a"), message("his", "b"))
    await database.pool.execute("UPDATE outbound_message SET xid = '99999999999'")
    assert await queue.head(database.pool, "his") is None
    async with transaction(database.pool) as conn:
        await queue.rebase(conn)
    await put(database.pool, message("his", "c"))
    async with peer() as receiver:
        worker = Worker(database.pool, clock, "his", client(receiver.port), half)
        while await worker.step() == 0:
            pass
    assert receiver.controls == [control_id("his", key) for key in "abc"]


async def test_a_crash_between_answer_and_mark_repeats_the_same_control_id(
    database: Any,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await put(database.pool, message("his", "a"), message("his", "b"))
    async with peer() as receiver:

        async def dies(*args: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(queue, "sent", dies)
            with pytest.raises(KeyboardInterrupt):
                await Worker(database.pool, clock, "his", client(receiver.port), half).step()
        worker = Worker(database.pool, clock, "his", client(receiver.port), half)
        while await worker.step() == 0:
            pass
    first = control_id("his", "a")
    assert receiver.controls == [first, first, control_id("his", "b")]
    assert receiver.messages[0] == receiver.messages[1]


async def test_a_late_commit_keeps_its_place(database: Any, clock: FakeClock) -> None:
    await queue.ensure(database.pool, "his")
    slow = await database.pool.acquire()
    held = slow.transaction()
    await held.start()
    await queue.enqueue(slow, [message("his", "slow")], NOW)
    await put(database.pool, message("his", "quick"))
    assert await queue.head(database.pool, "his") is None
    await held.commit()
    await database.pool.release(slow)
    found = await queue.head(database.pool, "his")
    assert found is not None
    assert found.control == control_id("his", "slow")


async def test_the_bell_ends_the_wait(database: Any) -> None:
    async with peer() as receiver:
        worker = Worker(database.pool, SystemClock(), "his", client(receiver.port), half, Patience(idle=3600))
        await put(database.pool, message("his", "a"))
        task = asyncio.create_task(worker.run())
        await receiver.got(1)
        await put(database.pool, message("his", "b"))
        worker.wake.set()
        await receiver.got(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_find_in_and_out(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    for n in range(6):
        await intake.put(
            Entry(
                "adt" if n % 2 else "device",
                "mllp",
                "HIS",
                f"A{n}",
                NOW + n * SECOND,
                b"MSH|A%d" % n,
                b"",
                patient_ids=("4711",) if n < 4 else ("8",),
                message_type="ADT^A01" if n % 2 else "ORU^R01",
            )
        )
    for n in range(4):
        await put(database.pool, message("his", f"k{n}", ("4711",)), now=NOW + n * SECOND + n % 2)
    pool = database.pool

    async def controls(**asked: Any) -> list[str]:
        return [m.control for m in (await screens.find(pool, **asked)).messages]

    out = [control_id("his", f"k{n}") for n in range(4)]
    assert await controls(patient="4711") == [out[3], "A3", out[2], "A2", out[1], "A1", out[0], "A0"]
    assert await controls(patient="8") == ["A5", "A4"]
    assert await controls(control="A2") == ["A2"]
    assert await controls(control=out[1]) == [out[1]]
    assert await controls(type="ADT", direction="in") == ["A5", "A3", "A1"]
    assert await controls(kinds=("device",), direction="in") == ["A4", "A2", "A0"]
    assert await controls(since=NOW + 2 * SECOND, until=NOW + 3 * SECOND) == [out[2], "A2"]
    assert await controls(direction="out", limit=2) == [out[3], out[2]]
    for limit in (1, 2, 3, 5):
        seen: list[str] = []
        before = ""
        while True:
            page = await screens.find(pool, limit=limit, before=before)
            seen += [m.control for m in page.messages]
            before = page.before
            if not before:
                break
        assert seen == await controls(limit=100)
        assert len(seen) == 10
    found = (await screens.find(pool, control="A2")).messages[0]
    assert await screens.raw(pool, found.ref) == b"MSH|A2"
    sent = (await screens.find(pool, control=out[0])).messages[0]
    assert parse(await screens.raw(pool, sent.ref)).segment("MSH")[11][0] == "T"
    for wrong in ({"before": "x"}, {"before": "1.up.1"}, {"before": f"1.in.{1 << 70}"}, {"direction": "sideways"}):
        with pytest.raises(Invalid):
            await screens.find(pool, **wrong)
    for ref in ("in-999", "out-999", "out-x", "up-1"):
        with pytest.raises(NotFound):
            await screens.raw(pool, ref)
    await intake.close()


async def test_retention_keeps_what_waits(database: Any, clock: FakeClock) -> None:
    clock.set(NOW)
    await put(database.pool, message("his", "sent"), message("his", "waiting"))
    async with peer() as receiver:
        await Worker(database.pool, clock, "his", client(receiver.port), half).step()
    assert await screens.retain(database.pool, 30, NOW + 29 * DAY) == 0
    assert await screens.retain(database.pool, 30, NOW + 31 * DAY) == 1
    assert (await screens.queues(database.pool))[0].waiting == 1
