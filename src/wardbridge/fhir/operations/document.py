"""`$document`: a Composition and all that it refers to as one Bundle (R4 composition-operation-document).

What the Composition itself refers to must be readable, or the document would be incomplete without saying so; what
lies deeper comes along as far as the caller may read it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.core.errors import Forbidden, Invalid
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.path.references import literal_type
from wardbridge.fhir.rest.access import check, of_write, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import ID, Call
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.rest.parameters import given
from wardbridge.fhir.rest.repository import Unit
from wardbridge.fhir.store.values import Put, Stored

INPUTS = (
    Parameter("id", "uri", 0, 1, "The Composition: its id, or its URL on this server"),
    Parameter("persist", "boolean", 0, 1, "Keep the document as a Bundle"),
    Parameter("graph", "uri", 0, 1, "A GraphDefinition: not supported"),
)
OUTPUTS = (Parameter("return", "Bundle", 1, 1, "The document"),)
MOST = 1000
"""Resources in one document."""


@dataclass(frozen=True)
class Document:
    services: Services

    @property
    def operation(self) -> Operation:
        return Operation(
            "document",
            "http://hl7.org/fhir/OperationDefinition/Composition-document",
            self.perform,
            ("Composition",),
            type=True,
            instance=True,
            inputs=INPUTS,
            outputs=OUTPUTS,
            about="A Composition with all that it refers to, as a document",
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid, Forbidden, NotFound, Gone."""
        asked = given(call, self.operation)
        if "graph" in asked:
            raise Invalid("graph: documents by a GraphDefinition are not supported", "graph")
        if id_ and "id" in asked:
            raise Invalid("id is given twice: by the URL and by the parameter", "id")
        persist = asked.one("persist", False)
        if persist and call.method == "GET":
            raise Invalid("persist=true writes a Bundle: use POST", "persist")
        composition = await self.services.read(call, "Composition", id_ or self._named(call, asked.one("id")))
        parts = await self._parts(call, composition)
        patients = patients_of(*parts)
        bundle = self._bundle(call, parts)
        if not persist:
            return Answer(200, dumps(bundle), patients=patients)
        return await self._persisted(call, bundle, patients)

    @staticmethod
    def _named(call: Call, text: str | None) -> str:
        if not text:
            raise Invalid("the parameter id is missing", "id")
        id_ = text.removeprefix(call.base + "/").removeprefix("Composition/")
        if not ID.fullmatch(id_):
            raise Invalid("id must be the id of a Composition, or its URL on this server", "id")
        return id_

    async def _parts(self, call: Call, composition: Stored) -> list[Stored]:
        """The Composition, then what it refers to, then what those refer to, each once. Raises Forbidden, Invalid."""
        found: dict[tuple[str, str], Stored] = {(composition.type, composition.id): composition}
        tried = set(found)
        layer = [composition]
        while layer:
            wanted = {
                name: None
                for one in layer
                for name in self._references(call, loads(one.body or b"{}"))
                if name not in tried
            }
            tried |= set(wanted)
            allowed = [name for name in wanted if self.services.may(call, "read", *name)]
            if layer == [composition] and len(allowed) < len(wanted):
                hidden = next(name for name in wanted if name not in allowed)
                raise Forbidden(f"the document needs {'/'.join(hidden)}, which you may not read")
            read = await self.services.record.read_many(allowed)
            place = {name: at for at, name in enumerate(allowed)}
            layer = sorted((one for one in read if not one.deleted), key=lambda one: place[one.type, one.id])
            found |= {(one.type, one.id): one for one in layer}
            if len(found) > MOST:
                raise Invalid(f"the document would hold more than {MOST} resources")
        return list(found.values())

    def _references(self, call: Call, value: Any) -> Iterator[tuple[str, str]]:
        """(type, id) of every reference into this record, in document order."""
        if isinstance(value, dict):
            text = value.get("reference")
            if isinstance(text, str):
                local = text.removeprefix(call.base + "/")
                for base in self.services.record.bases:
                    local = local.removeprefix(base.rstrip("/") + "/")
                if (type_name := literal_type(local)) is not None and local.startswith(type_name + "/"):
                    yield type_name, local.split("/")[1]
            for child in value.values():
                if isinstance(child, dict | list):
                    yield from self._references(call, child)
        elif isinstance(value, list):
            for child in value:
                yield from self._references(call, child)

    def _bundle(self, call: Call, parts: list[Stored]) -> dict[str, Any]:
        return {
            "resourceType": "Bundle",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid.uuid4()}"},
            "type": "document",
            "timestamp": iso(self.services.record.clock.now()),
            "entry": [
                {"fullUrl": f"{call.base}/{one.type}/{one.id}", "resource": loads(one.body or b"{}")} for one in parts
            ],
        }

    async def _persisted(self, call: Call, bundle: dict[str, Any], patients: tuple[str, ...]) -> Answer:
        check(self.services.decide, call, "create", "Bundle")

        async def work(unit: Unit) -> Stored:
            (done,) = await unit.write([Put(bundle)])
            await unit.attest([of_write(call, "create", "Bundle", done.id, done)])
            return done

        done = await self.services.repository.transact(work)
        location = f"{call.base}/Bundle/{done.id}/_history/{done.version}"
        return Answer(200, done.body, done.etag, done.updated, location, patients=patients)
