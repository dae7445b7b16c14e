"""Markdown to safe HTML, quizzes, differences, months: pure."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.clock import from_datetime, to_datetime
from wardbridge.core.errors import Invalid
from wardbridge.equipment.learning import quiz
from wardbridge.equipment.learning.dates import months_on
from wardbridge.equipment.learning.text import START, STOP, difference, marked, plain, render
from wardbridge.equipment.learning.values import Question

ALLOWED = {"h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "em", "strong", "a", "code", "pre", "blockquote", "br",
           "hr", "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip
TAG = re.compile(r"<\s*/?\s*([a-zA-Z][a-zA-Z0-9]*)([^>]*)>")
PIECES = st.sampled_from(
    ["<script>", "</p>", "<img src=x onerror=a>", "[a](javascript:b)", "[a]( data:text/html,x)", "![i](http://x/y.png)",
     "[t](/terms/vlan)", "<http://a.test>", "<javascript:alert(1)>", "**b**", "# h\n",
     "| a | b |\n|---|---|\n| 1 | 2 |\n",
     "\n\n", "> q\n", "- l\n", "`c`", "&lt;", '"', "[x]: javascript:1\n", "[x]", "//evil.test", "[e](//evil.test)",
     "[v](\\\\evil)", "text"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=12), max_size=14).map("".join))
def test_no_text_becomes_more_than_the_small_set(body: str) -> None:
    html = render(body)
    for tag, attributes in TAG.findall(html):
        assert tag in ALLOWED
        for name, value in re.findall(r'([a-z]+)="([^"]*)"', attributes):
            assert name in {"href", "rel", "title", "scope", "style", "start", "class"}
            if name == "href":
                assert value.startswith(("http://", "https://")) or ":" not in value.split("/")[0].split("?")[0]
                assert not value.startswith(("//", "\\", "/\\"))
            if name == "style":
                assert re.fullmatch(r"text-align:(left|right|center)", value)


def test_links_stay_here_or_go_to_the_web() -> None:
    html = render("[a](/terms/vlan) [b](https://example.org) [c](javascript:x) [d](//evil.test) ![e](http://x/y.png)")
    assert '<a href="/terms/vlan">a</a>' in html
    assert '<a href="https://example.org" rel="noopener noreferrer">b</a>' in html
    assert html.count("<a ") == 3  # the picture is only a link
    assert "<img" not in html


def test_plain_words_hold_no_signs() -> None:
    assert plain("# Head\n\nA **bold** [word](/x)\nnext\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |") == (
        "Head\nA bold word next\none\ntwo\na\nb\n1\n2"
    )


def test_what_a_search_marks_is_escaped() -> None:
    assert marked(f"<b>a</b> {START}x&y{STOP}") == "&lt;b&gt;a&lt;/b&gt; <mark>x&amp;y</mark>"


def test_a_difference_shows_what_went_and_came() -> None:
    old, new = "a\nb\nc\nd\ne\nf\ng\nh\nz", "a\nB\nc\nd\ne\nf\ng\nh\ny"
    shown = [(line.kind, line.text) for line in difference(old, new, around=1)]
    assert ("removed", "b") in shown
    assert ("added", "B") in shown
    assert ("gap", "") in shown
    assert difference(old, old) == []


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_difference_rebuilds_the_new_text(old: str, new: str) -> None:
    changes = difference(old, new, around=1000)
    if changes:
        assert [c.text for c in changes if c.kind in ("same", "added")] == new.splitlines()
        assert [c.text for c in changes if c.kind in ("same", "removed")] == old.splitlines()
    else:
        assert old.splitlines() == new.splitlines()


WORD = st.from_regex(r"[a-z][a-z ?]{0,20}[a-z]", fullmatch=True)
QUESTION = st.lists(WORD, min_size=2, max_size=6, unique=True).flatmap(
    lambda choices: st.builds(Question, WORD, st.just(tuple(choices)), st.integers(0, len(choices) - 1))
)


@given(st.lists(QUESTION, max_size=5))
def test_quizzes_are_read_as_they_are_written(questions: list[Question]) -> None:
    assert quiz.parse(quiz.lines(questions)) == tuple(questions)


@given(st.lists(QUESTION, min_size=1, max_size=8), st.integers(1, 100), st.data())
def test_a_quiz_is_passed_by_its_share_of_right_answers(
    questions: list[Question], percent: int, data: st.DataObject
) -> None:
    answers = {at: data.draw(st.integers(0, len(one.choices) - 1)) for at, one in enumerate(questions)}
    right, passed = quiz.grade(questions, answers, percent)
    assert right == sum(answers[at] == one.right for at, one in enumerate(questions))
    assert passed == (right / len(questions) >= percent / 100 or right * 100 >= percent * len(questions))
    del answers[0]
    with pytest.raises(Invalid):
        quiz.grade(questions, answers, percent)


@pytest.mark.parametrize("text", ["+ a\n- b", "Q\n- a\n- b", "Q\n+ a\n+ b", "Q\n+ a", "Q\n+ a\n- a", "Q"])
def test_a_quiz_that_cannot_be_answered_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        quiz.parse(text)


@given(st.datetimes(min_value=to_datetime(0).replace(tzinfo=None)).filter(lambda d: d.year < 9000), st.integers(1, 240))
def test_months_on_is_the_same_day_or_the_months_last(moment: object, months: int) -> None:
    start = from_datetime(moment.replace(tzinfo=to_datetime(0).tzinfo))  # type: ignore[attr-defined]
    before, after = to_datetime(start), to_datetime(months_on(start, months))
    assert (after.year * 12 + after.month) - (before.year * 12 + before.month) == months
    assert after.day == before.day or (
        after.day < before.day and to_datetime(from_datetime(after) + 86_400_000_000).day == 1
    )
