"""The short quiz of a page: written as text, answered with single choices, passed or not; pure.

What does a VLAN separate?
- electrical circuits
+ network traffic
- alarm limits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wardbridge.core.errors import Invalid
from wardbridge.equipment.learning.values import Question

MOST, CHOICES, LONGEST = 20, 8, 300


def parse(text: str) -> tuple[Question, ...]:
    """Questions as people type them: a line, then choices, ``+`` before the right one.

    Raises Invalid that names the question.
    """
    found: list[tuple[str, list[tuple[bool, str]]]] = []
    for line in (line.strip() for line in text.splitlines()):
        if not line:
            continue
        if line[0] in "+-" and len(line) > 1:
            if not found:
                raise Invalid("a quiz starts with a question, its choices follow", "questions")
            found[-1][1].append((line[0] == "+", line[1:].strip()))
        else:
            found.append((line, []))
    if len(found) > MOST:
        raise Invalid(f"at most {MOST} questions", "questions")
    return tuple(_question(number, name, choices) for number, (name, choices) in enumerate(found, 1))


def _question(number: int, text: str, choices: Sequence[tuple[bool, str]]) -> Question:
    right = [at for at, (good, _) in enumerate(choices) if good]
    words = tuple(choice for _, choice in choices)
    if not 2 <= len(words) <= CHOICES or len(right) != 1:
        raise Invalid(f"question {number}: give 2 to {CHOICES} choices, one of them right (+)", "questions")
    if len(set(words)) != len(words) or any(not word or len(word) > LONGEST for word in (text, *words)):
        raise Invalid(f"question {number}: choices differ and have at most {LONGEST} characters", "questions")
    return Question(text, words, right[0])


def lines(questions: Sequence[Question]) -> str:
    """The inverse of :func:`parse`."""
    return "\n\n".join(
        "\n".join((one.text, *(f"{'+' if at == one.right else '-'} {word}" for at, word in enumerate(one.choices))))
        for one in questions
    )


def grade(questions: Sequence[Question], answers: Mapping[int, int], pass_percent: int) -> tuple[int, bool]:
    """How many of the answers (question's index -> choice's index) are right, and whether that is enough.

    Raises Invalid where a question is left out.
    """
    if not questions:
        raise Invalid("this page has no questions", "questions")
    missing = [at + 1 for at in range(len(questions)) if at not in answers]
    if missing:
        raise Invalid(f"question {missing[0]} is not answered yet", "answers")
    right = sum(answers[at] == one.right for at, one in enumerate(questions))
    return right, right * 100 >= pass_percent * len(questions)
