"""The SDC driver: one link to one provider, opened again and again, its reports turned into values.

The protocol knows no acknowledgement of contents (delivery ``at-most-once``): a notification is answered when
it has arrived. What the sink has not accepted yet waits in a bounded inbox; when that overflows, its content
is dropped and counted, and the present state is read again, so that the last known values are true.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import msgspec
from lxml import etree

from wardbridge.core.clock import SECOND
from wardbridge.core.errors import SettingsError, Unavailable
from wardbridge.devices.driver import DriverContext, Health
from wardbridge.devices.drivers.sdc.inbox import Inbox, Item
from wardbridge.devices.drivers.sdc.mirror import Heard, Mirror, Resync
from wardbridge.devices.drivers.sdc.session import LiveSession, Opened, PeerLost, Session, Target
from wardbridge.devices.values import AnyValue, Batch, DeviceEvent

FIRST, LONGEST = 1.0, 60.0  # seconds between two tries
SPOILED = 300 * SECOND  # µs that a message which could not be read keeps a link degraded
SINK_PAUSE = 1.0  # seconds until a refused batch is offered again


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either ``address`` (a provider's transport address) or ``adapter`` (ours, for discovery)."""

    address: str = ""
    adapter: str = ""
    epr: str = ""
    certificate: str = ""
    private_key: str = ""
    authority: str = ""
    password: str = ""
    validate: bool = True
    timeout: int = 5
    quiet: int = 5
    queue: int = 256


def build(context: DriverContext) -> Sdc:
    """The driver for one link. Raises SettingsError naming link, key and what is wrong."""
    where = f"links.{context.link}"
    try:
        config = msgspec.convert(dict(context.config), Config)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error), where=where) from None
    if not config.address and not config.adapter:
        raise SettingsError("address or adapter is needed", where=where)
    if config.address and not config.address.startswith(("http://", "https://")):
        raise SettingsError("address must begin with http:// or https://", where=f"{where}.address")
    if config.address.startswith("https://") and not config.certificate:
        raise SettingsError("an https address needs a certificate", where=f"{where}.certificate")
    for key in ("timeout", "quiet", "queue"):
        if getattr(config, key) < 1:
            raise SettingsError("must be at least 1", where=f"{where}.{key}")
    target = Target(
        address=config.address,
        adapter=config.adapter,
        epr=config.epr,
        certificate=config.certificate,
        private_key=config.private_key,
        authority=config.authority,
        password=config.password,
        validate=config.validate,
        timeout=config.timeout,
    )
    return Sdc(context, config, lambda: LiveSession(target, context.link))


class Sdc:
    """See the module. ``dial`` makes a new conversation."""

    def __init__(self, context: DriverContext, config: Config, dial: Callable[[], Session]) -> None:
        self.context = context
        self.config = config
        self.dial = dial
        self.counts: Counter[str] = Counter(messages=0, attempts=0, quarantined=0)
        self.inbox: Inbox | None = None
        self._mirror: Mirror | None = None  # kept over a reconnect, so that alerts that ended meanwhile end
        self._state = "waiting"
        self._text = "not started"
        self._since = context.clock.now()
        self._trouble = ""
        self._spoiled = 0
        self._last = 0

    async def run(self) -> None:
        """Serve until cancelled."""
        self.inbox = Inbox(self.context.clock, self.config.queue)
        failures = 0
        try:
            while True:
                try:
                    await self._converse()
                except PeerLost as lost:
                    failures = 1 if self._state == "up" else failures + 1
                    self._tell("waiting", f"{lost}; trying again")
                    self.context.log.warning("sdc_peer_lost", failures=failures, reason=str(lost))
                # After a conversation that worked the first try comes at once.
                if failures > 1:
                    await self.context.clock.sleep(self._pause(failures - 1))
        finally:
            self._keep_counts()
            self.inbox = None
            self._trouble = ""
            self._tell("waiting", "stopped")

    def health(self) -> Health:
        """``messages`` heard, ``quarantined`` unreadable, ``dropped`` on overflow, ``stale`` repeats,
        ``missed`` states, ``unknown_codes``, ``queued`` now, ``attempts`` to connect."""
        counts, last = Counter(self.counts), self._last
        if self.inbox is not None:
            counts.update(self.inbox.counts)
            counts["queued"] = len(self.inbox)
            last = max(last, self.inbox.last)
        state, text = self._state, self._text
        recent = self._spoiled and self.context.clock.now() - self._spoiled < SPOILED
        if state == "up" and (self._trouble or recent):
            spoiled = f"{counts['quarantined']} messages could not be read; they are kept"
            state, text = "degraded", self._trouble or spoiled
        if state == "up" and not self.config.certificate:
            text = "without TLS: anybody on this network can read and forge it"
        return Health(state, text, self._since, last, dict(counts))

    # One conversation --------------------------------------------------------------------------------

    async def _converse(self) -> None:
        """From connecting until the peer is lost. Raises PeerLost."""
        assert self.inbox is not None
        self.counts["attempts"] += 1
        if self._state != "waiting" or self._text == "not started":
            self._tell("waiting", "connecting")
        inbox, session = self.inbox, self.dial()
        inbox.clear()
        worker = ThreadPoolExecutor(1, thread_name_prefix=f"sdc map {self.context.link}")
        try:
            opened = await session.open(inbox)
            mirror = self._mirror
            if mirror is None or mirror.device != opened.device:
                mirror = self._mirror = Mirror(opened.device, opened.dpws)
            mirror.dpws = opened.dpws
            await self._load(mirror, opened, worker, (DeviceEvent("connected"),))
            self.context.log.info("sdc_connected", machines=len(mirror.machines()))
            try:
                await _together(self._pump(inbox, session, mirror, worker), self._watch(inbox, session))
            except PeerLost:
                await self._gone(mirror)
                raise
        finally:
            await _finish(asyncio.ensure_future(self._close(session, worker)))

    async def _close(self, session: Session, worker: ThreadPoolExecutor) -> None:
        worker.shutdown(cancel_futures=True)  # at most the mapping of one turn, some milliseconds
        with suppress(PeerLost):
            await session.close()

    async def _load(
        self, mirror: Mirror, opened: Opened, worker: ThreadPoolExecutor, more: tuple[AnyValue, ...] = ()
    ) -> None:
        """Take in a whole MDIB and hand it on. Raises PeerLost for one that cannot be read."""
        now = self.context.clock.now()
        loop = asyncio.get_running_loop()
        try:
            heard = await loop.run_in_executor(worker, mirror.load, opened.mdib, now, opened.group)
        except Exception as error:
            self.counts["quarantined"] += 1
            raise PeerLost(f"the MDIB cannot be read: {type(error).__name__}") from error
        for machine in mirror.machines():
            heard.values[machine].extend(more)
        self._add(mirror)
        if self._state != "up":
            self._tell("up", "")
        await self._hand_on(mirror, heard, now)

    async def _pump(self, inbox: Inbox, session: Session, mirror: Mirror, worker: ThreadPoolExecutor) -> None:
        """Inbox to sink, several reports at a time when they come faster than the sink takes them."""
        loop = asyncio.get_running_loop()
        while True:
            items = await inbox.take()
            lost = not items
            if lost:
                self._trouble = "too slow: reports were dropped, the state is read again"
                self.context.log.warning("sdc_overflow", dropped=inbox.counts["dropped"])
            else:
                heard, spoiled, lost = await loop.run_in_executor(worker, _apply, mirror, items)
                self._add(mirror)
                await self._hand_on(mirror, heard, items[-1].received)
                await self._quarantine(mirror, spoiled)
            if lost:
                inbox.reset()
                self.counts["resyncs"] += 1
                await self._load(mirror, await session.reload(), worker)
                self._trouble = ""

    async def _watch(self, inbox: Inbox, session: Session) -> None:
        """Look after the peer when a connection of it ended, and when it has been silent for a while."""
        while True:
            before = inbox.counts["messages"]
            quiet = asyncio.ensure_future(self.context.clock.sleep(self.config.quiet))
            doubt = asyncio.ensure_future(inbox.doubted())
            try:
                done, _ = await asyncio.wait({quiet, doubt}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                quiet.cancel()
                doubt.cancel()
            if inbox.ended:
                raise PeerLost(inbox.ended)
            if doubt in done or inbox.counts["messages"] == before:
                await session.check()

    # Towards the sink --------------------------------------------------------------------------------

    async def _hand_on(self, mirror: Mirror, heard: Heard, received: int) -> None:
        problems = tuple(heard.problems)
        self.counts["problems"] += len(problems)
        actions = "+".join(sorted(heard.actions))
        stamp = f"{mirror.sequence}/{mirror.instance}/{heard.first}-{heard.last}/{actions}"
        if "Mdib" in heard.actions:
            # An answer to our own question is never a repeat: after a reconnect it must be heard even when
            # nothing has changed at the device.
            stamp += f"@{received}"
        for machine, values in heard.values.items():
            if values or problems:
                batch = Batch(
                    link=self.context.link,
                    device=mirror.key(machine),
                    received=received,
                    values=tuple(values),
                    sender=mirror.device,
                    control=stamp,
                    profile="SDC",
                    problems=problems,
                )
                problems = ()
                await self._put(batch)
        if problems:
            first = (mirror.machines() or [""])[0]
            device = mirror.key(first) if first else mirror.device
            await self._put(
                Batch(
                    link=self.context.link,
                    device=device,
                    received=received,
                    sender=mirror.device,
                    control=stamp,
                    profile="SDC",
                    problems=problems,
                )
            )

    async def _quarantine(self, mirror: Mirror, spoiled: list[Item]) -> None:
        """Keep the bytes of what could not be understood."""
        for item in spoiled:
            self._spoiled = item.received
            batch = Batch(
                link=self.context.link,
                device=mirror.device,
                received=item.received,
                raw=item.broken,
                sender=mirror.device,
                control=f"unreadable/{zlib.crc32(item.broken):08x}",
                profile="SDC",
                problems=(("unreadable", "message", item.reason),),
            )
            await self._put(batch)

    async def _gone(self, mirror: Mirror) -> None:
        """Say that the machines are out of reach, without waiting for a sink that does not accept."""
        for machine in mirror.machines():
            values = (DeviceEvent("disconnected"),)
            now = self.context.clock.now()
            batch = Batch(self.context.link, mirror.key(machine), now, values, sender=mirror.device, profile="SDC")
            with suppress(Unavailable):
                await self.context.sink.put(batch)

    async def _put(self, batch: Batch) -> None:
        """Hand a batch over, again and again while the sink refuses; the inbox fills meanwhile."""
        while True:
            try:
                await self.context.sink.put(batch)
            except Unavailable as error:
                self.counts["refused"] += 1
                self._trouble = f"the intake refuses: {error.message}"
                await self.context.clock.sleep(SINK_PAUSE)
            else:
                if self._trouble.startswith("the intake"):
                    self._trouble = ""
                return

    # State -------------------------------------------------------------------------------------------

    def _tell(self, state: str, text: str) -> None:
        if state != self._state:
            self._since = self.context.clock.now()
        self._state, self._text = state, text

    def _add(self, mirror: Mirror) -> None:
        """Take over what the mirror counted."""
        self.counts.update(mirror.counts)
        mirror.counts.clear()

    def _keep_counts(self) -> None:
        if self.inbox is not None:
            self.counts.update(self.inbox.counts)
            self._last = max(self._last, self.inbox.last)

    def _pause(self, failures: int) -> float:
        """Seconds until the next try: doubling to a minute, spread by up to a quarter by the link's name, so
        that links do not dial in step after a power cut."""
        spread = zlib.crc32(self.context.link.encode()) % 256 / 1024
        return min(FIRST * 2.0 ** min(failures - 1, 16), LONGEST) * (1.0 + spread)


def _apply(mirror: Mirror, items: list[Item]) -> tuple[Heard, list[Item], bool]:
    """All reports of one turn into one Heard; those that could not be understood, as bytes; and whether the
    MDIB has to be read again, which makes the rest of the turn void."""
    heard, spoiled = Heard(), []
    for place, item in enumerate(items):
        if item.node is None:
            spoiled.append(item)
            continue
        try:
            mirror.apply(item.node, item.received, heard)
        except Resync:
            mirror.counts["dropped"] += len(items) - place - 1
            return heard, spoiled, True
        except Exception as error:
            # Valid XML can still carry nonsense; one such report spares the others of the turn.
            raw = etree.tostring(item.node.getroottree())
            spoiled.append(Item(item.received, len(raw), None, raw, type(error).__name__))
            mirror.counts["quarantined"] += 1
    return heard, spoiled, False


async def _finish(task: asyncio.Future[None]) -> None:
    """Wait for ``task`` even when cancelled: threads and sockets of the library must be gone before we are."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one ends; raises what it raised.

    No TaskGroup: one that ends by an error swallows a cancellation that comes at the same moment, and a
    driver that was told to stop would go on.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
