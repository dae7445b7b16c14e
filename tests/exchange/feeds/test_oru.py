"""ORU^R01 from Observations, read back with hl7, a parser that we did not write."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import hl7
import pytest

from wardbridge.core.clock import SECOND
from wardbridge.exchange.feeds.oru import Party, Result, oru, trial
from wardbridge.exchange.feeds.person import patient_ids, pid, place, pv1
from wardbridge.fhir import json

NOW = 1_767_225_600 * SECOND
BERLIN = ZoneInfo("Europe/Berlin")
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {
            "system": "urn:oid:1.2.3",
            "value": "4711",
            "assigner": {"display": "KLINIK"},
            "type": {"coding": [{"code": "MR"}]},
        },
        {"system": "https://his.example/mrn", "value": "A^1"},
        {"use": "old", "value": "0"},
    ],
    "name": [
        {"use": "nickname", "given": ["Bo"]},
        {"use": "official", "family": "Doe|Smith", "given": ["Jané", "Q", "R"], "prefix": ["Dr"]},
    ],
    "birthDate": "1960-02-29",
    "gender": "female",
}
DEVICE = {"resourceType": "Device", "id": "d1", "identifier": [{"system": "urn:wardbridge:key", "value": "0030470A"}]}


def observation(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {
            "coding": [
                {"system": "urn:iso:std:iso:11073:10101", "code": "147842", "display": "MDC_ECG_HEART_RATE"},
                {"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"},
            ],
            "text": "Heart rate",
        },
        "effectiveDateTime": "2026-01-01T00:00:00.250Z",
        "valueQuantity": {
            "value": json.number("72.50"),
            "unit": "/min",
            "system": "http://unitsofmeasure.org",
            "code": "/min",
        },
        **more,
    }


def read(*observations: dict[str, Any], **more: Any) -> Any:
    results = [Result(one, DEVICE) for one in observations]
    return hl7.parse(oru(Party(accept_ack="AL", application_ack="NE"), "WB1", NOW, PATIENT, results, **more).decode())


def obx(**changes: Any) -> Any:
    one = observation(**changes)
    return read({name: value for name, value in one.items() if value is not None}).segment("OBX")


def test_a_whole_message() -> None:
    message = read(
        observation(),
        zone=BERLIN,
        place=("ICU", "2", "7"),
        encounter={"class": {"code": "IMP"}, "identifier": [{"value": "V9"}]},
    )
    assert [str(row[0]) for row in message] == ["MSH", "PID", "PV1", "OBR", "OBX"]
    msh = message.segment("MSH")
    assert [str(msh[n]) for n in (7, 9, 10, 12, 15, 16, 18)] == [
        "20260101010000+0100",
        "ORU^R01^ORU_R01",
        "WB1",
        "2.6",
        "AL",
        "NE",
        "UNICODE UTF-8",
    ]
    assert str(message.segment("PV1")) == "PV1|1|I|ICU^2^7||||||||||||||||V9"
    row = message.segment("OBX")
    assert [str(row[n]) for n in range(1, 12)] == [
        "1",
        "NM",
        "8867-4^Heart rate^LN^147842^MDC_ECG_HEART_RATE^MDC",
        "1",
        "72.50",
        "/min^/min^UCUM",
        "",
        "",
        "",
        "",
        "F",
    ]
    assert str(row[14]) == "20260101010000.250+0100"
    assert str(row[18]).startswith("0030470A^")
    assert str(row[21]) == "o1^WARDBRIDGE"
    assert str(message.segment("OBR")[3]) == "o1^WARDBRIDGE"


def test_the_patient_segment_escapes_and_orders() -> None:
    row = hl7.parse("MSH|^~\\&|\r" + pid(PATIENT)).segment("PID")
    assert str(row[3]) == "4711^^^KLINIK&1.2.3&ISO^MR~A\\S\\1^^^&https://his.example/mrn&URI"
    assert str(row[5]) == "Doe\\F\\Smith^Jané^Q R^^Dr^^L~^Bo^^^^^N"
    assert (str(row[7]), str(row[8])) == ("19600229", "F")
    assert patient_ids(PATIENT) == ("4711", "A^1", "0", "p1")
    assert pid({}) == "PID|1"
    assert pv1(None) == "PV1|1|U"
    assert place({"name": "ICU 7", "identifier": [{"value": "ICU^^7"}]}) == ("ICU", "", "7")
    assert (place({"name": "ICU 7"}), place(None)) == (("ICU 7",), ())


@pytest.mark.parametrize(
    ("status", "code", "report"),
    [
        ("final", "F", "F"),
        ("preliminary", "P", "P"),
        ("amended", "C", "C"),
        ("corrected", "C", "C"),
        ("entered-in-error", "W", "C"),
        ("cancelled", "X", "X"),
        ("unknown", "U", "R"),
        ("registered", "I", "I"),
    ],
)
def test_status_follows_table_0085(status: str, code: str, report: str) -> None:
    message = read(observation(status=status))
    assert (str(message.segment("OBX")[11]), str(message.segment("OBR")[25])) == (code, report)


def test_a_deleted_observation_is_d() -> None:
    text = oru(Party(), "1", NOW, PATIENT, [Result(observation(), deleted=True)]).decode()
    assert str(hl7.parse(text).segment("OBX")[11]) == "D"


@pytest.mark.parametrize(
    ("changes", "kind", "value"),
    [
        ({"valueQuantity": {"value": 500, "comparator": ">"}}, "SN", ">^500"),
        ({"valueQuantity": {"value": json.number("1.0e3")}}, "NM", "1.0e3"),
        ({"valueQuantity": {"value": json.number("-0.050")}}, "NM", "-0.050"),
        ({"valueQuantity": None, "valueString": "standby|a"}, "ST", "standby\\F\\a"),
        ({"valueQuantity": None, "valueInteger": 3}, "NM", "3"),
        ({"valueQuantity": None, "valueBoolean": True}, "ST", "true"),
        (
            {
                "valueQuantity": None,
                "valueCodeableConcept": {"coding": [{"code": "A", "system": "http://x.example"}], "text": "Alert"},
            },
            "CWE",
            "A^Alert^http://x.example",
        ),
        ({"valueQuantity": None, "valueDateTime": "2026-01-01"}, "DTM", "20260101"),
        ({"valueQuantity": None, "dataAbsentReason": {"text": "error"}}, "", ""),
    ],
)
def test_values_keep_their_kind_and_digits(changes: dict[str, Any], kind: str, value: str) -> None:
    row = obx(**changes)
    assert (str(row[2]), str(row[5])) == (kind, value)
    assert str(row[11]) == ("F" if kind else "X")


def test_a_panel_has_one_row_a_component() -> None:
    parts = [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "code": "mm[Hg]", "system": "http://unitsofmeasure.org"},
        }
        for code, value in (("8480-6", 120), ("8462-4", 80))
    ]
    one = observation(component=parts)
    del one["valueQuantity"]
    message = read(one, observation(id="o2"))
    rows = message.segments("OBX")
    assert [(str(r[1]), str(r[3]), str(r[4]), str(r[5]), str(r[21])) for r in rows] == [
        ("1", "8480-6^^LN", "1.1", "120", "o1.1^WARDBRIDGE"),
        ("2", "8462-4^^LN", "1.2", "80", "o1.2^WARDBRIDGE"),
        ("1", "8867-4^Heart rate^LN^147842^MDC_ECG_HEART_RATE^MDC", "2", "72.50", "o2^WARDBRIDGE"),
    ]
    assert len(message.segments("OBR")) == 2


def test_flags_limits_and_people() -> None:
    row = obx(
        interpretation=[{"coding": [{"code": "H"}]}, {"coding": [{"code": "U"}]}, {"text": "in alarm"}],
        referenceRange=[{"low": {"value": 50}, "high": {"value": json.number("120.0")}}],
        performer=[{"reference": "Practitioner/n1", "display": "N. Nurse"}],
        issued="2026-01-01T01:02:03Z",
        method={"text": "automatic measurement"},
    )
    assert [str(row[n]) for n in (7, 8, 16, 17, 19)] == [
        "50-120.0",
        "H~U",
        "n1^N. Nurse",
        "^automatic measurement",
        "20260101010203+0000",
    ]


def test_a_period_goes_into_the_order() -> None:
    row = read(
        observation(
            effectiveDateTime=None, effectivePeriod={"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:10Z"}
        )
    ).segment("OBR")
    assert (str(row[7]), str(row[8])) == ("20260101000000+0000", "20260101000010+0000")


def test_a_trial_is_marked_as_training() -> None:
    msh = hl7.parse(trial(Party(), "WBX", NOW).decode()).segment("MSH")
    assert (str(msh[10]), str(msh[11])) == ("WBX", "T")
