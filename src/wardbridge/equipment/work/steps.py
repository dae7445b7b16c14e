"""Procedures: what is done step by step, and what a result of a step is worth; pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from wardbridge.core.clock import iso
from wardbridge.core.errors import Invalid
from wardbridge.equipment.work.values import KINDS

STEP_KINDS = ("check", "value", "text")
CHECKED = {"pass": "pass", "fail": "fail", "na": "none"}
CODES = "https://wardbridge.org/fhir/CodeSystem/maintenance-test"
_SIZE, _DIGITS = 4000, 30


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. A ``check`` passes or fails; a ``value`` is measured in ``unit`` (UCUM) and lies between ``low`` and
    ``high`` (either may be absent), with an instrument where ``instrument`` says so; a ``text`` is written down.

    ``code`` joins the same value over time and models, such as ``earth-resistance``."""

    step: str
    kind: str
    text: str
    code: str = ""
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    instrument: bool = False
    help: str = ""


class Procedure(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``procedure``: one version, never changed. For one model, for a class of models, or for any machine
    where both are ''. ``kind`` is that of the work."""

    procedure_id: str
    version: int
    name: str
    steps: tuple[Step, ...]
    minutes: int = 30
    kind: str = "maintenance"
    model_id: str = ""
    class_: str = msgspec.field(default="", name="class")
    tools: tuple[str, ...] = ()
    retired: bool = False
    by_id: str = ""
    by: str = ""
    at: int = 0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``measurement``: the result of a step. ``due`` is the calibration due date of the instrument then;
    ``override`` is why one out of calibration was used: the value stays marked."""

    measurement_id: str
    work_id: str
    device_id: str
    step: str
    name: str
    kind: str
    text: str
    verdict: str
    observation_id: str
    by_id: str
    by: str
    at: int
    code: str = ""
    number: Decimal | None = None
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    instrument_id: str | None = None
    due: int | None = None
    override: str = ""


def checked(procedure: Procedure) -> Procedure:
    """The procedure, if it can be followed. Raises Invalid with the step that cannot."""
    if not procedure.name.strip() or procedure.kind not in KINDS or not 1 <= procedure.minutes <= 10_000:
        raise Invalid("a procedure has a name, a kind of work and minutes from 1 to 10000", "procedure")
    if not procedure.steps or len(procedure.steps) > 200:
        raise Invalid("a procedure has 1 to 200 steps", "steps")
    seen: set[str] = set()
    for number, step in enumerate(procedure.steps, 1):
        where = f"step {number}"
        if not step.step or step.step in seen:
            raise Invalid("each step has an id of its own", where)
        if step.kind not in STEP_KINDS or not step.text.strip():
            raise Invalid(f"a step has a text and is one of: {', '.join(STEP_KINDS)}", where)
        if step.kind == "value" and not step.unit:
            raise Invalid("a measured value has a unit (UCUM, 1 for none)", where)
        if step.kind != "value" and (step.low is not None or step.high is not None or step.instrument):
            raise Invalid("only a measured value has limits and an instrument", where)
        if step.low is not None and step.high is not None and step.low > step.high:
            raise Invalid("the lower limit is above the upper one", where)
        seen.add(step.step)
    return procedure


def judge(step: Step, text: str) -> tuple[Decimal | None, str]:
    """The number of an answer to a step and its verdict (pass, fail, none). Limits are allowed values.

    Raises Invalid for what is no answer.
    """
    text = text.strip()
    if not text or len(text) > _SIZE:
        raise Invalid(f"an answer has 1 to {_SIZE} characters", step.step)
    if step.kind == "check":
        if text not in CHECKED:
            raise Invalid(f"the answer is one of: {', '.join(CHECKED)}", step.step)
        return None, CHECKED[text]
    if step.kind == "text":
        return None, "none"
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise Invalid("this is not a number", step.step) from None
    if not number.is_finite() or len(number.as_tuple().digits) > _DIGITS or abs(number) >= Decimal(10) ** 12:
        raise Invalid("this is not a number that an instrument shows", step.step)
    below = step.low is not None and number < step.low
    above = step.high is not None and number > step.high
    if step.low is None and step.high is None:
        return number, "none"
    return number, "fail" if below or above else "pass"


def observation(result: Result) -> dict[str, Any]:
    """The result as FHIR R4 Observation on the Device, with unit, limits and interpretation."""
    coding = [{"coding": [{"system": CODES, "code": result.code, "display": result.name}]}] if result.code else [{}]
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": result.observation_id,
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                  "code": "procedure"}]}],
        "code": coding[0] | {"text": result.name},
        "subject": {"reference": f"Device/{result.device_id}"},
        "effectiveDateTime": iso(result.at),
        "issued": iso(result.at),
        "performer": [{"display": result.by}],
    }  # fmt: skip
    if result.number is not None:
        found["valueQuantity"] = _quantity(result.number, result.unit)
        limits = {name: _quantity(limit, result.unit) for name, limit in (("low", result.low), ("high", result.high))
                  if limit is not None}  # fmt: skip
        if limits:
            found["referenceRange"] = [limits]
    else:
        found["valueString"] = result.text
    if result.verdict != "none":
        found["interpretation"] = [_interpretation(result)]
    if result.instrument_id:
        found["device"] = {"reference": f"Device/{result.instrument_id}"}
    if result.override:
        found["note"] = [{"text": f"Measured with an instrument out of calibration: {result.override}"}]
    return found


def _quantity(number: Decimal, unit: str) -> Mapping[str, Any]:
    return {"value": number, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def _interpretation(result: Result) -> dict[str, Any]:
    if result.verdict == "pass":
        code, display = "N", "Normal"
    elif result.number is not None and result.low is not None and result.number < result.low:
        code, display = "L", "Low"
    elif result.number is not None:
        code, display = "H", "High"
    else:
        code, display = "A", "Abnormal"
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    return {"coding": [{"system": system, "code": code, "display": display}]}
