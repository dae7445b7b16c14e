"""Regular expressions in bounded time: the automaton says what Python's own matcher says, and hostile ones end."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.fhir.path import compile as compile_path
from wardbridge.fhir.path import regex
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.regex import Pattern

atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", r"\b", "^", "$", "[a-c1]", r"\D"])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,3}", "{0,6}", "{2,}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=400)
@given(patterns, st.text("ab1 \n", max_size=8))
def test_the_automaton_agrees_with_the_matcher(text: str, value: str) -> None:
    fast = re.compile(text, re.DOTALL)
    found = Pattern(text)
    machine = found._automaton(value)
    assert machine.run(value, whole=False) == (fast.search(value) is not None)
    assert machine.run(value, whole=True) == (fast.fullmatch(value) is not None)
    assert found.search(value) == (fast.search(value) is not None)


@pytest.mark.parametrize(
    "text",
    ["(a+)+b", "(a|a)*b", "(a|ab)*(a|ba)*b", "(a*)*b", "(.*a){12}b", "(a{1,2})*b", "a?" * 40 + "a" * 40 + "b",
     ".*.*.*.*.*b"],
)  # fmt: skip
def test_hostile_patterns_end(text: str) -> None:
    assert Pattern(text).search("a" * 60) is False
    assert Pattern(text).search("a" * 60 + "b") is True
    assert compile_path(f"'{'a' * 60}'.matches('{text}')")({}) == [False]


def test_what_cannot_be_bounded_is_refused() -> None:
    with pytest.raises(PathError, match="too long"):
        Pattern("(a+)+b").search("a" * 5_000_000)
    with pytest.raises(PathError, match="bounded"):
        Pattern(r"(a+)+(?=b)c").search("a" * 60)
    with pytest.raises(PathError, match="bounded"):
        Pattern(r"((a+)+)\1c").search("a" * 60)
    with pytest.raises(PathError, match="replacing"):
        Pattern("(a+)+b").sub("x", "a" * 60)
    with pytest.raises(PathError, match="characters"):
        Pattern("a" * (regex.LONGEST + 1))
    with pytest.raises(PathError, match="too large"):
        Pattern("((a{50}){50}){50}b*b*b*b*b*").search("a" * 60)
    with pytest.raises(PathError, match="no regular expression"):
        Pattern("(")


def test_everyday_patterns_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pattern, "_automaton", lambda self, value: pytest.fail("the automaton is not needed"))
    assert Pattern(r"^\d{4}-\d{2}$").search("2026-01")
    assert Pattern(r"[A-Za-z0-9\-\.]{1,64}").fullmatch("a-b.c")
    assert Pattern(r"^urn:oid:[0-2](\.(0|[1-9]))*$").search("urn:oid:1.2") is True


def test_case_flags_are_heeded_by_the_automaton() -> None:
    assert Pattern("(?i)(a+)+b").search("A" * 30 + "B")
    assert not Pattern("(?i)(a+)+b").search("A" * 30)
