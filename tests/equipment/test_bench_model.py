"""Two technicians, any order of work, lost answers, repeats and crashes: every operation has its effect exactly once.

The model is only what was done: at the end each operation must be found in the tables once, as what it meant to be or
as a note to whoever won, and none may be missing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.equipment.bench_tablet import Place, Tablet, workplace
from tests.equipment.conftest import Stocked, person

from wardbridge.core.errors import Unavailable
from wardbridge.equipment.bench import sync
from wardbridge.equipment.bench.store import operations
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.store import orders

PEOPLE = (person("technician", "Ada"), person("technician", "Bo"))
who, where = st.integers(0, 1), st.integers(0, 1)
KINDS = st.sampled_from(["take", "note", "look", "earth", "part", "labour", "missing", "resolve", "resolve"])


async def test_every_operation_has_its_effect_exactly_once(shop: Shop, stock: Stocked) -> None:
    main = asyncio.get_running_loop()

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, main).result(60)

    place = await workplace(shop, stock)

    def play() -> None:
        run_state_machine_as_test(
            lambda: Two(shop, place, wait),
            settings=settings(
                max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )

    await asyncio.to_thread(play)


class Two(RuleBasedStateMachine):
    def __init__(self, shop: Shop, place: Place, wait: Any) -> None:
        super().__init__()
        self.shop, self.place, self.wait = shop, place, wait
        self.tablets = [Tablet(shop, one, f"tablet-{at}") for at, one in enumerate(PEOPLE)]
        self.done: list[dict[str, Any]] = []
        self.sent: list[list[dict[str, Any]]] = [[], []]
        self.works: list[str] = []

    @initialize()
    def begin(self) -> None:
        async def go() -> list[str]:
            async with self.shop.acting(PEOPLE[0]) as conn:
                return [
                    (await desk.order(self.shop, conn, device, "inspection", "Check", "", PEOPLE[0],
                                      procedure_id=procedure)).work_id
                    for device, procedure in zip(self.place.devices, ("check", ""), strict=False)
                ]  # fmt: skip

        self.works = self.wait(go())

    def keep(self, at: int, kind: str, work: str, **more: Any) -> str:
        tablet = self.tablets[at]
        ident = tablet.do(kind, work, **more)
        self.done.append(tablet.queue[-1])
        return ident

    @rule(at=who, work=where, kind=KINDS, value=st.sampled_from(["0.1", "0.2", "0.9"]))
    def act(self, at: int, work: int, kind: str, value: str) -> None:
        order, mark = self.works[work], f"said {len(self.done)}."
        match kind:
            case "look":
                self.keep(at, "step", self.works[0], step="look", value="pass")
            case "earth":
                self.keep(at, "step", self.works[0], step="earth", value=value, instrument=self.place.instrument)
            case "part":
                self.keep(at, "part", order, part="p", store="s", quantity="70")
            case "labour":
                self.keep(at, "labour", order, minutes=5)
            case "take":
                self.keep(at, "take", order)
            case _:
                self.keep(at, kind, order, text=mark)

    @rule(kind=st.sampled_from(["take", "earth", "resolve", "missing"]), work=where)
    def both_do(self, kind: str, work: int) -> None:
        self.act(0, work, kind, "0.1")
        self.act(1, work, kind, "0.2")

    @rule(at=who, work=where)
    def fault(self, at: int, work: int) -> None:
        ident = self.keep(at, "fault", "", device=self.place.devices[work], text=f"broke {len(self.done)}.",
                          out_of_use=True)  # fmt: skip
        self.keep(at, "note", f"op:{ident}", text=f"said {len(self.done)}.")

    @rule(at=who, lost=st.booleans(), count=st.one_of(st.none(), st.integers(1, 4)))
    def send(self, at: int, lost: bool, count: int | None) -> None:
        self.sent[at] = self.tablets[at].queue[:count]
        self.wait(self.tablets[at].send(lost=lost, count=count))

    @rule(lost=st.booleans())
    def both_at_once(self, lost: bool) -> None:
        async def go() -> None:
            await asyncio.gather(*(one.send(lost=lost) for one in self.tablets), *(one.send() for one in self.tablets))

        self.wait(go())

    @rule(at=who)
    def an_old_request_arrives_again(self, at: int) -> None:
        request = self.tablets[at].request(list(reversed(self.sent[at])))
        answers = self.wait(sync.receive(self.shop, request, PEOPLE[at]))
        assert {one.state for one in answers} <= {"already"}

    @rule(at=who, before=st.integers(1, 3))
    def crash(self, at: int, before: int) -> None:
        real, left = operations.add, [before]

        async def add(conn: Any, kept: operations.Kept) -> None:
            await real(conn, kept)
            left[0] -= 1
            if left[0] == 0:
                raise ConnectionError

        operations.add = add
        try:
            self.wait(self.tablets[at].send())
        except Unavailable:
            assert len(self.tablets[at].queue) >= before
        finally:
            operations.add = real

    @rule(at=who, hours=st.integers(-5, 5))
    def clock_jumps(self, at: int, hours: int) -> None:
        self.tablets[at].ms += hours * 3_600_000

    def teardown(self) -> None:
        if self.works:
            for tablet in self.tablets:
                self.wait(tablet.send())
                assert tablet.queue == []
            self.wait(self.check())

    async def check(self) -> None:
        pool, ids = self.shop.pool, [one["id"] for one in self.done]
        kept = {ident: await operations.get(pool, ident) for ident in ids}
        assert all(row is not None and row.body | {"x": 0} for row in kept.values())
        faults = [one["id"] for one in self.done if one["kind"] == "fault"]
        rows = await pool.fetch("SELECT source_id FROM work WHERE source_id = ANY($1)", [f"bench/{i}" for i in faults])
        assert len(rows) == len(faults)
        works = self.works + [kept[ident].work_id for ident in faults]
        notes = await orders.notes(pool, works)
        ended = {work.work_id: work for work in await orders.get(pool, works)}
        labour = Counter(
            [
                r["operation_id"]
                for r in await pool.fetch("SELECT operation_id FROM labour WHERE operation_id = ANY($1)", ids)
            ]
        )
        parts = {
            r["operation_id"]: r["n"]
            for r in await pool.fetch(
                "SELECT operation_id, sum(quantity) AS n FROM stock_movement WHERE operation_id = ANY($1) GROUP BY 1",
                ids,
            )
        }
        for one in self.done:
            row, said = kept[one["id"]], one["body"].get("text", "-")
            found = sum(said in note.text for note in notes if note.work_id == row.work_id)
            match one["kind"]:
                case "labour":
                    assert labour[one["id"]] == 1
                case "part":
                    assert parts[one["id"]] == Decimal(-70)
                case "note" | "missing":
                    assert (row.state in ("done", "conflict"), found) == (True, 1)
                case "resolve":
                    won = ended[row.work_id].resolution == said
                    assert (won, found) == {"done": (True, 0), "conflict": (False, 1), "refused": (False, 0)}[row.state]
                case "step":
                    await self.check_step(one, row, notes)
                case _:
                    assert row.state in ("done", "conflict")
        for work in self.works:
            won = [
                o for o in self.done if o["kind"] == "resolve" and o["work"] == work and kept[o["id"]].state == "done"
            ]
            assert len(won) == (ended[work].state == "resolved")

    async def check_step(self, one: dict[str, Any], row: operations.Kept, notes: Any) -> None:
        name, value = one["body"]["step"], one["body"]["value"]
        wanted = [o for o in self.done if o["kind"] == "step" and o["work"] == one["work"]
                  and o["person"] == one["person"] and o["body"] == one["body"]]  # fmt: skip
        by = one["person"]
        stored = await self.shop.pool.fetchval(
            "SELECT count(*) FROM measurement WHERE work_id = $1 AND step = $2 AND text = $3 AND by_id = $4",
            one["work"], name, value, by,
        )  # fmt: skip
        told = sum(f"measured {value} at" in note.text and note.by_id == by and note.work_id == one["work"]
                   for note in notes)  # fmt: skip
        equal = 0
        for other in wanted:
            found = await operations.get(self.shop.pool, other["id"])
            assert found is not None
            equal += "the same result" in found.text
        assert row.state in ("done", "conflict")
        assert stored + told + equal == len(wanted)
