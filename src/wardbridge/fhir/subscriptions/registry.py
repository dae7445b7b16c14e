"""The subscriptions that are served, indexed so that a change meets only those that may want it.

By resource type, then by topic (its triggers are judged once for all its subscriptions), then by what a filter asks to
be there (a patient, a code): ten thousand subscriptions to one patient each cost one look-up, not ten thousand tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import structlog

from wardbridge.fhir.definitions.search import SearchParameter
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.search.extract import Extractor
from wardbridge.fhir.subscriptions.focus import DELETE, Focus
from wardbridge.fhir.subscriptions.judge import Criteria, Key, keys_of
from wardbridge.fhir.subscriptions.plan import Plan
from wardbridge.fhir.subscriptions.rules import refusal_of
from wardbridge.fhir.subscriptions.topic import Topic
from wardbridge.security.principal import Principal

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Served:
    """A subscription with its owner. ``types``: those that the owner may read. ``sealed``: the channel's secrets."""

    plan: Plan
    owner: Principal
    types: frozenset[str]
    sealed: str


def serve(plan: Plan, owner: Principal, sealed: str, decide: Decide) -> Served:
    """What the owner may not read is no event for this subscription."""
    return Served(plan, owner, frozenset(t for t in plan.types if not refusal_of(decide, owner, t)), sealed)


@dataclass
class _Group:
    """Subscriptions of one topic (None: R4 criteria) on one type."""

    topic: Topic | None
    keyed: dict[Key, dict[str, tuple[Criteria, ...]]] = field(default_factory=dict)
    others: dict[str, tuple[Criteria, ...]] = field(default_factory=dict)

    def candidates(self, focus: Focus) -> Iterator[tuple[str, tuple[Criteria, ...]]]:
        yield from self.others.items()
        if self.keyed:
            rows = focus.rows if focus.rows is not None else focus.rows_before
            seen: set[str] = set()
            for key in keys_of(rows) if rows is not None else ():
                for id_, found in self.keyed.get(key, {}).items():
                    if id_ not in seen:
                        seen.add(id_)
                        yield id_, found


class Registry:
    """Subscriptions by id, and their index."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.served: dict[str, Served] = {}
        self._groups: dict[str, dict[str, _Group]] = {}
        self._parameters: dict[str, dict[str, SearchParameter]] = {}
        self._indexes: dict[str, Extractor] = {}
        self.failed = 0
        """FHIRPath criteria that failed on a resource, which then was no event."""

    def set(self, served: Served) -> None:
        self.remove(served.plan.id)
        plan = served.plan
        self.served[plan.id] = served
        for type_name in served.types:
            group = self._groups.setdefault(type_name, {}).setdefault(
                plan.topic.url if plan.topic else "", _Group(plan.topic)
            )
            group.topic = plan.topic
            wanted = tuple(found for found in plan.filters if found.type == type_name)
            self._look_at(type_name, [*wanted, *_criteria_of(plan.topic, type_name)])
            keys = min((found.keys for found in wanted if found.keys), key=len, default=frozenset[Key]())
            if not keys:
                group.others[plan.id] = wanted
            for key in keys:
                group.keyed.setdefault(key, {})[plan.id] = wanted

    def _look_at(self, type_name: str, wanted: Iterable[Criteria]) -> None:
        """Index what these criteria ask for, and what others have asked for."""
        known = self._parameters.setdefault(type_name, {})
        new = {p.code: p for found in wanted for p in found.parameters if p.code not in known}
        known |= new
        if new or type_name not in self._indexes:
            self._indexes[type_name] = Extractor(type_name, extra=tuple(known.values()), standard=False)

    def remove(self, id_: str) -> None:
        served = self.served.pop(id_, None)
        if served is None:
            return
        url = served.plan.topic.url if served.plan.topic else ""
        for type_name in served.types:
            group = self._groups[type_name][url]
            group.others.pop(id_, None)
            wanted = tuple(found for found in served.plan.filters if found.type == type_name)
            for key in min((found.keys for found in wanted if found.keys), key=len, default=frozenset[Key]()):
                if (there := group.keyed.get(key)) is not None:
                    there.pop(id_, None)
                    if not there:
                        del group.keyed[key]
            if not group.others and not group.keyed:
                del self._groups[type_name][url]

    @property
    def types(self) -> frozenset[str]:
        """Types whose changes somebody wants."""
        return frozenset(name for name, groups in self._groups.items() if groups)

    @property
    def back(self) -> frozenset[str]:
        """Types of which the version before is needed too."""
        return frozenset(
            name
            for name, groups in self._groups.items()
            for group in groups.values()
            if group.topic is not None
            and any(t.looks_back or DELETE in t.methods for t in group.topic.triggers if t.type == name)
        )

    def match(self, focus: Focus) -> list[str]:
        """The subscriptions that this change is an event of."""
        found: list[str] = []
        if focus.type in self._indexes:
            focus = replace(focus, index=self._indexes[focus.type])
        for group in self._groups.get(focus.type, {}).values():
            if not self._fires(group.topic, focus):
                continue
            rows = None
            for id_, wanted in group.candidates(focus):
                if wanted and rows is None:
                    rows = focus.rows if focus.rows is not None else focus.rows_before
                if not wanted or (rows is not None and all(one.holds(rows, focus.id, focus.updated) for one in wanted)):
                    found.append(id_)
        return found

    def _fires(self, topic: Topic | None, focus: Focus) -> bool:
        if topic is None:
            return focus.method != DELETE
        for trigger in topic.triggers:
            try:
                if trigger.fires(focus, self._now):
                    return True
            except PathError:
                self.failed += 1
                log.warning("subscription.criteria_failed", topic=topic.url, type=focus.type)
        return False


def _criteria_of(topic: Topic | None, type_name: str) -> Iterator[Criteria]:
    """The query criteria of a topic's triggers."""
    for trigger in topic.triggers if topic is not None else ():
        if trigger.type == type_name:
            yield from filter(None, (trigger.previous, trigger.current))
