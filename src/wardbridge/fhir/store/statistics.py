"""Statistics over the values of observations, reckoned by the database from the index (R4 observation-operation-stats).

Exact: numeric arithmetic over all values, none is read into memory. A value with a comparator (`<5`) is no number and
is counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.search.query import Query, Token
from wardbridge.fhir.store import conditions
from wardbridge.fhir.store.conditions import Arguments
from wardbridge.fhir.store.lastn import ask
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.where import Where

VALUES = "combo-code-value-quantity"
"""The composite parameter whose rows hold every value beside its code, those of components included."""


@dataclass(frozen=True)
class Unit:
    """A unit that values have: as written, and its canonical form where it is known. ``count`` of values in it."""

    unit: str
    system: str
    code: str
    base: str
    count: int


@dataclass(frozen=True)
class Moments:
    """``values`` by name; None where there are too few. ``first``, ``last``: when, in µs.

    ``slope`` is per hour, ``intercept`` the value of that line at ``first``; ``m2`` to ``m4`` are sums of powers of the
    distance from the mean.
    """

    values: dict[str, Decimal | float | None]
    first: int | None
    last: int | None


_PERCENTILES = {"20": 0.2, "25": 0.25, "40": 0.4, "50": 0.5, "60": 0.6, "75": 0.75, "80": 0.8}


def _rows(numbers: Numbers, query: Query, token: Token, a: Arguments) -> str:
    """``FROM ... WHERE``: the values (alias x) of one code in the observations of a query (alias r)."""
    source, where = Where(numbers, a).resources(query.clauses, query.types, "r")
    parameter = a.add(numbers.parameters(("Observation",), VALUES), "smallint[]")
    coded = conditions.tokens([token], a)
    return (
        f"FROM (SELECT r.key FROM {source} WHERE {' AND '.join(where)}) r JOIN fhir_composite x ON x.key = r.key "
        f"AND x.parameter = ANY({parameter}) AND {coded}"
    )


async def units(db: Connection | Pool, numbers: Numbers, query: Query, token: Token, seconds: float) -> list[Unit]:
    """The units of the values, the most frequent first. Raises TooCostly."""
    a = Arguments()
    text = f"""SELECT coalesce(x.unit, '') AS unit, coalesce(x.system2, '') AS system, coalesce(x.code2, '') AS code,
        coalesce(x.base_unit, '') AS base, count(*) AS n {_rows(numbers, query, token, a)}
        GROUP BY 1, 2, 3, 4 ORDER BY n DESC, 1, 2, 3"""
    rows = await ask(db, text, a.values, seconds)
    return [Unit(r["unit"], r["system"], r["code"], r["base"], r["n"]) for r in rows]


async def moments(
    db: Connection | Pool, numbers: Numbers, query: Query, token: Token, canonical: bool, seconds: float
) -> Moments:
    """Over the values as written, or (``canonical``) in the canonical unit. Raises TooCostly."""
    a = Arguments()
    low, high = ("x.base_low", "x.base_high") if canonical else ("x.low", "x.high")
    rows = _rows(numbers, query, token, a)
    date = a.add(numbers.parameters(("Observation",), "date"), "smallint[]")
    shares = a.add(list(_PERCENTILES.values()), "double precision[]")
    text = f"""
        WITH v AS (SELECT CASE WHEN {low} = {high} THEN {low} END AS v,
            (SELECT max(d.low) FROM fhir_date d WHERE d.key = r.key AND d.parameter = ANY({date})) AS at {rows}),
        m AS (SELECT avg(v) AS mean, min(at)::double precision AS start FROM v)
        SELECT count(*) AS total, count(v) AS count, sum(v) AS sum, avg(v) AS average, min(v) AS minimum,
            max(v) AS maximum, var_samp(v) AS variance, stddev_samp(v) AS deviation,
            sum((v - mean)::double precision ^ 2) AS m2, sum((v - mean)::double precision ^ 3) AS m3,
            sum((v - mean)::double precision ^ 4) AS m4,
            percentile_cont({shares}) WITHIN GROUP (ORDER BY v::double precision) AS percentiles,
            regr_slope(v::double precision, (at - start) / 3600e6) AS slope,
            regr_intercept(v::double precision, (at - start) / 3600e6) AS intercept,
            min(at) AS first, max(at) AS last
        FROM v, m"""
    (row,) = await ask(db, text, a.values, seconds)
    percentiles: Sequence[float | None] = row["percentiles"] or [None] * len(_PERCENTILES)
    names = (
        "total",
        "count",
        "sum",
        "average",
        "minimum",
        "maximum",
        "variance",
        "deviation",
        "m2",
        "m3",
        "m4",
        "slope",
        "intercept",
    )
    found: dict[str, Any] = {name: row[name] for name in names}
    found |= {f"p{name}": value for name, value in zip(_PERCENTILES, percentiles, strict=True)}
    return Moments(found, row["first"], row["last"])
