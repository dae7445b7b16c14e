"""`$stats`: statistics over values, against Python's own."""

from __future__ import annotations

import statistics
from decimal import Decimal
from typing import Any

import pytest

from wardbridge.fhir.json import loads

from .conftest import issues, observation

VALUES = ["72.50", "80", "65", "101.25", "80", "77"]


@pytest.fixture
async def ward(api: Any) -> Any:
    await api.put({"resourceType": "Patient", "id": "ada"})
    for at, value in enumerate(VALUES):
        body = observation(f"hr{at}", effectiveDateTime=f"2026-01-01T0{at}:00:00Z")
        unit = '"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"'
        text = str(body).replace("'", '"')[:-1] + f', "valueQuantity":{{"value":{value},{unit}}}}}'
        answer = await api.client.put(f"/Observation/hr{at}", content=text)
        assert answer.status_code == 201, answer.text
    await api.put(observation("wrong", 999, status="entered-in-error", effectiveDateTime="2026-01-01T07:00:00Z"))
    await api.put(observation("other", 999, subject={"reference": "Patient/bo"}))
    return api


def read(answer: Any, at: int = 0) -> dict[str, Any]:
    """Statistic -> value (the first of the regression)."""
    rows = [row["resource"] for row in answer["parameter"] if row["name"] == "statistics"]
    out: dict[str, Any] = {}
    for component in rows[at]["component"]:
        code = component["code"]["coding"][0]["code"]
        out.setdefault(code, component.get("valueQuantity", {}).get("value"))
    return out


async def test_all_statistics(ward: Any) -> None:
    raw = await ward.client.get(
        "/Observation/$stats?subject=Patient/ada&code=8867-4&system=http://loinc.org&statistic=all"
    )
    assert raw.status_code == 200, raw.text
    found = read(loads(raw.content))
    values = [Decimal(value) for value in VALUES]
    quintiles = statistics.quantiles(values, n=5, method="inclusive")
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    line = statistics.linear_regression(range(6), [float(value) for value in values])
    mean = statistics.fmean(values)
    m2, m3, m4 = (sum((float(v) - mean) ** power for v in values) / 6 for power in (2, 3, 4))
    wanted = {
        "average": mean, "maximum": Decimal("101.25"), "minimum": 65, "count": 6, "total-count": 6,
        "median": statistics.median(values), "std-dev": statistics.stdev(values), "sum": sum(values),
        "variance": statistics.variance(values), "20-percent": quintiles[0], "80-percent": quintiles[3],
        "4-lower": quartiles[0], "4-upper": quartiles[2], "4-dev": (quartiles[2] - quartiles[0]) / 2,
        "5-1": quintiles[0], "5-2": quintiles[1], "5-3": quintiles[2], "5-4": quintiles[3],
        "skew": m3 / m2**1.5, "kurtosis": m4 / m2**2, "regression": line.slope,
    }  # fmt: skip
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert float(found[name]) == pytest.approx(float(value), abs=1e-5), name
    assert str(found["maximum"]) == "101.25"


async def test_the_answer_says_of_what_and_when(ward: Any) -> None:
    found = await ward.get(
        "/Observation/$stats?subject=Patient/ada&code=http://loinc.org|8867-4&statistic=max,regression"
    )
    (row,) = found["parameter"]
    resource = row["resource"]
    assert row["name"] == "statistics"
    assert resource["code"]["coding"] == [{"system": "http://loinc.org", "code": "8867-4"}]
    assert resource["subject"] == {"reference": "Patient/ada"}
    assert resource["effectivePeriod"] == {"start": "2026-01-01T00:00:00.000Z", "end": "2026-01-01T05:00:00.000Z"}
    top, gradient, start = resource["component"]
    assert top["valueQuantity"]["unit"] == "/min"
    assert top["code"]["coding"][0]["code"] == "maximum"
    assert gradient["valueQuantity"]["unit"] == "(/min)/h"
    assert gradient["code"]["text"] == "gradient per hour"
    line = statistics.linear_regression(range(6), [float(value) for value in VALUES])
    assert start["valueQuantity"]["value"] == pytest.approx(line.intercept, abs=1e-5)
    assert ("Observation", "", ["ada"], 0) in await ward.audited("$stats")


async def test_the_time_that_counts(ward: Any) -> None:
    rows = [
        {"name": "subject", "valueUri": "Patient/ada"},
        {"name": "coding", "valueCoding": {"system": "http://loinc.org", "code": "8867-4"}},
        {"name": "statistic", "valueCode": "count"},
        {"name": "statistic", "valueCode": "average"},
    ]
    period = {"name": "period", "valuePeriod": {"start": "2026-01-01T01:00:00Z", "end": "2026-01-01T02:00:00Z"}}
    found = read(await ward.post("/Observation/$stats", {"resourceType": "Parameters", "parameter": [*rows, period]}))
    assert found == {"count": 2, "average": 72.5}
    await ward.put(observation("now", 50, effectiveDateTime="2026-02-01T00:00:00Z"))
    target = 1_769_904_000_000_000 + 1_800_000_000  # half an hour after it
    await ward.clock.advance((target - ward.clock.now()) / 1e6)
    hour = {"name": "duration", "valueDecimal": 1}
    found = read(await ward.post("/Observation/$stats", {"resourceType": "Parameters", "parameter": [*rows, hour]}))
    assert found == {"count": 1, "average": 50}
    both = {"resourceType": "Parameters", "parameter": [*rows, hour, period]}
    assert "exclude" in issues(await ward.post("/Observation/$stats", both, status=400))[0][1]


async def test_values_of_components_and_the_sources(ward: Any) -> None:
    def side(code: str, value: int) -> dict[str, Any]:
        return {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "unit": "mm[Hg]"},
        }

    for at, (systolic, diastolic) in enumerate(((120, 80), (140, 90))):
        await ward.put(observation(f"bp{at}", component=[side("8480-6", systolic), side("8462-4", diastolic)],
                                   code={"text": "BP"}, effectiveDateTime=f"2026-01-0{at + 1}"))  # fmt: skip
    url = "/Observation/$stats?subject=Patient/ada&code=8480-6&code=8462-4&statistic=average&include=true&limit=1"
    found = await ward.get(url)
    assert read(found, 0) == {"average": 130}
    assert read(found, 1) == {"average": 85}
    assert [row["resource"]["id"] for row in found["parameter"] if row["name"] == "source"] == ["bp1"]


async def test_units_are_reckoned_together_where_they_can_be(ward: Any) -> None:
    def weight(id_: str, value: Any, unit: str, system: str = "http://unitsofmeasure.org") -> dict[str, Any]:
        quantity = {"value": value, "unit": unit, "system": system, "code": unit}
        return observation(id_, valueQuantity=quantity, code={"coding": [{"code": "w"}]})

    await ward.put(weight("kg", 70, "kg"))
    await ward.put(weight("g", 80000, "g"))
    url = "/Observation/$stats?subject=Patient/ada&code=w&statistic=average"
    resource = (await ward.get(url))["parameter"][0]["resource"]
    assert resource["component"][0]["valueQuantity"]["value"] == 75000
    assert resource["component"][0]["valueQuantity"]["code"] == "g"
    await ward.put(weight("stone", 11, "stone", "urn:local"))
    said = issues(await ward.get(url, status=400))[0][1]
    assert "stone (1)" in said
    assert "kg (1)" in said


async def test_nothing_to_reckon_with(ward: Any) -> None:
    found = await ward.get("/Observation/$stats?subject=Patient/ada&code=none&statistic=count,average,skew")
    components = found["parameter"][0]["resource"]["component"]
    assert components[0]["valueQuantity"] == {"value": 0}
    assert all("dataAbsentReason" in one for one in components[1:])
    single = read(await ward.get("/Observation/$stats?subject=Patient/bo&code=8867-4&statistic=std-dev,skew,median"))
    assert single == {"std-dev": None, "skew": None, "median": 999}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("code=a&statistic=count", "subject is missing"),
        ("subject=Patient/ada&statistic=count", "code or coding is missing"),
        ("subject=Patient/ada&code=a", "statistic is missing"),
        ("subject=Patient/ada&code=a&statistic=mood", "is none of"),
        ("subject=Patient/ada&code=a&statistic=count&duration=-1", "duration"),
        ("subject=Patient/ada&code=a&statistic=count&coding=x", "no primitive"),
        ("subject=Patient/ada&code=a&statistic=count&limit=0", "limit"),
    ],
)
async def test_requests_that_do_not_fit(ward: Any, query: str, said: str) -> None:
    assert said in issues(await ward.get(f"/Observation/$stats?{query}", status=400))[0][1]


async def test_it_needs_the_right_to_search_observations(ward: Any) -> None:
    await ward.get("/Observation/$stats?subject=Patient/ada&code=a&statistic=count", who="patients", status=403)
