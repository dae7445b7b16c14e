"""`$diff`: the patch that it gives makes the newer from the older."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.operations.difference import difference
from wardbridge.fhir.rest.patch.path_patch import path_patch, read_path_patch

from .conftest import issues


def patched(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    rows = difference(before, after)
    patch = loads(dumps({"resourceType": "Parameters", "parameter": rows}))
    return path_patch(copy.deepcopy(before), read_path_patch(patch)) if rows else before


OLD = {
    "resourceType": "Patient",
    "active": True,
    "birthDate": "1980",
    "_birthDate": {"extension": [{"url": "urn:a", "valueString": "x"}]},
    "name": [{"family": "A", "given": ["x", "y", "z"]}, {"family": "B"}],
    "contact": [{"name": {"family": "C"}, "telecom": [{"value": "1"}]}],
    "deceasedBoolean": False,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"active": False},
        {"active": None},
        {"birthDate": "1981"},
        {"_birthDate": None},
        {"gender": "male"},
        {"deceasedBoolean": None, "deceasedDateTime": "2020"},
        {"name": None},
        {"name": [{"family": "B"}]},
        {"name": [{"family": "B"}, {"family": "A", "given": ["x", "y", "z"]}]},
        {"name": [{"family": "A", "given": ["w", "x", "z", "q"]}, {"family": "B"}]},
        {"name": [{"family": "N"}, *OLD["name"], {"family": "M"}]},  # type: ignore[misc]
        {"telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}]},
        {"contact": [{"name": {"family": "C"}, "telecom": [{"value": "2"}, {"value": "1"}]}, {"gender": "male"}]},
        {"communication": [{"language": {"text": "de"}, "preferred": True}]},
        {"contained": [{"resourceType": "Group", "id": "g", "actual": True, "type": "person"}]},
        {"extension": [{"url": "urn:x", "extension": [{"url": "y", "valueBoolean": True}]}]},
    ],
)
def test_a_patch_makes_the_newer(changes: dict[str, Any]) -> None:
    after = {name: value for name, value in {**OLD, **changes}.items() if value is not None}
    assert patched(OLD, after) == after


names = st.fixed_dictionaries(
    {"family": st.sampled_from("ABC")},
    optional={
        "given": st.lists(st.sampled_from("xyz"), min_size=1, max_size=4),
        "use": st.sampled_from(["official", "usual"]),
        "period": st.fixed_dictionaries({"start": st.sampled_from(["2020", "2021-01"])}),
    },
)
patients = st.fixed_dictionaries(
    {"resourceType": st.just("Patient")},
    optional={
        "active": st.booleans(),
        "gender": st.sampled_from(["male", "female"]),
        "name": st.lists(names, min_size=1, max_size=5),
        "contact": st.lists(st.fixed_dictionaries({"name": names}), min_size=1, max_size=3),
        "multipleBirthInteger": st.integers(1, 3),
    },
)


@settings(deadline=None, max_examples=200)
@given(patients, patients)
def test_any_two_patients(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert patched(before, after) == after


def test_what_stays_is_not_touched() -> None:
    after = copy.deepcopy(OLD)
    after["name"][1]["family"] = "D"  # type: ignore[index]
    (row,) = difference(OLD, after)
    assert {part["name"]: part.get("valueString") or part.get("valueCode") for part in row["part"]} == {
        "type": "replace",
        "path": "Patient.name[1].family",
        "value": "D",
    }


async def test_versions_of_a_resource(api: Any) -> None:
    await api.put({"resourceType": "Patient", "id": "ada", "active": True})
    await api.put({"resourceType": "Patient", "id": "ada", "active": False})
    await api.put({"resourceType": "Patient", "id": "ada", "active": False, "gender": "female"})

    def paths(found: Any) -> list[str]:
        rows = found.get("parameter", ())
        return [next(p["valueString"] for p in row["part"] if p["name"] == "path") for row in rows]

    assert paths(await api.get("/Patient/ada/$diff")) == ["Patient"]
    assert paths(await api.get("/Patient/ada/$diff?fromVersion=1&toVersion=2")) == ["Patient.active"]
    assert sorted(paths(await api.get("/Patient/ada/$diff?fromVersion=1"))) == ["Patient", "Patient.active"]
    both = "/$diff?from=Patient/ada/_history/1&to=http://test/fhir/Patient/ada"
    assert sorted(paths(await api.get(both))) == ["Patient", "Patient.active"]
    assert any(path.startswith("Patient.meta") for path in paths(await api.get("/Patient/ada/$diff?includeMeta=true")))
    assert await api.get("/Patient/ada/$diff?fromVersion=2&toVersion=2") == {"resourceType": "Parameters"}
    assert ("Patient", "ada", ["ada"], 0) in await api.audited("$diff")


async def test_resources_that_are_sent(api: Any) -> None:
    rows = [
        {"name": "fromResource", "resource": {"resourceType": "Patient"}},
        {"name": "toResource", "resource": {"resourceType": "Patient", "active": True}},
    ]
    found = await api.post("/$diff", {"resourceType": "Parameters", "parameter": rows})
    assert len(found["parameter"]) == 1
    rows[1]["resource"] = {"resourceType": "Patient", "name": "A", "contact": ["B"]}
    found = await api.post("/$diff", {"resourceType": "Parameters", "parameter": rows}, status=400)
    assert "toResource: Patient.name" in issues(found)[0][1]
    rows[1]["resource"] = {"resourceType": "Group"}
    found = await api.post("/$diff", {"resourceType": "Parameters", "parameter": rows}, status=400)
    assert "cannot be compared" in issues(found)[0][1]


@pytest.mark.parametrize(
    ("url", "who", "status", "said"),
    [
        ("/$diff", "service", 400, "exactly one of from"),
        ("/$diff?from=Patient/ada", "service", 400, "exactly one of to"),
        ("/$diff?from=nonsense&to=Patient/ada", "service", 400, "from must be"),
        ("/$diff?from=Patient/ada/_history/x&to=Patient/ada", "service", 400, "names no version"),
        ("/Patient/ada/$diff?fromVersion=9", "service", 404, "no version 9"),
        ("/Patient/nobody/$diff", "service", 404, "does not exist"),
        ("/Group/g/$diff", "patients", 403, ""),
        ("/$diff?from=Group/g&to=Group/g", "patients", 403, ""),
    ],
)
async def test_requests_that_do_not_fit(api: Any, url: str, who: str, status: int, said: str) -> None:
    await api.put({"resourceType": "Patient", "id": "ada"})
    await api.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True})
    assert said in issues(await api.get(url, who=who, status=status))[0][1]
