"""The hub: tails telemetry and alarms once a process and hands each browser what it may see.

It is woken by the doorbells and looks by itself when they are silent, so a lost ring costs a second,
never a value. It knows each bed's last readings, so a new subscriber sees the whole at once. When another
patient lies in a bed, what was read there before is forgotten and the screens are told to load anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY
from wardbridge.core.errors import WardbridgeError
from wardbridge.telemetry.values import Channel, Hot, Position, Wave
from wardbridge.terminology.units import shown
from wardbridge.web import views as v
from wardbridge.web.live import wire
from wardbridge.web.live.browser import Browser
from wardbridge.web.slots import LEAD_ORDER, Reading, fill, wave_kind
from wardbridge.web.sources import Feed, Where

log = structlog.get_logger(__name__)

TAIL_LIMIT = 500
LOOK_SECONDS = 1.0
SOON = (0.01, 0.03, 0.1)
PLACES_SECONDS = 2.0
CHANNELS_KEPT = 50_000
SESSION_SECONDS = 60.0
HEARTBEAT_SECONDS = 1.0
PRESSURES = ("abp-sys", "abp-dia", "abp-mean", "nibp-sys", "nibp-dia", "nibp-mean")


class Hub:
    """Runs beside the web server; :meth:`run` ends only by cancellation."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._browsers: set[Browser] = set()
        self._channels: dict[int, Channel] = {}
        self._where: dict[str, Where] = {}
        self._readings: dict[str, dict[int, Reading]] = {}
        self._strips: dict[str, int] = {}
        self._alarms: tuple[v.Alarm, ...] = ()
        self._scores: dict[str, v.Score] = {}
        self._after: Position | None = None
        self._rung: set[str] = set()
        self._ring = asyncio.Event()
        self.slices = 0
        self.alive_at = 0

    async def run(self) -> None:
        """Tail until cancelled. While the database is away the screens go stale by themselves."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._tail())
            group.create_task(self._watch())

    # ---- browsers -------------------------------------------------------------------------------

    def join(self, browser: Browser) -> None:
        self._browsers.add(browser)

    def leave(self, browser: Browser) -> None:
        self._browsers.discard(browser)

    def subscribe(self, browser: Browser, topics: set[str]) -> None:
        """Set the browser's (permitted) topics and hand it the present state of the new ones."""
        new = topics - browser.topics
        browser.topics = topics
        now = self._clock.now()
        for topic in new:
            for place in self._places(topic):
                known = self._readings.get(place, {})
                self._hand_numbers(browser, place, known.values(), set(known), now)
            self._hand_state(browser, topic)

    def _places(self, topic: str) -> set[str]:
        kind, _, name = topic.partition("/")
        if kind == "bed":
            return {name}
        return {where.place_id for where in self._where.values() if where.ward_id == name and where.place_id}

    # ---- doorbells ------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            try:
                self._rung.add(await self._feed.doorbell())
                self._ring.set()
            except (WardbridgeError, *AWAY):
                await self._clock.sleep(LOOK_SECONDS)

    async def _rings(self) -> set[str]:
        waiter = asyncio.ensure_future(self._ring.wait())
        pause = asyncio.ensure_future(self._clock.sleep(LOOK_SECONDS))
        try:
            await asyncio.wait({waiter, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
            pause.cancel()
        self._ring.clear()
        rung, self._rung = self._rung, set()
        return rung

    async def _tail(self) -> None:
        while True:
            try:
                if self._after is None:
                    await self._look_around()
                    await self._read_alarms()
                    self._after = await self._feed.head()
                rung = await self._rings()
                if not rung or "wb_alarm" in rung:
                    await self._read_alarms()
                await self._read_rung("wb_live" in rung)
                self.alive_at = self._clock.now()
            except (WardbridgeError, *AWAY) as error:
                log.warning("live.away", cause=type(error).__name__)
                await self._clock.sleep(LOOK_SECONDS)

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(PLACES_SECONDS)
            try:
                await self._look_around()
                await self._read_scores()
            except (WardbridgeError, *AWAY) as error:
                log.warning("live.away", cause=type(error).__name__)

    # ---- numbers and waves ----------------------------------------------------------------------

    async def _read_rung(self, rung: bool) -> None:
        """Read the tail; where a ring promised rows that an open transaction still hides, look again soon."""
        for pause in (*SOON, 0.0):
            if await self._read_tail() or not rung or not pause:
                return
            await self._clock.sleep(pause)

    async def _read_tail(self) -> int:
        """Hand out everything behind the last row; how many rows."""
        count = 0
        while self._after is not None:
            rows = await self._feed.tail(self._after, TAIL_LIMIT)
            if not rows:
                return count
            count += len(rows)
            await self._learn(rows)
            self._hand_out(rows)
            self._after = rows[-1].position
            self.slices += len(rows)
            if len(rows) < TAIL_LIMIT:
                return count
        return count

    async def _learn(self, rows: Iterable[Hot]) -> None:
        """Look up channels and places that are new."""
        missing: set[int] = set()
        strangers = False
        for one in (row.slice for row in rows):
            missing.update(value.channel for value in one.numerics if value.channel not in self._channels)
            missing.update(run.channel for run in one.waves if run.channel not in self._channels)
            strangers = strangers or one.device_id not in self._where
        if missing:
            if len(self._channels) > CHANNELS_KEPT:
                self._channels.clear()
            for channel in await self._feed.channels(sorted(missing)):
                self._channels[channel.channel_id] = channel
        if strangers:
            await self._look_around()

    def _hand_out(self, rows: Iterable[Hot]) -> None:
        now = self._clock.now()
        touched: dict[str, set[int]] = {}
        runs: dict[str, list[Wave]] = {}
        for one in (row.slice for row in rows):
            where = self._where.get(one.device_id)
            if where is None or not where.place_id:
                continue
            place = self._readings.setdefault(where.place_id, {})
            changed = touched.setdefault(where.place_id, set())
            for value in one.numerics:
                channel = self._channels.get(value.channel)
                known = place.get(value.channel)
                time = value.time or one.received
                if channel is None or (known is not None and known.time > time):
                    continue
                place[value.channel] = Reading(
                    channel.spec.code, value.text, time, one.received, value.quality, value.channel,
                    one.device_id, shown(channel.spec.ucum) or channel.spec.unit,
                )  # fmt: skip
                changed.add(value.channel)
            for run in one.waves:
                runs.setdefault(where.place_id, []).append(run)
                self._choose_strip(where.place_id, run.channel)
        wards = {where.place_id: where.ward_id for where in self._where.values()}
        for browser in self._browsers:
            for place_id, changed in touched.items():
                if browser.topics & {f"bed/{place_id}", f"ward/{wards.get(place_id, '')}"}:
                    self._hand_numbers(browser, place_id, self._readings[place_id].values(), changed, now)
            if browser.names:
                self._hand_waves(browser, runs, wards)

    def _choose_strip(self, place: str, channel_id: int) -> None:
        """Remember which ECG channel the tile's strip shows: the best lead that was ever seen."""
        channel = self._channels.get(channel_id)
        if channel is None or wave_kind(channel.spec.code) != "ecg":
            return
        known = self._channels.get(self._strips.get(place, -1))
        if known is None or LEAD_ORDER.index(channel.spec.code) < LEAD_ORDER.index(known.spec.code):
            self._strips[place] = channel_id

    def _hand_numbers(
        self, browser: Browser, place: str, known: Iterable[Reading], changed: set[int], now: int
    ) -> None:
        readings = tuple(known)
        if not readings:
            return
        browser.put_number(place, "d", "last", wire.ms(max(reading.received for reading in readings)))
        if not browser.names:
            return
        filled = fill(readings, now)
        for name, one in filled.items():
            if name != "bp" and one.channel_id in changed:
                browser.put_number(place, "s", name, wire.slot_row(one))
        if "bp" in filled and any(part in filled and filled[part].channel_id in changed for part in PRESSURES):
            browser.put_number(place, "s", "bp", wire.slot_row(filled["bp"]))
        if f"bed/{place}" in browser.topics:
            for reading in readings:
                if reading.channel_id in changed:
                    browser.put_number(place, "c", str(reading.channel_id), wire.channel_row(reading))

    def _hand_waves(self, browser: Browser, runs: Mapping[str, list[Wave]], wards: Mapping[str, str]) -> None:
        for place, arrived in runs.items():
            if f"bed/{place}" in browser.topics:
                for run in arrived:
                    browser.put_wave(place, run)
            elif f"ward/{wards.get(place, '')}" in browser.topics:
                for run in arrived:
                    if run.channel == self._strips.get(place):
                        browser.put_wave(place, run)

    # ---- alarms, scores, places -----------------------------------------------------------------

    async def _read_alarms(self) -> None:
        alarms = tuple(await self._feed.alarms())
        if alarms != self._alarms:
            self._alarms = alarms
            for browser in self._browsers:
                for topic in browser.topics:
                    self._hand_alarms(browser, topic)

    async def _read_scores(self) -> None:
        scores = dict(await self._feed.scores())
        if scores != self._scores:
            self._scores = scores
            for browser in self._browsers:
                for topic in browser.topics:
                    self._hand_scores(browser, topic)

    async def _look_around(self) -> None:
        """Where devices stand now. A bed with another patient loses what was read before."""
        found = {where.device_id: where for where in await self._feed.where()}
        before, after = _lying(self._where.values()), _lying(found.values())
        moved = {device for device, where in found.items()
                 if device in self._where and self._where[device].place_id != where.place_id}  # fmt: skip
        self._where = found
        for place in {p for p in before | after if before.get(p, "") != after.get(p, "")}:
            self._readings.pop(place, None)
            self._strips.pop(place, None)
            for browser in self._browsers:
                browser.forget(place)
        if moved:
            for place, readings in self._readings.items():
                self._readings[place] = {k: r for k, r in readings.items() if r.device_id not in moved}
        if before != after or moved:
            for browser in self._browsers:
                for topic in browser.topics:
                    self._hand_who(browser, topic)

    def _hand_state(self, browser: Browser, topic: str) -> None:
        self._hand_alarms(browser, topic)
        self._hand_scores(browser, topic)
        self._hand_who(browser, topic)

    def _hand_alarms(self, browser: Browser, topic: str) -> None:
        places = self._places(topic)
        shown = [
            alarm for alarm in self._alarms
            if alarm.place_id in places and (browser.names or alarm.kind == "technical")
        ]  # fmt: skip
        browser.put_state(f"a {topic}", wire.alarms(shown, topic))

    def _hand_scores(self, browser: Browser, topic: str) -> None:
        if not browser.names:
            return
        rows = {place: wire.score_row(self._scores[place]) for place in self._places(topic) & set(self._scores)}
        browser.put_state(f"s {topic}", wire.text({"t": "s", "p": rows}))

    def _hand_who(self, browser: Browser, topic: str) -> None:
        lying = _lying(self._where.values())
        rows = {place: lying.get(place, "") for place in self._places(topic)}
        if not browser.names:
            rows = {place: "in-use" if patient else "" for place, patient in rows.items()}
        browser.put_state(f"w {topic}", wire.text({"t": "w", "p": rows}))


def _lying(known: Iterable[Where]) -> dict[str, str]:
    """Patient by place, of the places where a bound device stands."""
    return {where.place_id: where.patient_id for where in known if where.place_id and where.patient_id}
