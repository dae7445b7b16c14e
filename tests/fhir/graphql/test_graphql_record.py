"""What a query reaches: references, searches, pages, permissions and the audit record."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

ADA = "Patient/ada"


async def test_references_are_followed(ward: Any) -> None:
    data = await ward.data(
        """{ ObservationList(patient: "ada", _sort: "date") { id subject { reference resource { ... on Patient {
             birthDate generalPractitioner { resource { ... on Practitioner { name { family } } } } } } } } }"""
    )
    assert [one["id"] for one in data["ObservationList"]] == ["hr0", "hr1", "hr2"]
    doctors = data["ObservationList"][0]["subject"]["resource"]["generalPractitioner"]
    assert doctors == [
        {"resource": {"name": [{"family": "Inside"}]}},
        {"resource": {"name": [{"family": "Amir"}]}},
    ]


async def test_a_reference_that_leads_nowhere(ward: Any) -> None:
    query = "{ id subject { reference resource { id } } performer { display resource { id } } }"
    answer = (await ward.ask(query, "Observation/lost")).json()
    assert answer["data"]["subject"] == {"reference": "Patient/nobody", "resource": None}
    paths = [error["path"] for error in answer["errors"]]
    assert paths == [["subject", "resource"], ["performer", 0, "resource"], ["performer", 1, "resource"]]
    data = await ward.data(query.replace("resource {", "resource(optional: true) {"), "Observation/lost")
    assert data == {"id": "lost", "subject": {"reference": "Patient/nobody"}, "performer": [{}, {"display": "by hand"}]}


async def test_a_type_filter_on_a_reference(ward: Any) -> None:
    assert await ward.data("{ subject { resource(type: Group) { id } } }", "Observation/hr0") == {"subject": {}}
    assert await ward.data("{ subject { resource(type: Patient) { id } } }", "Observation/hr0") == {
        "subject": {"resource": {"id": "ada"}}
    }
    found = await ward.errors("{ subject { resource(type: Patient) { status } } }", "Observation/hr0")
    assert found[0]["path"] == ["subject", "resource", "status"]
    assert (
        "not a resource type"
        in (await ward.errors("{ subject { resource(type: X) { id } } }", "Observation/hr0"))[0]["message"]
    )


async def test_a_reference_may_name_a_version_or_our_own_url(ward: Any) -> None:
    await ward.put({"resourceType": "Practitioner", "id": "amir", "name": [{"family": "Newer"}]})
    for at, reference in enumerate(("Practitioner/amir/_history/1", "http://test/fhir/Practitioner/amir")):
        await ward.put(
            {"resourceType": "Basic", "id": f"b{at}", "code": {"text": "x"}, "author": {"reference": reference}}
        )
    query = "{ author { resource { ... on Practitioner { name @flatten { family @singleton } } } } }"
    assert (await ward.data(query, "Basic/b0"))["author"]["resource"] == {"family": "Amir"}
    assert (await ward.data(query, "Basic/b1"))["author"]["resource"] == {"family": "Newer"}


async def test_references_inside_a_bundle(ward: Any) -> None:
    await ward.put(
        {
            "resourceType": "Bundle",
            "id": "b",
            "type": "collection",
            "entry": [
                {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "name": [{"family": "In bundle"}]}},
                {
                    "fullUrl": "urn:uuid:2",
                    "resource": {
                        "resourceType": "Observation",
                        "status": "final",
                        "code": {"text": "x"},
                        "subject": {"reference": "urn:uuid:1"},
                    },
                },
            ],
        }
    )
    data = await ward.data(
        """{ entry(fhirpath: "resource is Observation") { resource { ... on Observation {
             subject { resource { ... on Patient { name { family } } } } } } } }""",
        "Bundle/b",
    )
    subject = data["entry"][0]["resource"]["subject"]
    assert subject == {"resource": {"name": [{"family": "In bundle"}]}}


async def test_reverse_lists(ward: Any) -> None:
    data = await ward.data('{ id ObservationList(_reference: patient, code: "8867-4", _count: 2) { id } }', ADA)
    assert data == {"id": "ada", "ObservationList": [{"id": "hr2"}, {"id": "hr1"}]}
    assert await ward.data("{ ConditionList(_reference: patient) { id } }", ADA) == {}
    nested = '{ PatientList(_id: "ada") { ObservationList(_reference: subject, _sort: date) { id } } }'
    found = (await ward.data(nested))["PatientList"][0]["ObservationList"]
    assert [one["id"] for one in found] == ["hr0", "hr1", "hr2"]
    errors = await ward.errors("{ ObservationList(_reference: colour) { id } }", ADA)
    assert errors[0]["path"] == ["ObservationList"]
    assert "colour" in errors[0]["message"]


async def test_lists_take_search_parameters(ward: Any) -> None:
    async def ids(arguments: str) -> list[str]:
        data = await ward.data(f'{{ ObservationList({arguments}, _sort: "date") {{ id }} }}')
        return [one["id"] for one in data.get("ObservationList", ())]

    assert await ids('code: "http://loinc.org|8867-4"') == ["hr0", "hr1", "hr2"]
    assert await ids('value_quantity: "gt75"') == ["hr1", "hr2"]
    assert await ids('code: "8867-4", _count: 1, _offset: 1') == ["hr1"]
    assert await ids('date: ["2026-01-01", "2026-01-03"]') == ["hr0", "hr2"]
    assert await ids('status: final, subject: "Patient/ada", date: "gt2026-01-02"') == ["hr2"]
    for arguments, said in (("colour: red", "colour"), ("_count: 1001", "Connection"), ("code: {a: 1}", "code")):
        errors = await ward.errors(f"{{ ObservationList({arguments}) {{ id }} }}")
        assert said in errors[0]["message"]
        assert errors[0]["path"] == ["ObservationList"]


async def test_a_connection_is_paged_by_its_cursors(ward: Any) -> None:
    query = """query page($cursor: String) { ObservationConnection(code: "8867-4", _count: 2, _cursor: $cursor) {
        count pagesize first next 
        edges { mode resource { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
    page = (await ward.data(query))["ObservationConnection"]
    assert page["count"] == 3
    assert page["pagesize"] == 2
    assert [edge["resource"]["id"] for edge in page["edges"]] == ["hr2", "hr1"]
    assert page["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "endCursor": page["next"]}
    rest = (await ward.data(query, variables={"cursor": page["next"]}))["ObservationConnection"]
    assert [edge["resource"]["id"] for edge in rest["edges"]] == ["hr0"]
    assert "next" not in rest
    assert rest["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True}
    again = (await ward.data(query, variables={"cursor": rest["first"]}))["ObservationConnection"]
    assert again == page
    errors = await ward.errors(query, variables={"cursor": "no such"})
    assert "_cursor" in errors[0]["message"]
    inner = await ward.data("{ ObservationConnection(_reference: patient) { count } }", ADA)
    assert inner == {"ObservationConnection": {"count": 3}}


async def test_one_resource_by_id(ward: Any) -> None:
    assert await ward.data('{ Patient(id: "ada") { id } p: Practitioner(id: "amir") { id } }') == {
        "Patient": {"id": "ada"},
        "p": {"id": "amir"},
    }
    answer = (await ward.ask('{ Patient(id: "nobody") { id } Practitioner(id: "amir") { id } }')).json()
    assert answer["data"] == {"Patient": None, "Practitioner": {"id": "amir"}}
    assert answer["errors"][0]["extensions"] == {"code": "not-found"}
    assert "needs id" in (await ward.errors("{ Patient { id } }"))[0]["message"]


async def test_get_and_post_in_every_form(ward: Any) -> None:
    query = "query q($u: Code) { name(use: $u) { family } }"
    variables = '{"u":"maiden"}'
    wanted = {"data": {"name": [{"family": "Eze"}]}}
    client = ward.client
    got = await client.get(f"/{ADA}/$graphql?query={quote(query)}&variables={quote(variables)}&operationName=q")
    assert got.json() == wanted
    posted = await client.post(
        f"/{ADA}/$graphql?variables={quote(variables)}", content=query, headers={"content-type": "application/graphql"}
    )
    assert posted.json() == wanted
    rows = [{"name": "query", "valueString": query}, {"name": "variables", "valueString": variables}]
    sent = await client.post(f"/{ADA}/$graphql", json={"resourceType": "Parameters", "parameter": rows})
    assert sent.json() == wanted


@pytest.mark.parametrize(
    ("method", "url", "content", "media", "status"),
    [
        ("GET", "/$graphql", None, "", 400),
        ("GET", "/$graphql?query=%7Bx%7D&colour=red", None, "", 400),
        ("POST", "/$graphql", b"[]", "application/json", 400),
        ("POST", "/$graphql", b'{"query":7}', "application/json", 400),
        ("POST", "/$graphql", b'{"query":"{id}","variables":[]}', "application/json", 400),
        ("POST", "/$graphql", b"\xff\xfe", "application/graphql", 400),
        ("POST", "/$graphql", b"<x/>", "text/html", 415),
        ("POST", "/Patient/nobody/$graphql", b'{"query":"{id}"}', "application/json", 404),
        ("POST", "/Patient/$graphql", b'{"query":"{id}"}', "application/json", 404),
    ],
)
async def test_requests_that_are_none(
    ward: Any, method: str, url: str, content: bytes | None, media: str, status: int
) -> None:
    answer = await ward.client.request(method, url, content=content, headers={"content-type": media})
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_deleted_resource_is_gone(ward: Any) -> None:
    await ward.client.delete("/Patient/bo")
    answer = await ward.ask("{ id }", "Patient/bo")
    assert answer.status_code == 410
    assert (await ward.errors('{ Patient(id: "bo") { id } }'))[0]["extensions"] == {"code": "not-found"}


async def test_what_may_not_be_read_is_not_seen(ward: Any) -> None:
    answer = (
        await ward.ask('{ Patient(id: "ada") { id ObservationList(_reference: patient) { id } } }', who="patients")
    ).json()
    assert answer["data"] == {"Patient": {"id": "ada", "ObservationList": None}}
    assert answer["errors"][0]["path"] == ["Patient", "ObservationList"]
    assert answer["errors"][0]["extensions"] == {"code": "forbidden"}
    refused = (
        await ward.ask("{ generalPractitioner { resource { ... on Practitioner { id } } } }", ADA, "patients")
    ).json()
    # The contained one belongs to the patient; the other is a resource of its own.
    assert refused["data"]["generalPractitioner"] == [{"resource": {"id": "gp"}}, {"resource": None}]
    left_out = "{ generalPractitioner { resource(optional: true) { ... on Practitioner { id } } } }"
    data = (await ward.ask(left_out, ADA, "patients")).json()
    assert data == {"data": {"generalPractitioner": [{"resource": {"id": "gp"}}, {}]}}
    assert (await ward.ask("{ id }", "Observation/hr0", "patients")).status_code == 403
    assert (await ward.ask("{ PatientList { id } }", who="technician")).json()["data"] == {"PatientList": None}
    assert (await ward.ask("{ DeviceList { id } }", who="technician")).json() == {"data": {}}


async def test_every_access_is_on_record(ward: Any) -> None:
    await ward.ask("{ subject { resource { id } } }", "Observation/hr0")
    await ward.ask('{ ObservationList(patient: "ada", _count: 1) { id } }')
    await ward.ask('{ ObservationList(patient: "ada") { id } }', who="patients")
    rows = [
        (row["event"], row["target_type"], row["target_id"], list(row["patients"]), row["outcome"])
        for row in await ward.audit.find(limit=20)
    ]
    assert ("$graphql", "Observation", "hr0", ["ada"], 0) in rows
    assert ("read", "Observation", "hr0", ["ada"], 0) in rows
    assert ("read", "Patient", "ada", ["ada"], 0) in rows
    assert ("search", "Observation", "", ["ada"], 0) in rows
    assert ("search", "Observation", "", [], 4) in rows


async def test_many_references_are_read_together(ward: Any, monkeypatch: Any) -> None:
    from wardbridge.fhir.store.record import Record

    reads: list[int] = []
    plain = Record.read_many

    async def counted(self: Any, names: Any, conn: Any = None) -> Any:
        reads.append(len(names))
        return await plain(self, names, conn)

    monkeypatch.setattr(Record, "read_many", counted)
    await ward.data('{ ObservationList(patient: "ada") { subject { resource { id } } performer { resource { id } } } }')
    assert reads == [2]  # three observations of one patient by one practitioner


async def test_too_much_is_refused(ward: Any, monkeypatch: Any) -> None:
    from wardbridge.fhir.graphql import reach

    monkeypatch.setattr(reach, "MOST_RESOURCES", 2)
    errors = await ward.errors('{ ObservationList(patient: "ada") { id } }')
    assert errors[0]["extensions"] == {"code": "too-costly"}
    monkeypatch.setattr(reach, "MOST_SEARCHES", 1)
    errors = await ward.errors("{ a: PatientList(_count: 1) { id } b: PatientList(_count: 1) { id } }")
    assert "searches" in errors[0]["message"]
