"""Acknowledgements: exactly those that MSH-15 and MSH-16 ask for, in the message's own terms."""

from __future__ import annotations

import pytest

from wardbridge.exchange.codecs.hl7v2.ack import Disposition, build_ack, plan_acks
from wardbridge.exchange.codecs.hl7v2.answer import read_answer
from wardbridge.exchange.codecs.hl7v2.errors import Problem
from wardbridge.exchange.codecs.hl7v2.message import parse
from wardbridge.exchange.codecs.hl7v2.msh import Msh, read_msh

NOW = 1_767_225_600_000_000


def header(accept: str = "", application: str = "", kind: str = "ORU^R01^ORU_R01", version: str = "2.6") -> Msh:
    text = f"MSH|^~\\&|MON^00A0^EUI-64|ICU|||20260101||{kind}|C\\T\\1|P|{version}|||{accept}|{application}||8859/1"
    return read_msh(text.encode())


GOOD = Disposition()
STORE_AWAY = Disposition("error", "error")
REFUSED = Disposition("reject", "reject")
BAD_CONTENT = Disposition("accept", "error", (Problem("no patient", "PID[1]-3", "101"),))
ORDER = Disposition("accept", None)


@pytest.mark.parametrize(
    ("accept", "application", "disposition", "codes"),
    [
        ("", "", GOOD, ["AA"]),
        ("", "", STORE_AWAY, ["AE"]),
        ("", "", REFUSED, ["AR"]),
        ("", "", BAD_CONTENT, ["AE"]),
        ("AL", "NE", GOOD, ["CA"]),
        ("AL", "NE", STORE_AWAY, ["CE"]),
        ("AL", "NE", REFUSED, ["CR"]),
        ("AL", "NE", BAD_CONTENT, ["CA"]),
        ("NE", "AL", GOOD, ["AA"]),
        ("NE", "AL", BAD_CONTENT, ["AE"]),
        ("AL", "AL", GOOD, ["CA", "AA"]),
        ("AL", "AL", BAD_CONTENT, ["CA", "AE"]),
        ("AL", "AL", STORE_AWAY, ["CE"]),
        ("NE", "NE", GOOD, []),
        ("NE", "NE", REFUSED, []),
        ("ER", "NE", GOOD, []),
        ("ER", "NE", STORE_AWAY, ["CE"]),
        ("SU", "ER", GOOD, ["CA"]),
        ("SU", "ER", BAD_CONTENT, ["CA", "AE"]),
        ("SU", "ER", STORE_AWAY, ["AE"]),
        ("al", "ne", GOOD, ["CA"]),
        ("AL", "", GOOD, ["CA"]),
        ("", "AL", GOOD, ["AA"]),
        ("AL", "AL", ORDER, ["CA"]),
        ("AL", "ER", ORDER, ["CA"]),
        ("", "", ORDER, ["AR"]),
        ("NE", "AL", ORDER, ["AR"]),
    ],
)
def test_exactly_what_is_asked(accept: str, application: str, disposition: Disposition, codes: list[str]) -> None:
    assert [ack.code for ack in plan_acks(header(accept, application), disposition)] == codes


@pytest.mark.parametrize(("accept", "application", "codes"), [("", "", []), ("NE", "AL", []), ("AL", "NE", ["CA"])])
def test_an_acknowledgement_gets_no_application_acknowledgement(
    accept: str, application: str, codes: list[str]
) -> None:
    assert [ack.code for ack in plan_acks(header(accept, application, "ACK^R01^ACK"), GOOD)] == codes


@pytest.mark.parametrize(
    ("kind", "version", "expected"),
    [
        ("ORU^R01^ORU_R01", "2.6", "ACK^R01^ACK"),
        ("ORU^R01", "2.3", "ACK^R01"),
        ("ORU", "2.1", "ACK"),
        ("ADT^A08", "2.5.1", "ACK^A08^ACK"),
        ("ADT^A08", "nonsense", "ACK^A08^ACK"),
    ],
)
def test_the_answer_speaks_the_senders_terms(kind: str, version: str, expected: str) -> None:
    msh = header(kind=kind, version=version)
    (ack,) = plan_acks(msh, GOOD)
    message = parse(build_ack(msh, ack, "W1", NOW))
    assert message.header.raw(9) == expected
    assert message.header.raw(12) == version
    assert message.header.raw(18) == "8859/1"
    assert message.header.raw(3) == "WARDBRIDGE"
    assert (message.header.raw(5), message.header.raw(6)) == ("MON^00A0^EUI-64", "ICU")
    assert (message.header.raw(7), message.header.raw(10)) == ("20260101000000+0000", "W1")
    assert message.first("MSA").raw(2) == "C\\T\\1"  # type: ignore[union-attr]


def test_the_senders_separators_are_kept() -> None:
    msh = read_msh(b"MSH*%$!?*A*B*C*D*2026**ADT%A01*77*P*2.5")
    (ack,) = plan_acks(msh, GOOD)
    assert build_ack(msh, ack, "W1", NOW).startswith(b"MSH*%$!?*C*D*A*B*20260101000000+0000**ACK%A01%ACK*W1*P*2.5")


def test_errors_say_what_and_where() -> None:
    msh = header()
    (ack,) = plan_acks(msh, BAD_CONTENT)
    message = parse(build_ack(msh, ack, "W1", NOW))
    err = message.first("ERR")
    assert err is not None
    assert (err.raw(2), err.raw(3)) == ("PID^1^3", "101^Required field missing^HL70357")
    assert (err.raw(4), err.get(8)) == ("E", "no patient")
    answer = read_answer(message)
    assert answer is not None
    assert (answer.code, answer.result, answer.level, answer.control_id) == ("AE", "error", "application", "C&1")
    assert "no patient" in answer.errors[0]


def test_errors_before_version_2_5_use_the_old_form() -> None:
    msh = header(version="2.3.1")
    (ack,) = plan_acks(msh, BAD_CONTENT)
    message = parse(build_ack(msh, ack, "W1", NOW))
    assert message.get("MSA", 3) == "no patient"
    assert message.first("ERR").raw(1) == "PID^1^3^101&Required field missing&HL70357"  # type: ignore[union-attr]
