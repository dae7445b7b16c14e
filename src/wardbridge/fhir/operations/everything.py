"""`$everything` of a Patient, an Encounter or a Group (R4 operation-patient-everything), page by page.

A page has the next resources of the compartment and, as includes, what they refer to outside of it: practitioners,
places, medications, machines. Nothing of another patient comes along. Types that the caller may not search are absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wardbridge.core.errors import Forbidden, Invalid
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import loads
from wardbridge.fhir.operations.care_dates import cares_within
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.rest.access import check, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter
from wardbridge.fhir.rest.parameters import Given, given
from wardbridge.fhir.rest.searching import bundle
from wardbridge.fhir.search.moments import span
from wardbridge.fhir.search.query import Include, Query
from wardbridge.fhir.store.compartments import compartment_query, members
from wardbridge.fhir.store.search import Page
from wardbridge.fhir.store.values import Stored

COMMON = (
    Parameter("_since", "instant", 0, 1, "Only what was written at or after this time"),
    Parameter("_type", "code", 0, MANY, "Only these resource types, commas between"),
    Parameter("_count", "integer", 0, 1, "Resources a page"),
    Parameter("_cursor", "string", 0, 1, "Of a next link"),
)
DATES = (
    Parameter("start", "date", 0, 1, "Care from this date on"),
    Parameter("end", "date", 0, 1, "Care up to this date"),
)
OUTPUTS = (Parameter("return", "Bundle", 1, 1, "A searchset; its next link goes on"),)
MOST = 1000
"""Resources a page, also where no ``_count`` is given."""
ROUNDS = 20
"""Pages of the record that are looked through for one page of a date range."""
MOST_MEMBERS = 2000
ELSEWHERE = frozenset({"AuditEvent"})
"""Not kept among the resources: AuditEvents are searched by patient."""


@dataclass(frozen=True)
class Everything:
    services: Services

    def operations(self) -> tuple[Operation, ...]:
        return tuple(self._operation(name) for name in ("Patient", "Encounter", "Group"))

    def _operation(self, name: str) -> Operation:
        return Operation(
            "everything",
            f"http://hl7.org/fhir/OperationDefinition/{name}-everything",
            self.perform,
            (name,),
            type=name != "Group",
            instance=True,
            inputs=COMMON if name == "Encounter" else (*DATES, *COMMON),
            outputs=OUTPUTS,
            about=f"All that the record holds around a {name}",
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Forbidden, NotFound, Gone for the resource itself, Invalid for the parameters."""
        asked = given(call, self._operation(type_name))
        count = _count(asked)
        home = "Patient" if type_name == "Group" else type_name
        first = await self.services.read(call, type_name, id_) if id_ else None
        if first is None:
            check(self.services.decide, call, "search", type_name)
        types = self._types(call, home, asked.words("_type"))
        if not types:
            page = Page((), query=Query(("Basic",)))
        else:
            query = self._query(home, types, self._ids(type_name, first), asked, count)
            page = await self._page(query, _dates(asked), count)
        page = self._with_support(call, home, page, set(asked.words("_type")), first)
        if type_name == "Group" and first is not None and "_cursor" not in asked and _asked("Group", asked):
            page = replace(page, matches=(first, *page.matches))
        path = "/".join(filter(None, (type_name, id_, "$everything")))
        page = replace(page, query=replace(page.query, parameters=_pairs(asked), total="none"))
        return Answer(200, bundle(call, path, page), patients=patients_of(*page.matches, *page.included))

    def _types(self, call: Call, home: str, asked: Sequence[str]) -> tuple[str, ...]:
        """The types of the compartment that are wanted and permitted. Raises Invalid, and Forbidden for a named one."""
        for name in asked:
            if name not in resource_types():
                raise Invalid(f"_type: {name[:60]!r} is not a resource type of R4", "_type")
            if not self.services.may(call, "search", name):
                raise Forbidden(f"_type: you may not search {name}")
        possible = [name for name in members(home) if name not in ELSEWHERE]
        return tuple(n for n in possible if (not asked or n in asked) and self.services.may(call, "search", n))

    def _query(self, home: str, types: tuple[str, ...], ids: tuple[str, ...] | None, asked: Given, count: int) -> Query:
        pairs = [("_count", str(count))]
        if "_since" in asked:
            pairs.append(("_lastUpdated", f"ge{asked.one('_since')}"))
        if "_cursor" in asked:
            pairs.append(("_cursor", asked.one("_cursor")))
        record = self.services.record
        query = record.query(types, pairs) if ids is None else compartment_query(record, home, ids, types, pairs)
        return replace(query, total="none", includes=(Include("", "*", "", False),))

    @staticmethod
    def _ids(type_name: str, first: Stored | None) -> tuple[str, ...] | None:
        """Whose compartments; None: everybody's."""
        if first is None:
            return None
        if type_name != "Group":
            return (first.id,)
        named = []
        for member in loads(first.body or b"{}").get("member") or ():
            reference = str((member.get("entity") or {}).get("reference", ""))
            kind, _, id_ = reference.partition("/")
            if kind == "Patient" and id_ and not member.get("inactive"):
                named.append(id_)
        if len(named) > MOST_MEMBERS:
            raise Invalid(f"the group has more than {MOST_MEMBERS} members: use $export", "Group.member")
        return tuple(dict.fromkeys(named))

    async def _page(self, query: Query, dates: tuple[int, int] | None, count: int) -> Page:
        """The next page; with a date range several pages of the record may be looked through for one."""
        search = self.services.repository.search
        page = await search(query)
        if dates is None:
            return page
        matches = [one for one in page.matches if cares_within(one, dates)]
        included = list(page.included)
        for _ in range(ROUNDS):
            if not page.cursor or matches:
                break
            page = await search(replace(query, cursor=page.cursor))
            matches += [one for one in page.matches if cares_within(one, dates)]
            included += page.included
        return replace(page, matches=tuple(matches), included=tuple({(o.type, o.id): o for o in included}.values()))

    def _with_support(self, call: Call, home: str, page: Page, asked: set[str], first: Stored | None) -> Page:
        """Of what the page refers to: that which is in no compartment of this kind, and may be read."""
        inside = set(members(home))
        own = set(patients_of(first)) if first is not None and home == "Encounter" else set()
        kept = []
        for one in page.included:
            if asked and one.type not in asked:
                continue
            if one.type == "Patient":
                belongs = home != "Encounter" or one.id not in own
            else:
                belongs = one.type in inside and f'"{home}/'.encode() in (one.body or b"")
            if not belongs and self.services.may(call, "read", one.type, one.id):
                kept.append(one)
        return replace(page, included=tuple(kept))


def _count(asked: Given) -> int:
    count = asked.one("_count", MOST)
    if count < 1:
        raise Invalid("_count must be a whole number above 0", "_count")
    return int(min(count, MOST))


def _asked(name: str, asked: Given) -> bool:
    return not asked.words("_type") or name in asked.words("_type")


def _dates(asked: Given) -> tuple[int, int] | None:
    """[low, high) in µs of ``start`` and ``end``. Raises Invalid."""
    if "start" not in asked and "end" not in asked:
        return None
    low = span(asked.one("start"))[0] if "start" in asked else -(1 << 62)
    high = span(asked.one("end"))[1] if "end" in asked else 1 << 62
    if high <= low:
        raise Invalid("end lies before start", "end")
    return low, high


def _pairs(asked: Given) -> tuple[tuple[str, str], ...]:
    """The parameters for the links of the page."""
    rows: Iterable[tuple[str, Any]] = ((name, value) for name, values in asked.values.items() for value in values)
    return tuple((name, str(value)) for name, value in rows if name != "_cursor")
