"""ADT messages to events."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from wardbridge.exchange.codecs.adt import AdtEvent, Merge, PatientId, Person, Place, read_adt
from wardbridge.exchange.codecs.hl7v2.message import parse


def adt(trigger: str, *rows: str, evn: str = "20260101100000", sent: str = "20260101110000+0100") -> AdtEvent:
    text = [f"MSH|^~\\&|HIS|H|WB||{sent}||ADT^{trigger}|9|P|2.5", f"EVN|{trigger}|{evn}", *rows]
    event, problems = read_adt(parse("\r".join(text).encode()))
    assert problems == ()
    return event


PID = "PID|||4711^^^HIS&1.2.3&ISO^MR~99^^^^VN||O'Neill^Jane^B||19700102030405|F||||||||||ACC1"


def test_admit() -> None:
    event = adt("A01", PID, "PV1||I|ICU^3^7^H1|||ER^^2|D1^House^Greg||||||||||||V1|" + "|" * 24 + "20260101095900")
    assert event.ids == (PatientId("4711", "1.2.3", "MR"), PatientId("99", "", "VN"))
    assert [str(i) for i in event.ids] == ["1.2.3|4711", "<VN>|99"]
    assert event.name == Person("O'Neill", "Jane", "B")
    assert (event.birth_date, event.sex, event.account, event.visit) == ("19700102", "F", "ACC1", "V1")
    assert event.place == Place("ICU", "3", "7", "H1")
    assert str(event.place) == "ICU^3^7"
    assert event.prior_place == Place("ER", "", "2")
    assert event.attending == Person("House", "Greg", "", "D1")
    assert event.patient_class == "I"
    assert event.admitted == 1_767_257_940_000_000  # MSH-7's offset holds for the whole message
    assert event.occurred == event.recorded == 1_767_258_000_000_000


def test_occurred_is_evn_6_where_given() -> None:
    event = adt("A02", PID, "PV1||I|ICU^3^8", evn="20260101100000||||20260101090000")
    assert event.recorded - event.occurred == 3_600_000_000


def test_merge_keeps_every_pair() -> None:
    event = adt("A40", "PID|||1^^^H", "MRG|2^^^H~3^^^H", "PID|||5^^^H", "MRG|6^^^H")
    assert event.merges == (
        Merge((PatientId("1", "H"),), (PatientId("2", "H"), PatientId("3", "H"))),
        Merge((PatientId("5", "H"),), (PatientId("6", "H"),)),
    )


def test_null_clears_and_absent_does_not() -> None:
    event = adt("A08", 'PID|||1^^^H||""||""|', "PV1||I")
    assert event.cleared == ("name", "birth_date")
    assert event.birth_date == event.name.family == ""


@pytest.mark.parametrize(
    ("rows", "where"),
    [(["PV1||I|ICU"], "PID[1]"), (["PID|||^^^H"], "PID[1]-3"), (["PID|||1", "PV1||I" + "|" * 42 + "x"], "PV1[1]-44")],
)
def test_what_is_missing_is_said(rows: list[str], where: str) -> None:
    text = "\r".join(["MSH|^~\\&|HIS|H|WB||20260101||ADT^A01|9|P|2.5", *rows])
    _, problems = read_adt(parse(text.encode()))
    assert where in [p.where for p in problems]


def test_other_events_are_read_and_reported() -> None:
    event, problems = read_adt(parse(b"MSH|^~\\&|H|||||ADT^A31|1|P|2.5\rEVN|A31\rPID|||1^^^H\r"))
    assert event.trigger == "A31"
    assert [p.code for p in problems] == ["201"]


def test_the_site_zone_holds_without_an_offset() -> None:
    raw = b"MSH|^~\\&|H||||20260701120000||ADT^A08|1|P|2.5\rPID|||1^^^H\r"
    event, _ = read_adt(parse(raw), ZoneInfo("Europe/Berlin"))
    assert event.recorded == 1_782_900_000_000_000
