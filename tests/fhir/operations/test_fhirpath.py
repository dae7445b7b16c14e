"""`$fhirpath`: results with their types, in the shape of FHIRPath Lab."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.fhir.terms import Verdict

from .conftest import issues

ADA = {
    "resourceType": "Patient",
    "id": "ada",
    "birthDate": "1980-05-06",
    "name": [{"family": "Okafor", "given": ["Ada", "Nneka"]}],
    "contact": [{"name": {"text": "C"}}],
}


def asked(**given: Any) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for name, value in given.items():
        if name == "expressions":
            rows += [{"name": "expression", "valueString": text} for text in value]
        elif name == "resource":
            rows.append({"name": name, "resource": value})
        elif name == "variables":
            rows.append({"name": name, "part": value})
        else:
            rows.append({"name": name, "valueBoolean" if isinstance(value, bool) else "valueString": value})
    return {"resourceType": "Parameters", "parameter": rows}


def results(found: Any) -> list[dict[str, Any]]:
    return [row for row in found["parameter"] if row["name"] == "result"]


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("name.given", [{"name": "string", "valueString": "Ada"}, {"name": "string", "valueString": "Nneka"}]),
        ("name", [{"name": "HumanName", "valueHumanName": ADA["name"][0]}]),
        ("birthDate", [{"name": "date", "valueDate": "1980-05-06"}]),
        ("1 + 1", [{"name": "integer", "valueInteger": 2}]),
        ("1.50 + 1", [{"name": "decimal", "valueDecimal": 2.5}]),
        ("name.exists()", [{"name": "boolean", "valueBoolean": True}]),
        ("''", [{"name": "empty-string"}]),
        ("gender", []),
        ("%resource.id", [{"name": "id", "valueId": "ada"}]),
        (
            "contact",
            [
                {
                    "name": "Patient.contact",
                    "extension": [
                        {
                            "url": "http://fhir.forms-lab.com/StructureDefinition/json-value",
                            "valueString": '{"name":{"text":"C"}}',
                        }
                    ],
                }
            ],
        ),
    ],
)
async def test_types_of_results(api: Any, expression: str, parts: list[Any]) -> None:
    found = await api.post("/$fhirpath", asked(expression=expression, resource=ADA))
    assert results(found) == [{"name": "result", "part": parts}]
    about = {part["name"]: part["valueString"] for part in found["parameter"][0]["part"]}
    assert about["expression"] == expression
    assert about["evaluator"].startswith("Wardbridge")


async def test_on_a_stored_resource_by_get(api: Any) -> None:
    await api.put(ADA)
    found = await api.get("/Patient/ada/$fhirpath?expression=name.family")
    assert results(found)[0]["part"] == [{"name": "string", "valueString": "Okafor"}]
    assert ("Patient", "ada", ["ada"], 0) in await api.audited("$fhirpath")
    await api.get("/Patient/nobody/$fhirpath?expression=name", status=404)


async def test_context_variables_trace_and_several_expressions(api: Any) -> None:
    found = await api.post("/Patient/$fhirpath", asked(expression="length()", context="name.given", resource=ADA))
    assert [(one["valueString"], one["part"][0]["valueInteger"]) for one in results(found)] == [
        ("name.given[0]", 3),
        ("name.given[1]", 5),
    ]
    variables = [
        {"name": "most", "valueInteger": 4},
        {"name": "who", "resource": {"resourceType": "Practitioner", "active": True}},
        {"name": "many", "valueString": "a"},
        {"name": "many", "valueString": "b"},
    ]
    texts = ["name.given.where(length() > %most)", "%who.active", "%many.count()"]
    found = await api.post("/$fhirpath", asked(expressions=texts, variables=variables, resource=ADA))
    assert [(one["valueString"], one["part"][0]) for one in results(found)] == [
        (texts[0], {"name": "string", "valueString": "Nneka"}),
        (texts[1], {"name": "boolean", "valueBoolean": True}),
        (texts[2], {"name": "integer", "valueInteger": 2}),
    ]
    found = await api.post("/$fhirpath", asked(expression="name.given.trace('g').count()", resource=ADA))
    assert results(found)[0]["part"][1] == {
        "name": "trace",
        "valueString": "g",
        "part": [{"name": "string", "valueString": "Ada"}, {"name": "string", "valueString": "Nneka"}],
    }


async def test_an_error_stands_in_the_place_of_its_result(api: Any) -> None:
    texts = ["name.given.single()", "name.nope(", "name.family"]
    found = await api.post("/$fhirpath", asked(expressions=texts, resource=ADA))
    assert [row["name"] for row in found["parameter"]] == ["parameters", "error", "error", "result"]
    assert "name.nope(" in issues(found["parameter"][2]["resource"])[0][1]
    found = await api.post("/$fhirpath", asked(expression="nam", validate=True, resource=ADA))
    assert found["parameter"][1]["name"] == "error"
    found = await api.post("/$fhirpath", asked(expression="now()", resource=ADA))
    assert results(found)[0]["part"][0]["name"] == "dateTime"


class Colours:
    """A terminology with one value set of warm colours, and scarlet below red."""

    async def judge(self, asked: Any) -> list[Verdict]:
        return [Verdict(None if a.valueset != "urn:warm" else a.code in ("red", "scarlet")) for a in asked]

    async def members(self, valueset: str) -> list[tuple[str, str]]:
        return [("urn:c", "red"), ("urn:c", "scarlet")]

    async def related(self, system: str, code: str, direction: str) -> list[str]:
        assert direction == "above"
        return [code, "red"] if code == "scarlet" else [code]


BASIC = {
    "resourceType": "Basic",
    "code": {"coding": [{"system": "urn:c", "code": "scarlet"}, {"system": "urn:c", "code": "blue"}]},
    "subject": {"reference": "Patient/ada"},
    "author": {"reference": "Practitioner/secret"},
    "extension": [{"url": "urn:x", "valueCoding": {"system": "urn:c", "code": "red"}}],
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("code.memberOf('urn:warm')", True),
        ("code.coding[1].memberOf('urn:warm')", False),
        ("code.memberOf('urn:unknown')", None),
        ("extension.value.subsumes(%resource.code)", True),
        ("code.subsumedBy(extension.value)", True),
        ("code.subsumes(extension.value)", False),
        ("code.coding[1].subsumes(%resource.code.coding[1])", True),
        ("subject.resolve().name.family", "Okafor"),
        ("subject.resolve().generalPractitioner.resolve().name.family", "Amir"),
        ("author.resolve().id", None),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/Basic')", True),
        ("subject.elementDefinition().path", "Basic.subject"),
        ("code.coding.where(code = 'red').elementDefinition()", None),
        ("code.coding.first().elementDefinition().max", "*"),
        ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.matches('(a+)+b')", False),
    ],
)
async def test_questions_to_the_record_and_the_terminology(api: Any, expression: str, value: Any) -> None:
    api.record.terms = Colours()
    await api.put({**ADA, "generalPractitioner": [{"reference": "http://test/fhir/Practitioner/amir"}]})
    await api.put({"resourceType": "Practitioner", "id": "amir", "name": [{"family": "Amir"}]})
    found = await api.post("/$fhirpath", asked(expression=expression, resource=BASIC))
    (result,) = results(found)
    values = [v for part in result["part"] for key, v in part.items() if key.startswith("value")]
    assert values == ([] if value is None else [value]), found


async def test_resolve_reads_what_the_caller_may_read(api: Any) -> None:
    await api.put(ADA)
    await api.put({"resourceType": "Practitioner", "id": "secret"})
    body = asked(expressions=["subject.resolve().id", "author.resolve().id"], resource=BASIC)
    found = await api.post("/$fhirpath", body, who="patients")
    assert [len(one["part"]) for one in results(found)] == [1, 0]
    assert ("", "", ["ada"], 0) in await api.audited("$fhirpath")


async def test_slices_and_modifiers(api: Any) -> None:
    found = await api.post("/$fhirpath", asked(expression="code.coding.slice('urn:p', 's')", resource=BASIC))
    assert "unknown structure" in issues(found["parameter"][1]["resource"])[0][1]
    for url, name in (("urn:known", "result"), ("urn:other", "error")):
        resource = {"resourceType": "Basic", "modifierExtension": [{"url": "urn:known", "valueBoolean": True}]}
        found = await api.post("/$fhirpath", asked(expression=f"checkModifiers('{url}').id", resource=resource))
        assert found["parameter"][1]["name"] == name


@pytest.mark.parametrize(
    ("url", "body", "status", "said"),
    [
        ("/$fhirpath", asked(resource=ADA), 400, "expression is missing"),
        ("/$fhirpath", asked(expression="1"), 400, "resource is missing"),
        ("/Group/$fhirpath", asked(expression="1", resource=ADA), 400, "must be a Group"),
        ("/$fhirpath", asked(expression="x" * 20_000, resource=ADA), 400, "characters"),
        ("/$fhirpath", asked(expression="1", colour="red", resource=ADA), 400, "no parameter 'colour'"),
    ],
)
async def test_requests_that_do_not_fit(api: Any, url: str, body: Any, status: int, said: str) -> None:
    assert said in issues(await api.post(url, body, status=status))[0][1]


async def test_what_may_not_be_read_is_not_run_on(api: Any) -> None:
    await api.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True})
    await api.get("/Group/g/$fhirpath?expression=id", who="patients", status=403)
    await api.post("/$fhirpath", asked(expression="id", resource=ADA), who="patients")
