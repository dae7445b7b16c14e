"""The live stream over a real WebSocket, with rows that telemetry and alarms have really committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pytest
import websockets
from starlette.applications import Starlette

from tests.devices.pipeline.scene import HR, START, Scene, reading, scene
from tests.web.server import serving
from wardbridge.alarms import desk
from wardbridge.alarms import store as alarms
from wardbridge.core.clock import SystemClock
from wardbridge.core.db import transaction
from wardbridge.devices.values import Waveform
from wardbridge.security.audit import Audit
from wardbridge.security.http import COOKIE
from wardbridge.security.identity import Identity
from wardbridge.security.principal import Principal
from wardbridge.security.tokens import Tokens
from wardbridge.telemetry.values import Wave
from wardbridge.web.adapters.build import sources
from wardbridge.web.app import routes
from wardbridge.web.live.browser import WAVE_BYTES, Browser
from wardbridge.web.live.hub import Hub
from wardbridge.web.room import Room

ECG = 131330


class Stream:
    """One signed-in browser's stream."""

    def __init__(self, port: int, cookie: str, *, origin: str = "") -> None:
        self._connect = websockets.connect(
            f"ws://127.0.0.1:{port}/live", origin=origin or f"http://127.0.0.1:{port}",
            additional_headers={"Cookie": f"{COOKIE}={cookie}"},
        )  # fmt: skip

    async def __aenter__(self) -> Stream:
        self.socket = await self._connect.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._connect.__aexit__(*error)

    async def ask(self, *topics: str) -> None:
        await self.socket.send(orjson.dumps({"topics": topics}).decode())

    async def until(self, found: Any) -> Any:
        """The first message for which ``found`` gives something."""
        async with asyncio.timeout(20):
            while True:
                data = await self.socket.recv()
                message = {"t": "waves", "data": data} if isinstance(data, bytes) else orjson.loads(data)
                if (result := found(message)) is not None:
                    return result


def number(message: Any) -> Any:
    """(place, text) of the first heart rate in a message."""
    for place, groups in message.get("p", {}).items() if message["t"] == "n" else ():
        if "hr" in groups.get("s", {}):
            return place, groups["s"]["hr"][0]
    return None


class Live:
    """The house, its server and cookies."""

    house: Scene
    room: Room
    people: Identity
    port: int
    bed: str
    device: str

    async def cookie(self, role: str) -> str:
        person = await self.people.add_person(role, role.title(), (role,), "long enough " + role)
        return (await self.people.open(person, role.title(), frozenset({role}), "")).cookie

    async def say(self, *values: Any, at: int) -> None:
        await self.house.put(*values, received=at)
        await self.house.work()
        await self.house.pool.execute("NOTIFY wb_live")


@pytest.fixture
async def live(database: Any, tmp_path: Path) -> AsyncIterator[Live]:
    found = Live()
    found.house = house = await scene(database.pool)
    clock = SystemClock()
    found.people = Identity(database.pool, Tokens(tmp_path / "keys", clock), clock)

    async def none(conn: Any, destination: str) -> str:
        return ""

    found.room = Room(
        sources=sources(database.pool, clock, house.record, house.parts, ZoneInfo("UTC"), none),
        identity=found.people, audit=Audit(database.pool, clock), pool=database.pool, clock=clock,
        zone=ZoneInfo("UTC"),
    )  # fmt: skip
    found.device = await house.device("MON1", "1")
    found.bed = await house.bed("1")
    await house.adt("A01", "100", 1, "1", family="Berg", given="Anna")
    await house.work()
    hub = Hub(found.room.sources.feed, clock)
    task = asyncio.create_task(hub.run())
    async with serving(Starlette(routes=routes(found.room, hub))) as found.port:
        yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await house.intake.close()


async def test_a_number_reaches_the_browser_as_it_was_sent(live: Live) -> None:
    async with Stream(live.port, await live.cookie("nurse")) as stream:
        await stream.ask("ward/ICU")
        await stream.until(lambda m: True if m["t"] == "w" and m["p"] == {live.bed: await_patient(m, live)} else None)
        await live.say(reading(HR, "72", START), at=START)
        assert await stream.until(number) == (live.bed, "72")


def await_patient(message: Any, live: Live) -> Any:
    return message["p"].get(live.bed)


async def test_a_new_page_gets_the_present_state_at_once(live: Live) -> None:
    cookie = await live.cookie("nurse")
    async with Stream(live.port, cookie) as first:
        await first.ask(f"bed/{live.bed}")
        await live.say(reading(HR, "81", START), at=START)
        assert await first.until(number) == (live.bed, "81")
        async with Stream(live.port, cookie) as second:
            await second.ask("ward/ICU")
            assert await second.until(number) == (live.bed, "81")


async def test_waves_arrive_as_they_were_sampled(live: Live) -> None:
    samples = np.arange(-500, 500, dtype="<i2")
    wave = Waveform("1/1/ecg", ECG, "MDC_ECG_ELEC_POTL_II", START, 4000.0, samples.tobytes(), 0.005, 0.1)
    async with Stream(live.port, await live.cookie("nurse")) as stream:
        await stream.ask("ward/ICU")
        await stream.until(lambda m: True if m["t"] == "w" else None)
        await live.say(wave, at=START + 4_000_000)
        data = await stream.until(lambda m: m["data"] if m["t"] == "waves" else None)
    length = int.from_bytes(data[:2], "little")
    place, _channel, start, period, scale, offset, count = orjson.loads(data[2 : 2 + length])[0]
    assert (place, start, period, scale, offset, count) == (live.bed, START / 1000, 4.0, 0.005, 0.1, 1000)
    assert np.array_equal(np.frombuffer(data[2 + length :], "<i2"), samples)


async def test_technical_roles_get_no_values_no_waves_and_no_physiological_alarm(live: Live) -> None:
    async with transaction(live.house.pool) as conn:
        for kind in ("physiological", "technical"):
            await alarms.insert(
                conn, origin="device", key=kind, device_id=live.device, patient_id="", place_id=live.bed, text=kind,
                priority="high", kind=kind, state="active", since=START, last=START,
            )  # fmt: skip
    async with Stream(live.port, await live.cookie("technician")) as stream:
        await stream.ask("ward/ICU", f"bed/{live.bed}")
        refused = await stream.until(lambda m: m if m["t"] == "no" else None)
        assert refused["topic"] == f"bed/{live.bed}"
        shown = await stream.until(lambda m: m["alarms"] if m["t"] == "a" and m["alarms"] else None)
        assert [alarm["text"] for alarm in shown] == ["technical"]
        await live.say(reading(HR, "72", START), at=START)
        numbers = await stream.until(lambda m: m["p"] if m["t"] == "n" else None)
        assert {group for groups in numbers.values() for group in groups} == {"d"}
    rows = await live.room.audit.find(limit=10)
    assert ("live.bed", 4) in [(row["event"], row["outcome"]) for row in rows]
    assert ("live.ward", 0) in [(row["event"], row["outcome"]) for row in rows]


async def test_an_alarm_and_its_acknowledgement_reach_every_browser(live: Live) -> None:
    cookie = await live.cookie("nurse")
    async with Stream(live.port, cookie) as one, Stream(live.port, cookie) as two:
        for stream in (one, two):
            await stream.ask("ward/ICU")
            await stream.until(lambda m: True if m["t"] == "a" else None)
        async with transaction(live.house.pool) as conn:
            ident = await alarms.insert(
                conn, origin="limit", key="x", patient_id="", place_id=live.bed, text="SpO₂ low", value="84 %",
                priority="high", kind="physiological", state="active", since=START, last=START,
            )  # fmt: skip
            await alarms.ring(conn)
        for stream in (one, two):
            shown = await stream.until(lambda m: m["alarms"] if m["t"] == "a" and m["alarms"] else None)
            assert (shown[0]["text"], shown[0]["mark"], shown[0]["by"]) == ("SpO₂ low", "***", "")
        async with transaction(live.house.pool) as conn:
            await desk.acknowledge(conn, ident, "Nora", SystemClock())
        for stream in (one, two):
            assert await stream.until(lambda m: m["alarms"][0]["by"] or None if m["t"] == "a" else None) == "Nora"


async def test_when_another_patient_comes_the_old_values_are_gone(live: Live) -> None:
    async with Stream(live.port, await live.cookie("nurse")) as stream:
        await stream.ask("ward/ICU")
        await live.say(reading(HR, "72", live.house.minute(2)), at=live.house.minute(2))
        await stream.until(number)
        before = await live.house.patient("100")
        await live.house.adt("A03", "100", 3)
        await live.house.adt("A01", "200", 4, "1")
        await live.house.work()
        after = await live.house.patient("200")
        assert before != after
        assert await stream.until(lambda m: m["p"].get(live.bed) == after or None if m["t"] == "w" else None)
        await stream.socket.send(orjson.dumps({"topics": ["ward/ICU"], "fresh": ["ward/ICU"]}).decode())
        seen: list[Any] = []

        def until_alarms(message: Any) -> Any:
            seen.append(number(message))
            return True if message["t"] == "a" else None

        await stream.until(until_alarms)
        assert [one for one in seen if one] == []


async def test_the_stream_beats_each_second_and_ends_with_the_session(live: Live) -> None:
    cookie = await live.cookie("nurse")
    async with Stream(live.port, cookie) as stream:
        first = await stream.until(lambda m: m["now"] if m["t"] == "h" else None)
        second = await stream.until(lambda m: m["now"] if m["t"] == "h" else None)
        assert 900 <= second - first <= 2000
    async with Stream(live.port, "stolen") as stream:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await stream.until(lambda m: None)
        assert closed.value.rcvd.code == 4401


async def test_a_foreign_page_cannot_open_the_stream(live: Live) -> None:
    async with Stream(live.port, await live.cookie("nurse"), origin="https://evil.test") as stream:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await stream.until(lambda m: None)
        assert closed.value.rcvd.code == 4403


async def test_nonsense_ends_the_stream_and_nothing_else(live: Live) -> None:
    async with Stream(live.port, await live.cookie("nurse")) as stream:
        await stream.socket.send("{")
        with pytest.raises(websockets.ConnectionClosed):
            await stream.until(lambda m: None)


def test_a_slow_browser_loses_waves_first_and_keeps_the_newest_of_the_rest() -> None:
    browser = Browser(Principal("n", "N", "user", frozenset({"nurse"})), names=True)
    run = Wave(1, START, 4000.0, 1.0, 0.0, b"\0" * 2000, 0, -1)
    for at in range(2000):
        browser.put_wave("bed", run._replace(start=START + at))
        browser.put_number("bed", "s", "hr", [str(at)])
        browser.put_state("a ward", f'{{"t":"a","n":{at}}}')
    messages = browser.take()
    texts = [message for message in messages if isinstance(message, str)]
    assert texts[0] == '{"t":"a","n":1999}', "alarms go first"
    assert orjson.loads(texts[1])["p"]["bed"]["s"]["hr"] == ["1999"]
    waves = [message for message in messages if isinstance(message, bytes)]
    assert sum(map(len, waves)) <= WAVE_BYTES * 1.2
    assert browser.dropped == 2000 - WAVE_BYTES // 2000
    assert browser.take() == []
