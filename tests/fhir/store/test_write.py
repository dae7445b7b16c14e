"""Versions, conditional writes, index rows that change only with their values, and the change tail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wardbridge.core.clock import FakeClock
from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.changes import Mark
from wardbridge.fhir.store.group import Group
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put, SeveralMatches, Stored, VersionConflict
from wardbridge.fhir.store.write import Outcome
from wardbridge.security.audit import MINOR, Access, Audit
from wardbridge.security.principal import Principal

BODY = (
    b'{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8310-5"}]},'
    b'"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":37.50,"unit":"C","system":"http://unitsofmeasure.org",'
    b'"code":"Cel"},"component":[{"code":{"text":"x"},"valueDecimalLike":1.0e3}]}'
)


def patient(number: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": number}], **more}


async def put(record: Record, *items: Put | Delete) -> list[Stored]:
    async with transaction(record.pool) as conn:
        return await record.write(conn, items)


async def index_rows(record: Record) -> set[tuple[int, str]]:
    rows = await record.pool.fetch(
        """SELECT xmin::text AS born, 'token' AS kind, key FROM fhir_token
           UNION ALL SELECT xmin::text, 'string', key FROM fhir_string"""
    )
    return {(row["key"], row["kind"] + row["born"]) for row in rows}


async def test_body_keeps_every_digit(record: Record) -> None:
    (stored,) = await put(record, Put(loads(BODY)))
    read = await record.read("Observation", stored.id)
    assert read is not None
    assert read.body == stored.body
    assert b'"value":37.50,' in (read.body or b"")
    assert b":1.0e3}" in (read.body or b"")
    assert loads(read.body or b"")["meta"]["versionId"] == "1"


async def test_many_in_one_call(record: Record) -> None:
    stored = await put(record, *(Put(patient(str(n))) for n in range(200)))
    assert len({one.id for one in stored}) == 200
    page = await record.search(record.query(["Patient"], [("identifier", "urn:mrn|137")]))
    assert [one.id for one in page.matches] == [stored[137].id]


async def test_versions_and_deletion(record: Record, clock: FakeClock) -> None:
    await put(record, Put({**patient("1"), "id": "a"}))
    await clock.advance(1)
    (second,) = await put(record, Put({**patient("2"), "id": "a"}))
    assert (second.version, second.created) == (2, False)
    (gone,) = await put(record, Delete("Patient", "a"))
    assert (gone.version, gone.deleted) == (3, True)
    (again,) = await put(record, Delete("Patient", "a"))
    assert not again.changed
    (back,) = await put(record, Put({**patient("3"), "id": "a"}))
    assert (back.version, back.created) == (4, True)
    page = await record.history("Patient", "a")
    assert [(v.stored.version, v.method) for v in page.versions] == [
        (4, "POST"),
        (3, "DELETE"),
        (2, "PUT"),
        (1, "POST"),
    ]
    assert page.total == 4
    assert not (await record.search(record.query(["Patient"], [("identifier", "2")]))).matches


async def test_two_writes_of_one_resource_in_one_call(record: Record) -> None:
    one, two = await put(record, Put({**patient("1"), "id": "a"}), Put({**patient("2"), "id": "a"}))
    assert (one.version, two.version) == (1, 2)


async def test_if_match(record: Record) -> None:
    await put(record, Put({**patient("1"), "id": "a"}))
    await put(record, Put({**patient("2"), "id": "a"}, if_match="1"))
    with pytest.raises(VersionConflict):
        await put(record, Put({**patient("3"), "id": "a"}, if_match="1"))
    with pytest.raises(VersionConflict):
        await put(record, Put({**patient("3"), "id": "new"}, if_match="*"))
    async with transaction(record.pool) as conn:
        good, bad = await record.attempt(conn, [Put(patient("9")), Delete("Patient", "a", if_match="1")])
    assert isinstance(good, Stored)
    assert isinstance(bad, VersionConflict)


async def test_unchanged_values_write_no_rows(record: Record) -> None:
    await put(record, Put({**patient("1", birthDate="1970-01-01"), "id": "a"}))
    before = await index_rows(record)
    await put(record, Put({**patient("1", birthDate="1970-01-01"), "id": "a", "maritalStatus": {"text": "x"}}))
    assert await index_rows(record) == before
    await put(record, Put({**patient("2", birthDate="1970-01-01"), "id": "a"}))
    after = await index_rows(record)
    assert len(after) > 0
    assert not after & before


async def test_conditional_create_of_twins_in_one_call(record: Record) -> None:
    first, second = await put(record, *(Put(patient("7"), if_none_exist="identifier=urn:mrn|7") for _ in range(2)))
    assert first.id == second.id
    assert (first.created, second.created) == (True, False)
    (third,) = await put(record, Put(patient("7"), if_none_exist="identifier=7"))
    assert (third.id, third.changed) == (first.id, False)
    await put(record, Put(patient("7")))
    with pytest.raises(SeveralMatches):
        await put(record, Put(patient("7"), if_none_exist="identifier=urn:mrn|7"))


async def test_racing_conditional_creates_make_one(record: Record) -> None:
    async def race(n: int) -> Stored:
        criteria = ("identifier=urn:mrn|42", "identifier=42&active=true", "identifier=urn:mrn|42,urn:mrn|43")[n % 3]
        (stored,) = await put(record, Put(patient("42", active=True), if_none_exist=criteria))
        return stored

    done = await asyncio.gather(*(race(n) for n in range(32)))
    assert len({one.id for one in done}) == 1
    assert sum(one.created for one in done) == 1
    assert await record.pool.fetchval("SELECT count(*) FROM fhir_resource") == 1


async def test_racing_updates_lose_nothing(record: Record) -> None:
    await put(record, Put({**patient("0"), "id": "a"}))

    async def race(n: int) -> int:
        (stored,) = await put(record, Put({**patient(str(n)), "id": "a"}))
        return stored.version

    versions = await asyncio.gather(*(race(n) for n in range(24)))
    assert sorted(versions) == list(range(2, 26))


async def test_racing_creates_at_one_id(record: Record) -> None:
    done = await asyncio.gather(*(put(record, Put({**patient(str(n)), "id": "same"})) for n in range(8)))
    assert sorted(one.version for (one,) in done) == list(range(1, 9))
    assert sum(one.created for (one,) in done) == 1


async def test_changes_never_skip_a_late_commit(record: Record) -> None:
    """A transaction that began first and commits last is neither skipped nor overtaken."""
    async with record.pool.acquire() as slow:
        block = slow.transaction()
        await block.start()
        await record.write(slow, [Put({**patient("slow"), "id": "slow"})])
        await put(record, Put({**patient("quick"), "id": "quick"}))
        seen = await record.changes(record.pool, Mark(), 10)
        assert [change.stored.id for change in seen] == []
        await block.commit()
    seen = await record.changes(record.pool, Mark(), 10)
    assert [change.stored.id for change in seen] == ["slow", "quick"]
    assert await record.changes(record.pool, seen[-1].mark, 10) == []
    assert Mark.parse(str(seen[0].mark)) == seen[0].mark
    assert [c.stored.id for c in await record.changes(record.pool, seen[0].mark, 10, ["Patient"])] == ["quick"]
    assert await record.changes(record.pool, Mark(), 10, ["Device"]) == []
    assert await record.latest(record.pool) == seen[-1].mark


async def test_numbers_are_the_same_for_a_second_process(record: Record) -> None:
    other = Record(record.pool, record.clock)
    await other.load()
    assert other.numbers.types == record.numbers.types
    assert other.numbers.parameter("Patient", "family") == record.numbers.parameter("Patient", "family")


ASKER = Principal("ehr", "EHR", "service", frozenset({"service"}), ())


def note(outcome: Outcome) -> Access:
    """The audit entry of a write in these tests: its reason says what became of it."""
    if not isinstance(outcome, Stored):
        return Access(ASKER, "update", "Patient", reason="refused", outcome=MINOR)
    what = "deleted" if outcome.deleted else "created" if outcome.created else "updated"
    return Access(ASKER, "update", outcome.type, outcome.id, reason=what if outcome.changed else "nothing to do")


async def proven(record: Record) -> dict[str, int]:
    """How many audit entries there are, by what they say."""
    rows = await record.pool.fetch("SELECT reason, count(*) FROM audit_event GROUP BY reason")
    return dict(rows)


async def test_one_bad_write_of_a_group_harms_nobody(record: Record) -> None:
    """Writes that share a commit keep their own outcomes, even where one breaks the statement."""
    group = Group(record, Audit(record.pool, record.clock))
    writes = [group.write(Put(patient(str(n))), note) for n in range(20)]
    writes.insert(7, group.write(Put({**patient("bad"), "id": "a\x00"}), note))
    writes.append(group.write(Delete("Patient", "nobody", if_match="1"), note))
    done = await asyncio.gather(*writes, return_exceptions=True)
    assert sum(isinstance(one, Stored) for one in done) == 20
    assert isinstance(done[7], Invalid)
    assert isinstance(done[-1], NotFound)
    assert await proven(record) == {"created": 20, "refused": 1}
    later = await asyncio.gather(*(group.write(Put(patient(f"later{n}")), note) for n in range(3)))
    assert all(isinstance(one, Stored) for one in later)
    assert await proven(record) == {"created": 23, "refused": 1}


async def test_what_is_committed_is_not_written_again_when_a_neighbour_fails(record: Record) -> None:
    """A group of which one part is done and another fails unexpectedly: the failure is repeated, never the success."""

    def unwell(outcome: Outcome) -> Access:
        raise RuntimeError("no note of this")

    group = Group(record, Audit(record.pool, record.clock))
    writes = [group.write(Put(patient(str(n))), note) for n in range(6)]
    writes.insert(3, group.write(Delete("Patient", "nobody", if_match="1"), unwell))
    done = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(done[3], RuntimeError)
    assert sum(isinstance(one, Stored) for one in done) == 6
    assert await record.pool.fetchval("SELECT count(*) FROM fhir_resource") == 6
    assert await proven(record) == {"created": 6}


async def test_writes_that_follow_each_other_closely_all_end(record: Record) -> None:
    group = Group(record, Audit(record.pool, record.clock))

    async def chain(n: int) -> None:
        for m in range(15):
            assert isinstance(await group.write(Put(patient(f"{n}-{m}")), note), Stored)

    await asyncio.wait_for(asyncio.gather(*(chain(n) for n in range(8))), 60)
    assert await record.pool.fetchval("SELECT count(*) FROM fhir_resource") == 120


async def test_a_group_writes_one_resource_again_and_again(record: Record) -> None:
    """Create, update, delete and create anew from what this process knows, each with one version and one entry."""
    group = Group(record, Audit(record.pool, record.clock), lanes=2)
    made = await group.write(Put(patient("1")), note)
    assert isinstance(made, Stored)
    again = {**patient("2"), "id": made.id}
    assert (await group.write(Put(again, if_match="1"), note)).version == 2  # type: ignore[union-attr]
    assert isinstance(await group.write(Put(again, if_match="1"), note), VersionConflict)
    gone = await group.write(Delete("Patient", made.id), note)
    assert isinstance(gone, Stored)
    assert gone.deleted
    assert gone.version == 3
    nothing = await group.write(Delete("Patient", made.id), note)
    assert isinstance(nothing, Stored)
    assert not nothing.changed
    assert nothing.version == 3
    back = await group.write(Put(again), note)
    assert isinstance(back, Stored)
    assert back.created
    assert back.version == 4
    assert await proven(record) == {"created": 2, "updated": 1, "refused": 1, "deleted": 1, "nothing to do": 1}


async def test_two_processes_that_think_they_know_lose_no_update(record: Record) -> None:
    """Each group keeps heads that the other makes stale: versions stay gapless, and each has its entry."""
    other = Record(record.pool, record.clock)
    await other.load()
    groups = [Group(one, Audit(record.pool, record.clock), lanes=2) for one in (record, other)]

    async def chain(group: Group, name: str) -> list[int]:
        versions = []
        for n in range(12):
            for id_ in ("a", "b"):
                done = await group.write(Put({**patient(f"{name}{n}"), "id": id_}), note)
                assert isinstance(done, Stored)
                versions.append(done.version)
        return versions

    await asyncio.gather(*(chain(group, f"{at}-{n}-") for at, group in enumerate(groups) for n in range(3)))
    rows = await record.pool.fetch(
        """SELECT r.id, r.version, count(v.version), max(v.version) FROM fhir_resource r
           JOIN fhir_version v USING (key) GROUP BY r.key"""
    )
    assert {tuple(row) for row in rows} == {("a", 72, 72, 72), ("b", 72, 72, 72)}
    assert await proven(record) == {"created": 2, "updated": 142}
    assert await record.pool.fetchval("SELECT count(*) FROM fhir_token WHERE parameter = $1",
                                      record.numbers.parameter("Patient", "identifier")) == 2  # fmt: skip
