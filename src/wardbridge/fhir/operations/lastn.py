"""`$lastn`: the last n observations of each code (R4 observation-operation-lastn).

Codings that stand on the same observation mean the same thing: observations that share any of them are one group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import loads
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.rest.access import check, filter_of, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.rest.parameters import given
from wardbridge.fhir.rest.searching import bundle
from wardbridge.fhir.store.lastn import Candidate, newest
from wardbridge.fhir.store.search import Page

INPUTS = (
    Parameter("max", "positiveInt", 0, 1, "Observations of each code; 1 where it is not given"),
    Parameter("patient", "string", 0, 1, "Whose", search="reference", targets=("Patient",)),
    Parameter(
        "subject", "string", 0, 1, "Whose", search="reference", targets=("Patient", "Group", "Device", "Location")
    ),
    Parameter("category", "string", 0, 0, "Of which category", search="token"),
    Parameter("code", "string", 0, 0, "Of which codes", search="token"),
)
OUTPUTS = (Parameter("return", "Bundle", 1, 1, "A searchset, code by code, newest first"),)
MOST = 100
LARGEST = 5000
"""Observations in one answer."""
NO_RESULT = frozenset(
    {"_count", "_cursor", "_sort", "_include", "_revinclude", "_summary", "_elements", "_total", "_type"}
)


@dataclass(frozen=True)
class LastN:
    services: Services

    @property
    def operation(self) -> Operation:
        return Operation(
            "lastn",
            "http://hl7.org/fhir/OperationDefinition/Observation-lastn",
            self.perform,
            ("Observation",),
            type=True,
            inputs=INPUTS,
            outputs=OUTPUTS,
            about="The last n observations of each code",
            searches=True,
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid, Forbidden, TooCostly."""
        extra = filter_of(check(self.services.decide, call, "search", "Observation"))
        asked = given(call, self.operation)
        most = asked.one("max", 1)
        if most > MOST:
            raise Invalid(f"max is at most {MOST}", "max")
        pairs = [(p.name, str(v)) for p in INPUTS[1:] for v in asked.all(p.name)] + list(asked.rest)
        for name, _ in pairs:
            if name.split(":")[0] in NO_RESULT:
                raise Invalid(f"$lastn has no parameter {name!r}", name)
        record = self.services.record
        query = record.query(["Observation"], [*pairs, *extra])
        found = await newest(record.pool, record.numbers, query, most, record.search_seconds, record.terms)
        if len(found) > LARGEST:
            raise Invalid(f"there are more than {LARGEST} observations: narrow the search", "max")
        matches = tuple(one.stored for one in last_of_each(found, most))
        shown = replace(query, parameters=(("max", str(most)), *pairs), count=max(len(matches), 1))
        page = Page(matches, total=len(matches), query=shown)
        return Answer(200, bundle(call, "Observation/$lastn", page), patients=patients_of(*matches))


def last_of_each(found: Sequence[Candidate], most: int) -> list[Candidate]:
    """The ``most`` newest of each group, group by group, the group with the newest observation first.

    ``found`` is newest first. Observations without a coding are grouped by the text of their code.
    """
    groups: dict[int, list[Candidate]] = {}
    names: dict[tuple[str, str], int] = {}
    for number, one in enumerate(found):
        keys = one.codings or (("", _text(one)),)
        known = sorted({names[key] for key in keys if key in names})
        home = known[0] if known else number
        groups.setdefault(home, []).append(one)
        for other in known[1:]:  # this observation shows that two groups are one
            groups[home] += groups.pop(other)
            names = {key: home if group == other else group for key, group in names.items()}
        names.update(dict.fromkeys(keys, home))
    place = {id(one): at for at, one in enumerate(found)}
    ordered = [sorted(group, key=lambda one: place[id(one)])[:most] for group in groups.values()]
    return [one for group in sorted(ordered, key=lambda group: place[id(group[0])]) for one in group]


def _text(one: Candidate) -> str:
    code = loads(one.stored.body or b"{}").get("code")
    return str(code.get("text", "")).casefold() if isinstance(code, dict) else ""
