"""The validator that lives as long as its process: profiles from the record, codes from terminology.

A check is a walk in memory, then one look-up for what was missing (definitions, codes), and another walk only where the
way depended on it.  So the time of a check follows the resource, never the size of a value set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from wardbridge.fhir.path.predicate import Holders
from wardbridge.fhir.terms import Asked, Terms, Verdict
from wardbridge.fhir.validate.api import found, validate, walk
from wardbridge.fhir.validate.issues import Issue
from wardbridge.fhir.validate.options import FULL, WRITE, Options
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.run import Run

# Each round may find that a profile needs another one, or that a slice needs an answer.
MOST_ROUNDS = 24


class Shelf(Protocol):
    """Where definitions are kept."""

    async def changed(self) -> bool:
        """Whether any definition has changed since this was last asked."""
        ...

    async def definitions(self, urls: Iterable[str], /) -> list[dict[str, Any]]:
        """The StructureDefinitions and Questionnaires for canonical URLs (`url`, `url|version`), where there are."""
        ...


class Validator:
    """Checks resources against R4, the profiles they claim and those asked for.

    ``shelf`` holds further definitions (`profiles` must then be open), ``terms`` answers what bindings ask.
    """

    def __init__(
        self,
        profiles: Profiles,
        terms: Terms | None = None,
        shelf: Shelf | None = None,
        options: Options = FULL,
    ) -> None:
        self.profiles = profiles
        self.terms = terms
        self.shelf = shelf
        self.options = options

    async def check(self, resource: dict[str, Any], profile: str | Sequence[str] | None = None) -> list[Issue]:
        """All problems; with ``profile`` (a canonical URL, or several) also those against it."""
        wanted = [profile] if isinstance(profile, str) else list(profile or ())
        return await self._check(resource, [url for url in wanted if url], self.options)

    async def written(self, resource: dict[str, Any]) -> list[Issue]:
        """The check of a write: what is certainly wrong, with the profiles that the resource claims."""
        return await self._check(resource, [], WRITE)

    def validate(self, resource: Any) -> list[Issue]:
        """Against R4 alone, at once."""
        return validate(resource)

    async def _check(self, resource: dict[str, Any], wanted: Sequence[str], options: Options) -> list[Issue]:
        if self.shelf is not None and await self.shelf.changed():
            self.profiles.forget()
        answers: dict[Asked, Verdict] = {}
        run = self._walk(resource, wanted, options, answers)
        for _ in range(MOST_ROUNDS):
            if not run.missing and not run.unanswered:
                break
            await self._load(run.missing)
            await self._judge(run.unanswered, answers)
            run = self._walk(resource, wanted, options, answers)
        else:
            run.add("warning", "too-costly", (None, "Resource", -1), "the profiles refer to each other too deeply")
        if run.questions:
            await self._judge({asked for question in run.questions for asked in question.asked}, answers)
            for question in run.questions:
                question.settle([answers[asked] for asked in question.asked])
        return found(run)

    def _walk(
        self, resource: dict[str, Any], wanted: Sequence[str], options: Options, answers: dict[Asked, Verdict]
    ) -> Run:
        run = Run(Holders(resource, resource), options, self.profiles, terms=self.terms is not None, answers=answers)
        walk(resource, run, wanted)
        return run

    async def _load(self, missing: set[str]) -> None:
        """Get definitions from the shelf. Those that are not there are noted, so that nobody asks again."""
        if not missing:
            return
        assert self.shelf is not None
        for definition in await self.shelf.definitions(sorted(missing)):
            self.profiles.add(definition)
        self.profiles.lack(missing)

    async def _judge(self, asked: set[Asked], answers: dict[Asked, Verdict]) -> None:
        todo = [question for question in asked if question not in answers]
        if todo and self.terms is not None:
            answers.update(zip(todo, await self.terms.judge(todo), strict=True))
