"""The ward on the wire, against a bare MLLP server that shares no code with it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from wardbridge.core.clock import FakeClock, settle
from wardbridge.devices.sim.__main__ import parse
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.his import Receiver
from wardbridge.devices.sim.link import BACK_OFF, PATIENT, ROOM, Link
from wardbridge.devices.sim.rows import Outgoing
from wardbridge.devices.sim.ward import Ward

from .gateway import Gateway, control_of


def note(kind: str, n: int) -> Outgoing:
    control = f"{kind[0].upper()}{n}"
    return Outgoing(kind, control, f"MSH|^~\\&|DEV||||20260101||ORU^R01|{control}|P|2.6\r".encode())


@contextlib.asynccontextmanager
async def running(link: Link) -> AsyncIterator[Link]:
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def driven(clock: FakeClock, gateway: Gateway, ready: Callable[[], bool], step: float = 0.5) -> float:
    """Let the fake clock go on until ``ready``, with the sockets keeping pace; the seconds that took."""
    passed = 0.0
    while not ready():
        with contextlib.suppress(TimeoutError):
            await gateway.until(ready, 0.05)
            break
        await clock.advance(step)
        passed += step
        assert passed < 120, "nothing happened in two minutes"
    return passed


async def test_one_message_at_a_time_alarms_first(clock: FakeClock) -> None:
    async with Gateway() as gateway:
        link = Link("127.0.0.1", gateway.port, clock)
        for n in range(3):
            for kind in ("wave", "numerics", "alarm"):
                link.offer(note(kind, n))
        async with running(link):
            await gateway.until(lambda: len(gateway.received) == 9)
        assert [control_of(m) for m in gateway.received] == ["A0", "A1", "A2", "N0", "N1", "N2", "W0", "W1", "W2"]
        assert gateway.connections == 1


async def test_a_lost_connection_repeats_the_same_bytes(clock: FakeClock) -> None:
    answers = iter(["hang up", "CA", "CA"])
    async with Gateway(lambda _: next(answers)) as gateway:
        link = Link("127.0.0.1", gateway.port, clock)
        link.offer(note("alarm", 1))
        link.offer(note("alarm", 2))
        async with running(link):
            await driven(clock, gateway, lambda: link.counts["acked"] == 2)
        assert [control_of(m) for m in gateway.received] == ["A1", "A1", "A2"]
        assert gateway.received[0] == gateway.received[1]
        assert gateway.connections == 2
        assert link.counts["resent"] == 1


async def test_silence_is_given_up_after_ten_seconds(clock: FakeClock) -> None:
    answers = iter(["", "CA"])
    async with Gateway(lambda _: next(answers)) as gateway:
        link = Link("127.0.0.1", gateway.port, clock)
        link.offer(note("alarm", 1))
        async with running(link):
            took = await driven(clock, gateway, lambda: link.counts["acked"] == 1)
        assert 10.0 <= took <= 13.0
        assert link.counts["timeouts"] == 1
        assert len(gateway.received) == 2


async def test_an_error_is_repeated_and_a_rejection_is_not(clock: FakeClock) -> None:
    answers = {"A1": iter(["CE", "CE", "CA"]), "A2": iter(["CR"]), "A3": iter(["AA"])}
    async with Gateway(lambda message: next(answers[control_of(message)])) as gateway:
        link = Link("127.0.0.1", gateway.port, clock)
        for n in (1, 2, 3):
            link.offer(note("alarm", n))
        async with running(link):
            took = await driven(clock, gateway, lambda: link.waiting == 0)
        assert [control_of(m) for m in gateway.received] == ["A1", "A1", "A1", "A2", "A3"]
        assert 2.0 <= took <= 4.0
        assert (link.counts["acked"], link.counts["rejected"], link.counts["errors"]) == (2, 1, 2)


async def test_a_gateway_that_is_away_is_tried_again_with_growing_pauses(clock: FakeClock) -> None:
    tried: list[float] = []

    async def refuse(_host: str, _port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tried.append(clock.monotonic())
        raise ConnectionRefusedError

    link = Link("127.0.0.1", 1, clock, connect=refuse)
    async with running(link):
        await clock.advance(80.0)
    pauses = [b - a for a, b in itertools.pairwise(tried)]
    assert pauses[: len(BACK_OFF)] == pytest.approx(list(BACK_OFF))
    assert set(pauses[len(BACK_OFF) :]) <= {BACK_OFF[-1]}


async def test_memory_is_bounded_and_alarms_outlive_waves(clock: FakeClock) -> None:
    link = Link("127.0.0.1", 1, clock)
    for n in range(2 * PATIENT):
        for kind in ("wave", "numerics", "event"):
            link.offer(note(kind, n))
    assert link.waiting == ROOM["wave"] + ROOM["numerics"] + PATIENT
    assert link.counts["dropped"] == 6 * PATIENT - link.waiting
    async with Gateway() as gateway:
        link._port = gateway.port
        async with running(link):
            await gateway.until(lambda: len(gateway.received) == PATIENT + ROOM["numerics"] + ROOM["wave"])
        kept = Counter(control_of(m)[0] for m in gateway.received)
        assert kept == {"E": PATIENT, "N": ROOM["numerics"], "W": ROOM["wave"]}
        assert control_of(gateway.received[-1]) == f"W{2 * PATIENT - 1}"


async def on_the_wire(config: WardConfig, seconds: int) -> tuple[Ward, Gateway]:
    clock = FakeClock()
    async with Gateway(lambda m: "AA" if b"|ADT^" in m[:120] else "CA") as gateway:
        ward = Ward(
            WardConfig(mllp_port=gateway.port, beds=config.beds, seed=config.seed, speed=config.speed, status_every=0),
            clock,
        )
        task = asyncio.create_task(ward.run())
        for _ in range(seconds * 2):
            await clock.advance(0.5)
            await driven(clock, gateway, lambda: all(link.waiting == 0 for link in ward.links.values()), 0.0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return ward, gateway


async def test_a_ward_arrives_whole_and_the_same_each_time() -> None:
    config = WardConfig(beds=3, seed=4)
    first, gateway = await on_the_wire(config, 6)
    again, other = await on_the_wire(config, 6)
    assert gateway.connections == len(first.machines) + 1 == 9
    assert sum(link.counts["acked"] for link in first.links.values()) == len(gateway.received)
    assert len({(m.split(b"|")[2], control_of(m)) for m in gateway.received}) == len(gateway.received)
    assert sorted(gateway.received) == sorted(other.received)
    assert first.status()["dropped"] == again.status()["dropped"] == 0
    kinds = Counter(m.split(b"|")[8] for m in gateway.received)
    assert kinds[b"ADT^A01^ADT_A01"] == 3
    assert kinds[b"ORU^R01^ORU_R01"] >= 2 * 3 * 5
    assert kinds[b"ORU^R42^ORU_R01"] == 4


async def test_a_silent_device_stays_connected_and_says_nothing() -> None:
    clock = FakeClock()
    async with Gateway() as gateway:
        ward = Ward(WardConfig(mllp_port=gateway.port, beds=11, speed=60.0, waves=False, status_every=0), clock)
        mine = next(m.identity.eui for m in ward.machines if m.identity.name == "monitor-11").encode()

        def heard() -> int:
            return sum(1 for m in gateway.received if mine in m[:80])

        def idle() -> bool:
            return all(link.waiting == 0 for link in ward.links.values())

        task = asyncio.create_task(ward.run())
        counts = []
        for _ in range(9):
            await clock.advance(1.0)
            await driven(clock, gateway, idle, 0.0)
            counts.append(heard())
        link = ward.links["monitor-11"]
        assert link.connected
        assert link.counts["connects"] == 1
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    # silent from ward second 240 to 420: wall second 4 to 7
    assert counts[2] > counts[1]
    assert counts[3] == counts[4] == counts[5]
    assert counts[8] > counts[5]


async def test_the_his_takes_results_and_answers_as_asked(clock: FakeClock) -> None:
    receiver = Receiver(clock)
    port = await receiver.start("127.0.0.1", 0)
    try:
        result = "MSH|^~\\&|WB|W|SEAHILL_HIS|SEAHILL|20260101||ORU^R01^ORU_R01|X1|P|2.5.1|||{}\rPID|||1\rOBR|1\r"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for asked, codes in (("||", ["AA"]), ("AL|NE", ["CA"]), ("AL|AL", ["CA", "AA"])):
            writer.write(b"\x0b" + result.format(asked).encode() + b"\x1c\r")
            for code in codes:
                answer = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5)
                assert f"MSA|{code}|X1".encode() in answer
        assert receiver.counts["ORU^R01"] == 3
        assert receiver.counts["repeated"] == 2
        receiver.refuse = True
        writer.write(b"\x0b" + result.format("|").encode() + b"\x1c\r")
        assert b"MSA|AE|X1" in await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5)
        receiver.dead = True
        writer.write(b"\x0b" + result.format("|").encode() + b"\x1c\r")
        writer.write(b"\x0b" + result.format("|").encode() + b"\x1c\r")
        await asyncio.wait_for(reader.read(), 5)
        assert reader.at_eof()
        writer.close()
    finally:
        await receiver.stop()
    await settle()


async def test_the_process_runs_and_ends_on_sigterm() -> None:
    async with Gateway(lambda m: "AA" if b"|ADT^" in m[:120] else "CA") as gateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wardbridge.devices.sim",
            *("--mllp-port", str(gateway.port), "--beds", "3", "--no-ventilators", "--status-every", "0.5"),
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        await gateway.until(lambda: len(gateway.received) > 20, 30)
        row = {"acked": 0}
        while not row["acked"]:
            row = json.loads(await asyncio.wait_for(process.stderr.readline(), 10))
        process.send_signal(signal.SIGTERM)
        rest = await asyncio.wait_for(process.stderr.read(), 10)
        assert await process.wait() == 0
    assert b"Traceback" not in rest
    assert row["devices"] == 8
    assert row["connected"] == 9
    assert row["sent"] >= row["acked"] > 0


def test_a_wrong_command_line_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["--beds", "5", "--speed", "4", "--oru-port", "0"]).oru_port == 0
    for wrong in (["--beds", "0"], ["--speed", "fast"], ["--every", "0"]):
        with pytest.raises(SystemExit) as refused:
            parse(wrong)
        assert refused.value.code == 2
    assert "beds must be 1 to 200, not 0" in capsys.readouterr().err


@pytest.mark.slow
async def test_the_whole_process_takes_its_ventilators_with_it() -> None:
    """Killed outright, the ward leaves no SDC provider behind."""
    async with Gateway(lambda m: "AA" if b"|ADT^" in m[:120] else "CA") as gateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wardbridge.devices.sim",
            *("--mllp-port", str(gateway.port), "--beds", "1", "--status-every", "1"),
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        line = b""
        while b'"ventilators":1' not in line:
            line = await asyncio.wait_for(process.stderr.readline(), 30)
        process.kill()
        await process.wait()
        # The pipe ends only when the last process that holds it does.
        await asyncio.wait_for(process.stderr.read(), 20)
