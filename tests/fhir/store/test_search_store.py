"""Every modifier, chain and special parameter of search over a small record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest

from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.search import Page
from wardbridge.fhir.store.values import Put
from wardbridge.fhir.terms import Asked, Verdict

LOINC, SCT, MR = "http://loinc.org", "http://snomed.info/sct", "http://terminology.hl7.org/CodeSystem/v2-0203"
HR = {"coding": [{"system": LOINC, "code": "8867-4", "display": "Heart rate"}]}
TEMP = {"coding": [{"system": LOINC, "code": "8310-5", "display": "Body temperature"}], "text": "Temp"}


def ref(name: str, **more: Any) -> dict[str, Any]:
    return {"reference": name, **more}


def place(id_: str, parent: str = "", at: tuple[float, float] | None = None) -> dict[str, Any]:
    out: dict[str, Any] = {"resourceType": "Location", "id": id_, "name": id_}
    if parent:
        out["partOf"] = ref(f"Location/{parent}")
    if at:
        out["position"] = {"latitude": at[0], "longitude": at[1]}
    return out


def observation(id_: str, code: Any, patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": code,
        "subject": ref(f"Patient/{patient}"),
        **more,
    }


def kg(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


DATA: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "top", "name": "Health trust"},
    {"resourceType": "Organization", "id": "west", "name": "West hospital", "partOf": ref("Organization/top")},
    {"resourceType": "Organization", "id": "ward", "name": "Ward", "partOf": ref("Organization/west")},
    {"resourceType": "Practitioner", "id": "house", "name": [{"family": "House"}]},
    {
        "resourceType": "Patient",
        "id": "ada",
        "active": True,
        "gender": "female",
        "birthDate": "1970-03-01",
        "name": [{"family": "Lovelace", "given": ["Ada"]}],
        "managingOrganization": ref("Organization/ward"),
        "generalPractitioner": [ref("Practitioner/house", display="Dr. Gregory House")],
        "identifier": [
            {"system": "urn:mrn", "value": "7", "type": {"coding": [{"system": MR, "code": "MR"}]}},
            {"system": "urn:ssn", "value": "8", "type": {"coding": [{"system": MR, "code": "SS"}]}},
        ],
    },
    {
        "resourceType": "Patient",
        "id": "bo",
        "gender": "male",
        "name": [{"family": "Nordström", "given": ["Bo"]}],
        "managingOrganization": ref("Organization/west"),
        "identifier": [{"system": "urn:mrn", "value": "8", "type": {"coding": [{"system": MR, "code": "MR"}]}}],
        "link": [{"other": ref("Patient/ada"), "type": "seealso"}],
    },
    {"resourceType": "Patient", "id": "cy", "gender": "other", "birthDate": "1990"},
    observation("hr1", HR, "ada", effectiveDateTime="2025-01-01T08:00:00Z", performer=[ref("Practitioner/house")]),
    observation("t1", TEMP, "ada", effectiveDateTime="2025-01-02", valueQuantity=kg(37, "Cel")),
    observation("w1", {"text": "weight"}, "bo", valueQuantity=kg(70, "kg")),
    observation("w2", {"text": "weight"}, "bo", valueQuantity=kg(70500, "g")),
    {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"coding": [{"system": SCT, "code": "235862008", "display": "Hepatitis"}]},
        "subject": ref("Patient/ada"),
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Metastases in bone</div>'},
        "note": [{"text": "liver was spared"}],
    },
    {
        "resourceType": "Condition",
        "id": "c2",
        "code": {"coding": [{"system": SCT, "code": "40468003"}]},
        "subject": ref("Patient/bo"),
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Metastases in liver</div>'},
    },
    place("campus", at=(47.3769, 8.5417)),
    place("house-a", "campus", at=(47.3800, 8.5400)),
    place("room-1", "house-a"),
    place("fiji", at=(-17.7134, 179.99)),
    place("wallis", at=(-17.7134, -179.99)),
    place("pole", at=(89.9, 120.0)),
    {"resourceType": "Encounter", "id": "e1", "location": [{"location": ref("Location/room-1")}]},
    {"resourceType": "Encounter", "id": "e2", "location": [{"location": ref("Location/fiji")}]},
    {"resourceType": "List", "id": "l1", "entry": [{"item": ref("Patient/ada")}, {"item": ref("Patient/cy")}]},
    {"resourceType": "Questionnaire", "id": "q1", "url": "http://q.org/one", "version": "2", "title": "Pain"},
    {"resourceType": "QuestionnaireResponse", "id": "qr1", "questionnaire": "http://q.org/one|2"},
    {"resourceType": "QuestionnaireResponse", "id": "qr2", "questionnaire": "http://q.org/two"},
    {"resourceType": "ValueSet", "id": "vs", "url": "http://vs.org/hepatitis"},
]


class Terminology:
    """A terminology of two value sets and one hierarchy: 235862008 is below 40468003."""

    async def judge(self, asked: Sequence[Asked], /) -> list[Verdict]:
        return [Verdict(None) for _ in asked]

    async def members(self, valueset: str, /) -> Sequence[tuple[str, str]]:
        sets = {"http://vs.org/hepatitis": [(SCT, "235862008")], "http://vs.org/none": []}
        if valueset not in sets:
            raise NotFound(f"{valueset} is not known")
        return sets[valueset]

    async def related(self, system: str, code: str, direction: Literal["above", "below"], /) -> Sequence[str]:
        if system != SCT:
            raise NotFound(f"{system} is not loaded")
        pair = ["40468003", "235862008"]
        return pair if pair[0 if direction == "below" else 1] == code else [code]


@pytest.fixture
async def full(record: Record) -> Record:
    record.terms = Terminology()
    async with transaction(record.pool) as conn:
        await record.write(conn, [Put(dict(one)) for one in DATA])
    return record


async def page(record: Record, asked: str) -> Page:
    type_name, _, rest = asked.partition("?")
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in rest.split("&") if part)]
    return await record.search(record.query([type_name] if type_name else [], pairs))


CASES = {
    # chains
    "Observation?subject:Patient.name=lovelace": "hr1 t1",
    "Observation?subject.family=lovelace": "hr1 t1",
    "Observation?patient.organization.name=ward": "hr1 t1",
    "Observation?patient.organization.partof.partof.name=health": "hr1 t1",
    "Observation?patient.gender:not=female": "w1 w2",
    "Observation?patient.birthdate:missing=true": "w1 w2",
    "Observation?patient.identifier=urn:mrn|8": "w1 w2",
    "Observation?patient._id=ada&code=8867-4": "hr1",
    "Observation?patient.link.name=ada": "w1 w2",
    "Observation?performer:Practitioner.name=house": "hr1",
    "Observation?subject:Patient.name=ada&subject:Patient.gender=male": "",
    "QuestionnaireResponse?questionnaire.title=pain": "qr1",
    # reverse chains
    "Patient?_has:Observation:patient:code=8867-4": "ada",
    "Patient?_has:Observation:patient:code:not=8867-4": "ada bo",
    "Patient?_has:Observation:patient:_id=w1": "bo",
    "Patient?_has:Observation:patient:performer.name=house": "ada",
    "Organization?_has:Patient:organization:_has:Observation:patient:code=8310-5": "ward",
    "Organization?_has:Patient:organization:family:exact=Lovelace": "ward",
    "Encounter?location._has:Encounter:location:_id=e2": "e2",
    "Observation?patient._has:Condition:patient:code=235862008": "hr1 t1",
    "Patient?_has:Observation:patient:code=8867-4&gender=male": "",
    "Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=qr1": "q1",
    "Practitioner?_has:Observation:performer:subject:Patient.name=ada": "house",
    # modifiers
    "Patient?family:exact=Nordström": "bo",
    "Patient?family:exact=nordström": "",
    "Patient?family=nordstrom": "bo",
    "Patient?family:contains=RDST": "bo",
    "Patient?birthdate:missing=true": "bo",
    "Patient?birthdate:missing=false": "ada cy",
    "Patient?gender:not=male": "ada cy",
    "Observation?code:text=body": "t1",
    "Observation?code:text=temp": "t1",
    "Patient?general-practitioner:text=gregory": "ada",
    "Patient?identifier:of-type=" + MR + "|MR|8": "bo",
    "Patient?identifier:of-type=" + MR + "|SS|8": "ada",
    "Patient?identifier:of-type=" + MR + "|MR|7," + MR + "|MR|8": "ada bo",
    "Condition?code:in=http://vs.org/hepatitis": "c1",
    "Condition?code:in=ValueSet/vs": "c1",
    "Condition?code:in=http://vs.org/none": "",
    "Condition?code:not-in=http://vs.org/hepatitis": "c2",
    "Condition?code:below=" + SCT + "|40468003": "c1 c2",
    "Condition?code:below=" + SCT + "|235862008": "c1",
    "Condition?code:above=" + SCT + "|235862008": "c1 c2",
    "Patient?_has:Condition:patient:code:in=http://vs.org/hepatitis": "ada",
    "Encounter?location:below=Location/campus": "e1",
    "Encounter?location:below=Location/room-1": "e1",
    "Encounter?location:below=Location/fiji": "e2",
    "Location?partof:below=campus": "house-a room-1",
    "Location?partof:above=Location/room-1": "house-a room-1",
    "Patient?organization:below=Organization/top": "ada bo",
    "ValueSet?url:below=http://vs.org/": "vs",
    "ValueSet?url:above=http://vs.org/hepatitis/a": "vs",
    # quantities across units, dates
    "Observation?value-quantity=70|http://unitsofmeasure.org|kg": "w1",
    "Observation?value-quantity=70.5|http://unitsofmeasure.org|kg": "w2",
    "Observation?value-quantity=gt70000|http://unitsofmeasure.org|g": "w2",
    "Observation?date=2025-01": "hr1 t1",
    "Observation?date=ge2025-01-01T12:00:00Z": "t1",
    # full text
    "Condition?_text=metastases": "c1 c2",
    "Condition?_text=(bone or liver) and metastases": "c1 c2",
    "Condition?_text=liver": "c2",
    "Condition?_text=not liver": "c1",
    'Condition?_text="in bone"': "c1",
    'Condition?_text="bone in"': "",
    "Condition?_content=liver": "c1 c2",
    "Condition?_content=hepatitis spared": "c1",
    "Condition?_content=235862008": "c1",
    "Patient?_has:Condition:patient:_content=spared": "ada",
    # lists, places
    "Patient?_list=l1": "ada cy",
    "Patient?_list=l1&gender=other": "cy",
    "Patient?_list=none": "",
    "Location?near=47.3769|8.5417|1|km": "campus house-a",
    "Location?near=47.3769|8.5417|100|m": "campus",
    "Location?near=-17.7134|179.999|5": "fiji wallis",
    "Location?near=-17.7134|-179.999|0.6|[mi_us]": "wallis",
    "Location?near=89.95|-60|20": "pole",
    # _filter
    "Patient?_filter=given eq ada or gender eq male": "ada bo",
    "Patient?_filter=not (given eq ada or gender eq male)": "cy",
    'Patient?_filter=name co "ovel" and birthdate le 1980': "ada",
    "Patient?_filter=family ew stroem": "",
    "Patient?_filter=family ew ström": "bo",
    "Patient?_filter=gender ne male": "ada cy",
    "Patient?_filter=birthdate pr false": "bo",
    "Patient?_filter=birthdate po 1990-06": "cy",
    "Observation?_filter=patient.organization.name sw ward": "hr1 t1",
    "Observation?_filter=patient[gender eq female].birthdate ge 1970": "hr1 t1",
    "Patient?_filter=_has:Observation:patient:code eq 8310-5": "ada",
    "Patient?_filter=organization re Organization/west or _id eq cy": "bo cy",
    "Condition?_filter=code in http://vs.org/hepatitis": "c1",
    "Condition?_filter=code ss " + SCT + "|40468003": "c1 c2",
    "Condition?_filter=code sb " + SCT + "|40468003": "c2",
    "ValueSet?_filter=url co hepat": "vs",
    # the whole system
    "?_type=Patient,Observation&_id=ada,hr1": "ada hr1",
    "?_id=vs": "vs",
}


@pytest.mark.parametrize("asked", CASES)
async def test_search(full: Record, asked: str) -> None:
    found = await page(full, asked)
    assert sorted(one.id for one in found.matches) == CASES[asked].split()
    counted = await page(full, asked + "&_summary=count")
    assert counted.total == len(CASES[asked].split())


INCLUDES = {
    "Patient?_id=ada&_include=Patient:organization": "ward",
    "Patient?_id=ada&_include=Patient:organization&_include:iterate=Organization:partof": "top ward west",
    "Patient?_id=ada&_include=Patient:organization&_include=Organization:partof": "ward",
    "Patient?_id=ada&_include=*": "house ward",
    "Patient?_id=ada&_include:iterate=*": "house top ward west",
    "Organization?_id=top&_revinclude:iterate=Organization:partof": "ward west",
    "Organization?_id=top&_revinclude:recurse=Organization:partof&_revinclude:iterate=Patient:organization": (
        "ada bo ward west"
    ),
    "Patient?_id=ada&_revinclude=Observation:patient": "hr1 t1",
    "Patient?_id=ada&_revinclude=*": "bo c1 hr1 l1 t1",
    "Patient?_id=bo&_include=Patient:link&_include:iterate=Patient:link": "ada",
    "QuestionnaireResponse?_id=qr1&_include=QuestionnaireResponse:questionnaire": "q1",
    "Questionnaire?_id=q1&_revinclude=QuestionnaireResponse:questionnaire": "qr1",
    "Observation?_id=hr1&_include=Observation:subject:Patient": "ada",
    "Observation?_id=hr1&_include=Observation:subject:Group": "",
}


@pytest.mark.parametrize("asked", INCLUDES)
async def test_includes(full: Record, asked: str) -> None:
    found = await page(full, asked)
    assert sorted(one.id for one in found.included) == INCLUDES[asked].split()
    assert not found.cut


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("Condition?code:in=http://vs.org/nix", "not known"),
        ("Condition?code:below=http://nix|1", "not loaded"),
        ("Condition?code:below=40468003", r"system\|code"),
        ("Condition?code:in=ValueSet/nix", "does not exist"),
    ],
)
async def test_unknown_terms_are_refused(full: Record, asked: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        await page(full, asked)


async def test_without_a_terminology_service(record: Record) -> None:
    with pytest.raises(Invalid, match="terminology service") as caught:
        await page(record, "Condition?code:in=http://vs.org/hepatitis")
    assert caught.value.code == "not-supported"


async def test_full_text_can_be_off(database: Any, record: Record) -> None:
    quiet = Record(database.pool, record.clock, text=False)
    await quiet.load()
    async with transaction(record.pool) as conn:
        await quiet.write(conn, [Put({"resourceType": "Basic", "id": "b", "code": {"text": "hello"}})])
    assert await record.pool.fetchval("SELECT count(*) FROM fhir_text") == 0
    with pytest.raises(Invalid, match="search_text"):
        await page(quiet, "Basic?_content=hello")


async def test_text_follows_the_resource(record: Record) -> None:
    async def write(text: str) -> None:
        async with transaction(record.pool) as conn:
            await record.write(conn, [Put({"resourceType": "Basic", "id": "b", "code": {"coding": []}, "x": text})])

    await write("first")
    await write("second")
    assert (await page(record, "Basic?_content=first")).matches == ()
    assert len((await page(record, "Basic?_content=second")).matches) == 1
    async with transaction(record.pool) as conn:
        await record.delete(conn, "Basic", "b")
    assert (await page(record, "Basic?_content=second")).matches == ()
    assert await record.pool.fetchval("SELECT count(*) FROM fhir_text") == 0


async def test_a_loop_in_a_hierarchy_ends(record: Record) -> None:
    async with transaction(record.pool) as conn:
        await record.write(conn, [Put(place("a", "b")), Put(place("b", "a")), Put(place("c", "b"))])
    found = await page(record, "Location?partof:below=a")
    assert {one.id for one in found.matches} == {"a", "b", "c"}
    chained = await page(record, "Location?_id=a&_include:iterate=Location:partof")
    assert [one.id for one in chained.included] == ["b"]


async def test_an_estimate_costs_no_count(full: Record) -> None:
    await full.pool.execute("ANALYZE")
    found = await page(full, "Observation?_count=1&_total=estimate")
    assert found.total is not None
    assert 2 <= found.total <= 8  # there are four
    assert (await page(full, "Observation?_count=1&_total=accurate")).total == 4
    assert (await page(full, "Observation?_count=1&_total=none")).total is None


async def test_many_includes_are_cut(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wardbridge.fhir.store.include.INCLUDE_LIMIT", 5)
    async with transaction(record.pool) as conn:
        await record.write(conn, [Put(place("a")), *(Put(place(f"p{n}", "a")) for n in range(9))])
    found = await page(record, "Location?_id=a&_revinclude=Location:partof")
    assert len(found.included) == 5
    assert found.cut
