"""Validation by table: what is broken, the issue's code and its place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from wardbridge.fhir.validate import Issue, operation_outcome, validate

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
UCUM = "http://unitsofmeasure.org"


def observation(**more: Any) -> dict[str, Any]:
    base = {
        "resourceType": "Observation",
        "id": "o1",
        "text": {"status": "generated", "div": DIV},
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-01-01T08:00:00Z",
        "valueQuantity": {"value": Decimal("72.50"), "unit": "/min", "system": UCUM, "code": "/min"},
    } | more
    return {key: value for key, value in base.items() if value is not ...}


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "text": {"status": "generated", "div": DIV}} | more


def of(kind: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "text": {"status": "generated", "div": DIV}} | more


def errors(resource: Any) -> list[tuple[str, str]]:
    return [(i.code, i.expression) for i in validate(resource) if i.severity in ("error", "fatal")]


VALID: list[dict[str, Any]] = [
    observation(),
    observation(valueQuantity=..., valueString="x"),
    observation(component=[{"code": {"text": "a"}, "valueInteger": 0}]),
    observation(_status={"id": "s1"}),
    observation(status=..., _status={"extension": [{"url": "u:x", "valueCode": "unknown"}]}),
    observation(valueQuantity=..., _valueString={"extension": [{"url": "u:x", "valueCode": "masked"}]}),
    observation(subject={"reference": "urn:uuid:0d9c3c6e-7a3a-4a44-9d6b-0123456789ab"}),
    observation(subject={"reference": "https://x/fhir/Patient/1/_history/2"}),
    observation(subject={"identifier": {"value": "1"}, "type": "Patient"}),
    observation(subject={"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p"}]),
    observation(effectiveDateTime="2024-02-29"),
    observation(effectiveDateTime="2026"),
    observation(effectiveDateTime=..., effectivePeriod={"start": "2026-01-01", "end": "2026-01-01"}),
    patient(name=[{"given": ["a", None], "_given": [None, {"extension": [{"url": "u:x", "valueCode": "c"}]}]}]),
    patient(extension=[{"url": "u:x", "extension": [{"url": "y", "valueDecimal": Decimal("1.0")}]}]),
    patient(photo=[{"contentType": "image/png", "data": "QUJD", "size": 3}]),
    patient(birthDate="1980-02-29", deceasedBoolean=False),
    of(
        "Bundle",
        type="collection",
        entry=[{"fullUrl": "urn:uuid:0d9c3c6e-7a3a-4a44-9d6b-0123456789ab"} | {"resource": patient()}],
    ),
]
for _bundle in VALID:
    if _bundle["resourceType"] == "Bundle":
        del _bundle["text"]


@pytest.mark.parametrize("resource", VALID, ids=range(len(VALID)))
def test_valid(resource: dict[str, Any]) -> None:
    assert [i for i in validate(resource) if i.severity != "information"] == []


def test_floats_of_a_plain_decoder_are_decimals() -> None:
    assert errors(observation(valueQuantity={"value": 72.5, "unit": "/min"})) == []


CASES: list[tuple[str, Any, list[tuple[str, str]]]] = [
    # structure
    ("unknown element", observation(colour="red"), [("structure", "Observation.colour")]),
    ("unknown nested", observation(code={"texte": "x"}), [("structure", "Observation.code.texte")]),
    ("unknown type", {"resourceType": "Nonsense"}, [("structure", "Nonsense")]),
    ("no type", {"status": "final"}, [("structure", "Resource")]),
    ("not an object", ["x"], [("structure", "Resource")]),
    ("abstract type", {"resourceType": "DomainResource"}, [("structure", "DomainResource")]),
    ("empty object", observation(code={}), [("structure", "Observation.code")]),
    ("empty array", observation(category=[]), [("structure", "Observation.category")]),
    ("object for array", observation(category={"text": "x"}), [("structure", "Observation.category")]),
    ("array for object", observation(code=[{"text": "x"}]), [("structure", "Observation.code")]),
    ("text for object", observation(code="x"), [("structure", "Observation.code")]),
    ("null", observation(issued=None), [("structure", "Observation.issued")]),
    ("null in objects", observation(note=[None]), [("structure", "Observation.note[0]")]),
    ("null without extension", patient(name=[{"given": ["a", None]}]), [("structure", "Patient.name[0].given[1]")]),
    ("extension on an object", observation(_code={"id": "x"}), [("structure", "Observation.code")]),
    (
        "extension on an id",
        observation(_id={"extension": [{"url": "u", "valueCode": "x"}]}),
        [("structure", "Observation.id")],
    ),
    ("shadow is no object", observation(_status="x"), [("structure", "Observation.status")]),
    (
        "lengths differ",
        patient(name=[{"given": ["a"], "_given": [None, {"id": "b"}]}]),
        [("invariant", "Patient.name[0].given[1]"), ("structure", "Patient.name[0].given")],
    ),
    ("id alone", observation(code={"id": "x"}), [("invariant", "Observation.code")]),
    ("two values", observation(valueString="x"), [("structure", "Observation.value")]),
    (
        "two values, one extended",
        observation(_valueString={"extension": [{"url": "u:x", "valueCode": "c"}]}),
        [("structure", "Observation.value")],
    ),
    (
        "wrong choice",
        observation(valueQuantity=..., valueAddress={"text": "x"}),
        [("structure", "Observation.valueAddress")],
    ),
    # cardinality
    ("required missing", observation(status=...), [("required", "Observation")]),
    ("required nested", observation(component=[{"valueInteger": 1}]), [("required", "Observation.component[0]")]),
    (
        "required choice",
        of("MedicationRequest", status="active", intent="order", subject={"reference": "Patient/1"}),
        [("required", "MedicationRequest")],
    ),
    # primitives
    ("boolean text", patient(active="true"), [("value", "Patient.active")]),
    (
        "number text",
        observation(valueQuantity={"value": "72", "unit": "x"}),
        [("value", "Observation.value.ofType(Quantity).value")],
    ),
    ("string number", observation(valueQuantity=..., valueString=5), [("value", "Observation.value.ofType(string)")]),
    ("empty string", observation(valueQuantity=..., valueString=""), [("value", "Observation.value.ofType(string)")]),
    (
        "blank string",
        observation(valueQuantity=..., valueString=" \t"),
        [("value", "Observation.value.ofType(string)")],
    ),
    (
        "control character",
        observation(valueQuantity=..., valueString="a\x00b"),
        [("value", "Observation.value.ofType(string)")],
    ),
    (
        "integer decimal",
        observation(valueQuantity=..., valueInteger=Decimal("1.0")),
        [("value", "Observation.value.ofType(integer)")],
    ),
    (
        "integer range",
        observation(valueQuantity=..., valueInteger=2**31),
        [("value", "Observation.value.ofType(integer)")],
    ),
    (
        "positiveInt 0",
        patient(telecom=[{"system": "phone", "value": "1", "rank": 0}]),
        [("value", "Patient.telecom[0].rank")],
    ),
    ("bad id", observation(id="a b"), [("value", "Observation.id")]),
    ("long id", observation(id="a" * 65), [("value", "Observation.id")]),
    ("no such day", observation(effectiveDateTime="2026-02-30"), [("value", "Observation.effective.ofType(dateTime)")]),
    ("no leap year", patient(birthDate="1981-02-29"), [("value", "Patient.birthDate")]),
    ("month 13", patient(birthDate="1981-13"), [("value", "Patient.birthDate")]),
    ("date with time", patient(birthDate="1981-01-01T10:00:00Z"), [("value", "Patient.birthDate")]),
    (
        "no zone",
        observation(effectiveDateTime="2026-01-01T08:00:00"),
        [("value", "Observation.effective.ofType(dateTime)")],
    ),
    (
        "no seconds",
        observation(effectiveDateTime="2026-01-01T08:00Z"),
        [("value", "Observation.effective.ofType(dateTime)")],
    ),
    ("instant is a date", observation(issued="2026-01-01"), [("value", "Observation.issued")]),
    ("time 24", observation(valueQuantity=..., valueTime="24:00:00"), [("value", "Observation.value.ofType(time)")]),
    ("uri space", observation(implicitRules="a b"), [("value", "Observation.implicitRules")]),
    ("bad oid", observation(implicitRules="urn:oid:1.x"), [("value", "Observation.implicitRules")]),
    ("bad uuid", observation(implicitRules="urn:uuid:1"), [("value", "Observation.implicitRules")]),
    ("base64", patient(photo=[{"contentType": "a/b", "data": "A==="}]), [("value", "Patient.photo[0].data")]),
    (
        "attachment size",
        patient(photo=[{"contentType": "a/b", "data": "QUI=", "size": 3}]),
        [("value", "Patient.photo[0]")],
    ),
    ("code spaces", observation(status=" final"), [("value", "Observation.status")]),
    # bindings
    ("required code", observation(status="done"), [("code-invalid", "Observation.status")]),
    ("code elsewhere", patient(gender="F"), [("code-invalid", "Patient.gender")]),
    (
        "required concept",
        of("Condition", subject={"reference": "Patient/1"}, clinicalStatus={"coding": [{"code": "active"}]}),
        [("code-invalid", "Condition.clinicalStatus")],
    ),
    (
        "currency",
        of("Invoice", status="draft", totalNet={"value": 1, "currency": "euro"}),
        [("code-invalid", "Invoice.totalNet.currency")],
    ),
    # references
    ("wrong target", observation(subject={"reference": "Practitioner/1"}), [("structure", "Observation.subject")]),
    (
        "wrong contained",
        observation(subject={"reference": "#m"}, contained=[{"resourceType": "Medication", "id": "m"}]),
        [("structure", "Observation.subject")],
    ),
    (
        "type disagrees",
        observation(subject={"reference": "Patient/1", "type": "Group"}),
        [("structure", "Observation.subject")],
    ),
    ("missing contained", observation(subject={"reference": "#gone"}), [("invariant", "Observation.subject")]),
    # invariants
    ("obs-6", observation(dataAbsentReason={"text": "x"}), [("invariant", "Observation")]),
    (
        "obs-3",
        observation(referenceRange=[{"appliesTo": [{"text": "x"}]}]),
        [("invariant", "Observation.referenceRange[0]")],
    ),
    (
        "qty-3",
        observation(valueQuantity={"value": 1, "code": "mg"}),
        [("invariant", "Observation.value.ofType(Quantity)")],
    ),
    (
        "per-1",
        observation(effectiveDateTime=..., effectivePeriod={"start": "2026-02-01", "end": "2026-01-01"}),
        [("invariant", "Observation.effective.ofType(Period)")],
    ),
    ("ext-1", observation(extension=[{"url": "u:x"}]), [("invariant", "Observation.extension[0]")]),
    ("pat-1", patient(contact=[{"gender": "male"}]), [("invariant", "Patient.contact[0]")]),
    (
        "dom-3",
        observation(contained=[{"resourceType": "Patient", "id": "p"}]),
        [("invariant", "Observation.contained[0]")],
    ),
    (
        "contained contains",
        observation(
            subject={"reference": "#p"},
            contained=[
                {
                    "resourceType": "Patient",
                    "id": "p",
                    "managingOrganization": {"reference": "#o"},
                    "contained": [{"resourceType": "Organization", "id": "o", "name": "n"}],
                }
            ],
        ),
        [
            ("invariant", "Observation.contained[0].managingOrganization"),
            ("structure", "Observation.contained[0].contained"),
            ("invariant", "Observation"),
        ],
    ),
    (
        "simple quantity",
        observation(referenceRange=[{"low": {"value": 1, "comparator": "<"}}]),
        [("structure", "Observation.referenceRange[0].low")],
    ),
    # narrative
    (
        "script",
        observation(text={"status": "generated", "div": DIV.replace("x</div>", "<script>1</script></div>")}),
        [("invariant", "Observation.text.div")],
    ),
    (
        "event",
        observation(text={"status": "generated", "div": DIV.replace("<div", "<div onclick='x'")}),
        [("invariant", "Observation.text.div")],
    ),
    (
        "not well-formed",
        observation(text={"status": "generated", "div": DIV.replace("x<", "<p><")}),
        [("invariant", "Observation.text.div")],
    ),
    (
        "no namespace",
        observation(text={"status": "generated", "div": "<div>x</div>"}),
        [("invariant", "Observation.text.div")],
    ),
    (
        "no content",
        observation(text={"status": "generated", "div": DIV.replace("x<", " <")}),
        [("invariant", "Observation.text.div")],
    ),
    (
        "entity",
        observation(text={"status": "generated", "div": '<!DOCTYPE div [<!ENTITY a "b">]>' + DIV}),
        [("invariant", "Observation.text.div")],
    ),
    # resources in resources
    (
        "in an entry",
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": observation(status="x", id="1")}]},
        [("code-invalid", "Bundle.entry[0].resource.status")],
    ),
    (
        "in a parameter",
        {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": patient(active=1)}]},
        [("value", "Parameters.parameter[0].resource.active")],
    ),
    # spoken rules
    (
        "relative full URL",
        {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "Patient/1", "resource": patient()}]},
        [("value", "Bundle.entry[0]")],
    ),
    (
        "full URL and id",
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"fullUrl": "http://x/fhir/Patient/1", "resource": patient(id="2")}],
        },
        [("value", "Bundle.entry[0]")],
    ),
    (
        "result without id",
        {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": patient()}]},
        [("required", "Bundle.entry[0].resource")],
    ),
    (
        "two self links",
        {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "self", "url": "u:a"}] * 2},
        [("business-rule", "Bundle.link[1]")],
    ),
    (
        "one component",
        of(
            "SearchParameter",
            url="u:x",
            name="X",
            status="draft",
            description="x",
            code="x",
            base=["Patient"],
            type="composite",
        ),
        [("business-rule", "SearchParameter")],
    ),
    (
        "relative system",
        of("ValueSet", status="draft", compose={"include": [{"system": "#a"}]}),
        [("value", "ValueSet.compose.include[0]")],
    ),
    (
        "supplement",
        of("CodeSystem", status="draft", content="complete", supplements="u:x"),
        [("business-rule", "CodeSystem.content")],
    ),
]


@pytest.mark.parametrize(("resource", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_invalid(resource: Any, expected: list[tuple[str, str]]) -> None:
    assert errors(resource) == expected


DOCUMENT = {
    "resourceType": "Bundle",
    "type": "document",
    "identifier": {"system": "u:x", "value": "1"},
    "timestamp": "2026-01-01T00:00:00Z",
    "entry": [
        {
            "fullUrl": "http://x/fhir/Composition/c",
            "resource": of(
                "Composition",
                id="c",
                status="final",
                type={"text": "t"},
                date="2026-01-01",
                author=[{"reference": "Practitioner/a"}],
                title="t",
                section=[{"entry": [{"reference": "Observation/o"}]}],
            ),
        },
        {"fullUrl": "http://x/fhir/Practitioner/a", "resource": of("Practitioner", id="a")},
        {
            "fullUrl": "http://x/fhir/Observation/o",
            "resource": observation(id="o", subject={"reference": "Patient/p"}),
        },
        {"fullUrl": "http://x/fhir/Patient/p", "resource": patient(id="p")},
    ],
}


def test_a_document_holds_what_it_points_to() -> None:
    assert errors(DOCUMENT) == []
    without = DOCUMENT | {"entry": DOCUMENT["entry"][:1] + DOCUMENT["entry"][2:]}
    assert errors(without) == [("not-found", "Bundle.entry[0].resource.author[0]")]
    other = DOCUMENT["entry"] + [{"fullUrl": "http://x/fhir/Patient/q", "resource": patient(id="q")}]
    assert errors(DOCUMENT | {"entry": other}) == [("business-rule", "Bundle.entry[4]")]
    style = {"relation": "stylesheet", "url": "http://x/fhir/Patient/q"}
    assert errors(DOCUMENT | {"entry": other, "link": [style]}) == []
    assert errors(DOCUMENT | {"entry": DOCUMENT["entry"][1:]})[0] == ("invariant", "Bundle")


def test_a_reference_within_a_bundle_must_fit_its_entry() -> None:
    names = [f"urn:uuid:00000000-0000-4000-8000-00000000000{i}" for i in range(2)]

    def transaction(target: dict[str, Any]) -> dict[str, Any]:
        post = {"method": "POST", "url": "x"}
        resources = [target, observation(id=..., subject={"reference": names[0]})]
        rows = zip(names, resources, strict=True)
        entries = [{"fullUrl": name, "resource": resource, "request": post} for name, resource in rows]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    assert errors(transaction(patient())) == []
    assert errors(transaction(of("Organization", name="n"))) == [("structure", "Bundle.entry[1].resource.subject")]


def test_a_search_parameter_must_be_able_to_run() -> None:
    base = of("SearchParameter", url="u:x", name="X", status="draft", description="x", code="x", base=["Patient"])
    origin = "http://hl7.org/fhir/SearchParameter/Organization-name"
    assert errors(base | {"type": "string", "expression": "Patient.name"}) == []
    assert errors(base | {"type": "string", "expression": "Patient.name("}) == [
        ("invalid", "SearchParameter.expression")
    ]
    assert errors(base | {"type": "token", "derivedFrom": origin}) == [
        ("business-rule", "SearchParameter"),
        ("business-rule", "SearchParameter"),
    ]


def test_the_outcome_names_rule_and_place() -> None:
    issues = validate(observation(dataAbsentReason={"text": "x"}))
    assert issues == [
        Issue(
            "error",
            "invariant",
            "Observation",
            "invariant obs-6 does not hold",
            "obs-6: dataAbsentReason.empty() or value.empty()",
        )
    ]
    outcome = operation_outcome(issues)
    assert outcome["issue"][0]["expression"] == ["Observation"]
    assert errors(outcome) == []
    assert operation_outcome([])["issue"][0]["severity"] == "information"
    assert errors(operation_outcome([])) == []


def test_warnings_are_no_errors() -> None:
    issues = validate(observation(text=...))
    assert [(i.severity, i.diagnostics.split(":")[0]) for i in issues] == [("warning", "dom-6")]
    relative = of("MeasureReport", status="complete", type="summary", measure="Measure/1", period={"start": "2026"})
    assert [(i.severity, i.expression) for i in validate(relative)] == [("warning", "MeasureReport.measure")]


def test_issues_are_bounded() -> None:
    assert len(validate(observation(note=[None] * 10_000))) == 500


def test_depth_is_an_issue() -> None:
    extension: dict[str, Any] = {"url": "u:x", "valueString": "x"}
    for _ in range(3_000):
        extension = {"url": "u:x", "extension": [extension]}
    assert validate(observation(extension=[extension]))[-1].code == "too-costly"
