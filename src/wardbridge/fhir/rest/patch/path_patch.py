"""FHIRPath Patch (R4 fhirpatch.html): add, insert, delete, replace and move, given as Parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import Element, Type, type_of
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.nodes import Node
from wardbridge.fhir.rest.patch.errors import Unprocessable
from wardbridge.fhir.rest.patch.places import Collection, Place, collection, places, select

NEEDS = {
    "add": ("path", "name", "value"),
    "insert": ("path", "value", "index"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
_KINDS = {"type": str, "path": str, "name": str, "index": int, "source": int, "destination": int}
MOST = 10_000


@dataclass(frozen=True)
class Value:
    """``json`` and what hangs beside a primitive; ``type`` is the suffix of value[x], '' for one given in parts."""

    json: Any
    beside: Any = None
    type: str = ""


@dataclass(frozen=True)
class Step:
    """One operation; ``where`` it stands in the Parameters."""

    where: str
    type: str
    path: str
    name: str = ""
    value: Value | None = None
    index: int = 0
    source: int = 0
    destination: int = 0


def read_path_patch(resource: dict[str, Any]) -> list[Step]:
    """The operations. Raises Invalid that says which is not well-formed."""
    rows = resource.get("parameter")
    if resource.get("resourceType") != "Parameters" or not isinstance(rows, list):
        raise Invalid("a FHIRPath Patch is a Parameters resource with a parameter for each operation", "Parameters")
    if len(rows) > MOST:
        raise Invalid(f"a FHIRPath Patch has at most {MOST} operations", "Parameters.parameter")
    return [_step(row, f"Parameters.parameter[{at}]") for at, row in enumerate(rows)]


def _step(row: Any, where: str) -> Step:
    if not isinstance(row, dict) or row.get("name") != "operation" or not isinstance(row.get("part"), list):
        raise Invalid(f"{where} must be named operation and have parts", where)
    given: dict[str, Any] = {}
    for at, part in enumerate(row["part"]):
        name = part.get("name") if isinstance(part, dict) else None
        here = f"{where}.part[{at}]"
        if name == "value":
            given["value"] = _value(part, here)
            continue
        kind = _KINDS.get(name or "")
        found = [value for key, value in part.items() if key.startswith("value")] if kind else []
        if kind is None or len(found) != 1 or type(found[0]) is not kind:
            raise Invalid(f"{here} is none of the parts of an operation, or not of their types", here)
        given[str(name)] = found[0]
    kind_ = given.pop("type", None)
    if kind_ not in NEEDS:
        raise Invalid(f"{where}: type must be one of {', '.join(NEEDS)}", where)
    for name in NEEDS[kind_]:
        if name not in given:
            raise Invalid(f"{where} ({kind_}) needs the part {name}", where)
    return Step(where, kind_, **given)


def _value(part: dict[str, Any], where: str) -> Value:
    """value[x], a resource, or parts: the elements of a type that has no name of its own (`Patient.contact`)."""
    keys = [key for key in part if key.lstrip("_").startswith("value")]
    names = {key.lstrip("_") for key in keys}
    if len(names) == 1 and "part" not in part:
        key = names.pop()
        return Value(part.get(key), part.get(f"_{key}"), key.removeprefix("value"))
    if "resource" in part and not names:
        return Value(part["resource"], None, "Resource")
    if names or not isinstance(part.get("part"), list):
        raise Invalid(f"{where} needs exactly one value", where)
    out: dict[str, Any] = {}
    for at, child in enumerate(part["part"]):
        name = child.get("name") if isinstance(child, dict) else None
        if not isinstance(name, str):
            raise Invalid(f"{where}.part[{at}] needs the name of an element", f"{where}.part[{at}]")
        out.setdefault(name, []).append(_value(child, f"{where}.part[{at}]"))
    return Value(out)


def path_patch(resource: dict[str, Any], steps: list[Step]) -> dict[str, Any]:
    """The patched resource; ``resource`` itself is changed. Raises Unprocessable that names operation and path."""
    for step in steps:
        try:
            _DO[step.type](resource, step)
        except (PathError, ValueError) as error:
            raise Unprocessable(f"{step.where} ({step.type} {step.path[:200]}): {error}", step.where) from error
    return resource


def _add(resource: dict[str, Any], step: Step) -> None:
    assert step.value is not None
    found = select(step.path, resource)
    if len(found) != 1 or not isinstance(found[0], Node) or found[0].type is None:
        raise ValueError(f"it selects {len(found)} elements, expected one")
    holder = found[0]
    if not isinstance(holder.value, dict):  # an extension, or an id, of a primitive
        (place,) = places(step.path, resource)
        holder = Node(_beside(place), type_of("Element"))
    element, key, value, beside = _fit(holder.type, step.name, step.value)
    if element.many:
        _insert(holder.value, key, len(_lists(holder.value, key)[0]), value, beside)
    elif any(k in holder.value or f"_{k}" in holder.value for k, _ in element.keys):
        raise ValueError(f"{step.name} is there already and does not repeat")
    else:
        _set(holder.value, key, None, value, beside)


def _insert_at(resource: dict[str, Any], step: Step) -> None:
    assert step.value is not None
    found = collection(step.path, resource)
    element, key, value, beside = _fit(found.holder.type, found.name, step.value)
    if not element.many:
        raise ValueError(f"{found.name} is no list")
    _bound("index", step.index, len(found.places) + 1)
    _insert(found.holder.value, key, step.index, value, beside)


def _delete(resource: dict[str, Any], step: Step) -> None:
    found = places(step.path, resource)
    if len(found) > 1:
        raise ValueError(f"it selects {len(found)} elements, and only one can be deleted")
    for place in found:
        _remove(place)


def _replace(resource: dict[str, Any], step: Step) -> None:
    assert step.value is not None
    found = places(step.path, resource)
    if len(found) != 1:
        raise ValueError(f"it selects {len(found)} elements, expected one")
    place = found[0]
    _, key, value, beside = _fit(place.kind, place.element.name, step.value)
    if key != place.key:  # another type of a choice
        _remove(place)
    _set(place.holder, key, place.at, value, beside)


def _move(resource: dict[str, Any], step: Step) -> None:
    found: Collection = collection(step.path, resource)
    if not found.places:
        raise ValueError("there is no such list")
    key = found.places[0].key
    _bound("source", step.source, len(found.places))
    _bound("destination", step.destination, len(found.places))
    values, beside = _lists(found.holder.value, key)
    if not isinstance(found.holder.value.get(key, found.holder.value.get(f"_{key}")), list):
        raise ValueError(f"{found.name} is no list")
    for row in (values, beside):
        if row:
            row.insert(step.destination, row.pop(step.source))


_DO = {"add": _add, "insert": _insert_at, "delete": _delete, "replace": _replace, "move": _move}


def _bound(name: str, value: int, end: int) -> None:
    if not 0 <= value < end:
        raise ValueError(f"{name} is {value}, and must be from 0 to {end - 1}")


def _fit(kind: Type | None, name: str, value: Value) -> tuple[Element, str, Any, Any]:
    """The element of that name, the JSON key for a value of that type, and the value as JSON."""
    element = kind.elements.get(name) if kind is not None else None
    if kind is None or element is None:
        raise ValueError(f"{kind.name if kind else 'the element'} has no element {name[:60]!r}")
    key = element.keys[0][0]
    if element.choice:
        wanted = [k for k, _ in element.keys if k == element.name + value.type]
        if not wanted:
            raise ValueError(f"{name} cannot be a {value.type or 'value in parts'}")
        key = wanted[0]
    inner = type_of(dict(element.keys)[key])
    if value.type or inner is None:
        if inner is not None and inner.primitive == isinstance(value.json, dict | list):
            raise ValueError(f"{name} is a {inner.name}, not a {value.type}")
        return element, key, value.json, value.beside
    out: dict[str, Any] = {}
    for child, given in value.json.items():
        for one in given:
            part, part_key, json, beside = _fit(inner, child, one)
            if part.many:
                _insert(out, part_key, len(_lists(out, part_key)[0]), json, beside)
            elif part_key in out or f"_{part_key}" in out:
                raise ValueError(f"{child} is given twice and does not repeat")
            else:
                _set(out, part_key, None, json, beside)
    return element, key, out, None


def _lists(holder: dict[str, Any], key: str) -> tuple[list[Any], list[Any]]:
    """The values of a repeating element and what hangs beside them, of one length where both are there."""
    values, beside = holder.get(key), holder.get(f"_{key}")
    values = values if isinstance(values, list) else []
    beside = beside if isinstance(beside, list) else []
    if beside:
        values += [None] * (len(beside) - len(values))
        beside += [None] * (len(values) - len(beside))
    return values, beside


def _insert(holder: dict[str, Any], key: str, at: int, value: Any, beside: Any) -> None:
    values, extras = _lists(holder, key)
    if beside is not None and not extras:
        extras = [None] * len(values)
    values.insert(at, value)
    if extras or beside is not None:
        extras.insert(at, beside)
    _keep(holder, key, values, extras)


def _set(holder: dict[str, Any], key: str, at: int | None, value: Any, beside: Any) -> None:
    if at is None:
        for name, one in ((key, value), (f"_{key}", beside)):
            if one is None:
                holder.pop(name, None)
            else:
                holder[name] = one
        return
    values, extras = _lists(holder, key)
    if beside is not None and not extras:
        extras = [None] * len(values)
    values[at] = value
    if extras:
        extras[at] = beside
    _keep(holder, key, values, extras)


def _remove(place: Place) -> None:
    if place.at is None:
        _set(place.holder, place.key, None, None, None)
        return
    values, extras = _lists(place.holder, place.key)
    for row in (values, extras):
        if row:
            del row[place.at]
    _keep(place.holder, place.key, values, extras)


def _keep(holder: dict[str, Any], key: str, values: list[Any], extras: list[Any]) -> None:
    """Lists without any value are left out (R4 json.html: no empty lists)."""
    for name, row in ((key, values), (f"_{key}", extras)):
        if any(one is not None for one in row):
            holder[name] = row
        else:
            holder.pop(name, None)


def _beside(place: Place) -> dict[str, Any]:
    """What hangs beside a primitive, made if need be."""
    name = f"_{place.key}"
    if place.at is None:
        found: dict[str, Any] = place.holder.setdefault(name, {})
        return found
    values, extras = _lists(place.holder, place.key)
    if not extras:
        extras = place.holder[name] = [None] * len(values)
    if extras[place.at] is None:
        extras[place.at] = {}
    return extras[place.at]  # type: ignore[no-any-return]
