"""Records the captures of this folder from a real conversation: ``python -m tests.devices.sdc.record``.

A capture holds SOAP messages as they came, the GetMdib answer first, divided by form feeds. Run it only when
the provider's script below changes, and renew the snapshots after.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lxml import etree

from wardbridge.core.clock import SystemClock
from wardbridge.devices.drivers.sdc.inbox import Inbox
from wardbridge.devices.drivers.sdc.session import LiveSession, Target

from .peer import HERE, Peer

EPR = "c0ffee00-0000-4000-8000-00000000000a"
SCRIPTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "numerics": [
        ("place", {"unit": "ICU-T", "room": "3", "bed": "B"}),
        ("patient", {"family": "Testmann", "given": "Erika", "number": "MRN-0815", "birth": "1960-01-02"}),
        ("metrics", {"values": {"hr": "72", "spo2": "97.5", "vt": "480", "vt.set": "500", "vent.mode": "CPAP"}}),
        ("metrics", {"values": {"private": "0.75"}, "validity": "Qst"}),
        ("metrics", {"values": {"spo2": "88.1"}, "validity": "Inv"}),
        ("battery", {"remaining": "3.0", "status": "ChB"}),
        ("mode", {"mode": "Dmo"}),
        ("metrics", {"values": {"hr": "60"}}),
        ("discharge", {}),
    ],
    "waves": [
        ("waves", {"values": {"ecg.ii": ["0.005", "-0.010", "1.2", "0.7"], "pleth": ["1000", "1001", "998"]}}),
        ("waves", {"values": {"ecg.ii": ["0.0012", "0.5", "-0.25"]}}),
        ("waves", {"values": {"pleth": ["40000", "40010", "40020"]}}),
    ],
    "alerts": [
        ("metrics", {"values": {"hr": "131"}}),
        ("alert", {"condition": "hr.high", "present": True, "upper": "120", "signals": {"hr.high.aud": "On"}}),
        ("alert", {"condition": "hr.high", "present": True, "priority": "Hi"}),
        ("alert", {"condition": "hr.high", "present": True, "signals": {"hr.high.aud": "Ack"}}),
        ("alert", {"condition": "leads.off", "present": True, "signals": {"leads.off.vis": "On"}}),
        ("alert", {"condition": "hr.high", "present": False, "signals": {"hr.high.aud": "Latch"}}),
        ("alert", {"condition": "leads.off", "present": False, "signals": {"leads.off.vis": "Off"}}),
        ("alert", {"condition": "hr.high", "present": False, "signals": {"hr.high.aud": "Off"}}),
        ("remove", {"handle": "vent.vmd"}),
    ],
}


def document(node: Any) -> bytes:
    text: bytes = etree.tostring(node.getroottree(), xml_declaration=True, encoding="UTF-8")
    return text


async def record(name: str) -> None:
    inbox = Inbox(SystemClock())
    async with Peer(epr=EPR) as peer:
        session = LiveSession(Target(address=peer.address), "record")
        opened = await session.open(inbox)
        documents = [document(opened.group)]
        for command, arguments in SCRIPTS[name]:
            await peer.tell(command, **arguments)
            async with asyncio.timeout(10):
                documents += [document(item.node) for item in await inbox.take()]
        await session.close()
    (HERE / "captures").mkdir(exist_ok=True)
    (HERE / "captures" / f"{name}.soap").write_bytes(b"\n\f\n".join(documents))


if __name__ == "__main__":
    for script in SCRIPTS:
        asyncio.run(record(script))
