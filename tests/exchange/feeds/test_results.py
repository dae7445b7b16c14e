"""From the record's change log to a receiver on loopback: each result once, corrections after what they correct."""

from __future__ import annotations

from typing import Any

import pytest
from tests.exchange.outbound.peer import parse, peer

from wardbridge.core.clock import FakeClock, SystemClock
from wardbridge.core.db import transaction
from wardbridge.core.ids import counted_ids
from wardbridge.exchange.feeds import store
from wardbridge.exchange.feeds.oru import Party
from wardbridge.exchange.feeds.results import ResultsFeed, send_test
from wardbridge.exchange.outbound.mllp import MllpSender
from wardbridge.exchange.outbound.store import queue, screens
from wardbridge.exchange.outbound.worker import Worker
from wardbridge.fhir.store import changes
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put


def observation(ident: str, value: int, patient: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": ident,
        "status": "preliminary",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "device": {"reference": "Device/d1"},
        "encounter": {"reference": "Encounter/e1"},
        "effectiveDateTime": "2026-01-01T00:00:00Z",
        "valueQuantity": {"value": value},
        **more,
    }


class Scene:
    def __init__(self, pool: Any, clock: FakeClock) -> None:
        self.pool = pool
        self.clock = clock
        self.record = Record(pool, clock, counted_ids("r"))
        self.feed = ResultsFeed(pool, clock, self.record, "his", Party())

    async def write(self, *items: dict[str, Any] | Delete) -> None:
        async with transaction(self.pool) as conn:
            await self.record.write(conn, [item if isinstance(item, Delete) else Put(item) for item in items])

    async def delivered(self) -> list[Any]:
        async with peer() as receiver:
            sender = MllpSender("127.0.0.1", receiver.port, SystemClock())
            worker = Worker(self.pool, self.clock, "his", sender, lambda: 0.5)
            while await worker.step() == 0:
                pass
            await sender.close()
        return receiver.messages


@pytest.fixture
async def scene(database: Any, clock: FakeClock) -> Scene:
    scene = Scene(database.pool, clock)
    await scene.record.load()
    await scene.write(
        *({"resourceType": "Patient", "id": p, "identifier": [{"value": f"MRN-{p}"}]} for p in ("p1", "p2")),
        {"resourceType": "Device", "id": "d1", "identifier": [{"value": "KEY"}]},
        {"resourceType": "Location", "id": "l1", "identifier": [{"value": "ICU^^7"}]},
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "in-progress",
            "class": {"code": "IMP"},
            "subject": {"reference": "Patient/p1"},
            "location": [{"location": {"reference": "Location/l1"}}],
        },
        observation("history", 1),
    )
    assert await scene.feed.step() == 0
    return scene


async def test_results_go_out_grouped_and_once(scene: Scene) -> None:
    await scene.write(observation("a", 60), observation("b", 61), observation("c", 62, "p2"))
    assert await scene.feed.step() == 3
    assert await scene.feed.step() == 0
    first, second = await scene.delivered()
    assert [str(row[5]) for row in first.segments("OBX")] == ["60", "61"]
    assert str(first.segment("PID")[3]) == "MRN-p1"
    assert str(first.segment("PV1")[3]) == "ICU^^7"
    assert str(first.segment("OBX")[18][0]) == "KEY"
    assert (str(second.segment("PID")[3]), str(second.segment("OBX")[5])) == ("MRN-p2", "62")
    assert [m.control for m in (await screens.find(scene.pool, patient="MRN-p2")).messages] == [
        str(second.segment("MSH")[10])
    ]


async def test_a_wrong_patient_is_put_right_at_the_receiver(scene: Scene) -> None:
    await scene.write(observation("a", 60))
    await scene.write(observation("a", 60, status="entered-in-error"), observation("a2", 60, "p2"))
    await scene.write(observation("a2", 60, "p2", status="amended"))
    await scene.write(Delete("Observation", "a2"))
    while await scene.feed.step():
        pass
    told = [
        (str(m.segment("PID")[3]), str(m.segment("OBR")[3][0]), str(m.segment("OBX")[11]))
        for m in await scene.delivered()
    ]
    assert told == [
        ("MRN-p1", "a^WARDBRIDGE", "P"),
        ("MRN-p1", "a^WARDBRIDGE", "W"),
        ("MRN-p2", "a2^WARDBRIDGE", "P"),
        ("MRN-p2", "a2^WARDBRIDGE", "C"),
        ("MRN-p2", "a2^WARDBRIDGE", "D"),
    ]


async def test_a_crash_while_queueing_neither_loses_nor_doubles(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.write(*(observation(f"o{n}", n) for n in range(7)))
    real = queue.enqueue

    async def dies(*args: Any) -> int:
        await real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(queue, "enqueue", dies)
        with pytest.raises(KeyboardInterrupt):
            await scene.feed.step()
    assert (await screens.queues(scene.pool)) == []
    small = ResultsFeed(scene.pool, scene.clock, scene.record, "his", Party(), limit=3, group=2)
    assert [await small.step() for _ in range(4)] == [3, 3, 1, 0]
    values = [str(row[5]) for m in await scene.delivered() for row in m.segments("OBX")]
    assert values == [str(n) for n in range(7)]


async def test_only_what_is_selected(scene: Scene) -> None:
    feed = ResultsFeed(
        scene.pool, scene.clock, scene.record, "cis", Party(), select=lambda one: one["status"] != "preliminary"
    )
    assert await feed.step() == 0
    await scene.write(
        observation("a", 60),
        observation("b", 61, status="final"),
        observation("n", 1, "nobody"),
        {**observation("g", 1), "subject": {"reference": "Group/g"}},
    )
    assert await feed.step() == 4
    found = (await screens.find(scene.pool, direction="out")).messages
    assert len(found) == 1
    assert str(parse(await screens.raw(scene.pool, found[0].ref)).segment("OBX")[5]) == "61"


async def test_a_test_message_reaches_the_destination(scene: Scene) -> None:
    control = await send_test(scene.pool, scene.clock, "his", Party(), "1")
    assert [str(m.segment("MSH")[10]) for m in await scene.delivered()] == [control]


async def test_a_restored_feed_goes_on_where_it_stood(scene: Scene) -> None:
    await scene.write(observation("a", 60))
    assert await scene.feed.step() == 1
    await scene.write(observation("b", 61))
    # As pg_restore leaves it: numbers of transactions that this cluster has not reached.
    await scene.pool.execute(
        "UPDATE fhir_version SET transaction = (transaction::text::bigint + 99999999999)::text::xid8"
    )
    await scene.pool.execute(
        """UPDATE feed_cursor SET mark = split_part(mark, '.', 1)::bigint + 99999999999 || '.'
           || split_part(mark, '.', 2)"""
    )
    assert await scene.feed.step() == 0
    async with transaction(scene.pool) as conn:
        await changes.rebase(conn)
        await store.rebase(conn)
    assert await scene.feed.step() == 1
    await scene.write(observation("c", 62))
    assert await scene.feed.step() == 1
    assert [str(m.segment("OBX")[5]) for m in await scene.delivered()] == ["60", "61", "62"]
