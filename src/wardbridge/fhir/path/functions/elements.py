"""Functions that FHIR adds (https://hl7.org/fhir/R4/fhirpath.html#functions)."""

from __future__ import annotations

from typing import Any

from wardbridge.fhir.definitions.codes import codes, valueset
from wardbridge.fhir.definitions.table import Element, type_of
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.functions.define import Entry, Make, on_items
from wardbridge.fhir.path.nodes import Node, plain, system, typed
from wardbridge.fhir.path.quantity import Quantity
from wardbridge.fhir.path.references import named_type
from wardbridge.fhir.path.scope import Fn, Items, Scope, single, string
from wardbridge.fhir.path.xhtml import html_problem

BASE = "http://hl7.org/fhir/StructureDefinition/"


def _extension(before: Fn, url: Fn) -> Fn:
    def run(s: Scope) -> Items:
        wanted = string(url(s), "extension")
        found: Items = []
        for item in before(s):
            if isinstance(item, Node):
                item.child("extension", found)
        return [e for e in found if isinstance(e.value, dict) and e.value.get("url") == wanted]

    return run


def _has_extension(before: Fn, url: Fn) -> Fn:
    inner = _extension(before, url)
    return lambda s: [bool(inner(s))]


def _has_value(items: Items) -> Items:
    return [len(items) == 1 and _value(items[0]) is not None]


def _get_value(items: Items) -> Items:
    value = _value(items[0]) if len(items) == 1 else None
    return [] if value is None else [value]


def _value(item: Any) -> Any:
    if isinstance(item, Node):
        return system(item) if item.type is not None and item.type.primitive else None
    return item


def resolve(before: Fn, *, by_name: bool = False) -> Fn:
    """`resolve()`; with `by_name` a target that cannot be read counts as an empty resource of its type.

    That is enough for `resolve() is Patient`, which a record must answer before it holds the patient.
    """

    def run(s: Scope) -> Items:
        out: Items = []
        for item in before(s):
            reference = _reference(item)
            if reference is None:
                continue
            if reference.startswith("#"):
                found = _contained(s, reference[1:])
            else:
                found = s.env.resolve(reference) if s.env.resolve is not None else None
            if found is not None:
                out.append(typed(found, type_of("Resource")))
            elif by_name and (name := named_type(item.value if isinstance(item, Node) else reference)) is not None:
                out.append(Node({"resourceType": name}, type_of(name)))
        return out

    return run


def _reference(item: Any) -> str | None:
    if isinstance(item, Node):
        value = item.value.get("reference") if isinstance(item.value, dict) else item.value
        return value if isinstance(value, str) else None
    return item if isinstance(item, str) else None


def _contained(s: Scope, name: str) -> dict[str, Any] | None:
    for holder in (*s.resource, *s.root):
        if isinstance(holder, Node) and isinstance(holder.value, dict):
            if not name:
                return holder.value
            contained = holder.value.get("contained")
            for inner in contained if isinstance(contained, list) else ():
                if isinstance(inner, dict) and inner.get("id") == name:
                    return inner
    return None


def _member_of(before: Fn, url: Fn) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        wanted = string(url(s), "memberOf")
        if wanted is None or len(items) != 1:
            return []
        value = plain(items[0])
        if s.env.member_of is not None:
            found = s.env.member_of(value, wanted)
        else:
            found = _listed(value, wanted)
        return [] if found is None else [found]

    return run


def _listed(value: Any, url: str) -> bool | None:
    """Membership by the value sets that this package lists; None where it does not know the set."""
    known = valueset(url)
    if known is None:
        return None
    if isinstance(value, str):
        return value in (codes(url) or ())
    codings = value.get("coding", [value]) if isinstance(value, dict) else []
    return any(isinstance(c, dict) and c.get("code") in known.get(c.get("system", ""), ()) for c in codings)


def _conforms_to(before: Fn, profile: Fn) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        url = string(profile(s), "conformsTo")
        if url is None or len(items) != 1 or not isinstance(items[0], Node):
            return []
        name = url.removeprefix(BASE).split("|")[0]
        kind = items[0].type
        if url.startswith(BASE) and type_of(name) is not None and kind is not None:
            return [name in kind.ancestors]
        found = s.env.conforms_to(items[0].value, url) if s.env.conforms_to is not None else None
        if found is None:
            raise PathError(f"conformsTo: unknown profile {url}")
        return [found]

    return run


def _comparable(before: Fn, other: Fn) -> Fn:
    def run(s: Scope) -> Items:
        a, b = single(before(s), "comparable"), single(other(s), "comparable")
        if a is None or b is None:
            return []
        if isinstance(a, Quantity) and isinstance(b, Quantity):
            return [a.pair(b, strict=False) is not None]
        return [type(a) is type(b)]

    return run


def _html_checks(items: Items) -> Items:
    return [all(html_problem(plain(item)) is None for item in items)]


def _check_modifiers(before: Fn, *known: Fn) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        allowed = {string(url(s), "checkModifiers") for url in known}
        for item in items:
            found: Items = []
            if isinstance(item, Node):
                item.child("modifierExtension", found)
            for extension in found:
                url = extension.value.get("url") if isinstance(extension.value, dict) else None
                if url not in allowed:
                    raise PathError(f"checkModifiers: unknown modifier extension {str(url)[:200]}")
        return items

    return run


def _codings(item: Any, name: str) -> list[tuple[str, str]]:
    """(system, code) of a Coding or CodeableConcept."""
    value = item.value if isinstance(item, Node) else None
    if not isinstance(value, dict):
        raise PathError(f"{name}: expected a Coding or CodeableConcept")
    listed = value.get("coding", [value])
    return [
        (str(c.get("system", "")), str(c["code"]))
        for c in (listed if isinstance(listed, list) else [])
        if isinstance(c, dict) and c.get("code")
    ]


def _subsumption(name: str, *, upwards: bool) -> Make:
    """`subsumes()`: the input is the same as the argument or more general; `subsumedBy()` the other way round.

    R4 fhirpath.html#functions: for CodeableConcepts any pair of codings counts.
    """

    def make(before: Fn, other: Fn) -> Fn:
        def run(s: Scope) -> Items:
            items, others = before(s), other(s)
            if not items or not others:
                return []
            if len(items) > 1 or len(others) > 1:
                raise PathError(f"{name}: expected one item on each side")
            pairs = [(a, b) for a in _codings(items[0], name) for b in _codings(others[0], name)]
            found = [_pair(s, *((b, a) if upwards else (a, b))) for a, b in pairs]
            return [True] if True in found else [] if None in found or not found else [False]

        return run

    return make


def _pair(s: Scope, general: tuple[str, str], special: tuple[str, str]) -> bool | None:
    if general == special:
        return True
    if general[0] != special[0]:
        return False
    return s.env.subsumes(general, special) if s.env.subsumes is not None else None


def _slice(before: Fn, structure: Fn, name: Fn) -> Fn:
    """The elements that belong to a slice of a profile (R4 fhirpath.html#functions)."""

    def run(s: Scope) -> Items:
        url, wanted = string(structure(s), "slice"), string(name(s), "slice")
        items = before(s)
        if url is None or wanted is None:
            return []
        out: Items = []
        for item in items:
            held = s.env.in_slice(plain(item), url, wanted) if s.env.in_slice is not None else None
            if held is None:
                raise PathError(f"slice: unknown structure or slice {url[:200]} {wanted[:60]}")
            if held:
                out.append(item)
        return out

    return run


def element_definition(parents: Fn, items: Fn, name: str) -> Fn:
    """`elementDefinition()` of what stands at `parents.name`: its ElementDefinition, once for each item."""

    def run(s: Scope) -> Items:
        found = items(s)
        if not found:
            return []
        for parent in parents(s):
            element = parent.type.elements.get(name) if isinstance(parent, Node) and parent.type is not None else None
            if element is not None:
                return [Node(_described(element), type_of("ElementDefinition"))] * len(found)
        return []

    return run


def _described(element: Element) -> dict[str, Any]:
    """The facts of an element as an ElementDefinition."""
    path = f"{element.path}[x]" if element.choice else element.path
    types: list[dict[str, Any]] = [{"code": name} for name in element.types]
    for row in types:
        if row["code"] in ("Reference", "canonical") and element.targets:
            row["targetProfile"] = [BASE + target for target in element.targets]
    out: dict[str, Any] = {
        "id": path,
        "path": path,
        "min": element.min,
        "max": "*" if element.max is None else str(element.max),
        "type": types,
        "isModifier": element.modifier,
        "isSummary": element.summary,
    }
    if element.binding is not None:
        out["binding"] = {"strength": element.binding.strength, "valueSet": element.binding.valueset}
    if element.invariants:
        out["constraint"] = [
            {"key": i.key, "severity": i.severity, "human": i.key, "expression": i.expression}
            for i in element.invariants
        ]
    return out


TABLE: dict[str, Entry] = {
    "checkModifiers": (1, 20, _check_modifiers),
    "extension": (1, 1, _extension),
    "hasExtension": (1, 1, _has_extension),
    "hasValue": (0, 0, on_items(_has_value)),
    "getValue": (0, 0, on_items(_get_value)),
    "resolve": (0, 0, resolve),
    "slice": (2, 2, _slice),
    "subsumes": (1, 1, _subsumption("subsumes", upwards=False)),
    "subsumedBy": (1, 1, _subsumption("subsumedBy", upwards=True)),
    "memberOf": (1, 1, _member_of),
    "conformsTo": (1, 1, _conforms_to),
    "comparable": (1, 1, _comparable),
    "htmlChecks": (0, 0, on_items(_html_checks)),
    "htmlChecks2": (0, 0, on_items(_html_checks)),
}
