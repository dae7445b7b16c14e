"""Existence, filtering, subsetting, combining and control (https://hl7.org/fhirpath/N1/#functions)."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from wardbridge.fhir.path.equality import compare, contains, distinct
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.functions.define import Entry, on_items
from wardbridge.fhir.path.nodes import Node, descendants, plain, system, type_info
from wardbridge.fhir.path.scope import Fn, Items, Scope, integer, string, truth
from wardbridge.fhir.path.variables import RESERVED

MOST_ITEMS = 1_000_000


def _where(before: Fn, criteria: Fn) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        if not items:
            return items
        this, index = s.this, s.index
        out: Items = []
        for i, item in enumerate(items):
            s.this, s.index = [item], i
            if truth(criteria(s)):
                out.append(item)
        s.this, s.index = this, index
        return out

    return run


def _select(before: Fn, projection: Fn) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        if not items:
            return items
        this, index = s.this, s.index
        out: Items = []
        for i, item in enumerate(items):
            s.this, s.index = [item], i
            out += projection(s)
        s.this, s.index = this, index
        return out

    return run


def _all(before: Fn, criteria: Fn) -> Fn:
    def run(s: Scope) -> Items:
        this, index = s.this, s.index
        found = True
        for i, item in enumerate(before(s)):
            s.this, s.index = [item], i
            if not truth(criteria(s)):
                found = False
                break
        s.this, s.index = this, index
        return [found]

    return run


def _exists(before: Fn, criteria: Fn | None = None) -> Fn:
    if criteria is None:
        return lambda s: [bool(before(s))]
    inner = _where(before, criteria)
    return lambda s: [bool(inner(s))]


def _repeat(before: Fn, projection: Fn) -> Fn:
    def run(s: Scope) -> Items:
        this, index = s.this, s.index
        out: Items = []
        seen: set[int] = set()
        level = before(s)
        while level:
            found: Items = []
            for i, item in enumerate(level):
                s.this, s.index = [item], i
                found += projection(s)
            level = []
            for item in found:
                mark = id(item.value) if isinstance(item, Node) and isinstance(item.value, dict) else None
                if mark in seen or contains(out, item):
                    continue
                if mark is not None:
                    seen.add(mark)
                out.append(item)
                level.append(item)
            if len(out) > MOST_ITEMS:
                raise PathError("repeat: too many items")
        s.this, s.index = this, index
        return out

    return run


def _aggregate(before: Fn, step: Fn, start: Fn | None = None) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        this, index, total = s.this, s.index, s.total
        s.total = start(s) if start is not None else []
        for i, item in enumerate(items):
            s.this, s.index = [item], i
            s.total = step(s)
        result = s.total
        s.this, s.index, s.total = this, index, total
        return result

    return run


def _iif(before: Fn, criterion: Fn, then: Fn, otherwise: Fn | None = None) -> Fn:
    def run(s: Scope) -> Items:
        this = s.this
        focus = before(s)
        if len(focus) > 1:
            raise PathError(f"iif: expected one item, found {len(focus)}")
        s.this = focus
        decided = criterion(s)
        if len(decided) > 1 or (decided and type(system(decided[0])) is not bool):
            raise PathError("iif: the criterion is no boolean")
        if decided and system(decided[0]):
            result = then(s)
        else:
            result = otherwise(s) if otherwise is not None else []
        s.this = this
        return result

    return run


def _trace(before: Fn, name: Fn, projection: Fn | None = None) -> Fn:
    shown = _select(before, projection) if projection is not None else None

    def run(s: Scope) -> Items:
        items = before(s)
        if s.env.trace is not None:
            values = shown(s) if shown is not None else items
            s.env.trace(string(name(s), "trace") or "", [plain(v) for v in values])
        return items

    return run


def _define_variable(before: Fn, name: Fn, value: Fn | None = None) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        key = string(name(s), "defineVariable") or ""
        if key in s.variables or key in s.env.variables or key in RESERVED or not key:
            raise PathError(f"defineVariable: {key!r} is already defined")
        found = items
        if value is not None:
            this, s.this = s.this, items
            found = value(s)
            s.this = this
        # A new dict each time, so that whoever evaluates an operand or argument can go back to the old one.
        s.variables = {**s.variables, key: found}
        return items

    return run


def sort(before: Fn, keys: list[tuple[Fn, bool]]) -> Fn:
    """`sort(key, -key ...)`: each key with whether it runs downwards; empty keys come first."""

    def order(a: tuple[Items, ...], b: tuple[Items, ...]) -> int:
        for x, y, (_, down) in zip(a, b, keys or [(before, False)], strict=True):
            if not x or not y:
                found = bool(x) - bool(y)
            elif compare("<", x[0], y[0]):
                found = -1
            else:
                found = 1 if compare(">", x[0], y[0]) else 0
            if found:
                return -found if down else found
        return 0

    def run(s: Scope) -> Items:
        this, index = s.this, s.index
        rows: list[tuple[tuple[Items, ...], Any]] = []
        for i, item in enumerate(before(s)):
            s.this, s.index = [item], i
            rows.append((tuple(key(s) for key, _ in keys) or ([item],), item))
        s.this, s.index = this, index
        placed = cmp_to_key(order)
        return [item for _, item in sorted(rows, key=lambda row: placed(row[0]))]

    return run


def _not(items: Items) -> Items:
    value = truth(items)
    return [] if value is None else [not value]


def _booleans(items: Items, name: str) -> list[bool]:
    values = [system(item) for item in items]
    if any(type(v) is not bool for v in values):
        raise PathError(f"{name}: expected booleans")
    return values


def _single(items: Items) -> Items:
    if len(items) > 1:
        raise PathError(f"single: found {len(items)} items")
    return items


def _skip(items: Items, count: Items) -> Items:
    n = integer(count, "skip")
    return [] if n is None else items[max(n, 0) :]


def _take(items: Items, count: Items) -> Items:
    n = integer(count, "take")
    return [] if n is None else items[: max(n, 0)]


def _intersect(items: Items, other: Items) -> Items:
    return distinct([item for item in items if contains(other, item)])


def _exclude(items: Items, other: Items) -> Items:
    return [item for item in items if not contains(other, item)]


def _is_distinct(items: Items) -> Items:
    return [len(distinct(items)) == len(items)]


def _children(items: Items) -> Items:
    return [child for item in items if isinstance(item, Node) for child in item.children()]


def _descendants(before: Fn) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        if items is not s.resource:
            return list(descendants(items))
        # R4's dom-3 asks for %resource.descendants() several times for each contained resource.
        found = s.memo.get("descendants")
        if found is None:
            found = s.memo["descendants"] = list(descendants(items))
        return found

    return run


def _coalesce(before: Fn, *options: Fn) -> Fn:
    def run(s: Scope) -> Items:
        return next((found for option in options if (found := option(s))), [])

    return run


TABLE: dict[str, Entry] = {
    "empty": (0, 0, on_items(lambda items: [not items])),
    "exists": (0, 1, _exists),
    "not": (0, 0, on_items(_not)),
    "all": (1, 1, _all),
    "allTrue": (0, 0, on_items(lambda items: [all(_booleans(items, "allTrue"))])),
    "anyTrue": (0, 0, on_items(lambda items: [any(_booleans(items, "anyTrue"))])),
    "allFalse": (0, 0, on_items(lambda items: [not any(_booleans(items, "allFalse"))])),
    "anyFalse": (0, 0, on_items(lambda items: [not all(_booleans(items, "anyFalse"))])),
    "subsetOf": (1, 1, on_items(lambda items, other: [all(contains(other, i) for i in items)])),
    "supersetOf": (1, 1, on_items(lambda items, other: [all(contains(items, i) for i in other)])),
    "count": (0, 0, on_items(lambda items: [len(items)])),
    "distinct": (0, 0, on_items(distinct)),
    "isDistinct": (0, 0, on_items(_is_distinct)),
    "where": (1, 1, _where),
    "select": (1, 1, _select),
    "repeat": (1, 1, _repeat),
    "single": (0, 0, on_items(_single)),
    "first": (0, 0, on_items(lambda items: items[:1])),
    "last": (0, 0, on_items(lambda items: items[-1:])),
    "tail": (0, 0, on_items(lambda items: items[1:])),
    "skip": (1, 1, on_items(_skip)),
    "take": (1, 1, on_items(_take)),
    "intersect": (1, 1, on_items(_intersect)),
    "exclude": (1, 1, on_items(_exclude)),
    "union": (1, 1, on_items(lambda items, other: distinct(items + other))),
    "combine": (1, 1, on_items(lambda items, other: items + other)),
    "aggregate": (1, 2, _aggregate),
    "iif": (2, 3, _iif),
    "trace": (1, 2, _trace),
    "defineVariable": (1, 2, _define_variable),
    "coalesce": (1, 20, _coalesce),
    "sort": (0, 9, sort),
    "children": (0, 0, on_items(_children)),
    "descendants": (0, 0, _descendants),
    "type": (0, 0, on_items(lambda items: [type_info(item) for item in items])),
}
