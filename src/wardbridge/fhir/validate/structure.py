"""Types compiled to checks: one closure for each JSON property, made when a type is first met.

A check runs down the JSON once; places are tuples that are written out only for issues.  Standard:
https://hl7.org/fhir/R4/validation.html#types (structure, cardinality, values, bindings, invariants, references)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from wardbridge.fhir.definitions.table import Element, Invariant, Type, known, resource_types, type_of
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.predicate import Holders, Predicate, compile_predicate
from wardbridge.fhir.path.xhtml import html_problem
from wardbridge.fhir.validate.bindings import Coded, binding_check
from wardbridge.fhir.validate.claims import claims
from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.narrative import unmentioned
from wardbridge.fhir.validate.neighbours import of_bundle, of_parameters
from wardbridge.fhir.validate.primitives import CHECKS
from wardbridge.fhir.validate.references import reference_check
from wardbridge.fhir.validate.rules import RULES, absolute
from wardbridge.fhir.validate.run import Run

Check: TypeAlias = Callable[[Any, Place, Run], None]
# (value of the property, the object that holds it, place of that object, run)
Rule: TypeAlias = Callable[[Any, dict[str, Any], Place, Run], None]


def _json(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


@cache
def checker(type_name: str) -> Check:
    """The check of one complex value of that type."""
    kind = known(type_name)
    spoken = RULES.get(type_name)

    def check(value: Any, place: Place, run: Run) -> None:
        if type(value) is not dict:
            run.error("structure", place, f"expected an object of type {type_name}, found {_json(value)}")
            return
        rules, required, choices = _table(type_name)
        if not value:
            run.error("structure", place, "an empty object is not allowed", "ele-1")
            return
        seen: dict[str, str] | None = None
        for key, inner in value.items():
            rule = rules.get(key)
            if rule is None:
                _unknown(key, kind, place, run)
                continue
            if key in choices:
                seen = {} if seen is None else seen
                _choose(*choices[key], seen, place, run)
            rule(inner, value, place, run)
        if len(value) == 1 and "id" in value and not kind.resource:
            run.error("invariant", place, "an element must have a value or children", "ele-1")
        for name, keys in required:
            if keys.isdisjoint(value):
                run.error("required", place, f"{name} is required", f"{type_name}.{name}")
        for invariant, predicate in _predicates(type_name):
            _test(invariant, predicate, value, place, run)
        if spoken is not None:
            spoken(value, place, run)

    return check


def _choose(name: str, key: str, seen: dict[str, str], place: Place, run: Run) -> None:
    if seen.setdefault(name, key) != key:
        run.error("structure", (place, name, -1), f"only one of {name}[x] may be given", f"{name}[x]")


@cache
def _predicates(type_name: str) -> tuple[tuple[Invariant, Predicate], ...]:
    return tuple((i, compile_predicate(i.expression, type_name)) for i in known(type_name).invariants)


def _test(invariant: Invariant, predicate: Predicate, value: Any, place: Place, run: Run) -> None:
    try:
        if predicate(value, run.holders) is not False:
            return
    except PathError as error:
        if run.issues:
            return
        run.add("warning", "processing", place, f"invariant {invariant.key} cannot be decided: {error.message}")
        return
    except (AttributeError, KeyError, TypeError):
        # The structure is broken, which is an issue of its own.
        return
    if invariant.key == "dom-6" and run.holders.resource is not run.holders.root:
        # A contained resource should have no narrative of its own (references.html#contained).
        return
    if invariant.key == "dom-3" and (not run.options.contained or not unmentioned(value)):
        # A narrative may point to a contained resource too (narrative.html#id), which the expression does not see.
        return
    if invariant.key == "dom-3":
        for i, name in unmentioned(value):
            text = f"nothing in the resource that contains it refers to {shown(name)}"
            run.error("invariant", (place, "contained", i), text, "dom-3")
        return
    run.add(
        "error" if invariant.severity == "error" else "warning",
        "invariant",
        place,
        f"invariant {invariant.key} does not hold",
        f"{invariant.key}: {invariant.expression}",
    )


def _unknown(key: str, kind: Type, place: Place, run: Run) -> None:
    if key == "resourceType" and kind.resource:
        return
    if key.startswith("_") and key[1:] in kind.keys:
        run.error("structure", (place, key[1:], -1), f"{key[1:]} takes no extension, so {key} is not allowed")
        return
    run.error("structure", (place, key, -1), f"{shown(key)} is no element of {kind.name}")


class _Table(NamedTuple):
    """A type's rules by JSON property, its required elements, and the choice that a property belongs to."""

    rules: dict[str, Rule]
    required: list[tuple[str, frozenset[str]]]
    choices: dict[str, tuple[str, str]]


@cache
def _table(type_name: str) -> _Table:
    kind = known(type_name)
    rules: dict[str, Rule] = {}
    required: list[tuple[str, frozenset[str]]] = []
    choices: dict[str, tuple[str, str]] = {}
    for element in kind.elements.values():
        keys: set[str] = set()
        for key, type_name in element.keys:
            inner = type_of(type_name)
            assert inner is not None
            label = f"{element.name}.ofType({type_name})" if element.choice else element.name
            rules[key] = _rule(element, key, label, type_name)
            keys.add(key)
            # An id and an extension's url are attributes in XML: they take no extension.
            if inner.primitive and key != "id" and (kind.name, key) != ("Extension", "url"):
                shadow = f"_{key}"
                rules[shadow] = _shadow_rule(element, key, label)
                keys.add(shadow)
            if element.choice:
                choices[key] = choices[f"_{key}"] = (element.name, key)
        if element.min:
            required.append((element.name, frozenset(keys)))
    if kind.resource:
        rules["resourceType"] = lambda value, holder, place, run: None
    return _Table(rules, required, choices)


def _element_checks(element: Element, type_name: str) -> tuple[tuple[Invariant, Predicate], ...]:
    return tuple((i, compile_predicate(i.expression, type_name)) for i in element.invariants)


def _rule(element: Element, key: str, label: str, type_name: str) -> Rule:
    kind = known(type_name)
    if kind.primitive:
        single = _primitive(element, key, label, type_name)
    else:
        single = _complex(element, label, type_name)
    return _many(key, label, single, primitive=kind.primitive) if element.many else _one(label, single)


Single: TypeAlias = Callable[[Any, Place, str, int, Run], None]


def _primitive(element: Element, key: str, label: str, type_name: str) -> Single:
    check = CHECKS[type_name]
    listed = binding_check(element, type_name)
    length = element.length
    narrative = type_name == "xhtml"
    invariants = () if narrative else _element_checks(element, type_name)
    canonical = type_name == "canonical"

    def run_one(value: Any, place: Place, name: str, index: int, run: Run) -> None:
        problem = check(value)
        if problem is not None:
            run.error("value", (place, name, index), problem, type_name)
            return
        if listed is not None:
            listed(value, (place, name, index), run)
        if length is not None and len(value) > length:
            run.error("too-long", (place, name, index), f"longer than {length} characters")
        if narrative and (problem := html_problem(value)) is not None:
            run.error("invariant", (place, name, index), problem, "txt-1" if "content" not in problem else "txt-2")
        if canonical and not absolute(value) and value[0] != "#":
            severity = run.options.relative_canonicals
            run.add(severity, "business-rule", (place, name, index), f"{shown(value)} is no absolute canonical URL")
        for invariant, predicate in invariants:
            _test(invariant, predicate, value, (place, name, index), run)

    if listed is None and length is None and not narrative and not invariants and not canonical:

        def quick(value: Any, place: Place, name: str, index: int, run: Run) -> None:
            problem = check(value)
            if problem is not None:
                run.error("value", (place, name, index), problem, type_name)

        return quick
    return run_one


def _complex(element: Element, label: str, type_name: str) -> Single:
    if type_name == "Resource":
        contained = element.name == "contained"

        def resource(value: Any, place: Place, name: str, index: int, run: Run) -> None:
            inner_resource(value, (place, name, index), run, contained=contained)

        return resource
    check = checker(type_name)
    invariants = _element_checks(element, type_name)
    listed: Coded | None = binding_check(element, type_name)
    target = reference_check(element, type_name)
    simple = any(p == "SimpleQuantity" for p in element.profiles)

    def run_one(value: Any, place: Place, name: str, index: int, run: Run) -> None:
        here = (place, name, index)
        check(value, here, run)
        if type(value) is not dict:
            return
        if listed is not None:
            listed(value, here, run)
        if target is not None:
            target(value, here, run)
        if simple and "comparator" in value:
            run.error("structure", here, "a SimpleQuantity has no comparator", "sqt-1")
        for invariant, predicate in invariants:
            _test(invariant, predicate, value, here, run)

    if not invariants and listed is None and target is None and not simple:

        def quick(value: Any, place: Place, name: str, index: int, run: Run) -> None:
            check(value, (place, name, index), run)

        return quick
    return run_one


def _one(label: str, single: Single) -> Rule:
    def rule(value: Any, holder: dict[str, Any], place: Place, run: Run) -> None:
        if value is None:
            run.error("structure", (place, label, -1), "null is not allowed here")
        elif type(value) is list:
            run.error("structure", (place, label, -1), "the element does not repeat: an array is not allowed")
        else:
            single(value, place, label, -1, run)

    return rule


def _many(key: str, label: str, single: Single, *, primitive: bool) -> Rule:
    shadow = f"_{key}"

    def rule(value: Any, holder: dict[str, Any], place: Place, run: Run) -> None:
        if type(value) is not list:
            run.error("structure", (place, label, -1), f"the element repeats: expected an array, found {_json(value)}")
            return
        if not value:
            run.error("structure", (place, label, -1), "an empty array is not allowed")
            return
        for i, item in enumerate(value):
            if item is not None:
                single(item, place, label, i, run)
            elif not primitive:
                run.error("structure", (place, label, i), "null is not allowed here")
            else:
                extra = holder.get(shadow)
                if type(extra) is not list or i >= len(extra) or extra[i] is None:
                    run.error("structure", (place, label, i), "null needs an extension at the same index")

    return rule


def _shadow_rule(element: Element, key: str, label: str) -> Rule:
    check = checker("Element")

    def one(value: Any, here: Place, run: Run, *, alone: bool) -> None:
        check(value, here, run)

    def rule(value: Any, holder: dict[str, Any], place: Place, run: Run) -> None:
        if not element.many:
            here = (place, label, -1)
            if type(value) is not dict:
                run.error("structure", here, f"_{key} must be an object, found {_json(value)}")
            elif not (len(value) == 1 and "id" in value and key in holder):
                one(value, here, run, alone=key not in holder)
            return
        if type(value) is not list or not value:
            run.error("structure", (place, label, -1), f"_{key} must be an array that is not empty")
            return
        values = holder.get(key)
        for i, item in enumerate(value):
            if item is None:
                continue
            given = type(values) is list and i < len(values) and values[i] is not None
            if given and type(item) is dict and len(item) == 1 and "id" in item:
                continue
            one(item, (place, label, i), run, alone=not given)
        if type(values) is list and len(values) != len(value):
            run.error("structure", (place, label, -1), f"{key} and _{key} must have the same length")

    return rule


def inner_resource(value: Any, place: Place, run: Run, *, contained: bool) -> None:
    """A resource inside another: contained (same root) or the resource of an entry or parameter (its own root)."""
    name = type_of_resource(value, place, run)
    if name is None:
        return
    if contained and not run.options.contained:
        return
    before = run.holders
    run.holders = before._replace(resource=value) if contained else Holders(value, value)
    check_resource(name, value, place, run)
    if contained:
        if "id" not in value:
            run.error("required", place, "a contained resource needs an id", "dom-3")
        if "contained" in value:
            run.error("structure", (place, "contained", -1), "a contained resource must not contain others", "dom-2")
    run.holders = before


def check_resource(name: str, value: dict[str, Any], place: Place, run: Run) -> None:
    """Everything about one resource: its type's rules, then the profiles that it claims to follow."""
    before = run.neighbours
    if name == "Bundle":
        run.neighbours = of_bundle(value)
    elif name == "Parameters":
        run.neighbours = of_parameters(value)
    checker(name)(value, place, run)
    if run.profiles is not None:
        claims(name, value, place, run)
    run.neighbours = before


def type_of_resource(value: Any, place: Place, run: Run) -> str | None:
    """The resource type that the value says, or None with an issue."""
    if type(value) is not dict:
        run.error("structure", place, f"expected a resource, found {_json(value)}")
        return None
    name = value.get("resourceType")
    if type(name) is not str:
        run.error("structure", place, "resourceType is missing or no string")
        return None
    if name not in resource_types():
        run.error("structure", place, f"unknown resource type {shown(name)}")
        return None
    return name
