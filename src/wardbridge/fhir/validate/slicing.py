"""Which slice an item belongs to (https://hl7.org/fhir/R4/profiling.html#discriminator).

A discriminator is a path that is walked twice: over the shape of each slice when the profile is compiled, which gives
what the slice expects there, and over the item when a resource is checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from wardbridge.fhir.definitions.profiles import BASE
from wardbridge.fhir.definitions.table import is_a, type_of
from wardbridge.fhir.path.references import named_type
from wardbridge.fhir.validate.coded import in_valueset, plain_url
from wardbridge.fhir.validate.items import Gather, Item, gatherer
from wardbridge.fhir.validate.neighbours import resolve
from wardbridge.fhir.validate.patterns import fits, same
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.shapes import Discriminator, Shape, Slicing, Use

Test: TypeAlias = Callable[[Item, Run], bool]
_STEP = re.compile(r"(?P<name>[A-Za-z_$][A-Za-z0-9_]*(?:\[x\])?)(?:\((?P<arg>[^()]*)\))?")


class Step(NamedTuple):
    """`name` of a child, or a function with its argument (resolve, extension, ofType)."""

    name: str
    argument: str | None = None


def parse_path(path: str) -> list[Step]:
    """The steps of a discriminator's path; ValueError for what the standard does not allow there."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise ValueError(f"discriminator path {path!r} cannot be read")
        name, argument = match["name"], match["arg"]
        if argument is not None and name not in ("resolve", "extension", "ofType", "as"):
            raise ValueError(f"discriminator path {path!r}: {name}() is not allowed")
        if name != "$this":
            steps.append(Step(name, None if argument is None else argument.strip().strip("'\"")))
        at = match.end()
        if at < len(path):
            if path[at] != ".":
                raise ValueError(f"discriminator path {path!r} cannot be read")
            at += 1
    return steps


# --- over the item -----------------------------------------------------------------------------------------------


def items_at(item: Item, steps: Sequence[Step], run: Run) -> list[Item]:
    """The items that a path leads to. A reference that cannot be followed gives an item of its target's type alone."""
    at = [item]
    for step in steps:
        found: list[Item] = []
        for one in at:
            found.extend(_next(one, step, run))
        at = found
    return at


def _next(item: Item, step: Step, run: Run) -> Iterator[Item]:
    match step:
        case Step("resolve", str()):
            yield from _resolved(item, run)
        case Step("extension", str() as url):
            for child in _children(item, "extension"):
                if child.holder.get("url") == url:
                    yield child
        case Step("ofType" | "as", str() as name):
            if item.type == name or is_a(item.type, name):
                yield item
        case Step(name, _):
            yield from _children(item, name)


def _children(item: Item, name: str) -> list[Item]:
    gather, type_name = _gatherer(item.type, name)
    if gather is None:
        return []
    found = gather(item.holder, item.place)
    return found if type_name is None else [child for child in found if child.type == type_name]


@cache
def _gatherer(type_name: str, name: str) -> tuple[Gather | None, str | None]:
    """How to list a type's children of a name; for `valueQuantity` with the type to keep."""
    kind = type_of(type_name)
    if kind is None:
        return None, None
    element = kind.elements.get(name.removesuffix("[x]"))
    if element is not None:
        return gatherer(element), None
    if name in kind.keys:
        return gatherer(kind.keys[name][0]), kind.keys[name][1]
    return None, None


def _resolved(item: Item, run: Run) -> Iterator[Item]:
    text = item.value.get("reference") if isinstance(item.value, dict) else item.value
    if isinstance(text, str):
        found = resolve(text, run)
        if found is not None and isinstance(found.get("resourceType"), str):
            yield Item(found, None, found["resourceType"], item.place)
            return
    name = named_type(item.value)
    if name is not None:
        yield Item(None, None, name, item.place)


# --- over the shape ----------------------------------------------------------------------------------------------


def shapes_at(shape: Shape, steps: Sequence[Step], run: Run) -> list[Shape]:
    """The shapes that a slice has at a path, through the profiles of its types and targets."""
    at = [shape]
    for step in steps:
        at = [found for one in at for found in _shapes_next(one, step, run)]
    return at


def _shapes_next(shape: Shape, step: Step, run: Run) -> list[Shape]:
    match step:
        case Step("resolve", str()):
            return [Shape(shape.label, None, ("Resource",), uses=_targets(shape, run))]
        case Step("extension", str() as url):
            found = shape.children.get("extension")
            return [] if found is None else [s for s in found.slices.values() if url in urls_of(s)]
        case Step("ofType" | "as", str() as name):
            kept = [s for s in shape.slices.values() if name in s.types]
            return kept or [shape]
    out = []
    for one in _with_profiles(shape, run):
        named = one.find(step.name)
        child = one.children.get(named[0].name) if named is not None else None
        if child is not None:
            out.append(child)
            out.extend(s for s in child.slices.values() if s.min > 0)
    return out


def _with_profiles(shape: Shape, run: Run) -> Iterator[Shape]:
    yield shape
    for use in (shape.uses or {}).values():
        for url in use.profiles:
            profile = run.profile(url)
            if profile is not None:
                yield profile.shape


def _targets(shape: Shape, run: Run) -> dict[str, Use]:
    out: dict[str, Use] = {}
    for use in (shape.uses or {}).values():
        for url in use.targets:
            name = plain_url(url).removeprefix(BASE)
            if type_of(name) is not None:
                out.setdefault(name, Use())
            elif (profile := run.profile(url)) is not None:
                before = out.get(profile.type, Use())
                out[profile.type] = Use((*before.profiles, url))
    return out


def urls_of(shape: Shape) -> set[str]:
    """The URLs that an extension slice stands for: its profiles, or the url that it fixes."""
    out = {plain_url(url) for use in (shape.uses or {}).values() for url in use.profiles}
    url = shape.children.get("url")
    for given in (url.fixed, url.pattern) if url is not None else ():
        if given is not None and isinstance(given.value, str):
            out.add(given.value)
    return out


# --- together ----------------------------------------------------------------------------------------------------


def belongs(slice_: Shape, slicing: Slicing, run: Run) -> Test:
    """The test whether an item is in a slice. It is made anew for each run, as profiles may come and go."""
    tests = [test for d in slicing.discriminators if (test := _test(slice_, d, run)) is not None]
    if not tests:
        return lambda item, run: False
    if len(tests) == 1:
        return tests[0]
    return lambda item, run: all(test(item, run) for test in tests)


def _test(slice_: Shape, discriminator: Discriminator, run: Run) -> Test | None:
    try:
        steps = parse_path(discriminator.path)
    except ValueError:
        return None
    match discriminator.kind:
        case "exists":
            return _exists(slice_, steps, run)
        case "type":
            return _of_type(slice_, steps, run)
        case "profile":
            return _of_profile(slice_, steps, run)
    if steps and steps[-1] == Step("url") and (urls := _extension_urls(slice_, steps, run)):
        return lambda item, run: any(str(found.value) in urls for found in items_at(item, steps, run))
    return _value(slice_, steps, run)


def _extension_urls(slice_: Shape, steps: list[Step], run: Run) -> frozenset[str]:
    found = shapes_at(slice_, steps[:-1], run)
    return frozenset(url for shape in found if "Extension" in shape.types for url in urls_of(shape))


def _exists(slice_: Shape, steps: list[Step], run: Run) -> Test | None:
    found = shapes_at(slice_, steps, run)
    if not found:
        return None
    if found[0].max == 0:
        return lambda item, run: not items_at(item, steps, run)
    return lambda item, run: bool(items_at(item, steps, run))


def _of_type(slice_: Shape, steps: list[Step], run: Run) -> Test | None:
    found = shapes_at(slice_, steps, run)
    names = {name for shape in found for name in shape.types}
    if not names:
        return None
    return lambda item, run: any(
        one.type in names or any(is_a(one.type, name) for name in names) for one in items_at(item, steps, run)
    )


def _of_profile(slice_: Shape, steps: list[Step], run: Run) -> Test | None:
    uses = [use for shape in shapes_at(slice_, steps, run) for use in (shape.uses or {}).values()]
    urls = [url for use in uses for url in use.profiles]
    names = {name for shape in shapes_at(slice_, steps, run) for name in shape.types}

    def test(item: Item, run: Run) -> bool:
        for one in items_at(item, steps, run):
            for url in urls:
                profile = run.profile(url)
                if profile is None or profile.type != one.type or not isinstance(one.value, dict):
                    continue
                if run.conforms(profile, one.value, one.place):
                    return True
            if not urls and any(is_a(one.type, name) for name in names):
                return True
        return False

    return test


def _value(slice_: Shape, steps: list[Step], run: Run) -> Test | None:
    wanted = [test for shape in shapes_at(slice_, steps, run) if (test := expects(shape, run)) is not None]
    if wanted:
        return lambda item, run: any(test(one, run) for one in items_at(item, steps, run) for test in wanted)
    # Nothing is said at the path itself; a pattern further up may say it (one on `code` for the path `code.coding`).
    for length in range(len(steps) - 1, -1, -1):
        above = [s for s in shapes_at(slice_, steps[:length], run) if s.fixed is not None or s.pattern is not None]
        if above:
            tests = [t for s in above if (t := expects(s, run)) is not None]
            return lambda item, run: any(t(one, run) for one in items_at(item, steps[:length], run) for t in tests)
    return None


def expects(shape: Shape, run: Run) -> Test | None:
    """What a shape asks of a value, as far as it can tell slices apart: fixed, pattern, required binding, children."""
    tests: list[Test] = []
    if shape.fixed is not None:
        fixed = shape.fixed.value
        tests.append(lambda item, run: same(fixed, item.value))
    if shape.pattern is not None:
        pattern = shape.pattern.value
        tests.append(lambda item, run: fits(pattern, item.value))
    if not tests:
        tests += [_member(bound.valueset) for bound in shape.bindings if bound.strength == "required"]
    for child in shape.children.values():
        inner = [t for s in (child, *child.slices.values()) if (t := expects(s, run)) is not None]
        if inner and child.element is not None and (child.min > 0 or any(s.min > 0 for s in child.slices.values())):
            tests.append(_below(gatherer(child.element), inner))
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else (lambda item, run: all(test(item, run) for test in tests))


def _member(url: str) -> Test:
    return lambda item, run: in_valueset(item, url, run)


def _below(gather: Callable[[dict[str, Any], Any], list[Item]], tests: list[Test]) -> Test:
    return lambda item, run: any(test(child, run) for child in gather(item.holder, item.place) for test in tests)
