"""From a differential to a shape: what each element of a profile says, laid upon its base.

Standard: https://hl7.org/fhir/R4/profiling.html#snapshot, elementdefinition.html#id, profiling.html#slicing.
Elements are found by their ids or, where these are missing or odd, by path and slice name in document order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from wardbridge.fhir.definitions.profiles import BASE
from wardbridge.fhir.definitions.table import Invariant, is_a, type_of
from wardbridge.fhir.validate.shapes import Bound, Discriminator, Given, Shape, Slicing, Use

_SYSTEM = "http://hl7.org/fhirpath/"
_LIMIT = BASE + "elementdefinition-maxValueSet"
_DISCRIMINATORS = frozenset({"value", "exists", "pattern", "type", "profile"})
_BY_URL = Slicing((Discriminator("value", "url"),))
_BY_TYPE = Slicing((Discriminator("type", "$this"),))


class Problem(NamedTuple):
    """What cannot be applied: `at` is the element's index in the differential and why."""

    at: int
    text: str


class _Step(NamedTuple):
    name: str
    slice: str


def apply(shape: Shape, elements: Sequence[Any]) -> list[Problem]:
    """Lay the elements of a differential (or of a whole snapshot) upon a shape; what does not fit is left out."""
    problems: list[Problem] = []
    names = _Names()
    shorts: dict[int, tuple[Shape, list[str]]] = {}
    for i, element in enumerate(elements):
        path = element.get("path") if isinstance(element, dict) else None
        if not isinstance(path, str) or not path:
            problems.append(Problem(i, "an element has no path"))
            continue
        steps = names.steps(element, path)
        if steps[0].name != shape.name:
            problems.append(Problem(i, f"{path} is no path of a {shape.name}"))
            continue
        try:
            target = _descend(shape, steps, shorts)
            _lay(target, element)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            problems.append(Problem(i, str(error) if isinstance(error, ValueError) else f"{path} is malformed"))
    for child, kinds in shorts.values():
        if child.slicing is _BY_TYPE:
            # Only `valueQuantity` and no word of value[x]: the types that are named so are the ones that remain.
            before = child.uses or {}
            child.uses = {kind: before.get(kind, Use()) for kind in kinds}
    return problems


class _Names:
    """Which slice a path means, as the elements come in order."""

    def __init__(self) -> None:
        self.current: dict[str, str] = {}

    def steps(self, element: dict[str, Any], path: str) -> list[_Step]:
        names = path.split(".")
        slice_name = element.get("sliceName")
        slice_name = slice_name if isinstance(slice_name, str) else ""
        for known in [k for k in self.current if k == path or k.startswith(f"{path}.")]:
            del self.current[known]
        if slice_name:
            self.current[path] = slice_name
        by_id = _by_id(element.get("id"), names, slice_name)
        if by_id is not None:
            return by_id
        return [_Step(name, self.current.get(".".join(names[: i + 1]), "")) for i, name in enumerate(names)]


def _by_id(id_: Any, names: list[str], slice_name: str) -> list[_Step] | None:
    if not isinstance(id_, str):
        return None
    steps = [_Step(*part.partition(":")[::2]) for part in id_.split(".")]
    if len(steps) != len(names) or steps[0].name != names[0]:
        return None
    if steps[-1].slice.split("/")[-1] != slice_name.split("/")[-1]:
        return None
    for step, name in zip(steps, names, strict=True):
        if step.name != name and not step.name.endswith("[x]"):
            return None
    return steps


def _descend(shape: Shape, steps: list[_Step], shorts: dict[int, tuple[Shape, list[str]]]) -> Shape:
    at = shape
    for step in steps[1:]:
        at = _child(at, step, shorts)
    return at


def _child(parent: Shape, step: _Step, shorts: dict[int, tuple[Shape, list[str]]]) -> Shape:
    found = parent.find(step.name)
    if found is None:
        raise ValueError(f"{parent.label} has no element {step.name}")
    element, type_name = found
    child = parent.children.get(element.name)
    if child is None:
        mark = "[x]" if element.choice else ""
        child = Shape(f"{parent.label}.{element.name}{mark}", element, element.types, element.min, element.max)
        parent.children[element.name] = child
    if type_name is not None and child.types != (type_name,):
        # `valueQuantity` for short: the slice of that type.
        if type_name not in child.types:
            raise ValueError(f"{child.label} cannot be a {type_name}")
        kinds = shorts.setdefault(id(child), (child, []))[1]
        if type_name not in kinds:
            kinds.append(type_name)
        child = _slice(child, step.name)
    elif step.slice:
        child = _slice(child, step.slice)
    return child


def _slice(sliced: Shape, name: str) -> Shape:
    """The slice of that name; `a/b` is slice b of the items in slice a."""
    head, _, rest = name.partition("/")
    found = sliced.slices.get(head)
    if found is None:
        found = Shape(f"{sliced.label}:{head}", sliced.element, sliced.types)
        element = sliced.element
        if element is not None and element.choice:
            kinds = dict(element.keys)
            if head in kinds and kinds[head] in sliced.types:
                found.uses = {kinds[head]: Use()}
        sliced.slices[head] = found
    if sliced.slicing is None and sliced.element is not None:
        if sliced.element.choice:
            sliced.slicing = _BY_TYPE
        elif sliced.element.name in ("extension", "modifierExtension"):
            sliced.slicing = _BY_URL
    return _slice(found, rest) if rest else found


def _lay(shape: Shape, row: dict[str, Any]) -> None:
    if shape.element is not None:
        _lay_counts(shape, row)
    if isinstance(row.get("type"), list) and shape.element is not None:
        shape.uses = _uses(shape, row["type"])
    for key, value in row.items():
        for prefix, name in (("fixed", "fixed"), ("pattern", "pattern"), ("minValue", "low"), ("maxValue", "high")):
            if key.startswith(prefix) and len(key) > len(prefix):
                setattr(shape, name, Given(_type_name(key[len(prefix) :]), value))
    if type(row.get("maxLength")) is int:
        shape.length = row["maxLength"]
    if isinstance(row.get("binding"), dict):
        shape.bindings = _bindings(row["binding"])
    for constraint in row.get("constraint", ()):
        _lay_constraint(shape, constraint)
    if isinstance(row.get("slicing"), dict):
        if shape.element is None:
            raise ValueError("a profile cannot be sliced at its root")
        shape.slicing = _slicing(row["slicing"])


def _lay_counts(shape: Shape, row: dict[str, Any]) -> None:
    if type(row.get("min")) is int:
        shape.min = max(shape.min, row["min"])
    top = row.get("max")
    if isinstance(top, str) and top != "*":
        limit = int(top)
        shape.max = limit if shape.max is None else min(shape.max, limit)


def _type_name(suffix: str) -> str:
    lower = suffix[0].lower() + suffix[1:]
    kind = type_of(lower)
    return lower if kind is not None and kind.primitive else suffix


def _uses(shape: Shape, rows: list[Any]) -> dict[str, Use] | None:
    element = shape.element
    assert element is not None
    out: dict[str, Use] = {}
    for row in rows:
        code = row["code"]
        if code.startswith(_SYSTEM) or code in ("BackboneElement", "Element"):
            # How a nested element and the special strings of the standard are spelled: the type of the base.
            out[element.types[0]] = Use()
            continue
        code = code.removeprefix(BASE)
        if not any(code == t or is_a(code, t) or is_a(t, code) for t in element.types):
            raise ValueError(f"{shape.label} cannot be a {code}: the base has {', '.join(element.types)}")
        before = out.get(code, Use())
        out[code] = Use(
            before.profiles + tuple(row.get("profile", ())), before.targets + tuple(row.get("targetProfile", ()))
        )
    return out or None


def _bindings(row: dict[str, Any]) -> tuple[Bound, ...]:
    out: list[Bound] = []
    limit = ""
    for extension in row.get("extension", ()):
        if extension["url"] == _LIMIT:
            limit = extension.get("valueCanonical") or extension.get("valueUri") or ""
        else:
            parts = {part["url"]: part for part in extension.get("extension", ())}
            purpose = parts.get("purpose", {}).get("valueCode")
            more = parts.get("valueSet", {}).get("valueCanonical")
            if more and "usage" not in parts and purpose in ("required", "extensible", "maximum"):
                out.append(Bound("required" if purpose == "maximum" else purpose, more))
    if "valueSet" in row:
        out.insert(0, Bound(row.get("strength", "example"), row["valueSet"], limit))
    return tuple(out)


def _lay_constraint(shape: Shape, row: dict[str, Any]) -> None:
    key, expression = row.get("key"), row.get("expression")
    if not isinstance(key, str) or not isinstance(expression, str) or _inherited(shape, key):
        return
    shape.constraints[key] = Invariant(key, row.get("severity", "error"), expression)


def _inherited(shape: Shape, key: str) -> bool:
    """Whether the type says it already (a snapshot repeats what its base says)."""
    if key == "ele-1" or (shape.element is not None and any(i.key == key for i in shape.element.invariants)):
        return True
    kinds = [type_of(name) for name in shape.types]
    return any(i.key == key for kind in kinds if kind is not None for i in kind.invariants)


def _slicing(row: dict[str, Any]) -> Slicing:
    found = []
    for discriminator in row.get("discriminator", ()):
        kind, path = discriminator.get("type"), discriminator.get("path")
        if kind not in _DISCRIMINATORS:
            raise ValueError(f"unknown kind of discriminator: {kind}")
        if not isinstance(path, str):
            raise ValueError("a discriminator has no path")
        found.append(Discriminator(kind, path))
    return Slicing(tuple(found), row.get("rules", "open"), bool(row.get("ordered")))
