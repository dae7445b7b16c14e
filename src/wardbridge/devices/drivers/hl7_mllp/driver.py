"""The HL7 v2 driver: fed by the one MLLP listener, answers after the sink has accepted.

`handle` is what the application registers for device messages (by MSH-9 and MSH-21); its Disposition
tells the listener which acknowledgement the sender has earned.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from wardbridge.core.errors import SettingsError, Unavailable
from wardbridge.devices.driver import DriverContext, Health
from wardbridge.devices.drivers.hl7_mllp.interpret import NOT_INTERPRETED, Interpretation, interpret
from wardbridge.devices.drivers.hl7_mllp.memory import Memory
from wardbridge.devices.values import Batch
from wardbridge.exchange.codecs.hl7v2.ack import Disposition
from wardbridge.exchange.codecs.hl7v2.errors import SEGMENT_SEQUENCE, Problem

QUIET = 60.0
"""Seconds without a message after which the link says that it waits."""
MAX_PROBLEMS = 100
ANSWERED_OTHERWISE = frozenset({"RGV", "RDE", "OMP", "OML", "ORM", "OMG", "OMI", "QBP", "QRY", "QCN"})
"""Orders and queries: their answer is a message of its own, which is not given here."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """zone: IANA name of the site's time zone, for times that carry no offset. in_flight: messages
    that may wait for the sink at once."""

    zone: str = "UTC"
    in_flight: int = 64


class Hl7Driver:
    """One link: every device that sends HL7 v2 to the listener."""

    def __init__(self, context: DriverContext, config: Config, zone: ZoneInfo) -> None:
        self._link = context.link
        self._clock = context.clock
        self._sink = context.sink
        self._log = context.log
        self._zone = zone
        self._memory = Memory()
        self._room = asyncio.Semaphore(config.in_flight)
        self._running = False
        self._since = 0
        self._last = 0
        self._last_mono = float("-inf")
        self._refusal = ""
        self._queued = 0
        self.counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Take messages until cancelled."""
        self._running = True
        self._since = self._clock.now()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._running = False

    def health(self) -> Health:
        """Up while messages come, degraded while the sink refuses them."""
        counts = {**self.counts, "queued": self._queued}
        state, text = "up", ""
        if not self._running:
            state, text = "down", "not running"
        elif self._refusal:
            state, text = "degraded", self._refusal
        elif self._clock.monotonic() - self._last_mono > QUIET:
            state, text = "waiting", "no message in the last minute"
        return Health(state, text, self._since, self._last, counts)

    async def handle(self, message: bytes, peer: object = None) -> Disposition:
        """Interpret one message, store it durably, and say what became of it.

        Where it cannot be stored now the disposition holds: no answer, so that the sender repeats.
        """
        received = self._clock.now()
        self._last, self._last_mono = received, self._clock.monotonic()
        self.counts["messages"] += 1
        try:
            async with self._room:
                found = interpret(message, received, self._zone, self._memory)
                self._count(found)
                await self._put(self._batches(message, received, found))
        except Unavailable as error:
            self.counts["refused"] += 1
            self._refusal = f"cannot be stored now: {type(error).__name__}"
            self._log.warning("message not stored", link=self._link, reason=type(error).__name__)
            return Disposition("error", "error", hold=True)
        self._refusal = ""
        return disposition_of(found)

    async def junk(self, reason: str, data: bytes) -> None:
        """Keep bytes that were no message. Raises Unavailable where that cannot be done now."""
        self.counts["quarantined"] += 1
        problems = ((SEGMENT_SEQUENCE, "", reason),)
        batch = Batch(self._link, "", self._clock.now(), (), data, profile="junk", problems=problems)
        async with self._room:
            await self._put([batch])

    async def _put(self, batches: list[Batch]) -> None:
        self._queued += 1
        try:
            for batch in batches:
                accepted = await self._sink.put(batch)
                if accepted.duplicate:
                    self.counts["duplicates"] += 1
        finally:
            self._queued -= 1

    def _batches(self, raw: bytes, received: int, found: Interpretation) -> list[Batch]:
        """One batch a machine. Only the first carries the raw message; the others' control ids are
        told apart from it, so that each is recognised when the message is repeated."""
        msh = found.msh
        problems = tuple((p.code, p.where, p.what) for p in found.problems[:MAX_PROBLEMS])
        sender, control = msh.sender, msh.control_id.strip()
        first, *others = found.parts or (None,)
        device, values = (first.device, first.values) if first is not None else ("", ())
        batches = [
            Batch(
                self._link, device, received, values, raw, sender, control,
                found.profile or found.reason, problems,
            )
        ]  # fmt: skip
        for number, part in enumerate(others, 2):
            if part is not None:
                name = f"{control or received}#{number}"
                batches.append(Batch(self._link, part.device, received, part.values, b"", sender, name, found.profile))
        return batches

    def _count(self, found: Interpretation) -> None:
        if found.reason == "unreadable":
            self.counts["quarantined"] += 1
        elif found.reason:
            self.counts[found.reason] += 1
        if found.profile:
            self.counts[found.profile] += 1
        if found.problems:
            self.counts["problems"] += len(found.problems)
            self.counts["unknown_codes"] += sum(1 for p in found.problems if p.code == "103" and p.where.endswith("-3"))


def disposition_of(found: Interpretation) -> Disposition:
    """What a stored message has earned."""
    if found.reason == "unreadable":
        return Disposition("reject", "reject", found.problems)
    if found.reason == NOT_INTERPRETED and found.msh.type in ANSWERED_OTHERWISE:
        return Disposition("accept", None)
    if found.reason == "failed":
        problem = Problem("the message was stored but could not be interpreted", "", "207")
        return Disposition("accept", "error", (problem,))
    return Disposition("accept", "accept")


def build(context: DriverContext) -> Hl7Driver:
    """The driver of one link. Raises SettingsError that names the link and the key."""
    try:
        config = msgspec.convert(dict(context.config), Config)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error), where=f"link {context.link}") from error
    if config.in_flight < 1:
        raise SettingsError("must be at least 1", where=f"link {context.link}: in_flight")
    try:
        zone = ZoneInfo(config.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"{config.zone!r} is no time zone", where=f"link {context.link}: zone") from error
    return Hl7Driver(context, config, zone)
