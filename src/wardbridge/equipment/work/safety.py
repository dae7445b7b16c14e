"""Electrical safety: which tests a machine needs with which limits, and where its values are heading; pure.

The tests follow IEC 62353; the limits are data (``safety.toml``, a site's own before them) to be checked against the
edition that a site works to.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Invalid
from wardbridge.equipment.work.steps import Procedure, Result, Step

CLASSES, PARTS, CORDS, METHODS = (
    ("I", "II"),
    ("none", "B", "BF", "CF"),
    ("fixed", "detachable"),
    ("direct", "alternative"),
)
YEAR = 365.25 * DAY
NEAR = Decimal("0.5")
"""A value that rises and has used this share of its limit is worth a look."""
RISE = Decimal("0.3")
"""So is one that has risen by this share of its limit since the machine's first measurement."""
SiteLimit = tuple[str, str, str, Decimal | None, Decimal | None, str, str]


@cache
def table() -> dict[str, Any]:
    """The shipped tests and limits."""
    return tomllib.loads(Path(__file__).with_name("safety.toml").read_text("utf-8"))


def steps_for(class_: str, part: str, cord: str = "fixed", method: str = "direct",
          own: Iterable[SiteLimit] = ()) -> tuple[Step, ...]:  # fmt: skip
    """The measured steps for a machine of protection ``class_`` (I, II), applied ``part`` (none, B, BF, CF), ``cord``
    (fixed, detachable) and leakage ``method`` (direct, alternative). Raises Invalid for another."""
    given = ((class_, CLASSES), (part, PARTS), (cord, CORDS), (method, METHODS))
    for value, allowed in given:
        if value not in allowed:
            raise Invalid(f"{value or 'nothing'} is not one of: {', '.join(allowed)}", "protection")
    site = {(code, of_class, of_part): (low, high, unit) for code, of_class, of_part, low, high, unit, _ in own}
    found = []
    for test in table()["test"]:
        code = test["code"]
        if test.get("class", class_) != class_ or test.get("cord", cord) != cord:
            continue
        if test.get("applied") and part == "none":
            continue
        if code.startswith("equipment-leakage") and not code.endswith(method):
            continue
        facts = {"class": class_, "part": part, "cord": cord}
        limit = next((one for one in test["limits"] if all(one.get(k, v) == v for k, v in facts.items())), None)
        of_site = next((site[key] for key in ((code, class_, part), (code, class_, "*"), (code, "*", part),
                                              (code, "*", "*")) if key in site), None)  # fmt: skip
        if of_site is not None:
            low, high, unit = of_site
        elif limit is not None:
            low, high = (Decimal(limit[name]) if name in limit else None for name in ("low", "high"))
            unit = test["unit"]
        else:
            continue
        found.append(
            Step(step=code, kind="value", text=test["text"], code=code, unit=unit, low=low, high=high, instrument=True)
        )
    return tuple(found)


def procedure(procedure_id: str, name: str, class_: str, part: str, cord: str, method: str,
              own: Iterable[SiteLimit] = (), model_id: str = "") -> Procedure:  # fmt: skip
    """The whole recurrent test: look at it, measure, try what it does (IEC 62353, clauses on the order of tests)."""
    look = Step(step="visual", kind="check", text="Visual inspection: enclosure, cord, plugs, labels, applied parts")
    works = Step(step="function", kind="check", text="Functional test after the manufacturer's documents")
    return Procedure(
        procedure_id=procedure_id, version=0, name=name, kind="inspection", minutes=30, model_id=model_id,
        tools=("safety analyser",), steps=(look, *steps_for(class_, part, cord, method, own), works),
    )  # fmt: skip


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Where one value of one machine is heading: ``slope`` in units a year (least squares), ``share`` of the limit that
    is used up (1 is the limit), ``reaches`` (µs) when it meets the limit if it goes on so. ``warning`` is '' or why."""

    code: str
    name: str
    unit: str
    points: tuple[tuple[int, Decimal], ...]
    low: Decimal | None
    high: Decimal | None
    slope: float
    share: Decimal | None
    reaches: int | None
    warning: str


def trends(results: Sequence[Result]) -> list[Trend]:
    """The trend of each value that has a code, of results of one machine in order of time."""
    series: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        if one.code and one.number is not None:
            series.setdefault((one.code, one.unit), []).append(one)
    return [trend(found) for found in series.values()]


def trend(results: Sequence[Result]) -> Trend:
    """The trend of results of one value in one unit, oldest first, judged by the newest limit."""
    last, first = results[-1], results[0]
    points = tuple((one.at, one.number) for one in results if one.number is not None)
    slope = _slope(points)
    limit, worse = (last.high, 1) if last.high is not None else (last.low, -1)
    share = reaches = None
    warning = ""
    if limit is not None and limit > 0 and last.number is not None and first.number is not None:
        if worse > 0:
            share = last.number / limit
        else:
            share = limit / last.number if last.number > 0 else Decimal(99)
        towards = slope * worse > 0 and len(points) > 1
        if towards:
            left = float((limit - last.number) * worse)
            reaches = last.at + round(left / abs(slope) * YEAR) if 0 < left < abs(slope) * 100 else None
        moved = (last.number - first.number) * worse
        if share > 1:
            warning = "beyond the limit"
        elif towards and share > NEAR:
            warning = f"heading for the limit, {share * 100:.0f} % of it used"
        elif len(points) > 1 and moved > RISE * limit:
            warning = f"worse by {moved:g} {last.unit} since the first measurement"
    return Trend(code=last.code, name=last.name, unit=last.unit, points=points, low=last.low, high=last.high,
                 slope=slope, share=share, reaches=reaches, warning=warning)  # fmt: skip


def _slope(points: Sequence[tuple[int, Decimal]]) -> float:
    """Units a year by least squares; 0 for fewer than two moments."""
    if len({at for at, _ in points}) < 2:
        return 0.0
    start = points[0][0]
    xs = [(at - start) / YEAR for at, _ in points]
    ys = [float(value) for _, value in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
