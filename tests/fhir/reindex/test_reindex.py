"""Custom search parameters from their SearchParameter to proven results, while others write and workers are killed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fhir.reindex.conftest import Index, parameter

from wardbridge.core.errors import Invalid, Unavailable
from wardbridge.fhir.store import reindex
from wardbridge.fhir.store.group import Group
from wardbridge.fhir.store.numbers import NotReady
from wardbridge.fhir.store.reindex import Reindexer
from wardbridge.fhir.store.rules import Custom
from wardbridge.fhir.store.values import Delete, Put
from wardbridge.fhir.store.verify import verify
from wardbridge.security.audit import Access, Audit
from wardbridge.security.principal import SYSTEM

MARITAL = parameter("marital", "Patient.maritalStatus")


def patient(n: int, code: str = "M") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"p{n}",
        "name": [{"family": f"Family{n}"}],
        "maritalStatus": {"coding": [{"system": "urn:m", "code": code}], "text": "married"},
    }


async def test_a_new_parameter_is_refused_until_all_older_resources_have_it(index: Index) -> None:
    await index.write(*(patient(n, "M" if n % 2 else "S") for n in range(10)))
    with pytest.raises(Invalid, match="unknown search parameter"):
        await index.find("Patient", ("marital", "M"))
    await index.write(MARITAL)
    await index.reindexer.sync()
    await index.record.numbers.refresh(index.pool)
    with pytest.raises(NotReady, match="not ready: 0 % of the Patient"):
        await index.find("Patient", ("marital", "M"))
    with pytest.raises(NotReady):
        await index.find("Patient", ("marital:missing", "true"))
    with pytest.raises(NotReady):
        await index.find("Patient", ("_sort", "marital"))
    with pytest.raises(NotReady):
        await index.find("Observation", ("patient.marital", "M"))
    assert await index.find("Patient", ("family", "Family3")) == ["p3"], "what was searchable stays so"
    await index.reindexer.once()
    assert await index.find("Patient", ("marital", "urn:m|M")) == [f"p{n}" for n in range(1, 10, 2)]
    assert await index.find("Patient", ("marital:not", "M")) == [f"p{n}" for n in range(0, 10, 2)]


async def test_rows_after_a_reindex_are_those_of_a_fresh_write(index: Index) -> None:
    ids = [f"p{n}" for n in range(7)]
    await index.write(*(patient(n) for n in range(7)))
    await index.write(MARITAL, parameter("marital-text", "Patient.maritalStatus.text", kind="string"))
    await index.reindexer.once()
    after = await index.rows("Patient", ids)
    await index.write(*(Delete("Patient", id_) for id_ in ids))
    await index.write(*(patient(n) for n in range(7)))
    assert await index.rows("Patient", ids) == after


async def test_progress_is_seen_and_a_killed_reindex_goes_on(index: Index) -> None:
    await index.write(*(patient(n) for n in range(20)))
    await index.write(MARITAL)
    steps = 0

    def room() -> None:
        nonlocal steps
        steps += 1
        if steps > 3:
            raise Unavailable("killed")

    with pytest.raises(Unavailable):
        await Reindexer(index.pool, index.record.numbers, index.record.clock, room, batch=5).once()
    at = index.record.numbers.progress["Patient"]
    assert (at.done, at.total, at.percent, at.ready) == (15, 20, 75, False)
    with pytest.raises(NotReady, match="75 %"):
        await index.find("Patient", ("marital", "M"))
    second = await index.other()
    looked: list[int] = []
    original = reindex._stale

    async def stale(pool: Any, number: int, wanted: int, after: int, most: int) -> Any:
        found = await original(pool, number, wanted, after, most)
        looked.append(len(found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reindex, "_stale", stale)
        await Reindexer(index.pool, second.numbers, index.record.clock, batch=5).once()
    assert looked[0] == 5, "it went on where the other was"
    assert sum(looked) == 5
    assert len(await index.find("Patient", ("marital", "M"), record=second)) == 20


async def test_a_process_that_knows_nothing_of_the_change_cannot_write_old_rows(index: Index) -> None:
    """Its statement names the rules that its rows were made by: where they are not those of now, it writes nothing,
    looks again, and writes rows of the new ones."""
    lagging = await index.other()
    await index.write(MARITAL)
    await index.reindexer.once()
    before = lagging.numbers.rules["Patient"]
    assert before != index.record.numbers.rules["Patient"]
    (stored,) = await index.write(patient(1), record=lagging)
    assert stored.created
    assert lagging.numbers.rules["Patient"] == index.record.numbers.rules["Patient"]
    assert await index.find("Patient", ("marital", "M")) == ["p1"]


async def test_nor_can_it_by_the_way_of_single_writes(index: Index) -> None:
    lagging = await index.other()
    group = Group(lagging, Audit(index.pool, index.record.clock))

    def note(outcome: Any) -> Access:
        return Access(SYSTEM, "update", "Patient", outcome.id)

    await group.write(Put(patient(1, "S")), note)
    await index.write(MARITAL)
    await index.reindexer.once()
    assert await index.find("Patient", ("marital", "S")) == ["p1"]
    # What the process remembers of p1 is from before the reindex: the element goes, and so must its row.
    plain = {key: value for key, value in patient(1).items() if key != "maritalStatus"}
    await group.write(Put(plain), note)
    assert await index.find("Patient", ("marital", "S")) == []
    await group.write(Put(patient(1, "M")), note)
    assert await index.find("Patient", ("marital", "M")) == ["p1"]


async def test_an_open_transaction_of_the_old_rules_is_waited_for(index: Index) -> None:
    lagging = await index.other()
    await index.write(patient(0))
    async with index.pool.acquire() as conn:
        change = conn.transaction()
        await change.start()
        await lagging.write(conn, [Put(patient(1))])
        await index.write(MARITAL)
        work = asyncio.create_task(index.reindexer.once())
        while not index.record.numbers.progress["Patient"].done:  # noqa: ASYNC110 - it is the database that we wait for
            await asyncio.sleep(0)
        with pytest.raises(NotReady):
            await index.find("Patient", ("marital", "M"))
        await change.commit()
    await work
    assert await index.find("Patient", ("marital", "M")) == ["p0", "p1"]


async def test_writers_beside_the_reindex(index: Index) -> None:
    """Two processes write all the while, one of them lagging: at the end every result is that of the bodies."""
    await index.write(*(patient(n) for n in range(60)))
    lagging = await index.other()
    await index.write(MARITAL)
    done = asyncio.Event()

    async def writer(record: Any, offset: int) -> None:
        turn = 0
        while not done.is_set() or turn < 20:
            turn += 1
            for n in range(offset, 60, 7):
                await index.write(patient(n, "MSD"[turn % 3]), record=record)
            await index.write(patient(1000 + turn * 10 + offset), record=record)
            if turn % 5 == 0:
                await index.write(Delete("Patient", f"p{offset + 7}"), record=record)

    writers = [asyncio.create_task(writer(lagging, 0)), asyncio.create_task(writer(index.record, 3))]
    await Reindexer(index.pool, index.record.numbers, index.record.clock, batch=4).once()
    ready = index.record.numbers.progress["Patient"].ready
    done.set()
    await asyncio.gather(*writers)
    assert ready
    wrong = await verify(index.pool, index.record.numbers)
    assert wrong.checked > 60
    assert wrong.wrong == []
    found: set[str] = set()
    for code in "MSD":
        found |= set(await index.find("Patient", ("marital", code)))
    assert found == set(await index.find("Patient"))


async def test_verify_finds_what_is_wrong(index: Index) -> None:
    await index.write(*(patient(n) for n in range(5)))
    assert (await verify(index.pool, index.record.numbers)).wrong == []
    key = await index.pool.fetchval("SELECT key FROM fhir_resource WHERE id = 'p2'")
    await index.pool.execute("DELETE FROM fhir_string WHERE key = $1", key)
    await index.pool.execute("UPDATE fhir_resource SET fingerprint = 1 WHERE id = 'p3'")
    await index.pool.execute("UPDATE fhir_resource SET rules = 0 WHERE id = 'p4'")
    found = await verify(index.pool, index.record.numbers)
    assert found.checked == 5
    assert [(name, why.split(":")[0]) for name, why in found.wrong] == [
        ("Patient/p2", "rows of string"),
        ("Patient/p3", "fingerprint"),
        ("Patient/p4", "rules"),
    ]
    await index.reindexer.anew(["Patient"])
    await index.reindexer.once()
    assert (await verify(index.pool, index.record.numbers)).wrong == []


async def test_after_an_upgrade_all_is_brought_to_the_new_version(index: Index, monkeypatch: Any) -> None:
    """Rows of a former version of the software: the next start sees that, and the reindex makes them anew."""
    await index.write(*(patient(n) for n in range(8)))
    await index.write({"resourceType": "Location", "id": "l", "position": {"longitude": 10, "latitude": 50}})
    await index.pool.execute("UPDATE fhir_resource SET rules = 0, index_version = 1, hash = NULL")
    await index.pool.execute("DELETE FROM fhir_rules")
    await index.pool.execute("DELETE FROM fhir_position")
    await index.pool.execute("DELETE FROM fhir_string WHERE value LIKE 'family%'")
    new = await index.other()
    assert not new.numbers.progress["Patient"].ready
    with pytest.raises(NotReady, match="after an upgrade"):
        await index.find("Location", ("near", "50|10|1|km"), record=new)
    await Reindexer(index.pool, new.numbers, index.record.clock).once()
    assert await index.find("Location", ("near", "50|10|1|km"), record=new) == ["l"]
    assert await index.find("Patient", ("family", "Family4"), record=new) == ["p4"]
    assert (await verify(index.pool, new.numbers)).wrong == []
    assert all(at.ready for at in new.numbers.progress.values())


async def test_retired_and_deleted(index: Index) -> None:
    await index.write(*(patient(n) for n in range(3)))
    await index.write(MARITAL)
    await index.reindexer.once()
    number = index.record.numbers.parameter("Patient", "marital")
    await index.write({**MARITAL, "status": "retired"})
    await index.reindexer.once()
    with pytest.raises(Invalid, match="unknown"):
        await index.find("Patient", ("marital", "M"))
    assert not await index.pool.fetchval("SELECT count(*) FROM fhir_token WHERE parameter = $1", number)
    await index.write(MARITAL)
    await index.reindexer.once()
    assert index.record.numbers.parameter("Patient", "marital") == number
    assert len(await index.find("Patient", ("marital", "M"))) == 3
    await index.write(Delete("SearchParameter", "marital"))
    await index.reindexer.once()
    assert not await index.pool.fetchval("SELECT count(*) FROM fhir_token WHERE parameter = $1", number)
    other = parameter("other", "Patient.communication.language")
    await index.write(other)
    await index.reindexer.once()
    assert index.record.numbers.parameter("Patient", "other") != number


async def test_before_rows_are_taken_away_nobody_relies_on_them(index: Index) -> None:
    """Another process may search by a retired parameter until it has looked again, and gets whole answers until then;
    if it cannot look, it refuses."""
    await index.write(*(patient(n) for n in range(3)))
    await index.write(MARITAL)
    await index.reindexer.once()
    lagging = await index.other()
    await index.write(Delete("SearchParameter", "marital"))
    clock = index.record.clock
    started = clock.monotonic()
    query = lagging.query(["Patient"], [("marital", "M")])
    await index.reindexer.sync()
    assert len((await lagging.search(query)).matches) == 3
    await index.reindexer.once()
    assert clock.monotonic() - started >= 10, "twice the lease"
    with pytest.raises(NotReady, match="not known at the moment"):
        await lagging.search(query)


async def test_a_changed_expression(index: Index) -> None:
    await index.write(*({**patient(n), "gender": "male"} for n in range(3)))
    await index.write(MARITAL)
    await index.reindexer.once()
    await index.write({**MARITAL, "expression": "Patient.gender"})
    await index.reindexer.sync()
    await index.record.numbers.refresh(index.pool)
    with pytest.raises(NotReady):
        await index.find("Patient", ("marital", "male"))
    await index.reindexer.once()
    assert await index.find("Patient", ("marital", "M")) == []
    assert len(await index.find("Patient", ("marital", "male"))) == 3


async def test_one_more_does_not_stop_those_that_are_ready(index: Index) -> None:
    await index.write(*(patient(n) for n in range(3)))
    await index.write(MARITAL)
    await index.reindexer.once()
    await index.write(parameter("tongue", "Patient.communication.language"))
    await index.reindexer.sync()
    await index.record.numbers.refresh(index.pool)
    assert len(await index.find("Patient", ("marital", "M"))) == 3
    with pytest.raises(NotReady):
        await index.find("Patient", ("tongue", "de"))


async def test_references_chains_includes_and_every_type(index: Index) -> None:
    await index.write(
        patient(1),
        {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Doe"}]},
        {"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "author": {"reference": "Practitioner/d"},
         "extension": [{"url": "urn:doctor", "valueReference": {"reference": "Practitioner/d"}}]},
    )  # fmt: skip
    expression = "Basic.extension.where(url = 'urn:doctor').value.ofType(Reference)"
    await index.write(
        parameter("doctor", expression, "Basic", "reference", target=["Practitioner"]),
        parameter("tag-text", "Resource.meta.tag", "Resource"),
    )
    await index.reindexer.once()
    assert await index.find("Basic", ("doctor", "Practitioner/d")) == ["b"]
    assert await index.find("Basic", ("doctor.family", "Doe")) == ["b"]
    assert await index.find("Practitioner", ("_has:Basic:doctor:_id", "b")) == ["d"]
    page = await index.record.search(index.record.query(["Basic"], [("_include", "Basic:doctor")]))
    assert [one.id for one in page.included] == ["d"]
    await index.write({**patient(2), "meta": {"tag": [{"system": "urn:t", "code": "seen"}]}})
    assert await index.find("Patient", ("tag-text", "seen")) == ["p2"]
    page = await index.record.search(index.record.query([], [("tag-text", "urn:t|seen")]))
    assert [one.id for one in page.matches] == ["p2"]


async def test_only_one_reindexes(index: Index) -> None:
    async with index.pool.acquire() as conn:
        await conn.execute("SELECT pg_advisory_lock(hashtext('fhir_reindex'))")
        assert not await index.reindexer.once()
        await conn.execute("SELECT pg_advisory_unlock(hashtext('fhir_reindex'))")
    assert await index.reindexer.once()


async def test_one_that_does_not_compile_is_passed_over_with_its_reason(index: Index) -> None:
    await index.write(parameter("bad", "Patient.nonsense"), MARITAL, {**MARITAL, "id": "twin"})
    await index.reindexer.once()
    assert "no element nonsense" in index.reindexer.refused["bad"]
    assert "its url is taken" in index.reindexer.refused["twin"] or "taken" in index.reindexer.refused["twin"]
    found: list[Custom] = index.record.numbers.custom()
    assert [one.parameter.code for one in found] == ["marital"]


CODES = st.sampled_from(["M", "S", "D", "U"])
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"resourceType": st.just("Patient")},
        optional={
            "gender": st.sampled_from(["male", "female", "other"]),
            "birthDate": st.dates().map(lambda d: f"{d:%Y-%m-%d}".rjust(10, "0")),
            "maritalStatus": CODES.map(lambda c: {"coding": [{"system": "urn:m", "code": c}]}),
            "multipleBirthInteger": st.integers(1, 5),
            "communication": st.lists(st.sampled_from(["de", "en", "fr"]), min_size=1, max_size=3).map(
                lambda some: [{"language": {"coding": [{"code": one}]}} for one in some]
            ),
        },
    ),
    min_size=1,
    max_size=6,
)
EXPRESSIONS = st.lists(
    st.sampled_from(
        [
            ("a", "Patient.maritalStatus", "token"),
            ("b", "Patient.multipleBirth.ofType(integer)", "number"),
            ("c", "Patient.communication.language", "token"),
            ("d", "Patient.birthDate", "date"),
            ("e", "Patient.communication.language.coding.code", "string"),
        ]
    ),
    unique=True,
    max_size=4,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE, first=EXPRESSIONS, second=EXPRESSIONS)
async def test_rows_do_not_depend_on_the_way(index: Index, people: list[Any], first: Any, second: Any) -> None:
    """Written before, between or after two changes of the set of parameters: the same rows."""

    async def force(expressions: Any) -> None:
        wanted = {code: parameter(code, text, kind=kind) for code, text, kind in expressions}
        there = await index.find("SearchParameter")
        await index.write(*(Delete("SearchParameter", id_) for id_ in there if id_ not in wanted), *wanted.values())
        await index.reindexer.once()

    async def put(prefix: str) -> list[str]:
        await index.write(*({**one, "id": f"{prefix}{n}"} for n, one in enumerate(people)))
        return [f"{prefix}{n}" for n in range(len(people))]

    before = await put("x")
    await force(first)
    between = await put("y")
    await force(second)
    after = await put("z")
    found = [list((await index.rows("Patient", ids)).values()) for ids in (before, between, after)]
    assert found[0] == found[1] == found[2]
    assert (await verify(index.pool, index.record.numbers)).wrong == []
