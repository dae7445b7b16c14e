"""Whatever happens in whatever order, no patch runs on a machine that a patient is on.

Admissions, discharges, bindings by hand (with an end, too), standby, acceptances by somebody else, edits of windows,
jumps of the clock, the background step and every step of patches run over the real database; before each start and
after each step every patch is compared with every interval of its machine.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.equipment import bedside
from tests.equipment.changing import patch_file
from tests.equipment.conftest import OPERATOR, TECHNICIAN

from wardbridge.core.clock import HOUR, MINUTE, FakeClock
from wardbridge.core.db import open_pool
from wardbridge.core.errors import WardbridgeError
from wardbridge.devices import binding, fleet, places
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.devices.store import registry
from wardbridge.devices.store.registry import Seen
from wardbridge.equipment.changes import desk as changes
from wardbridge.equipment.changes.patches import desk, follow, store
from wardbridge.equipment.changes.patches.values import Window
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.values import Asset, Model
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import SYSTEM

MACHINES = 3
machines, people = st.integers(0, MACHINES - 1), st.integers(0, 1)


async def test_no_patch_runs_on_a_machine_that_a_patient_is_on(database: Any) -> None:
    await asyncio.to_thread(_play, database.dsn)


def _play(dsn: str) -> None:
    loop = asyncio.new_event_loop()
    Play.loop = loop
    Play.pool = loop.run_until_complete(open_pool(dsn, size=4))
    Play.record = Record(Play.pool, FakeClock())
    loop.run_until_complete(Play.record.load())
    try:
        run_state_machine_as_test(
            Play, settings=settings(max_examples=40, stateful_step_count=40, deadline=None,
                                    suppress_health_check=list(HealthCheck)),
        )  # fmt: skip
        # The run must have been about something: patches did run, and starts were refused.
        assert Play.started > 0
        assert Play.refused > 0
        assert Play.kept > 0
    finally:
        loop.run_until_complete(Play.pool.close())
        loop.close()


class Play(RuleBasedStateMachine):
    """Three machines at three beds of a ward of their own, two patients."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    pool: ClassVar[Any]
    record: ClassVar[Record]
    number: ClassVar[int] = 0
    started: ClassVar[int] = 0
    refused: ClassVar[int] = 0
    kept: ClassVar[int] = 0

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Do it; rules may refuse it, nothing else may go wrong."""
        try:
            self.do(work)
        except WardbridgeError:
            return False
        return True

    @initialize(heard=st.lists(st.sampled_from([True, True, False]), min_size=MACHINES, max_size=MACHINES))
    def prepare(self, heard: list[bool]) -> None:
        Play.number += 1
        self.clock = FakeClock(1_767_225_600_000_000 + Play.number * 1000 * HOUR)
        self.shop = Shop(self.pool, Parts(FhirRecord(self.record), self.clock))
        self.ward = f"W{Play.number}"
        self.do(self._prepare(heard))

    async def _prepare(self, heard: list[bool]) -> None:
        shop, now = self.shop, self.clock.now()
        model = Model(model_id=f"model-{Play.number}", manufacturer="Acme", name="Flow 3", kind="pump",
                      catalogue=str(Play.number))  # fmt: skip
        self.assets = []
        async with shop.acting(TECHNICIAN) as conn:
            await register.add_models(shop, conn, [model])
            for at in range(MACHINES):
                place = await places.ensure(shop.parts, conn, self.ward, str(at), str(at))
                assert place is not None
                self.assets.append(
                    Asset(device_id=f"{model.model_id}-{at}", model_id=model.model_id, state="in-service",
                          state_since=now, created=now, serial=f"S{Play.number}-{at}", place_id=place.place_id,
                          firmware="1.0")
                )  # fmt: skip
            await register.add(shop, conn, self.assets)
            for asset, speaks in zip(self.assets, heard, strict=True):
                if speaks:
                    await bedside.hear(shop, conn, asset)
            content = patch_file(models=(model.model_id,), start=now, stop=now + 48 * HOUR)
            assert content.patch is not None
            change = await desk.plan(shop, conn, _for(content, model.model_id), TECHNICIAN)
            self.change = change.change_id
            await changes.move(shop, conn, self.change, "assess", TECHNICIAN)
            await changes.sign(shop, conn, self.change, "biomed", TECHNICIAN)
            await changes.sign(shop, conn, self.change, "it", OPERATOR)
            await changes.move(shop, conn, self.change, "schedule", OPERATOR)
            await self._window(conn, now, 40, 2, 0)

    async def _window(self, conn: Any, start: int, hours: int, parallel: int, spares: int) -> None:
        window = Window(window_id=f"w-{Play.number}", start=start, stop=start + hours * HOUR, ward=self.ward,
                        parallel=parallel, spares=spares)  # fmt: skip
        await desk.set_window(self.shop, conn, window)

    def patient(self, who: int) -> str:
        return f"{self.ward}-{who}"

    async def _as_system(self, work: Any) -> None:
        async with self.shop.acting(SYSTEM) as conn:
            await work(conn)

    @rule(who=people, bed=machines)
    def admit(self, who: int, bed: int) -> None:
        self.attempt(self._as_system(lambda c: bedside.admit(self.shop, c, self.patient(who), self.ward, str(bed))))

    @rule(who=people)
    def discharge(self, who: int) -> None:
        self.attempt(self._as_system(lambda c: bedside.discharge(self.shop, c, self.patient(who))))

    @rule(at=machines, who=people, minutes=st.sampled_from([None, 30, 600]))
    def bind(self, at: int, who: int, minutes: int | None) -> None:
        async def work(conn: Any) -> None:
            stop = None if minutes is None else self.clock.now() + minutes * MINUTE
            known = await bedside.person(conn, self.patient(who))
            if not known:
                await bedside.admit(self.shop, conn, self.patient(who), "Hall", "1")
                known = await bedside.person(conn, self.patient(who))
            await binding.bind(self.shop.parts, conn, self.assets[at].device_id, known, by="n", stop=stop)

        self.attempt(self._as_system(work))

    @rule(at=machines, release=st.booleans())
    def unbind(self, at: int, release: bool) -> None:
        off = binding.release if release else binding.unbind
        self.attempt(self._as_system(lambda c: off(self.shop.parts, c, self.assets[at].device_id, by="n")))

    @rule(at=machines, standby=st.booleans())
    def heard(self, at: int, standby: bool) -> None:
        async def work(conn: Any) -> None:
            if await registry.device(conn, self.assets[at].device_id) is None:
                await bedside.hear(self.shop, conn, self.assets[at])
            now = self.clock.now()
            seen = Seen(self.assets[at].device_id, "mllp", now, now, None, None, True, standby, "", 1, 0, 0)
            await registry.seen(conn, [seen])

        self.attempt(self._as_system(work))

    @rule(at=machines, name=st.sampled_from(["accept", "quarantine"]))
    def admission(self, at: int, name: str) -> None:
        to = getattr(fleet, name)
        self.attempt(self._as_system(lambda c: to(self.shop.parts, c, self.assets[at].device_id, "somebody")))

    @rule(at=machines)
    def start(self, at: int) -> None:
        on_somebody = self.do(
            self.pool.fetchval(
                """SELECT EXISTS (SELECT 1 FROM binding WHERE device_id = $1 AND (stop IS NULL OR stop > $2)
                                  AND (patient_id IS NOT NULL OR conflict <> ''))""",
                self.assets[at].device_id, self.clock.now(),
            )
        )  # fmt: skip
        done = self.attempt(self._patch(desk.start, at, TECHNICIAN))
        Play.kept += bool(on_somebody)
        assert not (done and on_somebody)
        Play.started += done
        Play.refused += not done

    @rule(at=machines, name=st.sampled_from(["verify", "fail", "roll_back", "except_", "retry", "report"]))
    def settle(self, at: int, name: str) -> None:
        match name:
            case "verify":
                self.attempt(self._patch(desk.verify, at, "2.0", "read on its screen", TECHNICIAN))
            case "retry":
                self.attempt(self._patch(desk.retry, at, TECHNICIAN))
            case "report":
                self.attempt(self._as_system(lambda c: follow.observed(
                    self.shop, c, self.assets[at].device_id, "firmware", "2.0", self.clock.now(), "wire")))  # fmt: skip
            case _:
                self.attempt(self._patch(getattr(desk, name), at, "a reason", TECHNICIAN))

    async def _patch(self, move: Any, at: int, *rest: Any) -> None:
        async with self.shop.acting(TECHNICIAN) as conn:
            await move(self.shop, conn, self.change, self.assets[at].device_id, *rest)

    @rule(ahead=st.integers(-10, 10), hours=st.integers(1, 48), parallel=st.integers(1, 3), spares=st.integers(0, 2))
    def window(self, ahead: int, hours: int, parallel: int, spares: int) -> None:
        start = self.clock.now() + ahead * HOUR
        self.attempt(self._as_system(lambda c: self._window(c, start, hours, parallel, spares)))

    @rule(minutes=st.integers(-300, 300))
    def jump(self, minutes: int) -> None:
        self.clock.set(self.clock.now() + minutes * MINUTE)

    @rule()
    def background(self) -> None:
        self.do(follow.follow(self.shop))

    @invariant()
    def nobody_is_on_a_machine_that_is_patched(self) -> None:
        with contextlib.suppress(AttributeError):
            self.change  # noqa: B018 - before the first rule there is nothing
            rows = self.do(
                self.pool.fetch(
                    """SELECT i.device_id, d.state, b.patient_id, b.start, b.stop FROM patch_item i
                       LEFT JOIN device d USING (device_id)
                       LEFT JOIN binding b ON b.device_id = i.device_id AND (b.stop IS NULL OR b.stop > i.started_at)
                            AND (b.patient_id IS NOT NULL OR b.conflict <> '')
                       WHERE i.state = 'running'"""
                )
            )
            for row in rows:
                assert row["patient_id"] is None, dict(row)
                assert row["state"] in (None, "workshop", "quarantined"), dict(row)
            parallel = self.do(store.count(self.pool, [self.change])).get(self.change, {}).get("running", 0)
            assert parallel <= MACHINES


def _for(content: Any, model_id: str) -> Any:
    import msgspec

    return msgspec.structs.replace(content, patch=msgspec.structs.replace(content.patch, model_id=model_id))
