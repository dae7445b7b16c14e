"""The rules of precedence: hand before pid before place, and nothing chosen in silence."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.devices.intervals import (
    FOREVER,
    Facts,
    Hand,
    Mode,
    Seat,
    Span,
    Stay,
    Subject,
    at,
    derive,
    match,
    presence_end,
)

BASE: dict[str, Any] = {"modes": [Mode(0, "accepted")], "seats": [Seat(0, "bed")], "bindable": frozenset({"bed"})}
ANNA, BEN = Stay("anna", 0, FOREVER, "bed", "V1"), Stay("ben", 0, FOREVER, "bed", "V2")


def one(**facts: Any) -> Span:
    found = derive(Facts(**BASE | facts))
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("facts", "patient", "source", "conflict"),
    [
        ({"stays": [ANNA]}, "anna", "adt", ""),
        ({}, "", "", ""),
        ({"stays": [ANNA, BEN]}, "", "", "place-shared"),
        ({"stays": [ANNA], "subjects": [Subject(0, ("x|1",), ("anna",))]}, "anna", "pid", ""),
        ({"stays": [ANNA], "subjects": [Subject(0, ("x|2",), ("ben",))]}, "ben", "pid", "pid-place"),
        ({"stays": [ANNA], "subjects": [Subject(0, ("x|9",), ())]}, "", "", "pid-unknown"),
        ({"subjects": [Subject(0, ("x|9",), ())]}, "", "", ""),
        ({"subjects": [Subject(0, ("x|1", "x|2"), ("anna", "ben"))]}, "", "", "pid-place"),
        ({"stays": [ANNA], "hands": [Hand(1, 0, FOREVER, "ben")]}, "ben", "hand", ""),
        (
            {"subjects": [Subject(0, ("x|1",), ("anna",))], "hands": [Hand(1, 0, FOREVER, "ben")]},
            "ben",
            "hand",
            "hand-pid",
        ),
        ({"stays": [ANNA], "hands": [Hand(1, 0)]}, "", "hand", ""),
        ({"stays": [ANNA], "hands": [Hand(1, 0, FOREVER, "ben"), Hand(2, 0, release=True)]}, "anna", "adt", ""),
        ({"stays": [ANNA], "modes": [Mode(0, "workshop")]}, "", "", ""),
        ({"stays": [ANNA], "modes": [Mode(0, "workshop")], "hands": [Hand(1, 0, FOREVER, "anna")]}, "", "", ""),
        ({"stays": [ANNA], "bindable": frozenset()}, "", "", ""),
    ],
)
def test_who_is_on_the_device(facts: dict[str, Any], patient: str, source: str, conflict: str) -> None:
    span = one(**facts)
    assert (span.patient_id, span.source, span.conflict) == (patient, source, conflict)
    assert bool(span.patient_id) != bool(span.reason)


def test_a_conflict_names_the_others() -> None:
    assert one(stays=[ANNA], subjects=[Subject(0, ("x|2",), ("ben",))]).others == ("anna",)
    assert one(stays=[ANNA, BEN]).others == ("anna", "ben")


def test_an_open_decision_ends_when_the_patient_leaves_and_not_when_moved() -> None:
    stays = [Stay("anna", 0, 10, "bed"), Stay("anna", 10, 20, "ward"), Stay("ben", 20, FOREVER, "bed")]
    spans = derive(Facts(**BASE | {"stays": stays, "hands": [Hand(1, 5, FOREVER, "anna", "anna")]}))
    assert [(s.start, s.patient_id, s.source) for s in spans] == [
        (0, "anna", "adt"),
        (5, "anna", "hand"),
        (20, "ben", "adt"),
    ]


def test_a_decision_with_an_end_keeps_to_it() -> None:
    stays = [Stay("anna", 0, 10, "bed")]
    spans = derive(Facts(**BASE | {"stays": stays, "hands": [Hand(1, 5, 15, "anna")]}))
    assert [(s.start, s.stop, s.patient_id) for s in spans] == [(0, 5, "anna"), (5, 15, "anna"), (15, FOREVER, "")]


def test_taken_off_lasts_until_that_patient_leaves() -> None:
    stays = [Stay("anna", 0, 20, "bed"), Stay("ben", 20, FOREVER, "bed")]
    spans = derive(Facts(**BASE | {"stays": stays, "hands": [Hand(1, 5, ends_with="anna")]}))
    assert [(s.start, s.patient_id) for s in spans] == [(0, "anna"), (5, ""), (20, "ben")]


def test_spans_have_no_gaps_and_begin_where_asked() -> None:
    spans = derive(Facts(**BASE | {"stays": [Stay("anna", 5, 9, "bed")]}), since=7)
    assert [(s.start, s.stop) for s in spans] == [(7, 9), (9, FOREVER)]
    assert at(spans, 8) == spans[0]
    assert at(spans, 6) is None
    assert derive(Facts()) == []


def test_presence_goes_on_over_transfers() -> None:
    stays = [Stay("p", 0, 5), Stay("p", 5, 9), Stay("p", 12, 20)]
    assert presence_end(stays, "p", 2) == 9
    assert presence_end(stays, "p", 10) == FOREVER


def test_an_id_without_an_authority_counts_only_when_it_is_one_persons() -> None:
    known, values = {"A|1": "anna"}, {"1": ["anna"], "2": ["anna", "ben"]}
    assert match(["A|1", "|1", "1"], known, values) == ("anna",)
    assert match(["|2"], known, values) == ()
    assert match(["B|1"], known, values) == ()
