"""ORU^R01 from FHIR Observations (HL7 v2.6 sections 7.3.1, 7.4.1 and 7.4.2).

One OBR for each Observation: OBR-3 is the Observation's id, and OBX-21 names each value, so that a
later correction finds what it corrects. LOINC comes first in OBX-3, MDC second; units are UCUM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

import msgspec

from wardbridge.core.clock import from_datetime
from wardbridge.exchange.codecs.hl7v2.build import Component, Field, Header, Rep, build, segment
from wardbridge.exchange.codecs.hl7v2.dtm import format_dtm
from wardbridge.exchange.feeds.person import authority, pid, pv1

Resource = Mapping[str, Any]

STATUS = {
    "registered": "I",
    "preliminary": "P",
    "final": "F",
    "amended": "C",
    "corrected": "C",
    "cancelled": "X",
    "entered-in-error": "W",
    "unknown": "U",
}
"""ObservationStatus to table 0085 (OBX-11)."""

DELETED = "D"
"""OBX-11 of an Observation that was deleted from the record."""

_REPORT = {"P": "P", "F": "F", "C": "C", "W": "C", "D": "C", "X": "X", "I": "I", "U": "R"}
"""OBX-11 to table 0123 (OBR-25)."""

_SYSTEMS = {
    "http://loinc.org": "LN",
    "urn:iso:std:iso:11073:10101": "MDC",
    "http://snomed.info/sct": "SCT",
    "http://unitsofmeasure.org": "UCUM",
}
"""Code systems to table 0396."""

_ORDER = ("LN", "MDC")


class Party(msgspec.Struct, frozen=True):
    """Who sends to whom: MSH-3 to MSH-6 as components (HD), MSH-15 and MSH-16, charset and version."""

    sending_app: tuple[str, ...] = ("WARDBRIDGE",)
    sending_facility: tuple[str, ...] = ()
    receiving_app: tuple[str, ...] = ()
    receiving_facility: tuple[str, ...] = ()
    accept_ack: str = ""
    application_ack: str = ""
    charset: str = "UNICODE UTF-8"
    version: str = "2.6"
    processing: str = "P"


class Result(msgspec.Struct, frozen=True):
    """One Observation with the Device that measured it. ``deleted``: the record has it no more."""

    observation: Resource
    device: Resource | None = None
    deleted: bool = False


def oru(
    party: Party,
    control: str,
    now: int,
    patient: Resource,
    results: Sequence[Result],
    *,
    encounter: Resource | None = None,
    place: tuple[str, ...] = (),
    zone: tzinfo = UTC,
) -> bytes:
    """The message. ``now`` (MSH-7) in µs since the epoch; times are written in ``zone`` with offset."""
    rows = [pid(patient), pv1(encounter, place)]
    for number, result in enumerate(results, 1):
        rows += _group(number, result, zone)
    return build(_header(party, control, now), rows, zone=zone)


def trial(party: Party, control: str, now: int, zone: tzinfo = UTC) -> bytes:
    """A message of processing id T (training) about nobody, to try a destination."""
    rows = [
        segment("PID", {1: "1", 3: ("TEST", "", "", "WARDBRIDGE", "U"), 5: ("Test", "Message")}),
        segment(
            "OBR",
            {1: "1", 3: (control, "WARDBRIDGE"), 4: ("TEST", "Test message", "L"), 7: format_dtm(now, zone), 25: "F"},
        ),
        segment(
            "OBX",
            {
                1: "1",
                2: "ST",
                3: ("TEST", "Test message", "L"),
                5: "Wardbridge test message",
                11: "F",
                14: format_dtm(now, zone),
            },
        ),
    ]
    return build(_header(msgspec.structs.replace(party, processing="T"), control, now), rows, zone=zone)


def _header(party: Party, control: str, now: int) -> Header:
    return Header(
        ("ORU", "R01", "ORU_R01"),
        control,
        now,
        party.version,
        party.sending_app,
        party.sending_facility,
        party.receiving_app,
        party.receiving_facility,
        party.processing,
        party.accept_ack,
        party.application_ack,
        charset=party.charset,
    )


def _group(number: int, result: Result, zone: tzinfo) -> Iterable[str]:
    observation = result.observation
    status = DELETED if result.deleted else STATUS.get(str(observation.get("status", "")), "U")
    ident = str(observation.get("id", ""))
    start, end = _times(observation, zone)
    yield segment(
        "OBR",
        {
            1: str(number),
            3: (ident, "WARDBRIDGE"),
            4: _coded(observation.get("code", {})),
            7: start,
            8: end,
            22: _moment(str(observation.get("issued", "")), zone),
            25: _REPORT[status],
        },
    )
    parts: list[Resource] = [dict(part) for part in observation.get("component", ())]
    if not parts or any(key.startswith("value") for key in observation):
        parts.insert(0, {key: value for key, value in observation.items() if key != "interpretation"})
    common = _codes(observation.get("interpretation", ()))
    for place, part in enumerate(parts, 1):
        kind, value, unit = _value(part)
        own = STATUS["cancelled"] if not kind and status in "PF" else status
        flags = (*_codes(part.get("interpretation", ())), *common)
        yield segment(
            "OBX",
            {
                1: str(place),
                2: kind,
                3: _coded(part.get("code", {})),
                4: str(number) if len(parts) == 1 else f"{number}.{place}",
                5: value,
                6: unit,
                7: _limits(part),
                8: Rep(flags) if flags else "",
                11: own,
                14: start,
                16: _person(observation),
                17: _method(observation),
                18: _device(result.device),
                19: _moment(str(observation.get("issued", "")), zone),
                20: _coded(observation.get("bodySite", {})),
                21: (f"{ident}.{place}" if len(parts) > 1 else ident, "WARDBRIDGE"),
            },
        )


def _value(part: Resource) -> tuple[str, Field, Field]:
    """OBX-2, OBX-5 and OBX-6; three empty ones where there is no value."""
    if (quantity := part.get("valueQuantity")) is not None and quantity.get("value") is not None:
        code = str(quantity.get("code", ""))
        system = _SYSTEMS.get(str(quantity.get("system", "")), "")
        unit: Field = (code, str(quantity.get("unit", "")), system) if code else str(quantity.get("unit", ""))
        text = decimal(quantity["value"])
        comparator = str(quantity.get("comparator", ""))
        return ("SN", (comparator, text), unit) if comparator else ("NM", text, unit)
    if (concept := part.get("valueCodeableConcept")) is not None:
        return "CWE", _coded(concept), ""
    for name in ("valueString", "valueBoolean", "valueInteger", "valueTime"):
        if (value := part.get(name)) is not None:
            if name == "valueInteger":
                return "NM", str(value), ""
            return "ST", str(value).lower() if isinstance(value, bool) else str(value), ""
    if (value := part.get("valueDateTime")) is not None:
        return "DTM", _moment(str(value), UTC), ""
    return "", "", ""


def decimal(value: Any) -> str:
    """A FHIR decimal with the digits that were written: 72.50 stays 72.50."""
    written = getattr(value, "text", None)
    if isinstance(written, str):
        return written
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _coded(concept: Resource) -> Field:
    """CWE: LOINC first, MDC second; a text alone where there is no code."""
    triples: list[tuple[str, str, str]] = []
    for coding in concept.get("coding", ()):
        system = str(coding.get("system", ""))
        if coding.get("code"):
            triples.append((str(coding["code"]), str(coding.get("display", "")), _SYSTEMS.get(system, system[:199])))
    triples.sort(key=lambda triple: _ORDER.index(triple[2]) if triple[2] in _ORDER else len(_ORDER))
    # One of each system: CWE has room for two.
    chosen = list({triple[2]: triple for triple in reversed(triples)}.values())[::-1][:2]
    text = str(concept.get("text", ""))
    if not chosen:
        return ("", text) if text else ""
    first = chosen[0] if chosen[0][1] or not text else (chosen[0][0], text, chosen[0][2])
    return (*first, *chosen[1]) if len(chosen) == 2 else first


def _codes(concepts: Iterable[Resource]) -> tuple[str, ...]:
    return tuple(
        str(coding["code"]) for concept in concepts for coding in concept.get("coding", ()) if coding.get("code")
    )


def _limits(part: Resource) -> str:
    for found in part.get("referenceRange", ()):
        low, high = (
            decimal(found[name]["value"]) if "value" in found.get(name, {}) else "" for name in ("low", "high")
        )
        if low or high:
            return f"{low}-{high}" if low and high else f">={low}" if low else f"<={high}"
        return str(found.get("text", ""))
    return ""


def _times(observation: Resource, zone: tzinfo) -> tuple[str, str]:
    period = observation.get("effectivePeriod", {})
    start = observation.get("effectiveDateTime") or observation.get("effectiveInstant") or period.get("start") or ""
    return _moment(str(start), zone), _moment(str(period.get("end", "")), zone)


def _moment(text: str, zone: tzinfo) -> str:
    """A FHIR dateTime as DTM in ``zone``; a date without time stays a date."""
    if "T" not in text:
        return text.replace("-", "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return format_dtm(from_datetime(moment), zone, "fraction" if moment.microsecond else "second")


def _device(device: Resource | None) -> tuple[Component, ...] | str:
    """OBX-18 (EI): the device's first identifier, as EUI-64 where it is one."""
    if device is None:
        return ""
    for identifier in device.get("identifier", ()):
        if identifier.get("value"):
            system = str(identifier.get("system", ""))
            if system == "urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680":
                return str(identifier["value"]), "", str(identifier["value"]).replace("-", ""), "EUI-64"
            marks = authority(system)
            name, universal, kind = (*marks, "", "")[:3] if isinstance(marks, tuple) else (marks, "", "")
            return str(identifier["value"]), name, universal, kind
    return str(device.get("id", "")), "WARDBRIDGE"


def _method(observation: Resource) -> Field:
    return _coded(observation.get("method", {}))


def _person(observation: Resource) -> Field:
    for performer in observation.get("performer", ()):
        reference = str(performer.get("reference", ""))
        if reference.startswith(("Practitioner/", "PractitionerRole/")):
            return reference.split("/")[1], str(performer.get("display", ""))
    return ""
