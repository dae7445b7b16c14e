"""``/fhir`` in a browser: pages made of what the API answers to the signed-in person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.web.conftest import House
from wardbridge.app.browser import for_people
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put
from wardbridge.security.http import COOKIE
from wardbridge.web.record import bundle, tree

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Ärlig", "given": ["Bo"]}],
    "birthDate": "1950-02-03",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">In <b>bed 7</b></div>'},
}
PULSE = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
    "subject": {"reference": "Patient/p1"},
    "valueQuantity": {"value": 72, "unit": "/min"},
}


@pytest.fixture
async def browse(house: House) -> AsyncIterator[Any]:
    room = house.room
    record = Record(room.pool, room.clock)
    await record.load()
    async with room.pool.acquire() as conn, conn.transaction():
        await record.write(conn, [Put(dict(PATIENT)), Put(dict(PULSE))])
        await record.write(conn, [Put({**PULSE, "status": "amended"})])

    async def client(role: str) -> httpx.AsyncClient:
        made = httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://ward.test")
        cookie, csrf = await house.cookie(role)
        made.cookies.set(COOKIE, cookie)
        made.headers["x-csrf-token"] = csrf
        return made

    return client


async def test_a_resource_shows_every_element_whom_it_is_about_and_its_narrative(browse: Any) -> None:
    nurse = await browse("nurse")
    page = (await nurse.get("/fhir/Observation/o1")).text
    for text in ("Heart rate", "72 /min", "amended", "version 2", "Ärlig, Bo", 'href="/fhir/Patient/p1"'):
        assert text in page
    assert "In <b>bed 7</b>" in (await nurse.get("/fhir/Patient/p1")).text


async def test_a_search_is_posted_and_its_next_page_too(browse: Any) -> None:
    nurse = await browse("nurse")
    page = (await nurse.post("/fhir/Patient/_search", data={"parameter": "family", "value": "ärlig"})).text
    assert "Patient/<span" in page
    assert "p1" in page
    assert (
        "Nothing fits" in (await nurse.post("/fhir/Patient/_search", data={"parameter": "family", "value": "x"})).text
    )
    first = (await nurse.post("/fhir/_search", data={"_count": "1", "_type": "Patient,Observation"})).text
    assert 'name="_cursor"' in first


async def test_a_history_says_what_happened(browse: Any) -> None:
    page = (await (await browse("nurse")).get("/fhir/Observation/o1/_history")).text
    assert "created" in page
    assert "updated" in page
    assert "/fhir/Observation/o1/_history/1" in page


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/fhir/Patient/nobody", 404, "does not exist"),
        ("/fhir/Patient?nonsense=1", 400, "nonsense"),
        ("/fhir/Nothing", 404, "not a resource type"),
    ],
)
async def test_what_the_api_refuses_is_a_page_that_says_why(browse: Any, path: str, status: int, text: str) -> None:
    answer = await (await browse("nurse")).get(path)
    assert answer.status_code == status
    assert text in answer.text


async def test_a_technician_sees_machines_but_no_patient(browse: Any) -> None:
    technician = await browse("technician")
    assert (await technician.get("/fhir/Device")).status_code == 200
    refused = await technician.get("/fhir/Patient/p1")
    assert refused.status_code == 403
    assert "Ärlig" not in refused.text


async def test_metadata_and_the_start_are_pages(browse: Any) -> None:
    nurse = await browse("nurse")
    assert "CapabilityStatement" in (await nurse.get("/fhir/metadata")).text
    assert "/fhir/Observation" in (await nurse.get("/fhir")).text


def test_a_narrative_with_a_script_is_not_shown() -> None:
    from wardbridge.fhir.path.xhtml import html_problem

    assert html_problem('<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>') is not None


def test_nothing_of_a_resource_is_left_out() -> None:
    """Each string and number of an odd resource is somewhere in the rows."""
    odd = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"code": "a", "extension": [{"url": "http://x/y", "valueCode": "z"}]}]},
        "_status": {"extension": [{"url": "http://x/s", "valueString": "deep"}]},
        "component": [
            {"code": {"text": "one"}, "valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 8}}}
        ],
        "subject": {"identifier": {"value": "mrn-5"}},
        "method": {"coding": []},
        "note": [None, {"text": "n"}],
    }

    def said(rows: Any) -> str:
        return " ".join(f"{row.name} {row.text} {row.detail} {said(row.rows)}" for row in rows)

    text = said(tree.rows(odd))
    for part in ("final", "a", "z", "deep", "one", "1", "8", "mrn-5", "n"):
        assert part in text.split()


def test_a_link_leads_only_to_resources_of_the_record() -> None:
    assert tree.link("Patient/1") == "/fhir/Patient/1"
    assert [tree.link(text) for text in ("http://x/Patient/1", "javascript:alert(1)", "Foo/1", "Patient/../x")] == [
        ""
    ] * 4


def test_the_next_page_is_read_from_the_bundle() -> None:
    found = bundle.listing({"link": [{"relation": "next", "url": "http://h/fhir/Patient?name=a&_cursor=x%20y"}]})
    assert (found.path, found.following) == ("/fhir/Patient", (("name", "a"), ("_cursor", "x y")))


@pytest.mark.parametrize(
    ("headers", "query", "page"),
    [
        ({"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, "", True),
        ({"accept": "text/html"}, "_format=json", False),
        ({"accept": "text/html", "authorization": "Bearer x"}, "", False),
        ({"accept": "application/fhir+json, text/html"}, "", False),
        ({"accept": "*/*"}, "", False),
        ({}, "", False),
    ],
)
def test_only_browsers_get_pages(headers: dict[str, str], query: str, page: bool) -> None:
    scope = {
        "method": "GET",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    assert for_people(scope) is page
