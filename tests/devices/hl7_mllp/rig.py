"""How the kit holds the HL7 driver: captures are MLLP streams, fed as the listener feeds them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from wardbridge.core.ids import counted_ids
from wardbridge.devices.driver import Driver
from wardbridge.devices.drivers.hl7_mllp.driver import Hl7Driver
from wardbridge.devices.kit.suite import Rig
from wardbridge.exchange.codecs.hl7v2.ack import NO_HEADER, build_ack, plan_acks
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.message import parse
from wardbridge.exchange.codecs.hl7v2.msh import read_msh
from wardbridge.exchange.mllp.frames import FrameReader, Junk


class Hl7Rig(Rig):
    name: ClassVar[str] = "hl7_mllp"
    tests: ClassVar[Path] = Path(__file__).parent
    secrets: ClassVar[tuple[str, ...]] = ("Quill", "8812", "19510203", "MON0042", "RACK7")
    splits: ClassVar[int] = 60

    async def replay(self, driver: Driver, chunks: Sequence[bytes]) -> list[bytes]:
        assert isinstance(driver, Hl7Driver)
        frames, answers, ids = FrameReader(), [], counted_ids("T")
        arrivals = [frames.feed(chunk) for chunk in chunks]
        for found in [*arrivals, frames.close()]:
            for item in found:
                if isinstance(item, Junk):
                    await driver.junk(item.reason, item.data)
                    continue
                disposition = await driver.handle(item)
                try:
                    msh = read_msh(item)
                except Hl7Error:
                    msh = NO_HEADER
                if not disposition.hold:
                    answers += [build_ack(msh, ack, ids(), 0) for ack in plan_acks(msh, disposition)]
                await asyncio.sleep(0)
        return answers

    def positive(self, answer: bytes) -> bool:
        return parse(answer).get("MSA", 1) in ("AA", "CA")
