"""Topics: what is an event (R5 SubscriptionTopic), from our own table or from a Basic resource (Backport IG for R4).

A trigger fires when interaction, query criteria and FHIRPath criteria all hold. Triggers of a topic are alternatives.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.path import compile
from wardbridge.fhir.path.api import Compiled
from wardbridge.fhir.path.env import Env
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.subscriptions.focus import CREATE, DELETE, UPDATE, Focus
from wardbridge.fhir.subscriptions.judge import Criteria, NotJudged, criteria

METHODS = {"create": CREATE, "update": UPDATE, "delete": DELETE}
TYPES_SYSTEM = "http://hl7.org/fhir/fhir-types"
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_EXTENSION = ("http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.",
              "http://hl7.org/fhir/4.3/StructureDefinition/extension-SubscriptionTopic.",
              f"{_CORE}artifact-")  # fmt: skip
"""The cross-version extensions by which a Basic says what a SubscriptionTopic would; 4.3 and 5.0 are both in use."""


@dataclass(frozen=True)
class Trigger:
    """``create`` and ``delete``: what a criterion gives where there is no previous or no current version."""

    type: str
    methods: frozenset[str]
    previous: Criteria | None = None
    current: Criteria | None = None
    both: bool = False
    create: bool = True
    delete: bool = False
    path: Compiled | None = None

    @property
    def looks_back(self) -> bool:
        """Whether the version before is needed."""
        return self.previous is not None or self.path is not None

    def fires(self, focus: Focus, now: Callable[[], int]) -> bool:
        """Raises PathError where the FHIRPath fails on this resource."""
        if focus.type != self.type or focus.method not in self.methods or not self._query(focus):
            return False
        if self.path is None:
            return True
        variables = {"current": focus.current, "previous": focus.previous}
        resource = focus.current or focus.previous or {"resourceType": focus.type}
        return self.path(resource, Env(now=now, variables=variables)) == [True]

    def _query(self, focus: Focus) -> bool:
        was = _holds(self.previous, focus.rows_before, focus, self.create)
        is_ = _holds(self.current, focus.rows, focus, self.delete)
        if was is None or is_ is None:
            return is_ is not False and was is not False
        return (was and is_) if self.both else (was or is_)


def _holds(wanted: Criteria | None, rows: Any, focus: Focus, otherwise: bool) -> bool | None:
    if wanted is None:
        return None
    return otherwise if rows is None else wanted.holds(rows, focus.id, focus.updated)


@dataclass(frozen=True)
class FilterBy:
    """``type`` '': every type. ``modifiers`` empty: any that the parameter has."""

    type: str
    parameter: str
    modifiers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Topic:
    """``url`` is what a Subscription names in ``criteria``."""

    url: str
    title: str
    triggers: tuple[Trigger, ...]
    filters: tuple[FilterBy, ...]

    @property
    def types(self) -> frozenset[str]:
        return frozenset(trigger.type for trigger in self.triggers)

    def filter_by(self, type_name: str, parameter: str, modifier: str) -> bool:
        """Whether a Subscription may filter by this."""
        return any(
            found.parameter == parameter and found.type in ("", type_name)
            and (not modifier or not found.modifiers or modifier in found.modifiers)
            for found in self.filters
        )  # fmt: skip


@lru_cache(maxsize=1)
def builtin() -> dict[str, Topic]:
    """The topics of our own table, by URL."""
    text = resources.files("wardbridge.fhir.subscriptions").joinpath("topics.toml").read_text("utf-8")
    return {table["url"]: _of_table(table) for table in tomllib.loads(text)["topic"]}


def _of_table(table: Mapping[str, Any]) -> Topic:
    url = table["url"]
    triggers = [
        _trigger(t["resource"], t.get("interactions", ()), t.get("previous", ""), t.get("current", ""),
                 t.get("both", False), True, False, t.get("path", ""), url)
        for t in table["trigger"]
    ]  # fmt: skip
    filters = [FilterBy(*text.split(":", 1)) for text in table["filters"]]
    return Topic(url, table["title"], tuple(triggers), tuple(filters))


def is_topic(resource: Mapping[str, Any]) -> bool:
    """Whether a Basic stands for a SubscriptionTopic."""
    codings = (resource.get("code") or {}).get("coding") or ()
    return any(c.get("code") == "SubscriptionTopic" and c.get("system") == TYPES_SYSTEM for c in codings)


def read_topic(resource: Mapping[str, Any]) -> Topic | None:
    """The topic of a Basic; None where it is retired. Raises NotJudged (422) for one that cannot be served."""
    url, title, triggers, filters, status = "", "", list[Trigger](), list[FilterBy](), "active"
    for at, extension in enumerate([*resource.get("extension", ()), *resource.get("modifierExtension", ())]):
        where = f"Basic.extension[{at}]"
        match _name(extension):
            case "url":
                url = str(_value(extension) or "")
            case "title":
                title = str(_value(extension) or "")
            case "status":
                status = str(_value(extension) or "")
            case "resourceTrigger":
                triggers.append(_read_trigger(extension, where))
            case "canFilterBy":
                filters.append(_read_filter(extension))
            case "eventTrigger":
                raise NotJudged("events without a change of a resource (eventTrigger) do not happen here", where)
    if not url:
        raise NotJudged("a topic needs its canonical URL (extension SubscriptionTopic.url)", "Basic.extension")
    if not triggers:
        raise NotJudged("a topic needs a resourceTrigger", "Basic.extension")
    return Topic(url, title, tuple(triggers), tuple(filters)) if status in ("active", "draft") else None


def _name(extension: Mapping[str, Any]) -> str:
    url = str(extension.get("url", ""))
    for prefix in _EXTENSION:
        if url.startswith(prefix):
            return url[len(prefix) :]
    return url


def _value(extension: Mapping[str, Any]) -> Any:
    return next((value for key, value in extension.items() if key.startswith("value")), None)


def _parts(extension: Mapping[str, Any], name: str) -> list[Any]:
    return [part for part in extension.get("extension", ()) if part.get("url") == name]


def _one(extension: Mapping[str, Any], name: str, default: Any = "") -> Any:
    found = _parts(extension, name)
    return _value(found[0]) if found else default


def _read_trigger(extension: Mapping[str, Any], where: str) -> Trigger:
    query: Mapping[str, Any] = next(iter(_parts(extension, "queryCriteria")), {})
    return _trigger(
        str(_one(extension, "resource")).removeprefix(_CORE),
        [str(_value(part)) for part in _parts(extension, "supportedInteraction")],
        str(_one(query, "previous")),
        str(_one(query, "current")),
        _one(query, "requireBoth", False) is True,
        _one(query, "resultForCreate", "test-passes") == "test-passes",
        _one(query, "resultForDelete", "test-fails") == "test-passes",
        str(_one(extension, "fhirPathCriteria")),
        where,
    )


def _trigger(
    type_name: str, interactions: Sequence[str], previous: str, current: str,
    both: bool, create: bool, delete: bool, path: str, where: str,
) -> Trigger:  # fmt: skip
    if type_name not in resource_types():
        raise NotJudged(f"{type_name[:60]!r} is not a resource type of R4", where)
    unknown = [name for name in interactions if name not in METHODS]
    if unknown:
        raise NotJudged(f"{unknown[0][:60]!r} is no interaction: create, update or delete", where)
    try:
        compiled = compile(path) if path else None
    except PathError as error:
        raise NotJudged(f"fhirPathCriteria: {error}", where) from error
    return Trigger(
        type_name,
        frozenset(METHODS[name] for name in interactions or METHODS),
        criteria(type_name, _query(type_name, previous), 0, (), where) if previous else None,
        criteria(type_name, _query(type_name, current), 0, (), where) if current else None,
        both, create, delete, compiled,
    )  # fmt: skip


def _query(type_name: str, text: str) -> str:
    return text.removeprefix(f"{type_name}?").removeprefix("?")


def _read_filter(extension: Mapping[str, Any]) -> FilterBy:
    modifiers = frozenset(str(_value(part)) for part in _parts(extension, "modifier"))
    type_name = str(_one(extension, "resource")).removeprefix(_CORE)
    return FilterBy(type_name, str(_one(extension, "filterParameter")), modifiers)
