"""Forms of weighted questions, as data, and their score: pure. Used for the technology assessment and for vendors.

An answer is 0 (not at all) to 4 (fully) points, or "does not apply" with a note. The score of a section is the
weighted share of what could be reached, in per cent; that of a form the weighted mean of its sections. A question
with ``blocks`` is a knock-out: so many points or fewer block, unless an exception says what is done instead.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.lifecycle.values import Answer

MOST = 4
LONGEST = 2000


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """``blocks``: this many points or fewer are a knock-out; ``networked``: asked only of what is on the network;
    ``low`` and ``high`` say what 0 and 4 points mean."""

    id: str
    text: str
    weight: int = 1
    blocks: int | None = None
    networked: bool = False
    low: str = ""
    high: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """``side``: who answers it first of all (clinical, biomed, it, both)."""

    name: str
    title: str
    side: str
    weight: int
    question: tuple[Question, ...]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A questionnaire; a change of its questions is a new ``version``."""

    name: str
    version: str
    title: str
    section: tuple[Section, ...]

    def find(self, ident: str) -> Question | None:
        return next((q for section in self.section for q in section.question if q.id == ident), None)

    def asked(self, *, networked: bool) -> Form:
        """The form without what is asked only of networked machines, where this is none."""
        if networked:
            return self
        kept = [
            msgspec.structs.replace(section, question=tuple(q for q in section.question if not q.networked))
            for section in self.section
        ]
        return msgspec.structs.replace(self, section=tuple(section for section in kept if section.question))


class SectionScore(msgspec.Struct, frozen=True, kw_only=True):
    """``score`` in per cent, None where nothing counts; ``open`` and ``blocking`` are question ids."""

    name: str
    title: str
    score: float | None
    open: tuple[str, ...]
    blocking: tuple[str, ...]
    excepted: tuple[str, ...]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a form."""

    score: float | None
    sections: tuple[SectionScore, ...]

    @property
    def open(self) -> tuple[str, ...]:
        return tuple(ident for section in self.sections for ident in section.open)

    @property
    def blocking(self) -> tuple[str, ...]:
        return tuple(ident for section in self.sections for ident in section.blocking)

    @property
    def ready(self) -> bool:
        """Everything is answered and nothing blocks."""
        return not self.open and not self.blocking


def load(package: str, name: str) -> Form:
    """The form of a TOML file beside a package's code. Raises ValueError for a form that names a question twice."""
    form = msgspec.convert(tomllib.loads(resources.files(package).joinpath(name).read_text()), Form)
    ids = [question.id for section in form.section for question in section.question]
    if len(ids) != len(set(ids)):
        raise ValueError(f"{name} names a question twice")
    return form


def check(form: Form, answer: Answer) -> Answer:
    """The answer, if the form can take it. Raises Invalid."""
    question = form.find(answer.question)
    if question is None:
        raise Invalid("there is no such question", answer.question)
    if answer.points is not None and not 0 <= answer.points <= MOST:
        raise Invalid(f"an answer has 0 to {MOST} points", answer.question)
    if max(len(answer.note), len(answer.exception)) > LONGEST:
        raise Invalid(f"a note has at most {LONGEST} characters", answer.question)
    if answer.points is None and not answer.note.strip():
        raise Invalid("say in the note why this question does not apply", answer.question)
    if answer.exception.strip() and not blocks(question, answer):
        raise Invalid("an exception is for an answer that blocks", answer.question)
    return answer


def blocks(question: Question, answer: Answer) -> bool:
    """Whether an answer is a knock-out, whatever its exception."""
    return question.blocks is not None and answer.points is not None and answer.points <= question.blocks


def score(form: Form, answers: Iterable[Answer]) -> Score:
    """The score of what was answered so far."""
    given = {answer.question: answer for answer in answers}
    sections = [_section(section, given) for section in form.section]
    weights = {section.name: section.weight for section in form.section}
    counted = [(weights[one.name], one.score) for one in sections if one.score is not None]
    whole = sum(weight for weight, _ in counted)
    total = sum(weight * value for weight, value in counted) / whole if whole else None
    return Score(score=None if total is None else round(total, 1), sections=tuple(sections))


def _section(section: Section, given: Mapping[str, Answer]) -> SectionScore:
    counted = [
        (question.weight, given[question.id].points or 0)
        for question in section.question
        if question.id in given and given[question.id].points is not None
    ]
    knocked = [q.id for q in section.question if q.id in given and blocks(q, given[q.id])]
    whole = sum(weight for weight, _ in counted)
    reached = 100 * sum(weight * points for weight, points in counted) / (MOST * whole) if whole else None
    return SectionScore(
        name=section.name, title=section.title, score=None if reached is None else round(reached, 1),
        open=tuple(q.id for q in section.question if q.id not in given),
        blocking=tuple(ident for ident in knocked if not given[ident].exception.strip()),
        excepted=tuple(ident for ident in knocked if given[ident].exception.strip()),
    )  # fmt: skip
