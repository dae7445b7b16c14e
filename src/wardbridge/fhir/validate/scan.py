"""What options add, in a second walk over all elements: codings, links of narratives, tags in texts, example URLs.

The walk of the structure stays free of it, so that a write pays nothing for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from wardbridge.fhir.definitions.table import Type, type_of
from wardbridge.fhir.terms import Asked, Verdict
from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.items import Item
from wardbridge.fhir.validate.narrative import narrative
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.systems import UCUM, VALUESETS, code_problem

_TAG = re.compile(r"<\s*/?\s*[A-Za-z!?][^<>]*>")
_EXAMPLE = re.compile(r"https?://(?:[\w.-]+\.)?(?:example\.(?:org|com|net)|acme\.com)(?:[:/?#]|$)")
_URIS = frozenset({"uri", "url", "canonical"})


def scan(resource: dict[str, Any], place: Place, run: Run) -> None:
    """Add what the options of the run ask for beyond structure and profiles."""
    options = run.options
    if not (options.codings or options.links or options.html or not options.examples):
        return
    for item in every(resource, place, contained=options.contained):
        if options.codings and type(item.value) is dict:
            if item.type == "Coding":
                coding(item, run)
            elif item.type in _QUANTITIES:
                _unit(item, run)
        if type(item.value) is not str:
            continue
        if options.links and item.type == "xhtml":
            narrative(item.value, item.place, run)
        elif options.html and item.type == "string" and _TAG.search(item.value):
            run.error("security", item.place, "the text holds what looks like an HTML tag")
        elif not options.examples and item.type in _URIS and _EXAMPLE.match(item.value):
            run.error("business-rule", item.place, f"{shown(item.value)} is an address of examples")


_QUANTITIES = frozenset({"Quantity", "Age", "Duration", "Distance", "Count"})


def every(value: dict[str, Any], place: Place, *, contained: bool = True) -> Iterator[Item]:
    """All elements below a resource with their types, parents first; broken parts are passed over."""
    name = value.get("resourceType")
    kind = type_of(name) if isinstance(name, str) else None
    if kind is not None:
        yield from _below(value, kind, place, contained)


def _below(value: dict[str, Any], kind: Type, place: Place, contained: bool) -> Iterator[Item]:
    for key, inner in value.items():
        found = kind.keys.get(key)
        if found is None:
            shadow = kind.keys.get(key[1:]) if key[:1] == "_" else None
            if shadow is not None:
                yield from _shadow(inner, shadow[0].name, place, contained)
            continue
        element, type_name = found
        if element.name == "contained" and not contained:
            continue
        label = f"{element.name}.ofType({type_name})" if element.choice else element.name
        many = type(inner) is list
        for i, one in enumerate(inner if many else (inner,)):
            if one is None:
                continue
            here = (place, label, i if many else -1)
            if type_name == "Resource":
                if type(one) is dict:
                    yield from every(one, here, contained=contained)
                continue
            yield Item(one, None, type_name, here)
            below = type_of(type_name)
            if type(one) is dict and below is not None:
                yield from _below(one, below, here, contained)


def _shadow(inner: Any, name: str, place: Place, contained: bool) -> Iterator[Item]:
    element = type_of("Element")
    assert element is not None
    many = type(inner) is list
    for i, one in enumerate(inner if many else (inner,)):
        if type(one) is dict:
            yield from _below(one, element, (place, name, i if many else -1), contained)


def coding(item: Item, run: Run) -> None:
    """A coding on its own: is its system one of codes, is its code one of the system, is the display the code's?"""
    system, code, display = (item.value.get(name) for name in ("system", "code", "display"))
    if not isinstance(system, str):
        return
    if system.startswith(VALUESETS):
        run.error("code-invalid", (item.place, "system", -1), f"{shown(system)} is a value set, no code system")
        return
    if not isinstance(code, str):
        return
    where = (item.place, "code", -1)
    problem = code_problem(system, code)
    if problem is not None:
        run.error("code-invalid", where, f"{shown(code)} {problem}", system)
        return
    version = item.value.get("version")
    asked = Asked(
        "", system, code, display if isinstance(display, str) else "", version if isinstance(version, str) else ""
    )

    def settle(verdicts: Sequence[Verdict]) -> None:
        verdict = verdicts[0]
        if verdict.member is False:
            run.error("code-invalid", where, f"{shown(code)} is no code of {system}", verdict.text)
        elif verdict.member and not verdict.display_fits:
            text = f"{shown(display)} is no display of {shown(code)}"
            right = f"it is {shown(verdict.display)}" if verdict.display else ""
            run.add(run.options.displays, "invalid", (item.place, "display", -1), text, right)

    run.ask([asked], settle)


def _unit(item: Item, run: Run) -> None:
    system, code = item.value.get("system"), item.value.get("code")
    if system == UCUM and isinstance(code, str) and (problem := code_problem(system, code)) is not None:
        run.error("code-invalid", (item.place, "code", -1), f"{shown(code)} {problem}", UCUM)
