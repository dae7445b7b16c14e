"""A checked document over the record: values of fields, references followed, lists navigated (R4 graphql.html).

An absent element is left out of the answer. A field that fails is null in ``data`` and named in ``errors``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import FieldNode, Node, SelectionSetNode

from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.graphql.collect import Field, collect
from wardbridge.fhir.graphql.document import Document
from wardbridge.fhir.graphql.errors import FieldError, Path, as_error
from wardbridge.fhir.graphql.reach import Reach, parameters_of, split_window
from wardbridge.fhir.graphql.result import Entry, Shape, assemble
from wardbridge.fhir.graphql.schema import Slot, slot
from wardbridge.fhir.json import loads
from wardbridge.fhir.path import compile as compile_path
from wardbridge.fhir.path.env import Env
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.rest.call import ID
from wardbridge.fhir.store.values import Stored

MOST_VALUES = 200_000
"""Values in one answer."""


@dataclass(frozen=True)
class Place:
    """Where a value stands: its resource, the one that holds that (contained), and the Bundle around both."""

    resource: dict[str, Any] | None = None
    root: dict[str, Any] | None = None
    bundle: dict[str, Any] | None = None

    def inside(self, resource: dict[str, Any], contained: bool) -> Place:
        around = self.root if self.root is not None and self.root.get("resourceType") == "Bundle" else self.bundle
        return Place(resource, self.root if contained else resource, around)


@dataclass(frozen=True)
class Value:
    type: str
    json: Any
    place: Place


@dataclass
class Run:
    """One query. ``errors`` grows while it runs."""

    document: Document
    reach: Reach
    now: int
    errors: list[dict[str, Any]] = field(default_factory=list)
    _values: int = 0
    _wide: dict[int, bool] = field(default_factory=dict)
    _fields: dict[tuple[str, tuple[int, ...]], list[Field]] = field(default_factory=dict)

    async def data(self, root: Value) -> dict[str, Any]:
        """The ``data`` of the answer."""
        return await self._object(root, (self.document.operation.selection_set,), ())

    async def _object(self, value: Value, sets: Sequence[SelectionSetNode], path: Path) -> dict[str, Any]:
        entries = await self._entries(value, sets, path)
        return assemble(entries, path, self.errors)

    async def _entries(
        self, value: Value, sets: Sequence[SelectionSetNode], path: Path, listed: bool = False, suffix: str = ""
    ) -> list[Entry]:
        """The fields of one object. ``listed``, ``suffix``: what a flattened list above it makes of its fields."""
        out: list[Entry] = []
        asked = self._collected(value.type, sets)
        reading = [one for one in asked if self._reads(one.node)]
        jobs = [self._field(value, one, (*path, one.key), listed, suffix) for one in reading]
        waited = iter(await self._all(jobs, True))
        for one in asked:
            if self._reads(one.node):
                out.extend(next(waited))
            else:
                out.extend(await self._field(value, one, (*path, one.key), listed, suffix))
        return out

    def _collected(self, type_name: str, sets: Sequence[SelectionSetNode]) -> list[Field]:
        key = (type_name, tuple(map(id, sets)))
        found = self._fields.get(key)
        if found is None:
            found = self._fields[key] = collect(self.document, frozenset({type_name}), sets)
        return found

    @staticmethod
    async def _all(jobs: list[Any], together: bool) -> list[Any]:
        """In their order; together where they wait for the record, so that their reads are gathered."""
        if together and len(jobs) > 1:
            return list(await asyncio.gather(*jobs))
        return [await job for job in jobs]

    def _reads(self, node: Node) -> bool:
        """Whether anything below a field of the document is read from the record."""
        found = self._wide.get(id(node))
        if found is None:
            found = False
            if isinstance(node, FieldNode):
                name = node.name.value
                found = name == "resource" or name.endswith(("List", "Connection")) or name[:1].isupper()
            inner = getattr(node, "selection_set", None)
            for one in inner.selections if inner is not None else ():
                found = found or not isinstance(one, FieldNode) or self._reads(one)
            self._wide[id(node)] = found
        return found

    async def _field(self, value: Value, asked: Field, path: Path, listed: bool, suffix: str) -> list[Entry]:
        found = slot(value.type, asked.name)
        if found is None:  # another type of a union has it
            return []
        try:
            values = self._navigated(asked, await self._values_of(value, found, asked), found)
            return await self._shown(values, found, asked, path, listed, suffix)
        except FieldError as error:
            self.errors.append(as_error(error.message, error.code, asked.node, path))
            return [Entry(asked.key + suffix, "one", None, asked.node)]

    async def _shown(
        self, values: list[Value], found: Slot, asked: Field, path: Path, listed: bool, suffix: str
    ) -> list[Entry]:
        many = found.many and not asked.first
        suffixes = [suffix + self._slice(asked, one, at) for at, one in enumerate(values)]
        self._values += len(values)
        if self._values > MOST_VALUES:
            raise FieldError(f"the answer has more than {MOST_VALUES} values: narrow the query", "too-costly")
        together = self._reads(asked.node)
        paths = [(*path, at) if many else path for at in range(len(values))]
        if asked.flatten:
            jobs = [
                self._entries(one, asked.selections, here, many or listed, tail)
                for one, here, tail in zip(values, paths, suffixes, strict=True)
            ]
            return [entry for part in await self._all(jobs, together) for entry in part]
        shape: Shape = "single" if asked.singleton else "many" if many or listed else "one"
        if asked.selections:
            whole = [self._object(one, asked.selections, here) for one, here in zip(values, paths, strict=True)]
            given = await self._all(whole, together)
        else:
            given = [one.json for one in values]
        return [Entry(asked.key + tail, shape, one, asked.node) for one, tail in zip(given, suffixes, strict=True)]

    # --- values --------------------------------------------------------------------------------------------------

    async def _values_of(self, value: Value, found: Slot, asked: Field) -> list[Value]:
        match found.kind:
            case "typename":
                return [Value("", value.type, value.place)]
            case "target":
                return await self._target(value, asked)
            case "one":
                return await self._one(asked)
            case "list":
                return await self._list(value, asked)
            case "connection":
                return await self._connection(value, asked)
        raw = value.json.get(found.key) if isinstance(value.json, dict) else None
        items = raw if isinstance(raw, list) else [raw]
        return [self._child(value, found, item) for item in items if item is not None]

    def _child(self, value: Value, found: Slot, item: Any) -> Value:
        if not found.types:
            return Value(found.primitive, item, value.place)
        if isinstance(item, dict) and isinstance(item.get("resourceType"), str):
            return Value(item["resourceType"], item, value.place.inside(item, found.key == "contained"))
        return Value(next(iter(found.types)), item, value.place)

    def _navigated(self, asked: Field, values: list[Value], found: Slot) -> list[Value]:
        """List navigation: filters by element and by FHIRPath, then ``_offset`` and ``_count``, then @first."""
        if found.kind == "element" and asked.arguments:
            wanted = {k: v for k, v in asked.arguments.items() if k not in ("fhirpath", "_count", "_offset")}
            values = [one for one in values if all(_holds(one.json, k, v) for k, v in wanted.items())]
            if "fhirpath" in asked.arguments:
                values = [one for one in values if self._true(asked.arguments["fhirpath"], one)]
            start = asked.arguments.get("_offset", 0)
            stop = start + asked.arguments["_count"] if "_count" in asked.arguments else None
            values = values[start:stop]
        return values[:1] if asked.first else values

    def _path(self, expression: str, value: Value) -> list[Any]:
        env = Env(now=lambda: self.now, resource=value.place.resource, root=value.place.root)
        try:
            return compile_path(expression, value.type if type_of(value.type) else None)(value.json, env)
        except PathError as error:
            raise FieldError(f"FHIRPath {expression[:80]!r}: {error.message}", "invalid") from error

    def _true(self, expression: str, value: Value) -> bool:
        found = self._path(expression, value)
        if len(found) > 1:
            raise FieldError(f"FHIRPath {expression[:80]!r} gives {len(found)} values, not true or false", "invalid")
        return bool(found) and found[0] is not False

    def _slice(self, asked: Field, value: Value, at: int) -> str:
        """What @slice adds to the name: the index, or what its path gives."""
        if not asked.slice:
            return ""
        if asked.slice == "$index":
            return f".{at}"
        texts = [("true" if v else "false") if isinstance(v, bool) else str(v) for v in self._path(asked.slice, value)]
        return f".{','.join(texts)}" if texts else ""

    # --- what is read from the record ----------------------------------------------------------------------------

    async def _target(self, value: Value, asked: Field) -> list[Value]:
        """The resource of a Reference: contained, in the same Bundle, or in the record."""
        wanted, optional = asked.arguments.get("type", ""), asked.arguments.get("optional", False)
        reference = value.json.get("reference")
        try:
            found = await self._resolved(reference, wanted, value.place) if isinstance(reference, str) else None
        except FieldError:
            if optional:
                return []
            raise
        if found is None:
            if optional:
                return []
            named = reference if isinstance(reference, str) else "the reference"
            raise FieldError(f"{str(named)[:200]} cannot be resolved", "not-found")
        return [found] if not wanted or found.type == wanted else []

    async def _resolved(self, reference: str, wanted: str, place: Place) -> Value | None:
        inside = _inside(reference, place)
        if inside is not None:
            return inside
        name = self.reach.name_of(reference)
        if name is None:
            return None
        if wanted and name[0] != wanted:
            return Value(name[0], {}, place)  # need not be read: it is of another type
        found = await self.reach.read(name)
        return None if found is None else Value(name[0], found, Place(found, found))

    async def _one(self, asked: Field) -> list[Value]:
        id_ = asked.arguments["id"]
        found = await self.reach.read((asked.name, id_, 0)) if ID.fullmatch(id_) else None
        if found is None:
            raise FieldError(f"{asked.name}/{id_[:64]} does not exist", "not-found")
        return [Value(asked.name, found, Place(found, found))]

    async def _list(self, value: Value, asked: Field) -> list[Value]:
        type_name = asked.name.removesuffix("List")
        arguments, count, offset = split_window(asked.arguments)
        if not count:
            return []
        pairs = [*self._parameters(value, arguments), ("_count", str(count + offset))]
        page = await self.reach.search(type_name, pairs)
        return [_root(type_name, one) for one in page.matches[offset:]]

    async def _connection(self, value: Value, asked: Field) -> list[Value]:
        type_name = asked.name.removesuffix("Connection")
        arguments = dict(asked.arguments)
        count, cursor = arguments.pop("_count", 20), arguments.pop("_cursor", "")
        if type(count) is not int or count < 1:
            raise FieldError("_count must be a whole number above 0", "invalid")
        if "_offset" in arguments:
            raise FieldError("a Connection is paged by _cursor, not by _offset", "invalid")
        if not isinstance(cursor, str):
            raise FieldError("_cursor must be a string", "invalid")
        pairs = [*self._parameters(value, arguments), ("_count", str(count))]
        if cursor and cursor != FIRST:
            pairs.append(("_cursor", cursor))
        names = {one.name for one in self._collected(asked.name, asked.selections)}
        page = await self.reach.search(type_name, pairs, total="count" in names)
        edges = [{"mode": "match", "resource": loads(one.body or b"{}")} for one in page.matches]
        json: dict[str, Any] = {
            "pagesize": page.query.count,
            "edges": edges,
            "first": FIRST,
            "pageInfo": {"hasNextPage": bool(page.cursor), "hasPreviousPage": bool(pairs[-1][0] == "_cursor")},
        }
        if page.total is not None:
            json["count"] = page.total
        if page.cursor:
            json["next"] = json["pageInfo"]["endCursor"] = page.cursor
        return [Value(asked.name, json, value.place)]

    def _parameters(self, value: Value, arguments: dict[str, Any]) -> list[tuple[str, str]]:
        """``_reference`` names the search parameter that points to the resource around it."""
        rest = dict(arguments)
        back = rest.pop("_reference", None)
        pairs = parameters_of(rest)
        if back is not None:
            resource = value.json
            if type_of(value.type) is None or not isinstance(back, str):
                raise FieldError("_reference stands inside a resource and names a search parameter", "invalid")
            pairs.append((back.replace("_", "-"), f"{value.type}/{resource.get('id', '')}"))
        return pairs


def _root(type_name: str, stored: Stored) -> Value:
    found = loads(stored.body or b"{}")
    return Value(type_name, found, Place(found, found))


FIRST = "first"
"""The cursor of the first page."""


def _holds(element: Any, name: str, wanted: Any) -> bool:
    """Whether a child of the element has (one of) the wanted value(s)."""
    held = element.get(name) if isinstance(element, dict) else None
    texts = {_written(one) for one in (held if isinstance(held, list) else [held]) if one is not None}
    return any(_written(one) in texts for one in (wanted if isinstance(wanted, list) else [wanted]))


def _written(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _inside(reference: str, place: Place) -> Value | None:
    """A contained resource, the resource itself (`#`), or one of the same Bundle."""
    root = place.root or {}
    if reference.startswith("#"):
        for one in root.get("contained") or () if reference != "#" else (root,):
            if isinstance(one, dict) and reference in ("#", f"#{one.get('id')}"):
                return Value(str(one.get("resourceType")), one, replace(place, resource=one))
        return None
    bundle = place.bundle or (root if root.get("resourceType") == "Bundle" else None)
    for entry in (bundle or {}).get("entry") or ():
        one = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(one, dict):
            continue
        url, name = entry.get("fullUrl"), f"{one.get('resourceType')}/{one.get('id')}"
        if reference == url or (reference == name and (url is None or str(url).endswith(name) or "id" in one)):
            return Value(str(one.get("resourceType")), one, Place(one, one, bundle))
    return None
