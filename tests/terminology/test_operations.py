"""The operations over HTTP: each way of asking, what they answer, and how they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from tests.terminology.conftest import COLOURS, Terminology, codes, colours, set_of, told

CODE = {"name": "code", "valueCode": "red"}
SYSTEM = {"name": "system", "valueUri": COLOURS}


def url(name: str) -> dict[str, Any]:
    return {"name": "url", "valueUri": f"http://example.org/set/{name}"}


def flag(name: str, value: bool = True) -> dict[str, Any]:
    return {"name": name, "valueBoolean": value}


def coding(code: str, system: str = COLOURS, **more: str) -> dict[str, Any]:
    return {"name": "coding", "valueCoding": {"system": system, "code": code, **more}}


def issues(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(severity, tx-issue-type, text) of an answer or an outcome."""
    outcome = answer if answer["resourceType"] == "OperationOutcome" else told(answer)["issues"]
    return [
        (i["severity"], i["details"].get("coding", [{"code": ""}])[0]["code"], i["details"]["text"])
        for i in outcome["issue"]
    ]


# --- $lookup ------------------------------------------------------------------------------------------------------


async def test_lookup_each_way(tx: Terminology) -> None:
    await tx.put(colours(id="c"))
    by_get = await tx.get(f"/CodeSystem/$lookup?system={COLOURS}&code=red&property=parent&property=child&property=warm")
    by_post = await tx.ask(
        "/CodeSystem/$lookup",
        SYSTEM,
        CODE,
        *({"name": "property", "valueCode": p} for p in ("parent", "child", "warm")),
    )
    by_id = await tx.get("/CodeSystem/c/$lookup?code=red&property=parent&property=child&property=warm")
    assert by_get == by_post == by_id
    found = told(by_get)
    assert (found["name"], found["version"], found["display"], found["abstract"]) == ("Colours", "1.0.0", "Red", False)
    properties = [
        {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in entry["part"]}
        for entry in by_get["parameter"]
        if entry["name"] == "property"
    ]
    assert {"code": "parent", "value": "colour", "description": "Colour"} in properties
    assert {"code": "child", "value": "pink", "description": "Pink colour"} in properties
    assert {"code": "warm", "value": True} in properties


async def test_lookup_in_another_language(tx: Terminology) -> None:
    await tx.put(colours())
    answer = await tx.client.get(
        f"/CodeSystem/$lookup?system={COLOURS}&code=red", headers={"accept-language": "de-CH, en;q=0.5"}
    )
    assert told(answer.json())["display"] == "Rot"


async def test_lookup_refuses(tx: Terminology) -> None:
    await tx.put(colours())
    outcome = await tx.get(f"/CodeSystem/$lookup?system={COLOURS}&code=green", 404)
    assert issues(outcome) == [
        ("error", "invalid-code", f"Unknown code 'green' in the CodeSystem '{COLOURS}' version '1.0.0'")
    ]
    outcome = await tx.get(f"/CodeSystem/$lookup?system={COLOURS}&version=9&code=red", 404)
    assert "Valid versions: 1.0.0" in issues(outcome)[0][2]
    await tx.get("/CodeSystem/$lookup?system=http://example.org/none&code=red", 404)
    await tx.get("/CodeSystem/$lookup?code=red", 400)
    await tx.get("/CodeSystem/nobody/$lookup?code=red", 404)


async def test_the_newest_version_unless_another_is_asked_for(tx: Terminology) -> None:
    await tx.put(colours("1.9.0"), colours("1.10.0", concept=[{"code": "red", "display": "RED!"}]))
    assert told(await tx.ask("/CodeSystem/$lookup", SYSTEM, CODE))["version"] == "1.10.0"
    old = await tx.ask("/CodeSystem/$lookup", SYSTEM, CODE, {"name": "version", "valueString": "1.9.x"})
    assert told(old)["display"] == "Red"


# --- $subsumes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("red", "red", "equivalent"),
        ("colour", "pink", "subsumes"),
        ("pink", "red", "subsumed-by"),
        ("pink", "blue", "not-subsumed"),
    ],
)
async def test_subsumes(tx: Terminology, a: str, b: str, expected: str) -> None:
    await tx.put(colours())
    answer = await tx.get(f"/CodeSystem/$subsumes?system={COLOURS}&codeA={a}&codeB={b}")
    assert told(answer) == {"outcome": expected}


async def test_subsumes_refuses(tx: Terminology) -> None:
    await tx.put(colours())
    await tx.get(f"/CodeSystem/$subsumes?system={COLOURS}&codeA=red", 400)
    await tx.get(f"/CodeSystem/$subsumes?system={COLOURS}&codeA=red&codeB=green", 404)


# --- $validate-code -----------------------------------------------------------------------------------------------


async def test_validate_in_a_system(tx: Terminology) -> None:
    await tx.put(colours(id="c"))
    right = told(await tx.get(f"/CodeSystem/$validate-code?url={COLOURS}&code=red&display=Red"))
    assert (right["result"], right["display"], right["version"]) == (True, "Red", "1.0.0")
    assert told(await tx.get("/CodeSystem/c/$validate-code?code=red"))["result"] is True
    wrong = await tx.get(f"/CodeSystem/$validate-code?url={COLOURS}&code=red&display=Rouge")
    assert told(wrong)["result"] is False
    assert issues(wrong)[0][:2] == ("error", "invalid-display")
    unknown = await tx.ask("/CodeSystem/$validate-code", coding("red", "http://example.org/none"))
    assert told(unknown)["x-unknown-system"] == "http://example.org/none"


async def test_validate_in_a_set(tx: Terminology) -> None:
    warm = {"system": COLOURS, "filter": [{"property": "warm", "op": "=", "value": "true"}]}
    await tx.put(colours(), set_of("warm", warm) | {"id": "warm"})
    assert told(await tx.ask("/ValueSet/$validate-code", url("warm"), coding("red")))["result"] is True
    assert told(await tx.get(f"/ValueSet/warm/$validate-code?system={COLOURS}&code=red"))["result"] is True
    outside = await tx.ask("/ValueSet/$validate-code", url("warm"), coding("blue", display="Blue"))
    assert told(outside)["result"] is False
    assert issues(outside) == [
        (
            "error",
            "not-in-vs",
            f"The provided code '{COLOURS}#blue ('Blue')' was not found in the value set 'http://example.org/set/warm|1'",
        )
    ]
    await tx.ask("/ValueSet/$validate-code", url("none"), coding("red"), status=404)
    await tx.ask("/ValueSet/$validate-code", url("warm"), status=400)


async def test_validate_several_codings(tx: Terminology) -> None:
    await tx.put(colours(), set_of("all", {"system": COLOURS}))
    concept = {"coding": [{"system": COLOURS, "code": "red"}, {"system": "http://example.org/other", "code": "x"}]}
    several = {"name": "codeableConcept", "valueCodeableConcept": concept}
    answer = await tx.ask("/ValueSet/$validate-code", url("all"), several)
    assert told(answer)["code"] == "red"
    assert ("information", "this-code-not-in-vs") in [i[:2] for i in issues(answer)]


async def test_inactive_abstract_and_inferred(tx: Terminology) -> None:
    await tx.put(colours(), set_of("all", {"system": COLOURS}), set_of("live", {"system": COLOURS}, inactive=False))
    retired = await tx.ask("/ValueSet/$validate-code", url("all"), coding("mauve"))
    assert (told(retired)["result"], told(retired)["inactive"], told(retired)["status"]) == (True, True, "retired")
    assert told(await tx.ask("/ValueSet/$validate-code", url("live"), coding("mauve")))["result"] is False
    refused = await tx.ask("/ValueSet/$validate-code", url("all"), coding("mauve"), flag("activeOnly"))
    assert told(refused)["result"] is False
    abstract = await tx.ask("/ValueSet/$validate-code", url("all"), coding("colour"), flag("abstract", False))
    assert ("error", "code-rule") in [i[:2] for i in issues(abstract)]
    inferred = await tx.ask("/ValueSet/$validate-code", url("all"), CODE, flag("inferSystem"))
    assert told(inferred)["system"] == COLOURS


async def test_a_code_in_the_wrong_case(tx: Terminology) -> None:
    await tx.put(colours(caseSensitive=False))
    answer = await tx.ask("/CodeSystem/$validate-code", coding("RED"))
    assert told(answer)["result"] is True
    assert told(answer)["normalized-code"] == "red"


async def test_an_enumerated_set_of_an_unknown_system_still_has_members(tx: Terminology) -> None:
    snomed = "http://snomed.info/sct"
    await tx.put(set_of("sct", {"system": snomed, "concept": [{"code": "22298006", "display": "Infarction"}]}))
    answer = await tx.ask("/ValueSet/$validate-code", url("sct"), coding("22298006", snomed))
    assert told(answer)["result"] is True
    assert told(await tx.ask("/ValueSet/$validate-code", url("sct"), coding("1", snomed)))["result"] is False
    assert codes(await tx.ask("/ValueSet/$expand", url("sct"))) == ["22298006"]


async def test_batch(tx: Terminology) -> None:
    await tx.put(colours(), set_of("all", {"system": COLOURS}))
    asked = [
        {"name": "validation", "resource": {"resourceType": "Parameters", "parameter": [coding(code)]}}
        for code in ("red", "green")
    ]
    bad = {"name": "validation", "resource": {"resourceType": "Parameters", "parameter": []}}
    answer = await tx.ask("/ValueSet/$batch-validate-code", url("all"), *asked, bad)
    found = [entry["resource"] for entry in answer["parameter"]]
    assert [told(f)["result"] for f in found[:2]] == [True, False]
    assert found[2]["resourceType"] == "OperationOutcome"


# --- $expand ------------------------------------------------------------------------------------------------------


FILTERS = [
    ({"property": "concept", "op": "is-a", "value": "red"}, ["red", "pink"]),
    ({"property": "concept", "op": "descendent-of", "value": "red"}, ["pink"]),
    ({"property": "concept", "op": "is-not-a", "value": "red"}, ["colour", "blue", "mauve"]),
    ({"property": "concept", "op": "generalizes", "value": "pink"}, ["colour", "pink", "red"]),
    ({"property": "concept", "op": "child-of", "value": "colour"}, ["red", "blue", "mauve"]),
    ({"property": "concept", "op": "descendent-leaf", "value": "colour"}, ["pink", "blue", "mauve"]),
    ({"property": "concept", "op": "in", "value": "red, blue"}, ["red", "blue"]),
    ({"property": "concept", "op": "not-in", "value": "red,blue"}, ["colour", "pink", "mauve"]),
    ({"property": "code", "op": "regex", "value": "[a-z]{4}"}, ["blue", "pink"]),
    ({"property": "display", "op": "regex", "value": ".*colour"}, ["pink"]),
    ({"property": "warm", "op": "=", "value": "false"}, ["blue"]),
    ({"property": "warm", "op": "exists", "value": "false"}, ["colour", "pink", "mauve"]),
    ({"property": "parent", "op": "=", "value": "red"}, ["pink"]),
    ({"property": "child", "op": "exists", "value": "true"}, ["colour", "red"]),
    ({"property": "status", "op": "=", "value": "retired"}, ["mauve"]),
]


@pytest.mark.parametrize(("rule", "expected"), FILTERS, ids=[f"{f['property']} {f['op']}" for f, _ in FILTERS])
async def test_filters(tx: Terminology, rule: dict[str, str], expected: list[str]) -> None:
    sent = {"name": "tx-resource", "resource": colours()}
    valueset = {"name": "valueSet", "resource": set_of("f", {"system": COLOURS, "filter": [rule]})}
    assert sorted(codes(await tx.ask("/ValueSet/$expand", valueset, sent))) == sorted(expected)


@pytest.mark.parametrize(
    "rule",
    [
        {"property": "concept", "op": "is-a"},
        {"property": "concept", "op": "like", "value": "x"},
        {"property": "code", "op": "regex", "value": "("},
    ],
)
async def test_filters_that_make_no_sense(tx: Terminology, rule: dict[str, str]) -> None:
    sent = {"name": "tx-resource", "resource": colours()}
    valueset = {"name": "valueSet", "resource": set_of("f", {"system": COLOURS, "filter": [rule]})}
    await tx.ask("/ValueSet/$expand", valueset, sent, status=400)


async def test_imports_and_excludes(tx: Terminology) -> None:
    everything = {"system": COLOURS}
    await tx.put(
        colours(),
        set_of("all", everything),
        set_of("some", {"system": COLOURS, "concept": [{"code": "blue"}, {"code": "red", "display": "my red"}]}),
        set_of("meet", {"valueSet": ["http://example.org/set/all", "http://example.org/set/some"]}),
        set_of("rest", everything, exclude=[{"valueSet": ["http://example.org/set/some"]}]),
        set_of("ring", {"valueSet": ["http://example.org/set/gnir"]}),
        set_of("gnir", {"valueSet": ["http://example.org/set/ring"]}),
    )
    meet = await tx.ask("/ValueSet/$expand", url("meet"))
    assert codes(meet) == ["blue", "red"]
    assert meet["expansion"]["contains"][1]["display"] == "my red"
    assert codes(await tx.ask("/ValueSet/$expand", url("rest"))) == ["colour", "pink", "mauve"]
    ring = await tx.ask("/ValueSet/$expand", url("ring"), status=422)
    assert "circularity" in issues(ring)[0][2]


async def test_pages_tree_filter_and_activity(tx: Terminology) -> None:
    await tx.put(colours(), set_of("all", {"system": COLOURS}) | {"id": "all"})
    page = await tx.get("/ValueSet/all/$expand?offset=1&count=2")
    assert (codes(page), page["expansion"]["total"], page["expansion"]["offset"]) == (["red", "pink"], 5, 1)
    none = await tx.get("/ValueSet/all/$expand?count=0")
    assert ("contains" in none["expansion"], none["expansion"]["total"]) == (False, 5)
    tree = await tx.get("/ValueSet/all/$expand?excludeNested=false")
    [root] = tree["expansion"]["contains"]
    assert [c["code"] for c in root["contains"]] == ["red", "blue", "mauve"]
    assert root["abstract"] is True
    assert root["contains"][0]["contains"][0]["code"] == "pink"
    assert codes(await tx.get("/ValueSet/all/$expand?filter=pin%20col")) == ["pink"]
    assert codes(await tx.get("/ValueSet/all/$expand?filter=rot")) == ["red"]
    assert codes(await tx.get("/ValueSet/all/$expand?activeOnly=true")) == ["colour", "red", "pink", "blue"]
    german = await tx.get("/ValueSet/all/$expand?displayLanguage=de&includeDesignations=true")
    red = german["expansion"]["contains"][1]
    assert (red["display"], red["designation"][0]["value"]) == ("Rot", "Red")
    await tx.get("/ValueSet/all/$expand?count=many", 400)
    await tx.get("/ValueSet/all/$expand?activeOnly=perhaps", 400)


async def test_too_costly(tx: Terminology) -> None:
    units = {"name": "url", "valueUri": "http://hl7.org/fhir/ValueSet/ucum-units"}
    grammar = await tx.ask("/ValueSet/$expand", units, status=422)
    assert grammar["issue"][0]["code"] == "too-costly"
    many = [{"code": f"c{n}"} for n in range(10_001)]
    await tx.put(colours(concept=many), set_of("all", {"system": COLOURS}))
    answer = await tx.ask("/ValueSet/$expand", url("all"), status=422)
    assert answer["issue"][0]["code"] == "too-costly"
    part = [{"name": "count", "valueInteger": 3}, {"name": "offset", "valueInteger": 9999}]
    page = await tx.ask("/ValueSet/$expand", url("all"), *part)
    assert codes(page) == ["c9999", "c10000"]


async def test_a_set_of_all_codes_is_implied(tx: Terminology) -> None:
    await tx.put(colours(valueSet="http://example.org/set/implied"))
    assert len(codes(await tx.ask("/ValueSet/$expand", url("implied")))) == 5
    below = {"name": "url", "valueUri": f"{COLOURS}?fhir_vs=isa/red"}
    assert codes(await tx.ask("/ValueSet/$expand", below)) == ["red", "pink"]


async def test_an_expansion_without_definition_is_a_list(tx: Terminology) -> None:
    stored = set_of("given") | {
        "expansion": {"timestamp": "2024-01-01", "contains": [{"system": COLOURS, "code": "red"}]}
    }
    del stored["compose"]
    await tx.put(colours(), stored)
    assert codes(await tx.ask("/ValueSet/$expand", url("given"))) == ["red"]
    assert told(await tx.ask("/ValueSet/$validate-code", url("given"), coding("blue")))["result"] is False


async def test_supplements(tx: Terminology) -> None:
    more = {
        "resourceType": "CodeSystem",
        "url": "http://example.org/more",
        "version": "3",
        "status": "active",
        "content": "supplement",
        "supplements": COLOURS,
        "concept": [{"code": "red", "designation": [{"language": "fr", "value": "Rouge"}]}],
    }
    await tx.put(colours(), more)
    french = {"name": "displayLanguage", "valueCode": "fr"}
    use = {"name": "useSupplement", "valueCanonical": "http://example.org/more"}
    assert told(await tx.ask("/CodeSystem/$lookup", SYSTEM, CODE, french))["display"] == "Red"
    found = told(await tx.ask("/CodeSystem/$lookup", SYSTEM, CODE, french, use))
    assert (found["display"], found["used-supplement"]) == ("Rouge", "http://example.org/more|3")
    await tx.ask("/CodeSystem/$lookup", SYSTEM, CODE, {**use, "valueCanonical": "http://example.org/no"}, status=422)


async def test_what_is_sent_along_is_not_remembered(tx: Terminology) -> None:
    sent = {"name": "tx-resource", "resource": colours()}
    assert told(await tx.ask("/CodeSystem/$lookup", SYSTEM, CODE, sent))["display"] == "Red"
    await tx.ask("/CodeSystem/$lookup", SYSTEM, CODE, status=404)


# --- $translate, $closure -----------------------------------------------------------------------------------------


def to_paint(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "ConceptMap",
        "url": "http://example.org/map/paint",
        "version": "1",
        "status": "active",
        "group": [
            {
                "source": COLOURS,
                "target": "http://example.org/paint",
                "element": [
                    {"code": "red", "target": [{"code": "P1", "equivalence": "wider"}]},
                    {"code": "blue", "target": [{"code": "P2", "equivalence": "disjoint", "comment": "no"}]},
                ],
                **changes,
            }
        ],
    }


async def test_translate(tx: Terminology) -> None:
    await tx.put(to_paint() | {"id": "paint"})
    answer = await tx.get(f"/ConceptMap/$translate?system={COLOURS}&code=red&targetsystem=http://example.org/paint")
    assert answer == await tx.get(f"/ConceptMap/paint/$translate?system={COLOURS}&code=red")
    assert told(answer)["result"] is True
    match = {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in told(answer)["match"]}
    assert match == {
        "equivalence": "wider",
        "concept": {"system": "http://example.org/paint", "code": "P1"},
        "source": "http://example.org/map/paint|1",
    }
    back = await tx.get("/ConceptMap/$translate?system=http://example.org/paint&code=P1&reverse=true")
    match = {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in told(back)["match"]}
    assert (match["equivalence"], match["concept"]["code"]) == ("narrower", "red")
    assert told(await tx.get(f"/ConceptMap/$translate?system={COLOURS}&code=blue"))["result"] is False
    assert told(await tx.get(f"/ConceptMap/$translate?system={COLOURS}&code=mauve"))["result"] is False
    await tx.get("/ConceptMap/$translate?url=http://example.org/map/none&code=red", 404)
    await tx.get("/ConceptMap/$translate", 400)


@pytest.mark.parametrize(
    ("unmapped", "expected"),
    [
        ({"mode": "provided"}, ("mauve", "equal")),
        ({"mode": "fixed", "code": "P0"}, ("P0", "relatedto")),
        ({"mode": "other-map", "url": "http://example.org/map/other"}, ("P9", "equivalent")),
    ],
)
async def test_what_is_unmapped(tx: Terminology, unmapped: dict[str, str], expected: tuple[str, str]) -> None:
    other = to_paint(element=[{"code": "mauve", "target": [{"code": "P9", "equivalence": "equivalent"}]}])
    await tx.put(to_paint(unmapped=unmapped), other | {"url": "http://example.org/map/other"})
    answer = await tx.get(f"/ConceptMap/$translate?url=http://example.org/map/paint&system={COLOURS}&code=mauve")
    match = {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in told(answer)["match"]}
    assert (match["concept"]["code"], match["equivalence"]) == expected


async def test_the_standards_own_maps(tx: Terminology) -> None:
    answer = await tx.get(
        "/ConceptMap/$translate?url=http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v2"
        "&system=http://hl7.org/fhir/administrative-gender&code=male"
    )
    assert told(answer)["result"] is True


async def test_closure(tx: Terminology) -> None:
    await tx.put(colours())
    name = {"name": "name", "valueString": "patients"}

    def concept(code: str) -> dict[str, Any]:
        return {"name": "concept", "valueCoding": {"system": COLOURS, "code": code}}

    def pairs(answer: dict[str, Any]) -> set[tuple[str, str]]:
        return {(e["code"], t["code"]) for g in answer.get("group", ()) for e in g["element"] for t in e["target"]}

    await tx.ask("/$closure", name, concept("red"), status=404)
    assert (await tx.ask("/$closure", name))["version"] == "0"
    first = await tx.ask("/$closure", name, concept("pink"), concept("blue"))
    assert (first["version"], pairs(first)) == ("1", set())
    second = await tx.ask("/$closure", name, concept("red"))
    assert (second["version"], pairs(second)) == ("2", {("pink", "red")})
    third = await tx.ask("/$closure", name, concept("colour"), concept("red"))
    assert pairs(third) == {("pink", "colour"), ("blue", "colour"), ("red", "colour")}
    again = await tx.ask("/$closure", name, {"name": "version", "valueString": "1"})
    assert pairs(again) == pairs(second) | pairs(third)
    await tx.ask("/$closure", name, concept("green"), status=404)
    assert (await tx.ask("/$closure", name))["version"] == "0"
    answer = await tx.client.get("/$closure?name=patients")
    assert answer.status_code == 400


# --- requests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": [{"valueCode": "red"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "coding", "valueString": "red"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "url", "valueCoding": {"code": "x"}}]},
    ],
)
async def test_a_request_that_is_none(tx: Terminology, body: dict[str, Any]) -> None:
    answer = await tx.client.post("/ValueSet/$validate-code", json=body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_odd_resources_end_in_no_error_of_ours(tx: Terminology) -> None:
    odd: list[dict[str, Any]] = [
        {"resourceType": "CodeSystem", "url": COLOURS, "concept": "none"},
        {"resourceType": "CodeSystem", "url": COLOURS, "concept": [{"code": 7}, "x", {"code": "a", "property": 1}]},
        {"resourceType": "CodeSystem", "url": COLOURS, "concept": [{"code": "a", "designation": [{"value": 3}]}]},
        {"resourceType": "ValueSet", "url": "http://example.org/set/all", "compose": {"include": [{"valueSet": "x"}]}},
        {"resourceType": "ValueSet", "url": "http://example.org/set/all", "compose": [1]},
        {"resourceType": "ValueSet", "url": 7, "compose": {"include": 3}},
        {"resourceType": "Patient"},
        {},
    ]
    for resource in odd:
        along = {"name": "tx-resource", "resource": resource}
        answer = await tx.client.post(
            "/ValueSet/$validate-code",
            json={"resourceType": "Parameters", "parameter": [url("all"), coding("red"), along]},
        )
        assert answer.status_code < 500, resource
        inline = {"name": "valueSet", "resource": resource}
        for path in ("/ValueSet/$expand", "/ValueSet/$validate-code"):
            answer = await tx.client.post(
                path, json={"resourceType": "Parameters", "parameter": [inline, coding("red"), along]}
            )
            assert answer.status_code < 500, (path, resource)


async def test_every_use_is_on_record(tx: Terminology) -> None:
    await tx.put(colours())
    await tx.ask("/CodeSystem/$lookup", SYSTEM, CODE)
    events = await tx.pool.fetchval("SELECT count(*) FROM audit_event WHERE event = '$lookup'")
    assert events == 1
