"""What the record asks: verdicts, members, hierarchy, and that a change is seen at once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.terminology.conftest import COLOURS, Terminology, colours, set_of

from wardbridge.core.db import transaction
from wardbridge.core.errors import NotFound
from wardbridge.fhir.store.values import Put
from wardbridge.fhir.terms import Asked
from wardbridge.terminology.errors import TooCostly
from wardbridge.terminology.library import IN_MEMORY
from wardbridge.terminology.service import Service
from wardbridge.terminology.store.load import Row, load_concepts
from wardbridge.terminology.values import Head

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
SET = "http://example.org/set/"


async def member(tx: Terminology, valueset: str, code: str, system: str = COLOURS, display: str = "") -> bool | None:
    [verdict] = await tx.service.judge([Asked(valueset, system, code, display)])
    return verdict.member


async def test_the_standards_own(tx: Terminology) -> None:
    verdicts = await tx.service.judge(
        [
            Asked(GENDER, "http://hl7.org/fhir/administrative-gender", "male", "male"),
            Asked(GENDER, "", "female"),
            Asked(GENDER, "http://hl7.org/fhir/administrative-gender", "m"),
            Asked("http://example.org/none", COLOURS, "red"),
            Asked("", "http://loinc.org", "8867-4"),
            Asked("", "http://unitsofmeasure.org", "mm[Hg]"),
            Asked("", "http://unitsofmeasure.org", "mmHg"),
            Asked("http://hl7.org/fhir/ValueSet/languages", "urn:ietf:bcp:47", "de-CH"),
            Asked("", "urn:ietf:bcp:13", "text/plain; charset=utf-8"),
        ]
    )
    assert [v.member for v in verdicts] == [True, True, False, None, None, True, False, True, True]
    assert verdicts[0].display == "Male"
    assert verdicts[0].display_fits
    assert "http://loinc.org" in verdicts[4].text


async def test_short_lists_of_other_standards(tx: Terminology) -> None:
    verdicts = await tx.service.judge(
        [
            Asked("http://hl7.org/fhir/ValueSet/currencies", "urn:iso:std:iso:4217", "EUR"),
            Asked("http://hl7.org/fhir/ValueSet/currencies", "urn:iso:std:iso:4217", "EURO"),
            Asked("", "urn:iso:std:iso:3166", "CH"),
            Asked("", "urn:iso:std:iso:3166", "QQ"),
            Asked("", "urn:iso:std:iso:11073:10101", "150456"),
            Asked("", "urn:iso:std:iso:11073:10101", "1"),
        ]
    )
    assert [v.member for v in verdicts] == [True, False, True, False, True, None]
    assert verdicts[2].display == "Switzerland"
    assert verdicts[4].display == "MDC_PULS_OXIM_SAT_O2"


async def test_hierarchy_of_v3(tx: Terminology) -> None:
    above = await tx.service.related("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", "above")
    assert above[0] == "AMB"
    assert "_ActEncounterCode" in above
    below = await tx.service.related("http://terminology.hl7.org/CodeSystem/v3-ActCode", "_ActEncounterCode", "below")
    assert {"AMB", "EMER", "IMP"} <= set(below)


async def test_a_change_is_seen_by_the_next_question(tx: Terminology) -> None:
    assert await member(tx, SET + "all", "red") is None
    await tx.put(colours(id="c"), set_of("all", {"system": COLOURS}) | {"id": "all"})
    assert await member(tx, SET + "all", "red") is True
    assert await member(tx, SET + "all", "green") is False
    await tx.put(colours(id="c", concept=[{"code": "green"}]))
    assert await member(tx, SET + "all", "red") is False
    assert await member(tx, SET + "all", "green") is True
    async with transaction(tx.pool) as conn:
        await tx.record.delete(conn, "CodeSystem", "c")
    assert await member(tx, SET + "all", "green") is None


async def test_a_late_commit_is_not_missed(tx: Terminology) -> None:
    """A transaction that began earlier commits after a later one was read."""
    async with tx.pool.acquire() as early:
        change = early.transaction()
        await change.start()
        await tx.record.write(early, [Put(colours(id="c"))])
        await tx.put(set_of("all", {"system": COLOURS}) | {"id": "all"})
        assert await member(tx, SET + "all", "red") is None
        await change.commit()
    assert await member(tx, SET + "all", "red") is True


async def test_another_process_sees_it_too(tx: Terminology) -> None:
    other = Service(tx.pool, tx.record, tx.service.clock)
    assert (await other.judge([Asked("", COLOURS, "red")]))[0].member is None
    await tx.put(colours())
    assert (await other.judge([Asked("", COLOURS, "red")]))[0].member is True


async def test_members(tx: Terminology) -> None:
    await tx.put(
        colours(),
        set_of("warm", {"system": COLOURS, "filter": [{"property": "concept", "op": "is-a", "value": "red"}]}),
    )
    assert await tx.service.members(SET + "warm") == [(COLOURS, "red"), (COLOURS, "pink")]
    with pytest.raises(NotFound):
        await tx.service.members(SET + "none")
    with pytest.raises(TooCostly):
        await tx.service.members("http://hl7.org/fhir/ValueSet/mimetypes")
    with pytest.raises(NotFound):
        await tx.service.related(COLOURS, "green", "above")


async def test_displays(tx: Terminology) -> None:
    await tx.put(colours())
    verdicts = await tx.service.judge([Asked("", COLOURS, "red", text) for text in ("Red", "RED", "Rot", "Rouge")])
    assert [v.display_fits for v in verdicts] == [True, True, True, False]


async def test_a_large_resource_goes_into_tables_once(tx: Terminology) -> None:
    size = IN_MEMORY + 10
    concept: list[dict[str, Any]] = [{"code": f"c{n}", "display": f"Concept {n}"} for n in range(1, size)]
    large = colours(id="large", concept=[{"code": "c0", "display": "Concept 0", "concept": concept}])
    await tx.put(large)
    assert await member(tx, "", "c5000") is True
    assert await member(tx, "", "c99999") is False
    assert await tx.pool.fetchval("SELECT count(*) FROM term_system WHERE ready") == 1
    assert await tx.service.related(COLOURS, "c7", "above") == ["c7", "c0"]
    assert len(await tx.service.related(COLOURS, "c0", "below")) == size
    await tx.put({**large, "version": "2.0.0", "concept": concept[:-1]})
    assert await member(tx, "", "c5000") is True
    assert await member(tx, "", f"c{size - 1}") is False
    assert await tx.pool.fetchval("SELECT count(*) FROM term_system") == 1


async def test_a_loaded_release(tx: Terminology) -> None:
    head = Head("http://loinc.org", "2.99", "LOINC", value_set="http://loinc.org/vs")
    async with transaction(tx.pool) as conn:
        await load_concepts(conn, head, [Row("8867-4", "Heart rate"), Row("8480-6", "Systolic")], now=1)
    assert await member(tx, "", "8867-4", "http://loinc.org") is True
    assert await member(tx, "http://loinc.org/vs", "8480-6", "http://loinc.org") is True
    assert await member(tx, "http://hl7.org/fhir/ValueSet/observation-codes", "1-8", "http://loinc.org") is False
    lookup = await tx.get("/CodeSystem/$lookup?system=http://loinc.org&code=8867-4")
    assert {"name": "display", "valueString": "Heart rate"} in lookup["parameter"]


@pytest.mark.parametrize("kind", ["unknown", "memory", "tables"])
async def test_a_long_enumeration_is_not_held_in_memory(tx: Terminology, kind: str) -> None:
    size = 6_000
    if kind == "memory":
        await tx.put(colours(concept=[{"code": f"c{n}", "display": f"Concept {n}"} for n in range(0, size, 2)]))
    elif kind == "tables":
        async with transaction(tx.pool) as conn:
            rows = (Row(f"c{n}", f"Concept {n}", inactive=n == 8) for n in range(size + 10))
            await load_concepts(conn, Head(COLOURS, "1"), rows, now=1)
    listed = [{"code": f"c{n}", "display": f"said {n}"} for n in range(size)]
    long = set_of("long", {"system": COLOURS, "concept": listed}) | {"id": "long"}
    away = {"system": COLOURS, "concept": [{"code": "c6"}]}
    await tx.put(long, set_of("less", {"valueSet": [long["url"]]}, exclude=[away]))
    asked = [("long", "c4"), ("long", "c5998"), ("less", "c4"), ("less", "c6"), ("less", "c6005")]
    verdicts = await tx.service.judge([Asked(SET + name, COLOURS, code, "said 4") for name, code in asked])
    assert [v.member for v in verdicts] == [True, True, True, False, False]
    assert verdicts[0].display_fits
    assert verdicts[0].display == "said 4"
    held = await tx.service.shelf.by_id("ValueSet", "long")
    assert held is not None
    assert "concept" not in held["compose"]["include"][0]
    total = {"unknown": size, "memory": size // 2, "tables": size}[kind]
    page = await tx.get("/ValueSet/long/$expand?offset=4&count=2")
    assert page["expansion"]["total"] == total
    assert [c["display"] for c in page["expansion"]["contains"]] == {
        "unknown": ["said 4", "said 5"],
        "memory": ["said 8", "said 10"],
        "tables": ["said 4", "said 5"],
    }[kind]
    less = await tx.get(f"/ValueSet/$expand?url={SET}less&count=0")
    assert less["expansion"]["total"] == total - 1
    active = await tx.get("/ValueSet/long/$expand?count=0&activeOnly=true")
    assert active["expansion"]["total"] == total - (kind == "tables")
    whole = await tx.get("/ValueSet/long/$expand?count=0&includeDefinition=true")
    assert whole["compose"] == long["compose"]
    validated = await tx.get(f"/ValueSet/long/$validate-code?system={COLOURS}&code=c4&display=said%204")
    assert {"name": "result", "valueBoolean": True} in validated["parameter"]
    await tx.put({**long, "compose": {"include": [{"system": COLOURS, "concept": listed[:3]}]}})
    assert await member(tx, SET + "long", "c4") is False
    assert await tx.pool.fetchval("SELECT count(*) FROM term_listed") == 0
