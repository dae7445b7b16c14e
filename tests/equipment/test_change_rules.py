"""The hard rules of joint changes, without a database."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.changing import file, hazard

from wardbridge.core.errors import Invalid
from wardbridge.equipment.changes import matrix, rules
from wardbridge.equipment.changes.values import LEVELS, Change, RiskFile
from wardbridge.equipment.signing.sign import digest
from wardbridge.equipment.signing.values import Signature

SIDES = ("biomed", "it", "clinical")


def change(content: RiskFile, state: str = "assessed") -> Change:
    return Change(change_id="c", kind="configuration", state=state, state_at=0, version=1, title=content.title,
                  file=content, author="anna", author_name="Anna", created=0, start=content.start,
                  stop=content.stop)  # fmt: skip


def signature(of: Change, side: str, person: str) -> Signature:
    return Signature(signature_id=f"{side}-{person}", subject="change", subject_id="c", digest=digest(of.content),
                     meaning="approved", side=side, person_id=person, display=person, at=1)  # fmt: skip


whole = file(models=("m",), matrix=matrix.default())
bad = msgspec.structs.replace(whole, hazards=(hazard(severity_after=5, probability_after=5),))
texts = st.text(min_size=1, max_size=5)
edits = st.sampled_from(["title", "purpose", "rollback", "tests", "communication"])


def test_a_complete_file_lacks_nothing_and_each_part_is_missed() -> None:
    assert rules.lacks(whole, "configuration") == []
    for name in ("title", "purpose", "rollback", "tests", "communication"):
        assert [p.where for p in rules.lacks(msgspec.structs.replace(whole, **{name: " "}), "configuration")] == [name]
    assert (
        rules.lacks(msgspec.structs.replace(whole, considered={}), "configuration")[0].where == "hazards.effectiveness"
    )
    assert rules.lacks(msgspec.structs.replace(whole, stop=whole.start), "configuration")[0].where == "window"
    assert rules.lacks(msgspec.structs.replace(whole, models=()), "configuration")[0].where == "touched"
    assert rules.lacks(whole, "patch")[0].where == "patch"
    lowered = msgspec.structs.replace(whole, hazards=(hazard(measures=()),))
    assert "measures" in rules.lacks(lowered, "configuration")[0].where


@given(st.lists(st.tuples(st.sampled_from(SIDES), st.sampled_from(["anna", "ben", "cleo"])), max_size=6),
       st.sampled_from(sorted(rules.MOVES)), st.sampled_from(["draft", "assessed", "signed", "scheduled", "running"]),
       st.booleans(), st.booleans())  # fmt: skip
def test_nothing_goes_on_without_every_signature_on_exactly_this_file(
    given_by: list[tuple[str, str]], move: str, state: str, unacceptable: bool, edited: bool
) -> None:
    signed_then = change(bad if unacceptable else whole, state)
    signatures = [signature(signed_then, side, person) for side, person in given_by]
    now = (
        msgspec.structs.replace(signed_then, file=msgspec.structs.replace(signed_then.file, rollback="other"))
        if edited
        else signed_then
    )
    if rules.may(now, move, signatures) or move not in rules.NEEDS_SIGNATURES:
        return
    assert not edited
    needed = set(SIDES if unacceptable else SIDES[:2])
    assert {side for side, _ in given_by} >= needed
    assert len({person for side, person in given_by if side in needed}) >= len(needed)


@given(edits, texts)
def test_any_edit_voids_every_signature(name: str, text: str) -> None:
    before = change(whole)
    signatures = [signature(before, "biomed", "anna"), signature(before, "it", "ben")]
    assert rules.signed(before, signatures) == []
    after = msgspec.structs.replace(before, file=msgspec.structs.replace(whole, **{name: getattr(whole, name) + text}))
    good, void = rules.standing(after, signatures)
    assert (good, void) == ([], signatures)
    assert rules.signed(after, signatures) == ["biomed", "it"]


def test_an_unacceptable_residual_risk_asks_for_a_third_signature() -> None:
    assert rules.residual(whole) == "acceptable"
    assert rules.residual(bad) == "unacceptable"
    assert rules.sides(bad) == SIDES
    both = [signature(change(bad), "biomed", "anna"), signature(change(bad), "it", "ben")]
    assert "clinical" in rules.may(change(bad), "complete", both)
    assert rules.may(change(bad), "complete", [*both, signature(change(bad), "clinical", "cleo")]) == ""
    assert rules.residual(msgspec.structs.replace(whole, matrix=None)) == "unacceptable"


@given(st.integers(1, 5), st.integers(1, 5))
def test_the_default_matrix_never_judges_worse_milder(severity: int, probability: int) -> None:
    found = matrix.default()
    here = LEVELS.index(found.level(severity, probability))
    assert LEVELS.index(found.level(min(severity + 1, 5), probability)) >= here
    assert LEVELS.index(found.level(severity, min(probability + 1, 5))) >= here


@pytest.mark.parametrize("levels", [[], ["a"], ["at", "ta"], ["ax", "tt"], ["ta", "tt"]])
def test_a_matrix_that_makes_no_sense_is_refused(levels: list[str]) -> None:
    with pytest.raises(Invalid):
        matrix.read({"severities": ["low", "high"], "probabilities": ["rare", "often"], "levels": levels}, "site")


def test_every_state_can_end_and_ended_ones_stay() -> None:
    reach = {"draft"}
    for _ in rules.MOVES:
        reach |= {after for before, after in rules.MOVES.values() if before & reach}
    starts = frozenset().union(*(before for before, _ in rules.MOVES.values()))
    assert reach == starts | rules.ENDED
    assert not starts & rules.ENDED
