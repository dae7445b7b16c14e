"""Words that are asked for, and words that a resource has."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.fhir.search.fulltext import words
from wardbridge.fhir.search.query import Words
from wardbridge.fhir.search.words import LONGEST
from wardbridge.fhir.search.words import words as words_of

A, B, C = (Words("word", one) for one in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a b", Words("and", "", (A, B))),
        ("a AND b", Words("and", "", (A, B))),
        ("a or b c", Words("or", "", (A, Words("and", "", (B, C))))),
        ("(a or b) and c", Words("and", "", (Words("or", "", (A, B)), C))),
        ("not a", Words("not", "", (A,))),
        ('"a b" c', Words("and", "", (Words("phrase", "a b"), C))),
    ],
)
def test_trees(text: str, tree: Words) -> None:
    assert words(text) == tree


@pytest.mark.parametrize("text", ["", " ", "(", "a)", "a or", "and a", "not", '"a', "()", "(" * 30 + "a" + ")" * 30])
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        words(text)


@given(st.text(alphabet='ab "()ornt\x00', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        words(text)


def test_words_of_a_resource() -> None:
    narrative, rest = words_of(
        {
            "resourceType": "Condition",
            "id": "secret-id",
            "text": {"status": "generated", "div": "<div xmlns='x'>bone &amp; <b>liver</b></div>"},
            "code": {"text": "Fracture", "coding": [{"system": "http://snomed.info/sct", "code": "125605004"}]},
            "note": [{"text": "after a fall"}],
            "subject": {"reference": "Patient/7", "display": "Ada"},
        }
    )
    assert narrative.split() == ["bone", "&", "liver"]
    assert {"Fracture", "125605004", "fall", "Ada"} <= set(rest.split())
    assert not {"secret-id", "Patient/7", "http://snomed.info/sct", "liver"} & set(rest.split())


def test_long_text_is_cut() -> None:
    assert len(words_of({"resourceType": "Basic", "language": "x" * (LONGEST + 5)})[1]) == LONGEST
