"""The state of one validation: what was found, where we are, and what is still to be asked.

The walk over a resource is plain synchronous code.  What it cannot know at once (a profile that is not in memory, a
code of a large value set) is noted here; the caller fetches it all in one go and either settles the open questions or,
where the way of the walk depends on the answer (a slice by its binding), walks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from wardbridge.fhir.path.predicate import Holders
from wardbridge.fhir.terms import Asked, Verdict
from wardbridge.fhir.validate.issues import Issue, Place, written
from wardbridge.fhir.validate.neighbours import NONE, Neighbours
from wardbridge.fhir.validate.options import WRITE, Options
from wardbridge.fhir.validate.shapes import Shape

MOST_ISSUES = 500
MOST_QUESTIONS = 5000


class Known(Protocol):
    """A profile ready for use."""

    @property
    def url(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def shape(self) -> Shape: ...
    @property
    def contexts(self) -> Sequence[tuple[str, str]]: ...
    @property
    def modifier(self) -> bool: ...
    def check(self, value: Any, place: Place, run: Run) -> None: ...


class NotLoaded(LookupError):
    """A definition that nobody has looked up yet; its first argument is the canonical URL."""


class Definitions(Protocol):
    """Profiles by canonical URL; None: there is none. Raises NotLoaded."""

    def find(self, canonical: str) -> Known | None: ...
    def questionnaire(self, canonical: str) -> dict[str, Any] | None: ...


class Question(NamedTuple):
    """Questions that belong together; `settle` gets their verdicts in order."""

    asked: tuple[Asked, ...]
    settle: Callable[[Sequence[Verdict]], None]


class Run:
    """One validation.

    `neighbours` resolves references inside a Bundle or Parameters; `answers` are verdicts of an earlier walk; `missing`
    are canonical URLs to be loaded, `unanswered` questions that the way depends on, before it is walked again.
    """

    __slots__ = (
        "answers",
        "conforming",
        "holders",
        "issues",
        "missing",
        "neighbours",
        "options",
        "profiles",
        "questions",
        "terms",
        "unanswered",
    )

    def __init__(
        self,
        holders: Holders,
        options: Options = WRITE,
        profiles: Definitions | None = None,
        *,
        terms: bool = False,
        answers: Mapping[Asked, Verdict] | None = None,
    ) -> None:
        self.holders = holders
        self.options = options
        self.profiles = profiles
        self.terms = terms
        self.answers = answers if answers is not None else {}
        self.neighbours: Neighbours = NONE
        self.issues: list[Issue] = []
        self.questions: list[Question] = []
        self.missing: set[str] = set()
        self.unanswered: set[Asked] = set()
        self.conforming: dict[tuple[int, str], bool] = {}

    def add(self, severity: str, code: str, place: Place, details: str, diagnostics: str = "") -> None:
        if len(self.issues) < MOST_ISSUES:
            self.issues.append(Issue(severity, code, written(place), details, diagnostics))

    def error(self, code: str, place: Place, details: str, diagnostics: str = "") -> None:
        self.add("error", code, place, details, diagnostics)

    def profile(self, canonical: str) -> Known | None:
        """The profile, or None where it is not known.

        Where it (or what it is based on) has yet to be loaded, that is noted in `missing`: this walk is then done
        again, and what it has found does not count.
        """
        if self.profiles is None:
            return None
        try:
            return self.profiles.find(canonical)
        except NotLoaded as error:
            self.missing.add(str(error.args[0]))
            return None

    def questionnaire(self, canonical: str) -> dict[str, Any] | None:
        """As :meth:`profile`, for a Questionnaire."""
        if self.profiles is None:
            return None
        try:
            return self.profiles.questionnaire(canonical)
        except NotLoaded as error:
            self.missing.add(str(error.args[0]))
            return None

    def ask(self, asked: Sequence[Asked], settle: Callable[[Sequence[Verdict]], None]) -> None:
        """Put a question to terminology, to be settled after the walk; without terminology it stays open."""
        if self.terms and len(self.questions) < MOST_QUESTIONS:
            self.questions.append(Question(tuple(asked), settle))

    def answer(self, asked: Asked) -> Verdict | None:
        """The verdict that the way depends on; None: not known, so that the walk may have to be done again."""
        found = self.answers.get(asked)
        if found is None and self.terms:
            self.unanswered.add(asked)
        return found

    def conforms(self, profile: Known, value: Any, place: Place) -> bool:
        """Whether a value fits a profile, without an issue being noted."""
        key = (id(value), profile.url)
        known = self.conforming.get(key)
        if known is not None:
            return known
        # Where resources point to each other, the one that is looked at already counts as fitting.
        self.conforming[key] = True
        before = self.issues, self.questions
        self.issues, self.questions = [], []
        try:
            profile.check(value, place, self)
            found = not any(issue.severity in ("error", "fatal") for issue in self.issues)
        finally:
            self.issues, self.questions = before
        self.conforming[key] = found
        return found
