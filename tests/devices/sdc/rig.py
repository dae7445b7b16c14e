"""How the kit holds the SDC driver: recorded SOAP messages are played through sdc11073's own reader."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import structlog
from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.dispatch import MessageConverterMiddleware
from sdc11073.loghelper import get_logger_adapter
from sdc11073.pysoap.msgfactory import MessageFactory

from wardbridge.core.clock import Clock, settle
from wardbridge.devices.driver import DriverContext, Sink
from wardbridge.devices.drivers.sdc.contexts import Dpws
from wardbridge.devices.drivers.sdc.driver import Config, Sdc
from wardbridge.devices.drivers.sdc.inbox import Inbox
from wardbridge.devices.drivers.sdc.session import Opened, PeerLost, dispatcher, reader
from wardbridge.devices.kit.suite import Rig

EPR = "urn:uuid:c0ffee00-0000-4000-8000-00000000000a"
_LOGGER = get_logger_adapter("sdc.replay")


class Conversation:
    """Recorded messages, the answer to GetMdib first."""

    def __init__(self, messages: Sequence[bytes]) -> None:
        self.messages = list(messages)
        self.taken = asyncio.Event()
        self.over = asyncio.Event()


class Replay:
    """A session that plays conversations one after another."""

    def __init__(self, waiting: asyncio.Queue[Conversation]) -> None:
        self.waiting = waiting
        self.now: Conversation | None = None
        self.inbox: Inbox | None = None

    def _middleware(self, inbox: Inbox) -> Any:
        made = reader(inbox)(SdcV1Definitions, None, _LOGGER, validate=True)
        factory = MessageFactory(SdcV1Definitions, None, _LOGGER, validate=True)
        return made, MessageConverterMiddleware(made, factory, _LOGGER, dispatcher(inbox)(""))

    async def open(self, inbox: Inbox) -> Opened:
        self.inbox = inbox
        self.now = await self.waiting.get()
        self.now.taken.set()
        made, middleware = self._middleware(inbox)
        first, *rest = self.now.messages
        try:
            node = made.read_received_message(first).p_msg.msg_node
            mdib = node[0]
        except Exception as error:
            self.now.over.set()
            raise PeerLost("the MDIB cannot be read") from error
        for message in rest:
            middleware.do_post({}, "/x/subscr1", "peer", message)
        self.opened = Opened(EPR, Dpws(), mdib, node)
        return self.opened

    async def reload(self) -> Opened:
        return self.opened

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        if self.now is not None:
            self.now.over.set()


class SdcRig(Rig):
    name = "sdc"
    tests = Path(__file__).parent
    config: ClassVar = {"adapter": "127.0.0.1", "queue": 32}
    secrets = ("Testmann", "Erika", "MRN-0815", "SN-4711-T", "1960-01-02", "ICU-T")
    bounded = 32

    def __init__(self) -> None:
        self.turn = asyncio.Lock()

    def build(self, sink: Sink, clock: Clock, link: str = "kit", log: Any = None) -> Sdc:
        context = DriverContext(link, self.config, clock, sink, log or structlog.get_logger("sdc"))
        waiting: asyncio.Queue[Conversation] = asyncio.Queue()
        driver = Sdc(context, Config(**self.config), lambda: Replay(waiting))
        driver.waiting, driver.playing = waiting, False
        return driver

    def unreachable(self, sink: Sink, clock: Clock) -> Sdc:
        class Away(Replay):
            async def open(self, inbox: Inbox) -> Opened:
                raise PeerLost("the provider cannot be reached")

        context = DriverContext("kit", self.config, clock, sink, structlog.get_logger("sdc"))
        return Sdc(context, Config(**self.config), lambda: Away(asyncio.Queue()))

    def chunks(self, data: bytes) -> list[bytes]:
        return data.split(b"\n\f\n")

    async def replay(self, driver: Any, chunks: Sequence[bytes]) -> list[bytes]:
        """Play a conversation until everything in it was handed on. The peer stays until the next one."""
        async with self.turn:
            if driver.inbox is not None and driver.playing:
                driver.inbox.end("played to the end")
            conversation = Conversation(chunks)
            driver.playing = True
            driver.waiting.put_nowait(conversation)
            await settle()
            while not conversation.taken.is_set():
                await driver.context.clock.advance(0.5)  # the driver may pause before it dials again
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(conversation.taken.wait(), 0.05)
            over = asyncio.ensure_future(conversation.over.wait())
            drained = asyncio.ensure_future(driver.inbox.drained())
            await asyncio.wait({over, drained}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
            assert over.done() or drained.done()
            if over.done():
                driver.playing = False
            over.cancel()
            drained.cancel()
        return []
