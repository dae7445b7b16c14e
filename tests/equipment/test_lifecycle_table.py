"""The hard rules of the life cycle over the pure table: whatever order people try things in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wardbridge.core.errors import Invalid
from wardbridge.equipment.lifecycle import inspection, needs, sanitise
from wardbridge.equipment.lifecycle.questions import Answer, check, score
from wardbridge.equipment.lifecycle.sanitise import METHODS, Order, faults, rules
from wardbridge.equipment.lifecycle.table import admission, gaps, since_service, table
from wardbridge.equipment.lifecycle.table import needs as evidence_of
from wardbridge.equipment.lifecycle.values import Item
from wardbridge.equipment.register.values import STATES, USABLE, WIRE
from wardbridge.security.policy import FEATURES

SAID = [name for name, ask in table().evidence.items() if ask.source == "said"]
KEPT = [name for name, ask in table().evidence.items() if ask.source == "kept"]


class Life(RuleBasedStateMachine):
    """A machine whose people try any move with any evidence; the model keeps what was true at each step."""

    @initialize(start=st.sampled_from(["received", "in-service"]))
    def begin(self, start: str) -> None:
        self.start = self.state = start
        self.wire = WIRE[start]
        self.moves: list[tuple[str, str, frozenset[str]]] = []
        self.in_use = False

    @rule(to=st.sampled_from(list(WIRE)), said=st.sets(st.sampled_from(SAID)), kept=st.sets(st.sampled_from(KEPT)),
          generous=st.booleans())  # fmt: skip
    def try_to_move(self, to: str, said: set[str], kept: set[str], generous: bool) -> None:
        found = table().rule(self.state, to)
        if found is None:
            return
        if generous:
            said = set(SAID)
        been = since_service([self.start, *(step[1] for step in self.moves)], self.state)
        asked = evidence_of(found, been, in_use=self.in_use)
        missing = gaps(asked, dict.fromkeys(said, "words"), kept, "ICU 1")
        held = frozenset(said | kept)
        assert {gap.name for gap in missing} == set(asked) - held
        if missing:
            return
        if self.in_use and table().state[to].free:
            assert "taken-off" in held
            self.in_use = False
        self.moves.append((self.state, to, held))
        self.wire = admission(to, self.wire)
        self.state = to

    @rule()
    def put_on_a_patient(self) -> None:
        if self.wire == "accepted" and self.state in USABLE:
            self.in_use = True

    @invariant()
    def never_disposed_without_being_sanitised_or_without_storage(self) -> None:
        if getattr(self, "state", "") != "disposed":
            return
        last, _, held = self.moves[-1]
        assert (last == "sanitised" and "certificate" in held) or (last == "retired" and "no-storage" in held)

    @invariant()
    def no_state_without_its_evidence_and_every_move_recorded(self) -> None:
        states = [getattr(self, "start", ""), *(step[1] for step in getattr(self, "moves", []))]
        for at, (before, to, held) in enumerate(getattr(self, "moves", [])):
            found = table().rule(before, to)
            assert found is not None
            assert before == states[at]
            assert set(found.needs) <= held
            if to == "in-service":
                for name in since_service(states[: at + 1], before):
                    assert set(table().state[name].release) <= held
        assert states[-1] == getattr(self, "state", "")

    @invariant()
    def the_wire_agrees(self) -> None:
        if not hasattr(self, "state"):
            return
        assert self.wire == (WIRE[self.state] or self.wire)
        if self.wire == "accepted":
            assert self.state in USABLE | {"recalled", "missing"}
        if self.in_use:
            assert not table().state[self.state].free


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_table_names_what_the_register_knows() -> None:
    assert {name for name in table().state if name != "withdrawn"} == set(STATES)
    assert {one.feature for one in table().move} <= set(FEATURES)
    for one in table().move:
        kinds = {table().state[name].kind for name in (*one.from_, one.to)}
        assert len(kinds) == 1 or one.to == "received"
        assert one.needs or one.to == "in-service"
    pairs = [(before, one.to) for one in table().move for before in one.from_]
    assert len(pairs) == len(set(pairs))


def test_every_state_is_reached_and_only_the_end_has_no_way_on() -> None:
    reached, todo = {"need"}, ["need"]
    while todo:
        for one in table().onward(todo.pop()):
            if one.to not in reached:
                reached.add(one.to)
                todo.append(one.to)
    assert reached == set(table().state)
    assert {name for name in table().state if not table().onward(name)} == {"disposed", "withdrawn"}


def test_every_side_state_owes_something_before_service() -> None:
    sides = {before for one in table().move if one.to == "in-service" for before in one.from_}
    for name in sides - {"accepted"}:
        assert table().state[name].release, name


@given(st.lists(st.tuples(st.integers(0, 4) | st.none(), st.booleans())))
def test_a_score_lies_between_0_and_100_and_a_knock_out_blocks_without_its_exception(given_points) -> None:  # type: ignore[no-untyped-def]
    form = needs.form()
    questions = [question for section in form.section for question in section.question]
    answers = []
    for question, (value, excused) in zip(questions, given_points, strict=False):
        knocked = question.blocks is not None and value is not None and value <= question.blocks
        exception = "compensated" if excused and knocked else ""
        answers.append(check(form, Answer(question=question.id, points=value, note="n", exception=exception)))
    found = score(form, answers)
    assert found.score is None or 0 <= found.score <= 100
    assert set(found.open) == {q.id for q in questions} - {a.question for a in answers}
    for question, answer in zip(questions, answers, strict=False):
        knocked = question.blocks is not None and answer.points is not None and answer.points <= question.blocks
        assert (question.id in found.blocking) == (knocked and not answer.exception)


def test_full_points_are_100_and_an_exception_is_only_for_what_blocks() -> None:
    form = needs.form()
    full = [Answer(question=q.id, points=4) for s in form.section for q in s.question]
    assert score(form, full).score == 100
    assert score(form, full).ready
    with pytest.raises(Invalid):
        check(form, Answer(question="security.sbom", points=3, exception="why not"))


@given(st.sampled_from(sorted(rules().media)), st.sampled_from(sorted(rules().technique)), st.sampled_from(METHODS),
       st.sampled_from(sorted(rules().classification)), st.sampled_from(sorted(rules().destination)))  # fmt: skip
def test_no_certificate_for_a_method_that_the_technique_is_not(kind, technique, method, before, destination) -> None:  # type: ignore[no-untyped-def]
    order = Order(media=("m",), source="s", before=before, after="public", method=method, technique=technique,
                  tool="t", destination=destination, place="p")  # fmt: skip
    wrong = {name for name, _ in faults(order, [kind])}
    if not wrong:
        assert technique in rules().media[kind].techniques(method)
        assert METHODS.index(method) >= METHODS.index(sanitise.least_method(before, destination))
    if technique == "degauss" and method == "destroy":
        assert "technique" in wrong
    if technique == "degauss" and kind in ("ssd", "nvme", "flash"):
        assert "technique" in wrong


@given(st.dictionaries(st.sampled_from([one.id for one in inspection.checklist().item]),
                       st.tuples(st.sampled_from(["pass", "fail", "na"]), st.booleans())), st.booleans())  # fmt: skip
def test_accepted_only_when_every_item_passed_or_was_agreed(results, networked) -> None:  # type: ignore[no-untyped-def]
    asked = inspection.checklist().asked(networked=networked)
    items = [
        Item(inspection_id="i", item=name, device_id="d", result=result, by_id="a", by_name="A", at=1,
             deviation_by="b" if agreed and result == "fail" else "")
        for name, (result, agreed) in results.items()
    ]  # fmt: skip
    lacking = inspection.lacking(asked, items)
    for one in asked:
        result, agreed = results.get(one.id, ("", False))
        assert (one.id in lacking) == (not result or (result == "fail" and not agreed))


def test_a_value_above_its_limit_fails_whatever_was_ticked() -> None:
    earth = next(one for one in inspection.checklist().item if one.id == "earth")
    assert inspection.judge(earth, "pass", Decimal("0.3")) == "pass"
    assert inspection.judge(earth, "pass", Decimal("0.301")) == "fail"
    assert inspection.judge(earth, "na", None) == "na"
    with pytest.raises(Invalid):
        inspection.judge(earth, "pass", None)
    with pytest.raises(Invalid):
        inspection.judge(earth, "pass", Decimal("NaN"))
