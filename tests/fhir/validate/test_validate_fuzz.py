"""Whatever JSON comes: issues, never an exception; and no mutation hides the fault it makes."""

from __future__ import annotations

import copy
import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.validate import operation_outcome, validate
from wardbridge.fhir.validate.options import STRICT

SEEDS: list[dict[str, Any]] = [
    loads(text)
    for text in (
        b'{"resourceType":"Patient","id":"p","name":[{"use":"official","family":"a","given":["b","c"],"_given":[null,'
        b'{"extension":[{"url":"u:x","valueCode":"d"}]}]}],"gender":"female","birthDate":"1980-02-29","contact":[{"name":'
        b'{"text":"x"},"period":{"start":"2020","end":"2021-01-01"}}],"contained":[{"resourceType":"Organization","id":"o",'
        b'"name":"n"}],"managingOrganization":{"reference":"#o"},"multipleBirthInteger":2}',
        b'{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-2"}]},'
        b'"effectivePeriod":{"start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00+01:00"},"component":[{"code":{"text":'
        b'"a"},"valueQuantity":{"value":1.50,"system":"http://unitsofmeasure.org","code":"mg"}}],"referenceRange":[{"low":'
        b'{"value":1},"high":{"value":2}}],"subject":{"reference":"Patient/1"}}',
        b'{"resourceType":"Bundle","type":"document","identifier":{"system":"u:x","value":"1"},"timestamp":'
        b'"2026-01-01T00:00:00Z","link":[{"relation":"self","url":"u:x"}],"entry":[{"fullUrl":"http://x/Composition/c",'
        b'"resource":{"resourceType":"Composition","id":"c","status":"final","type":{"text":"t"},"date":"2026","author":'
        b'[{"reference":"Patient/p"}],"title":"t","section":[{"title":"s","entry":[{"reference":"Patient/p/_history/1"}]}]}},'
        b'{"fullUrl":"http://x/Patient/p","resource":{"resourceType":"Patient","id":"p","meta":{"versionId":"1"}}}]}',
        b'{"resourceType":"CodeSystem","status":"draft","content":"complete","property":[{"code":"a","type":"string"}],'
        b'"concept":[{"code":"x","property":[{"code":"a","valueString":"s"}],"concept":[{"code":"y"}]}],"text":{"status":'
        b'"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">x &copy; <b>y</b></div>"}}',
        b'{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"choice","answerOption":[{"valueCoding":'
        b'{"code":"a"}}],"enableWhen":[{"question":"1","operator":"=","answerBoolean":true}],"item":[{"linkId":"2","type":'
        b'"string","maxLength":5}]}]}',
        b'{"resourceType":"StructureDefinition","url":"u:x","name":"X","status":"draft","kind":"resource","abstract":false,'
        b'"type":"Patient","derivation":"constraint","baseDefinition":"u:y","differential":{"element":[{"id":"Patient","path":'
        b'"Patient","min":0,"max":"*"}]}}',
    )
]
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    2**70,
    Decimal("1.50"),
    Decimal("1E+999999"),
    1.5,
    float("nan"),
    "",
    " ",
    "x",
    "#",
    "#o",
    "\x00",
    "2026-02-30",
    "<div>",
    "urn:uuid:x",
    "http://x/Patient/p",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"id": "x"},
    {"resourceType": "Patient"},
    {"resourceType": 5},
    {"reference": "#o"},
    {"extension": [{"url": "u:x"}]},
    {"extension": 5},
    [{"value": "x"}],
    "\ud800",
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def mutated(seed: dict[str, Any], dice: random.Random, times: int) -> dict[str, Any]:
    resource = copy.deepcopy(seed)
    for _ in range(times):
        spots = places(resource)
        if not spots:
            break
        path = dice.choice(spots)
        holder: Any = resource
        for key in path[:-1]:
            holder = holder[key]
        match dice.randrange(5):
            case 0:
                del holder[path[-1]]
            case 1 | 2:
                holder[path[-1]] = copy.deepcopy(dice.choice(ODD))
            case 3 if isinstance(holder, dict):
                holder[dice.choice(["_", "value", "extension", "x", ""]) + str(path[-1])] = copy.deepcopy(
                    dice.choice(ODD)
                )
            case _:
                holder[path[-1]] = [holder[path[-1]]]
    return resource


STRICTEST = msgspec.structs.replace(STRICT, html=True, exists=True, examples=False)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(range(len(SEEDS))), st.integers(1, 5))
def test_mutations_give_issues_never_exceptions(number: int, seed: int, times: int) -> None:
    resource = mutated(SEEDS[seed], random.Random(number), times)
    issues = validate(resource)
    outcome = operation_outcome(issues)
    assert validate(outcome) == [i for i in validate(outcome) if i.severity == "warning"]
    # Finding the same twice shows that nothing is remembered from the first time.
    assert validate(resource) == issues
    # Every further check must take anything as well.
    assert len(validate(resource, STRICTEST)) >= len(issues)


_JSON = st.recursive(
    st.sampled_from([o for o in ODD if not isinstance(o, dict | list)]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "id", "name", "status", "code", "_status", "entry", "resource", "x"]),
            inner,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(_JSON, st.sampled_from(["Patient", "Bundle", "Observation", "Parameters", "Binary"]))
def test_any_json_gives_issues(value: Any, kind: str) -> None:
    validate(value)
    if isinstance(value, dict):
        validate(value | {"resourceType": kind})


@pytest.mark.parametrize("seed", SEEDS, ids=lambda r: r["resourceType"])
def test_the_seeds_are_sound(seed: dict[str, Any]) -> None:
    assert [i for i in validate(seed) if i.severity == "error"] == []
    assert loads(dumps(seed)) == seed


@pytest.mark.parametrize("seed", SEEDS, ids=lambda r: r["resourceType"])
def test_an_unknown_element_is_found_wherever_it_stands(seed: dict[str, Any]) -> None:
    for path in [(), *places(seed)]:
        resource = copy.deepcopy(seed)
        target: Any = resource
        for key in path:
            target = target[key]
        if isinstance(target, dict):
            target["notAnElement"] = "x"
            found = [i.expression for i in validate(resource) if i.code == "structure"]
            assert [e for e in found if e.endswith("notAnElement")], path
