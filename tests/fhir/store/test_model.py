"""A state machine: the record against a dictionary, through any order of writes, conditions and deletions."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from wardbridge.core.clock import FakeClock
from wardbridge.core.db import open_pool, transaction
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put, Stored, VersionConflict

IDS = st.sampled_from(["a", "b", "c"])
NAMES = st.sampled_from(["Ada", "Bo", "Çelik", "Ada-Lou"])
VERSIONS = st.one_of(st.none(), st.sampled_from(["1", "2", "3", "*"]))


async def test_record_equals_a_dictionary(database: Any) -> None:
    dsn = database.dsn

    def play() -> None:
        loop = asyncio.new_event_loop()
        pool = loop.run_until_complete(open_pool(dsn, size=2))
        record = Record(pool, FakeClock())
        loop.run_until_complete(record.load())

        class Machine(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                self.versions: dict[str, list[str | None]] = {}
                loop.run_until_complete(
                    pool.execute("TRUNCATE fhir_resource, fhir_version, fhir_token, fhir_string, fhir_date, fhir_uri")
                )

            def write(self, item: Put | Delete) -> Any:
                async def go() -> Any:
                    async with transaction(pool) as conn:
                        return (await record.attempt(conn, [item]))[0]

                return loop.run_until_complete(go())

            def expect_conflict(self, id_: str, if_match: str | None) -> bool:
                past = self.versions.get(id_, [])
                there = bool(past) and past[-1] is not None
                return if_match is not None and not (there and if_match in ("*", str(len(past))))

            @rule(id_=IDS, name=NAMES, if_match=VERSIONS)
            def update(self, id_: str, name: str, if_match: str | None) -> None:
                body = {"resourceType": "Patient", "id": id_, "name": [{"family": name}]}
                done = self.write(Put(body, if_match))
                if self.expect_conflict(id_, if_match):
                    assert isinstance(done, VersionConflict)
                    return
                past = self.versions.setdefault(id_, [])
                assert isinstance(done, Stored)
                assert done.created == (not past or past[-1] is None)
                past.append(name)
                assert done.version == len(past)

            @rule(id_=IDS, if_match=VERSIONS)
            def delete(self, id_: str, if_match: str | None) -> None:
                done = self.write(Delete("Patient", id_, if_match))
                past = self.versions.get(id_, [])
                if self.expect_conflict(id_, if_match):
                    assert not isinstance(done, Stored)
                elif past and past[-1] is not None:
                    past.append(None)
                    assert done.version == len(past)
                else:
                    assert not done.changed

            @rule(id_=IDS)
            def look(self, id_: str) -> None:
                past = self.versions.get(id_, [])
                read = loop.run_until_complete(record.read("Patient", id_))
                history = loop.run_until_complete(record.history("Patient", id_, count=100))
                assert [v.stored.version for v in history.versions] == list(range(len(past), 0, -1))
                if not past:
                    assert read is None
                    return
                assert read is not None
                assert (read.version, read.deleted) == (len(past), past[-1] is None)
                for at, name in enumerate(past, 1):
                    one = loop.run_until_complete(record.vread("Patient", id_, at))
                    assert one is not None
                    assert (loads(one.body)["name"][0]["family"] if one.body else None) == name

            @rule(name=NAMES)
            def search(self, name: str) -> None:
                page = loop.run_until_complete(record.search(record.query(["Patient"], [("family:exact", name)])))
                wanted = {id_ for id_, past in self.versions.items() if past[-1] == name}
                assert {one.id for one in page.matches} == wanted

        try:
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
                ),
            )
        finally:
            loop.run_until_complete(pool.close())
            loop.close()

    await asyncio.to_thread(play)
