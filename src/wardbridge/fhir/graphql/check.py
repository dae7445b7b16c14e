"""A document against the definitions before anything is read: fields, arguments, fragments, depth and size.

GraphQL October 2021, section 5, as far as FHIR's own rules leave it; a field that no possible type has is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphql import SelectionSetNode

from wardbridge.fhir.definitions.table import resource_types, type_of
from wardbridge.fhir.graphql.collect import Field, check_fragments, collect
from wardbridge.fhir.graphql.document import Document
from wardbridge.fhir.graphql.errors import Path, RequestError
from wardbridge.fhir.graphql.schema import Slot, closest, slot, target_types
from wardbridge.fhir.path import compile as compile_path
from wardbridge.fhir.path.errors import PathError

MOST_DEPTH = 24
"""Levels of selections."""
MOST_FIELDS = 2000
"""Fields of the whole query, those of fragments counted wherever they are used."""
NAVIGATION = frozenset({"fhirpath", "_count", "_offset"})


@dataclass
class Check:
    """One run over a document."""

    document: Document
    fields: int = 0

    def run(self, root: str) -> None:
        """Raises RequestError with the place of the first thing that is wrong."""
        self.selection(frozenset({root}), resource_types(), (self.document.operation.selection_set,), 1, ())

    def selection(
        self, types: frozenset[str], targets: frozenset[str], sets: Sequence[SelectionSetNode], depth: int, path: Path
    ) -> None:
        """``targets``: what the Reference may point to, where the value is one."""
        if depth > MOST_DEPTH:
            raise RequestError(f"the query is nested more than {MOST_DEPTH} levels deep", sets[0], path)
        try:
            self._selection(types, targets, sets, depth, path)
        except RequestError as error:
            error.path = error.path or path
            raise

    def _selection(
        self, types: frozenset[str], targets: frozenset[str], sets: Sequence[SelectionSetNode], depth: int, path: Path
    ) -> None:
        by_type: dict[tuple[int, str], tuple[Field, set[str]]] = {}
        alike = (
            [frozenset({name}) for name in sorted(types)] if check_fragments(self.document, types, sets) else [types]
        )
        for names in alike:
            for field in collect(self.document, names, sets):
                by_type.setdefault((id(field.node), field.key), (field, set()))[1].update(names)
        if not by_type:
            raise RequestError("nothing is selected", sets[0])
        for field, having in by_type.values():
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise RequestError(f"the query asks for more than {MOST_FIELDS} fields", field.node, path)
            self.field(frozenset(having), targets, field, depth, (*path, field.key))

    def field(self, types: frozenset[str], targets: frozenset[str], field: Field, depth: int, path: Path) -> None:
        slots = {name: found for name in types if (found := slot(name, field.name)) is not None}
        if not slots:
            near = closest(types, field.name)
            hint = f"; did you mean {near}?" if near else ""
            shown = " or ".join(sorted(types)) if len(types) < 4 else "no resource here"
            has = "has" if len(types) >= 4 else "has no"
            what = f"{shown} {has} {'' if has == 'has no' else 'a '}field {field.name!r}{hint}"
            raise RequestError(what, field.node, path)
        inner = frozenset[str]().union(*(found.types for found in slots.values()))
        if any(found.kind == "target" for found in slots.values()):
            inner = self._targets(field, targets, path)
        if field.selections and not inner:
            raise RequestError(f"{field.name} is a primitive and has no fields of its own", field.node, path)
        if inner and not field.selections:
            raise RequestError(f"{field.name} is an object: say which of its fields are wanted", field.node, path)
        if field.flatten and not inner:
            raise RequestError(f"@flatten: {field.name} is a primitive", field.node, path)
        for name, found in slots.items():
            self._arguments(name, found, field, path)
        self._expressions(field, inner, path)
        if inner:
            below = frozenset[str]().union(*(target_types(name, field.name) for name in slots))
            self.selection(inner, below, field.selections, depth + 1, path)

    @staticmethod
    def _targets(field: Field, targets: frozenset[str], path: Path) -> frozenset[str]:
        wanted = field.arguments.get("type")
        if wanted is None:
            return targets
        if wanted not in resource_types():
            raise RequestError(f"type: {str(wanted)[:60]!r} is not a resource type of R4", field.node, path)
        return frozenset({str(wanted)})

    @staticmethod
    def _arguments(type_name: str, found: Slot, field: Field, path: Path) -> None:
        given = set(field.arguments)
        if found.kind in ("list", "connection"):
            if type_of(type_name) is not None and "_reference" not in given:
                raise RequestError(
                    f"{field.name} inside a resource needs _reference: the search parameter that points back",
                    field.node,
                    path,
                )
            return
        allowed: set[str] = set()
        if found.kind == "one":
            allowed = {"id"}
            if not isinstance(field.arguments.get("id"), str):
                raise RequestError(f"{field.name} needs id", field.node, path)
        elif found.kind == "target":
            allowed = {"type", "optional"}
            if not isinstance(field.arguments.get("optional", False), bool):
                raise RequestError("optional must be true or false", field.node, path)
        elif found.kind == "element" and (found.many or found.types):
            allowed = set(NAVIGATION)
            for inner in found.types:
                kind = type_of(inner)
                if kind is not None:
                    allowed |= {k for k, (_, t) in kind.keys.items() if (p := type_of(t)) and p.primitive}
        unknown = sorted(given - allowed)
        if unknown:
            raise RequestError(f"{field.name} has no argument {unknown[0]!r}", field.node, path)
        for name in ("_count", "_offset"):
            value = field.arguments.get(name, 0)
            if type(value) is not int or value < 0:
                raise RequestError(f"{name} must be a whole number of at least 0", field.node, path)

    @staticmethod
    def _expressions(field: Field, inner: frozenset[str], path: Path) -> None:
        texts = [] if field.slice in ("", "$index") else [field.slice]
        if "fhirpath" in field.arguments:
            given = field.arguments["fhirpath"]
            if not isinstance(given, str):
                raise RequestError("fhirpath must be a string", field.node, path)
            texts.append(given)
        for text in texts:
            try:
                compile_path(text)
            except PathError as error:
                raise RequestError(f"FHIRPath {text[:80]!r}: {error.message}", field.node, path) from error
