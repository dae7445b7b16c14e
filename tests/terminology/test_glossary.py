"""The common language: who may write and agree, nothing is lost, and what is agreed upon is FHIR."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.clock import SystemClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.validate import validate
from wardbridge.terminology.glossary.book import Book, codes_from, lines_of, slug_of
from wardbridge.terminology.glossary.seed import seed
from wardbridge.terminology.glossary.values import RELATIONS, SYSTEMS, Code, Text


@dataclass(frozen=True)
class Someone:
    id: str
    roles: frozenset[str]

    @property
    def display(self) -> str:
        return self.id.title()


NORA, PETER = Someone("nora", frozenset({"nurse"})), Someone("peter", frozenset({"physician"}))
TARIQ, OLGA = Someone("tariq", frozenset({"technician"})), Someone("olga", frozenset({"operator"}))
CUFF = Text(
    title="Cuff hose",
    synonyms=("NIBP hose",),
    clinical="The hose between cuff and monitor.",
    codes=(Code("gmdn", "35195", "Cuff hose"), Code("local", "Blaue Leitung")),
)


@pytest.fixture
async def book(database: Any) -> Book:
    clock = SystemClock()
    record = Record(database.pool, clock)
    await record.load()
    return Book(database.pool, clock, record)


async def test_a_term_is_written_proposed_and_approved_by_another_of_its_owners(book: Book) -> None:
    slug = await book.add("clinical", CUFF, NORA)
    await book.propose(slug, NORA)
    with pytest.raises(Forbidden, match="four eyes"):
        await book.approve(slug, NORA)
    with pytest.raises(Forbidden, match="owned by clinical"):
        await book.approve(slug, TARIQ)
    await book.approve(slug, PETER)
    entry = await book.entry(slug)
    assert (entry.state, entry.approved, entry.agreed) == ("approved", 1, CUFF)
    assert [(step.step, step.display) for step in reversed(entry.steps)] == [
        ("written", "Nora"),
        ("proposed", "Nora"),
        ("approved", "Peter"),
    ]


async def test_an_agreed_text_stays_in_force_while_a_newer_one_is_worked_on(book: Book) -> None:
    slug = await book.add("biomed", CUFF, NORA)
    await book.propose(slug, NORA)
    await book.approve(slug, TARIQ)
    await book.write(slug, 1, "biomed", Text(title="Cuff tube", biomed="Renamed."), TARIQ)
    entry = await book.entry(slug)
    assert (entry.state, entry.latest, entry.approved) == ("draft", 2, 1)
    assert entry.agreed == CUFF
    await book.propose(slug, TARIQ)
    await book.send_back(slug, Someone("tom", frozenset({"technician"})), "keep the old name")
    assert (await book.entry(slug)).steps[0].note == "keep the old name"
    concept = loads((await book.record.read("CodeSystem", "common-language")).body)["concept"]  # type: ignore[union-attr,arg-type]
    assert [one["display"] for one in concept] == ["Cuff hose"]


async def test_two_writers_at_once_one_is_told(book: Book) -> None:
    slug = await book.add("it", Text(title="Uplink", it="x"), OLGA)
    done = await asyncio.gather(
        *(book.write(slug, 1, "it", Text(title="Uplink", it=f"text {n}"), OLGA) for n in range(5)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["Conflict"] * 4 + ["NoneType"]
    assert (await book.entry(slug)).latest == 2


async def test_a_name_is_taken_once(book: Book) -> None:
    await book.add("clinical", CUFF, NORA)
    with pytest.raises(Conflict, match="already"):
        await book.add("clinical", CUFF, NORA)
    with pytest.raises(NotFound):
        await book.entry("nothing")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (Text(title=""), "title"),
        (Text(title="!!!", clinical="x"), "title"),
        (Text(title="A"), "clinical"),
        (Text(title="A", it="x" * 4001), "it"),
        (Text(title="A", it="x", codes=(Code("icd", "1"),)), "codes"),
        (Text(title="A", it="x", codes=(Code("loinc", "1", "", "similar"),)), "codes"),
    ],
)
async def test_what_is_wrong_is_named(book: Book, text: Text, where: str) -> None:
    with pytest.raises(Invalid) as found:
        await book.add("clinical", text, NORA)
    assert found.value.where == where


async def test_seeded_terms_are_found_by_name_code_and_local_name_and_are_added_once(book: Book) -> None:
    assert await seed(book) > 60
    assert await seed(book) == 0
    assert (await book.find("149530"))[0].synonyms[1] == "MDC_PULS_OXIM_PULS_RATE"
    assert {line.title for line in await book.find("8867-4")} >= {"Heart rate"}
    assert [line.slug for line in await book.find("network segm")] == ["vlan"]
    assert [line.slug for line in await book.find("puls_oxim_sat")] != []
    assert await book.find("no such thing") == []
    assert len(await book.find(owner="biomed")) >= 5


async def test_what_is_published_is_valid_fhir_and_leads_from_words_to_codes(book: Book) -> None:
    await seed(book)
    for kind in ("CodeSystem", "ConceptMap"):
        stored = await book.record.read(kind, "common-language")
        assert stored is not None
        assert [one for one in validate(loads(stored.body)) if one.severity == "error"] == []  # type: ignore[arg-type]
    groups = loads((await book.record.read("ConceptMap", "common-language")).body)["group"]  # type: ignore[union-attr,arg-type]
    loinc = next(group for group in groups if group["target"] == "http://loinc.org")
    rate = next(one for one in loinc["element"] if one["display"] == "Heart rate")
    assert "8867-4" in [target["code"] for target in rate["target"]]


async def test_a_retired_term_leaves_the_published_language(book: Book) -> None:
    slug = await book.add("clinical", CUFF, NORA)
    await book.propose(slug, NORA)
    await book.approve(slug, PETER)
    with pytest.raises(Invalid):
        await book.retire(slug, PETER, "")
    await book.retire(slug, PETER, "no longer in the house")
    assert await book.find("cuff") == []
    assert [line.slug for line in await book.find("cuff", state="retired")] == [slug]
    left = loads((await book.record.read("CodeSystem", "common-language")).body)  # type: ignore[union-attr,arg-type]
    assert left["count"] == 0
    assert "concept" not in left


_CODE = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)


@given(
    st.lists(
        st.builds(
            Code,
            st.sampled_from(list(SYSTEMS)),
            _CODE.filter(lambda text: text not in RELATIONS),
            st.from_regex(r"[A-Za-z][A-Za-z ]{0,10}[A-Za-z]", fullmatch=True) | st.just(""),
            st.sampled_from(RELATIONS),
        )
    ).map(tuple)
)
def test_codes_as_people_type_them_are_read_back(codes: tuple[Code, ...]) -> None:
    assert codes_from(lines_of(codes)) == codes


def test_a_wrong_line_is_named() -> None:
    with pytest.raises(Invalid, match="line 2"):
        codes_from("loinc 8867-4\nnonsense")


def test_slugs_are_plain() -> None:
    assert slug_of("SpO₂ – Sättigung, peripher") == "spo2-sattigung-peripher"
