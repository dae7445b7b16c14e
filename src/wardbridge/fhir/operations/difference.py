"""The difference between two resources as FHIRPath Patch (R4 fhirpatch.html), which turns one into the other.

Lists are compared by what stays; a change inside an element that keeps its place is a change of that element alone.
Indexes are those at the time when an operation runs, so lists are worked from their ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from wardbridge.fhir.definitions.table import Element, Type, known, type_of
from wardbridge.fhir.json import dumps

Row = dict[str, Any]
LONG = 2000
"""Elements of a list up to which the smallest difference is looked for; that takes the square of the time."""


def difference(before: dict[str, Any], after: dict[str, Any], *, meta: bool = False) -> list[Row]:
    """``operation`` rows of a Parameters resource. Both are of one type; ``meta``: compare Resource.meta too."""
    name = str(before["resourceType"])
    return list(_object(name, known(name), before, after, frozenset() if meta else frozenset({"meta"})))


def _object(
    path: str, kind: Type, before: dict[str, Any], after: dict[str, Any], skip: frozenset[str] = frozenset()
) -> Iterator[Row]:
    for element in kind.elements.values():
        if element.name in skip:
            continue
        old, new = _held(element, before), _held(element, after)
        if old == new:
            continue
        if element.many:
            yield from _list(path, element, old, new)
        else:
            yield from _single(path, element, old, new)


Held = tuple[str, Any, Any]
"""(type, JSON value, the `_name` object of a primitive)"""


def _held(element: Element, holder: dict[str, Any]) -> list[Held]:
    """The values of one element."""
    for key, name in element.keys:
        value, extra = holder.get(key), holder.get(f"_{key}")
        if value is None and extra is None:
            continue
        if not element.many:
            return [(name, value, extra)]
        values, extras = value or [], extra or []
        return [
            (name, values[at] if at < len(values) else None, extras[at] if at < len(extras) else None)
            for at in range(max(len(values), len(extras)))
        ]
    return []


def _single(path: str, element: Element, old: list[Held], new: list[Held]) -> Iterator[Row]:
    here = f"{path}.{element.name}"
    if not old:
        yield _add(path, element.name, new[0])
    elif not new:
        yield _operation("delete", ("path", "String", here))
    else:
        yield from _changed(path, here, element.name, old[0], new[0])


def _changed(path: str, here: str, name: str, old: Held, new: Held) -> Iterator[Row]:
    kind = type_of(new[0])
    if old[0] == new[0] and kind is not None and isinstance(old[1], dict) and isinstance(new[1], dict):
        same = old[1].get("resourceType") == new[1].get("resourceType")
        inner = type_of(str(new[1].get("resourceType"))) if kind.name == "Resource" else kind
        if same and inner is not None and not inner.primitive:
            yield from _object(here, inner, old[1], new[1])
            return
    yield _operation("replace", ("path", "String", here), value=new)


def _list(path: str, element: Element, old: list[Held], new: list[Held]) -> Iterator[Row]:
    here = f"{path}.{element.name}"
    if not old:
        for one in new:
            yield _add(path, element.name, one)
        return
    if not new:
        for at in reversed(range(len(old))):
            yield _operation("delete", ("path", "String", f"{here}[{at}]"))
        return
    for tag, a, b, c, d in reversed(_changes([dumps(one) for one in old], [dumps(one) for one in new])):
        if tag == "equal":
            continue
        shared = min(b - a, d - c)
        for at in reversed(range(a + shared, b)):
            yield _operation("delete", ("path", "String", f"{here}[{at}]"))
        for at, one in enumerate(new[c + shared : d]):
            place = a + shared + at
            yield _operation("insert", ("path", "String", here), ("index", "Integer", place), value=one)
        for offset in reversed(range(shared)):
            yield from _changed(path, f"{here}[{a + offset}]", element.name, old[a + offset], new[c + offset])


def _changes(old: list[bytes], new: list[bytes]) -> Sequence[tuple[str, int, int, int, int]]:
    """What stays and what changes, as difflib tells it; for long lists what lies between equal ends is one change."""
    if max(len(old), len(new)) <= LONG:
        return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    shortest = min(len(old), len(new))
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    tail = next((at for at in range(shortest - head) if old[-1 - at] != new[-1 - at]), shortest - head)
    return [("replace", head, len(old) - tail, head, len(new) - tail)]


def _add(path: str, name: str, value: Held) -> Row:
    return _operation("add", ("path", "String", path), ("name", "String", name), value=value)


def _operation(kind: str, *parts: tuple[str, str, Any], value: Held | None = None) -> Row:
    rows: list[Row] = [{"name": "type", "valueCode": kind}]
    rows += [{"name": name, f"value{type_name}": given} for name, type_name, given in parts]
    if value is not None:
        rows.append(written("value", value))
    return {"name": "operation", "part": rows}


def written(name: str, held: Held) -> Row:
    """A value as a parameter: value[x], a resource, or, for an element without a name of its own, its parts."""
    type_name, value, extra = held
    kind = known(type_name)
    if kind.resource:
        return {"name": name, "resource": value}
    if kind.kind != "backbone" and type_name not in ("BackboneElement", "Element"):
        key = f"value{type_name[0].upper()}{type_name[1:]}"
        return {
            "name": name,
            **({key: value} if value is not None else {}),
            **({f"_{key}": extra} if extra is not None else {}),
        }
    parts = [written(e.name, one) for e in kind.elements.values() for one in _held(e, value)]
    return {"name": name, "part": parts}
