"""Conditions, idempotency keys, integrity, cascades, and the order of transactions: also when many ask at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.fhir.rest.conftest import Api, application, client_of

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import transaction
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store import answers
from wardbridge.security.audit import Audit


def patient(value: str = "1", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": value}], **more}


def observation(subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "T"},
        "subject": {"reference": subject},
        **more,
    }


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method: str, url: str, resource: Any = None, full_url: str = "", **request: str) -> dict[str, Any]:
    out: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        out["resource"] = resource
    if full_url:
        out["fullUrl"] = full_url
    return out


async def count(api: Api, type_name: str = "Patient") -> int:
    return int((await api.client.get(f"/{type_name}?_summary=count")).json()["total"])


# --- conditions ------------------------------------------------------------------------------------------------------


async def test_if_none_match_creates_once(api: Api) -> None:
    create = {"if-none-match": "*"}
    codes = await asyncio.gather(
        *(api.client.put("/Patient/p", json=patient(id="p"), headers=create) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in codes) == [201] + [412] * 9
    assert (await api.client.get("/Patient/p")).headers["etag"] == 'W/"1"'
    await api.client.delete("/Patient/p")
    again = await api.client.put("/Patient/p", json=patient(id="p"), headers=create)
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')
    same = await api.client.put("/Patient/p", json=patient(id="p"), headers={"if-none-match": 'W/"3"'})
    other = await api.client.put("/Patient/p", json=patient(id="p"), headers={"if-none-match": 'W/"2"'})
    assert (same.status_code, other.status_code) == (412, 200)


async def test_racing_conditional_creates_make_one(api: Api) -> None:
    criteria = ["identifier=urn:mrn|1", "identifier=1", "identifier=urn:mrn|1&_tag=", "gender=female"]
    answers_ = await asyncio.gather(
        *(
            api.client.post("/Patient", json=patient(gender="female"), headers={"if-none-exist": criteria[at % 2]})
            for at in range(24)
        )
    )
    assert sorted({a.status_code for a in answers_}) == [200, 201]
    assert len({a.json()["id"] for a in answers_}) == 1
    assert await count(api) == 1


async def test_conditional_creates_that_share_an_identifier_of_the_body_meet(api: Api) -> None:
    both = patient("1")
    both["identifier"].append({"system": "urn:pass", "value": "X"})
    answers_ = await asyncio.gather(
        *(
            api.client.post("/Patient", json=both, headers={"if-none-exist": f"identifier={value}"})
            for value in ("urn:mrn|1", "urn:pass|X") * 8
        )
    )
    assert len({a.json()["id"] for a in answers_}) == 1
    assert await count(api) == 1


async def test_conditional_creates_by_other_criteria_wait_for_each_other(api: Api) -> None:
    body = patient(name=[{"family": "Ada", "given": ["B"]}])
    await asyncio.gather(
        *(
            api.client.post("/Patient", json=body, headers={"if-none-exist": text})
            for text in ("family=Ada", "given=B", "family=Ada&given=B") * 5
        )
    )
    assert await count(api) == 1


async def test_racing_conditional_updates_are_all_kept(api: Api) -> None:
    answers_ = await asyncio.gather(
        *(api.client.put("/Patient?identifier=urn:mrn|1", json=patient()) for _ in range(16))
    )
    assert sorted(a.status_code for a in answers_) == [200] * 15 + [201]
    (id_,) = {a.json()["id"] for a in answers_}
    assert (await api.client.get(f"/Patient/{id_}")).headers["etag"] == 'W/"16"'
    gone = await asyncio.gather(*(api.client.delete("/Patient?identifier=urn:mrn|1") for _ in range(4)))
    assert {a.status_code for a in gone} == {204}
    assert (await api.client.get(f"/Patient/{id_}/_history")).json()["total"] == 17


# --- transactions ----------------------------------------------------------------------------------------------------


async def test_links_between_entries_in_every_form(api: Api) -> None:
    base = "http://other.example/fhir"
    text = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:11111111-1111-4111-8111-111111111111">p</a></div>'
    )
    sent = bundle(
        "transaction",
        entry(
            "POST",
            "Observation",
            observation(
                "urn:uuid:11111111-1111-4111-8111-111111111111",
                text={"status": "generated", "div": text},
                identifier=[{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:11111111-1111-4111-8111-111111111111"}],
                performer=[{"reference": "Practitioner?identifier=urn:doc|7"}],
                hasMember=[{"reference": "urn:uuid:33333333-3333-4333-8333-333333333333"}],
            ),
            "urn:uuid:22222222-2222-4222-8222-222222222222",
        ),
        entry(
            "POST",
            "Observation",
            observation("Patient/old", hasMember=[{"reference": "urn:uuid:22222222-2222-4222-8222-222222222222"}]),
            "urn:uuid:33333333-3333-4333-8333-333333333333",
        ),
        entry("POST", "Patient", patient("1"), "urn:uuid:11111111-1111-4111-8111-111111111111"),
        entry("POST", "Observation", observation("Patient/17"), f"{base}/Observation/4"),
        entry("POST", "Patient", patient("2"), f"{base}/Patient/17"),
        entry(
            "POST",
            "Practitioner",
            {"resourceType": "Practitioner", "identifier": [{"system": "urn:doc", "value": "7"}]},
            ifNoneExist="identifier=urn:doc|7",
        ),
        entry("GET", "Patient?identifier=urn:mrn|2"),
    )
    answer = await api.client.post("/", json=sent)
    assert answer.status_code == 200, answer.text
    got = answer.json()["entry"]
    first, second, one, third, two, doctor = (row["resource"] for row in got[:6])
    assert first["subject"]["reference"] == f"Patient/{one['id']}"
    assert first["performer"][0]["reference"] == f"Practitioner/{doctor['id']}"
    assert f'href="Patient/{one["id"]}"' in first["text"]["div"]
    assert first["identifier"][0]["value"].startswith("urn:uuid:")  # no link, though it reads like one
    assert (first["hasMember"][0]["reference"], second["hasMember"][0]["reference"]) == (
        f"Observation/{second['id']}",
        f"Observation/{first['id']}",
    )
    assert second["subject"]["reference"] == "Patient/old"  # beside no fullUrl that is RESTful
    assert third["subject"]["reference"] == f"Patient/{two['id']}"
    assert got[6]["resource"]["total"] == 1


async def test_transactions_in_any_order_of_keys_end(api: Api) -> None:
    async def run(at: int) -> int:
        ids = [f"k{n}" for n in range(6)]
        ids = ids[at % 6 :] + ids[: at % 6]
        if at % 2:
            ids.reverse()
        entries = [entry("PUT", f"Patient/{id_}", patient(id_, id=id_)) for id_ in ids]
        criteria = [
            entry("POST", "Patient", patient(f"c{id_}"), ifNoneExist=f"identifier=urn:mrn|c{id_}") for id_ in ids
        ]
        return (await api.client.post("/", json=bundle("transaction", *entries, *criteria))).status_code

    assert set(await asyncio.gather(*(run(at) for at in range(24)))) == {200}
    assert await count(api) == 12
    for n in range(6):
        assert (await api.client.get(f"/Patient/k{n}")).headers["etag"] == 'W/"24"'


async def test_entries_of_a_batch_fail_for_themselves(api: Api) -> None:
    answer = await api.client.post(
        "/",
        json=bundle(
            "batch",
            {"resource": patient()},
            entry("POST", "Patient", {"resourceType": "Patient", "gender": "none"}),
            entry("FETCH", "Patient/1"),
            entry("POST", "Patient", patient()),
            entry("GET", "http://[bad"),
            entry("GET", "https://elsewhere.example/fhir/Patient"),
            entry("POST", "", bundle("batch")),
            entry("GET", "Patient/none"),
            entry("HEAD", "Patient?identifier=1"),
        ),
    )
    assert answer.status_code == 200
    said = [row["response"]["status"][:3] for row in answer.json()["entry"]]
    assert said == ["400", "422", "400", "201", "400", "400", "400", "404", "200"]
    assert all("outcome" in row["response"] for row in answer.json()["entry"] if row["response"]["status"] >= "4")


async def test_a_transaction_cannot_write_what_the_server_writes(api: Api) -> None:
    event = {"resourceType": "AuditEvent"}
    answer = await api.client.post("/", json=bundle("transaction", entry("POST", "AuditEvent", event)))
    assert answer.status_code == 400
    unknown = await api.client.post("/", json=bundle("transaction", entry("GET", "Nonsense/1")))
    assert unknown.status_code == 404
    assert "Bundle.entry[0]" in unknown.text


# --- idempotency -----------------------------------------------------------------------------------------------------


async def test_an_idempotency_key_is_answered_once(api: Api) -> None:
    key = {"idempotency-key": "k-1"}
    first = await api.client.post("/Patient", json=patient(), headers=key)
    again = await api.client.post("/Patient", json=patient(), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    for name in ("location", "etag", "last-modified"):
        assert again.headers[name] == first.headers[name]
    assert again.content == first.content
    other = await api.client.post("/Patient", json=patient("2"), headers=key)
    assert (other.status_code, other.json()["issue"][0]["code"]) == (422, "business-rule")
    bad = await api.client.post("/Patient", json=patient(), headers={"idempotency-key": "a b"})
    assert bad.status_code == 400
    assert await count(api) == 1
    refused = await api.client.post(
        "/Patient", json={"resourceType": "Patient", "gender": "x"}, headers={"idempotency-key": "k-2"}
    )
    assert refused.status_code == 422
    assert (await api.client.post("/Patient", json=patient("2"), headers={"idempotency-key": "k-2"})).status_code == 201
    async with transaction(api.pool) as conn:
        await answers.forget(conn, SystemClock().now() + 1)
    assert (await api.client.post("/Patient", json=patient(), headers=key)).headers.get("idempotency-replayed") is None


async def test_racing_requests_with_one_key_do_one_thing(api: Api) -> None:
    transactions = bundle("transaction", entry("POST", "Patient", patient()), entry("POST", "Patient", patient("2")))
    batches = bundle("batch", entry("POST", "Patient", patient("3")), entry("POST", "Patient", patient("3")))
    for url, body in (("/", transactions), ("/Patient", patient("4")), ("/", batches)):
        found = await asyncio.gather(
            *(
                api.client.post(
                    url, json=body, headers={"idempotency-key": f"race{body['resourceType']}{len(str(body))}"}
                )
                for _ in range(8)
            )
        )
        assert len({a.text.partition('"entry"')[2] or a.text for a in found}) == 1, [a.text for a in found]
    assert await count(api) == 5


async def test_a_key_belongs_to_who_sent_it(api: Api) -> None:
    key = {"idempotency-key": "shared"}
    one = await api.client.post("/Patient", json=patient(), headers=key)
    async with client_of(api.application, "second") as client:
        two = await client.post("/Patient", json=patient("2"), headers=key)
    assert (one.status_code, two.status_code) == (201, 201)


# --- integrity and cascades ------------------------------------------------------------------------------------------


def kept(api: Api, integrity: Any, *, cascade: bool = False) -> Any:
    repository = StoreRepository(api.record, Audit(api.pool, SystemClock()), integrity=integrity)
    app = application(api.pool, api.record, cascade=cascade)
    app.repository = repository
    app.__post_init__()
    return client_of(app)


async def test_references_must_lead_somewhere(api: Api) -> None:
    async with kept(api, "full") as client:
        lost = await client.post("/Observation", json=observation("Patient/none"))
        assert lost.status_code == 422
        assert "Patient/none" in lost.json()["issue"][0]["diagnostics"]
        assert lost.json()["issue"][0]["expression"] == ["Observation.subject.reference"]
        await client.put("/Patient/p", json=patient(id="p"))
        made = await client.post("/Observation", json=observation("http://test/fhir/Patient/p"))
        assert made.status_code == 201
        held = await client.delete("/Patient/p")
        assert (held.status_code, f"Observation/{made.json()['id']}" in held.text) == (409, True)
        both = bundle("transaction", entry("DELETE", "Patient/p"), entry("DELETE", f"Observation/{made.json()['id']}"))
        assert (await client.post("/", json=both)).status_code == 200
        together = bundle(
            "transaction",
            entry("PUT", "Observation/o", observation("Patient/q", id="o")),
            entry("PUT", "Patient/q", patient(id="q")),
        )
        assert (await client.post("/", json=together)).status_code == 200
        dangling = bundle(
            "transaction",
            entry("PUT", "Patient/q", patient(id="q", managingOrganization={"reference": "Organization/x"})),
        )
        assert (await client.post("/", json=dangling)).status_code == 422
    async with kept(api, "write") as client:
        assert (await client.delete("/Patient/q")).status_code == 204


async def test_a_reference_and_the_deletion_of_its_target_do_not_pass_each_other(api: Api) -> None:
    async with kept(api, "full") as client:
        for at in range(12):
            await client.put(f"/Patient/r{at}", json=patient(id=f"r{at}"))
            made, gone = await asyncio.gather(
                client.post("/Observation", json=observation(f"Patient/r{at}")), client.delete(f"/Patient/r{at}")
            )
            assert (made.status_code, gone.status_code) in {(201, 409), (422, 204)}


async def test_a_cascade_takes_all_that_refers(api: Api) -> None:
    await api.client.put("/Patient/p", json=patient(id="p"))
    await api.client.put("/Observation/o", json=observation("Patient/p", id="o"))
    await api.client.put(
        "/Observation/member", json=observation("Patient/x", id="member", hasMember=[{"reference": "Observation/o"}])
    )
    assert (await api.client.delete("/Patient/p?_cascade=delete")).status_code == 403
    async with kept(api, "full", cascade=True) as client:
        assert (await client.delete("/Patient/p?_cascade=all")).status_code == 400
        assert (await client.delete("/Patient/p?_cascade=delete")).status_code == 204
        for url in ("/Patient/p", "/Observation/o", "/Observation/member"):
            assert (await client.get(url)).status_code == 410
        assert (await client.delete("/Patient/none?_cascade=delete")).status_code == 404
    rows = await api.pool.fetch("SELECT target_type, target_id FROM audit_event WHERE event = 'delete' AND outcome = 0")
    assert {("Patient", "p"), ("Observation", "o"), ("Observation", "member")} <= {tuple(row) for row in rows}


# --- formats ---------------------------------------------------------------------------------------------------------

XML = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}


async def test_everything_is_xml_too(api: Api) -> None:
    text = '<Patient xmlns="http://hl7.org/fhir"><name><family value="M\xfcller"/></name></Patient>'
    made = await api.client.post("/Patient", content=text.encode(), headers=XML)
    assert made.status_code == 201
    assert made.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    id_ = made.headers["location"].split("/")[-3]
    assert '<family value="M\xfcller"/>' in made.text
    for url in (
        f"/Patient/{id_}",
        "/Patient",
        f"/Patient/{id_}/_history",
        "/metadata",
        "/Patient/none",
        "/Patient?nix=1",
    ):
        got = await api.client.get(url, headers={"accept": "application/fhir+xml"})
        named = await api.client.get(url + ("&" if "?" in url else "?") + "_format=xml")
        assert got.headers["content-type"] == named.headers["content-type"] == "application/fhir+xml; charset=utf-8"
        assert got.text.startswith("<?xml")
    pretty = await api.client.get(f"/Patient/{id_}?_pretty=true&_format=json")
    assert '\n  "resourceType": "Patient",' in pretty.text
    request = f'<request><method value="GET"/><url value="Patient/{id_}"/></request>'
    sent = f'<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry>{request}</entry></Bundle>'
    done = await api.client.post("/", content=sent, headers=XML)
    assert f'<id value="{id_}"/>' in done.text
    weighted = await api.client.get(
        f"/Patient/{id_}", headers={"accept": "application/fhir+json;q=0.5, application/xml"}
    )
    assert weighted.text.startswith("<?xml")


BODIES = [
    (b'{"resourceType":"Patient","gender":"male","gender":"female"}', {}, 400),
    (b'{"resourceType":"Patient","extension":' * 300, {}, 400),
    (b'{"resourceType":"Patient","contact":' + b"[" * 5000 + b"]" * 5000 + b"}", {}, 400),
    (b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 4000 + b"}", {}, 422),
    (b'{"resourceType":"Patient","multipleBirthInteger":1e400}', {}, 422),
    (b'{"resourceType":"Patient","language":"\xff"}', {}, 400),
    (b'{"resourceType":"Patient","language":"\\ud800"}', {}, 400),
    (b'{"resourceType":"Patient","name":[{"family":"a\\u0000b"}]}', {}, 422),
    (b'{"resourceType":"Patient","identifier":[{"value":"a\\u0000b"}]}', {}, 422),
    (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"/>', XML, 400),
    (b'<Patient xmlns="http://hl7.org/fhir">' + b"<contact>" * 5000, XML, 400),
    (b'<Patient xmlns="http://hl7.org/fhir"><gender value="&#0;"/></Patient>', XML, 400),
    (b"\x00", XML, 400),
    (b"null", {}, 400),
    (b"9" * 100_000, {}, 400),
]


@pytest.mark.parametrize(("body", "headers", "status"), BODIES, ids=range(len(BODIES)))
async def test_no_body_is_an_error_of_ours(api: Api, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = await api.client.post("/Patient", content=body, headers=headers)
    assert answer.status_code == status, answer.text[:300]
    assert "OperationOutcome" in answer.text


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: Api) -> None:
    app = application(api.pool, api.record, most_bytes=1000)
    async with client_of(app) as client:
        for headers in ({}, {"content-encoding": "gzip"}):
            answer = await client.post("/Patient", content=b"x" * 1001, headers=headers)
            assert (answer.status_code, answer.json()["issue"][0]["code"]) == (413, "too-long")
