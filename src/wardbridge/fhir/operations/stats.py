"""`$stats`: statistics over the values of observations of one subject (R4 observation-operation-stats).

One Observation a code, a component a statistic. Values in several units are reckoned in their canonical UCUM unit;
where they have none in common the request is refused. Values of components count under their own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import loads
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.rest.access import check, filter_of, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter
from wardbridge.fhir.rest.parameters import Given, answered, given, parameters, row
from wardbridge.fhir.search.query import Query, Token
from wardbridge.fhir.search.units import UCUM
from wardbridge.fhir.store.statistics import Unit, moments, units

INPUTS = (
    Parameter("subject", "uri", 1, 1, "Whose observations, such as Patient/123"),
    Parameter("code", "string", 0, MANY, "Codes, of system"),
    Parameter("system", "uri", 0, 1, "The system of the codes"),
    Parameter("coding", "Coding", 0, MANY, "Codes with their systems"),
    Parameter("duration", "decimal", 0, 1, "The last so many hours"),
    Parameter("period", "Period", 0, 1, "The time that counts"),
    Parameter("statistic", "code", 1, MANY, "Which statistics; all for every one"),
    Parameter("include", "boolean", 0, 1, "Give the observations too"),
    Parameter("limit", "positiveInt", 0, 1, "At most so many of them"),
)
OUTPUTS = (
    Parameter("statistics", "Observation", 1, MANY, "One for each code"),
    Parameter("source", "Observation", 0, MANY, "What the statistics are based on, newest first"),
)
SYSTEM = "http://terminology.hl7.org/CodeSystem/observation-statistics"
MOST_CODES = 50
MOST_SOURCES = 1000

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Statistic:
    """How a statistic comes out of the moments. ``power`` of the unit: 1 as the values, 2 squared, 0 a bare number."""

    display: str
    reckon: Callable[[Found], Any]
    power: int = 1


def _quartile_deviation(m: Found) -> Any:
    return None if m["p75"] is None else (m["p75"] - m["p25"]) / 2


def _skew(m: Found) -> Any:
    """Fisher-Pearson g1 = (m3/n) / (m2/n)^1.5."""
    return (m["m3"] / m["count"]) / (m["m2"] / m["count"]) ** 1.5 if m["m2"] else None


def _kurtosis(m: Found) -> Any:
    """Pearson's, 3 for a normal distribution: (m4/n) / (m2/n)^2."""
    return (m["m4"] / m["count"]) / (m["m2"] / m["count"]) ** 2 if m["m2"] else None


STATISTICS: dict[str, Statistic] = {
    "average": Statistic("Average", lambda m: m["average"]),
    "maximum": Statistic("Maximum", lambda m: m["maximum"]),
    "minimum": Statistic("Minimum", lambda m: m["minimum"]),
    "count": Statistic("Count", lambda m: m["count"], 0),
    "total-count": Statistic("Total Count", lambda m: m["total"], 0),
    "median": Statistic("Median", lambda m: m["p50"]),
    "std-dev": Statistic("Standard Deviation", lambda m: m["deviation"]),
    "sum": Statistic("Sum", lambda m: m["sum"]),
    "variance": Statistic("Variance", lambda m: m["variance"], 2),
    "20-percent": Statistic("20th Percentile", lambda m: m["p20"]),
    "80-percent": Statistic("80th Percentile", lambda m: m["p80"]),
    "4-lower": Statistic("Lower Quartile", lambda m: m["p25"]),
    "4-upper": Statistic("Upper Quartile", lambda m: m["p75"]),
    "4-dev": Statistic("Quartile Deviation", _quartile_deviation),
    "5-1": Statistic("1st Quintile", lambda m: m["p20"]),
    "5-2": Statistic("2nd Quintile", lambda m: m["p40"]),
    "5-3": Statistic("3rd Quintile", lambda m: m["p60"]),
    "5-4": Statistic("4th Quintile", lambda m: m["p80"]),
    "skew": Statistic("Skew", _skew, 0),
    "kurtosis": Statistic("Kurtosis", _kurtosis, 0),
    "regression": Statistic("Regression", lambda m: m["slope"], -1),
}
"""R4 code system observation-statistics."""
ALIASES = {"max": "maximum", "min": "minimum"}
"""Names that the operation's own text uses."""


@dataclass(frozen=True)
class Stats:
    services: Services

    @property
    def operation(self) -> Operation:
        return Operation(
            "stats",
            "http://hl7.org/fhir/OperationDefinition/Observation-stats",
            self.perform,
            ("Observation",),
            type=True,
            inputs=INPUTS,
            outputs=OUTPUTS,
            about="Statistics over the values of observations",
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid, Forbidden, TooCostly."""
        extra = filter_of(check(self.services.decide, call, "search", "Observation"))
        asked = given(call, self.operation)
        wanted = _statistics(asked)
        codings = _codings(asked)
        pairs = [*self._criteria(asked), *extra]
        rows = [row("statistics", "Resource", await self._one(asked, c, pairs, wanted)) for c in codings]
        patients: dict[str, None] = {}
        subject = asked.one("subject")
        if subject.startswith("Patient/"):
            patients[subject.removeprefix("Patient/")] = None
        if asked.one("include"):
            tokens = ",".join(f"{c['system']}|{c['code']}" if c.get("system") else c["code"] for c in codings)
            limit = min(asked.one("limit", MOST_SOURCES), MOST_SOURCES)
            more = [("combo-code", tokens), ("_sort", "-date"), ("_count", str(limit)), ("_total", "none")]
            page = await self.services.repository.search(self._query([*pairs, *more]))
            rows += [row("source", "Resource", loads(one.body or b"{}")) for one in page.matches]
            patients |= dict.fromkeys(patients_of(*page.matches))
        return answered(parameters(rows), tuple(patients))

    def _query(self, pairs: list[tuple[str, str]]) -> Query:
        return self.services.record.query(["Observation"], pairs)

    def _criteria(self, asked: Given) -> list[tuple[str, str]]:
        """The observations that count: valid ones of the subject, in the time that was asked for."""
        pairs = [("subject", asked.one("subject")), ("status:not", "entered-in-error"), ("status:not", "cancelled")]
        if "duration" in asked:
            if "period" in asked:
                raise Invalid("duration and period exclude each other", "duration")
            hours = asked.one("duration")
            if not 0 < hours < 10_000_000:
                raise Invalid("duration must be a number of hours above 0", "duration")
            since = self.services.record.clock.now() - int(hours * 3_600_000_000)
            pairs.append(("date", f"ge{iso(since)}"))
        period = asked.one("period", {})
        if "start" in period:
            pairs.append(("date", f"ge{period['start']}"))
        if "end" in period:
            pairs.append(("date", f"le{period['end']}"))
        return pairs

    async def _one(
        self, asked: Given, coding: dict[str, str], pairs: list[tuple[str, str]], wanted: list[str]
    ) -> dict[str, Any]:
        record = self.services.record
        query, code = self._query(pairs), coding["code"]
        token = Token(coding.get("system") or None, code.casefold())
        found = await units(record.pool, record.numbers, query, token, record.search_seconds)
        unit, canonical = _common(found, code)
        about = await moments(record.pool, record.numbers, query, token, canonical, record.search_seconds)
        components = [part for name in wanted for part in _components(name, about.values, unit)]
        out: dict[str, Any] = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [coding]},
            "subject": {"reference": asked.one("subject")},
        }
        period = asked.one("period") or {}
        if about.first is not None and about.last is not None:
            period = {"start": iso(about.first), "end": iso(about.last), **period}
        if period:
            out["effectivePeriod"] = period
        return {**out, "component": components}


def _statistics(asked: Given) -> list[str]:
    names = [ALIASES.get(name, name) for name in asked.words("statistic")]
    for name in names:
        if name not in STATISTICS and name != "all":
            raise Invalid(f"statistic: {name[:40]!r} is none of {', '.join(STATISTICS)}", "statistic")
    return list(STATISTICS) if "all" in names else list(dict.fromkeys(names))


def _codings(asked: Given) -> list[dict[str, str]]:
    """Raises Invalid where no code is asked for, or too many."""
    out = []
    for text in asked.all("code"):
        system, bar, code = str(text).rpartition("|")
        system = system if bar else asked.one("system", "")
        out.append({**({"system": system} if system else {}), "code": code})
    for coding in asked.all("coding"):
        if not coding.get("code"):
            raise Invalid("coding needs a code", "coding")
        out.append({key: str(coding[key]) for key in ("system", "code", "display") if coding.get(key)})
    if not out:
        raise Invalid("code or coding is missing", "code")
    if len(out) > MOST_CODES:
        raise Invalid(f"at most {MOST_CODES} codes at a time", "code")
    return out


def _common(found: list[Unit], code: str) -> tuple[dict[str, str], bool]:
    """The unit of all values, and whether they must be taken in canonical form. Raises Invalid where there is none."""
    if len({(one.unit, one.code) for one in found}) <= 1:
        one = found[0] if found else Unit("", "", "", "", 0)
        named = {"unit": one.unit or one.code, "system": one.system, "code": one.code}
        return {key: text for key, text in named.items() if text}, False
    bases = {one.base for one in found}
    if len(bases) == 1 and "" not in bases:
        (base,) = bases
        return {"unit": base, "system": UCUM, "code": base}, True
    listed = ", ".join(f"{one.unit or one.code or 'none'} ({one.count})" for one in found[:6])
    raise Invalid(f"the values of {code} are in units that cannot be reckoned together: {listed}", "code")


def _components(name: str, values: Found, unit: dict[str, str]) -> list[dict[str, Any]]:
    statistic = STATISTICS[name]
    value = _plain(statistic.reckon(values))
    code = {"coding": [{"system": SYSTEM, "code": name, "display": statistic.display}]}
    if value is None:
        absent = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-applicable"}
        return [{"code": code, "dataAbsentReason": {"coding": [absent]}}]
    if name == "regression":
        gradient = {"value": value, **_powered(unit, -1)}
        start = {"value": _plain(values["intercept"]), **unit}
        return [
            {"code": {**code, "text": "gradient per hour"}, "valueQuantity": gradient},
            {"code": {**code, "text": "value at the start of the line"}, "valueQuantity": start},
        ]
    return [{"code": code, "valueQuantity": {"value": value, **_powered(unit, statistic.power)}}]


def _powered(unit: dict[str, str], power: int) -> dict[str, str]:
    if power == 1 or not unit:
        return unit
    if power == 0:
        return {}
    text, code = unit.get("unit", ""), unit.get("code", "")
    if power == 2:
        return {"unit": f"({text})2", **({"system": UCUM, "code": f"({code})2"} if unit.get("system") == UCUM else {})}
    return {"unit": f"({text})/h", **({"system": UCUM, "code": f"({code})/h"} if unit.get("system") == UCUM else {})}


def _plain(value: Any) -> Any:
    """A number with six decimals at most, without zeros at its end."""
    if value is None or isinstance(value, int):
        return value
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    if not exact.is_finite():
        return None
    short = round(exact, 6).normalize()
    return Decimal(f"{short:f}")
