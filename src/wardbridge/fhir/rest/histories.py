"""History of a resource, a type or the whole system (R4 http.html#history)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.access import check, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.rest.repository import Repository
from wardbridge.fhir.rest.searching import links
from wardbridge.fhir.search.moments import span
from wardbridge.fhir.store.read import Version

_MOST = 1000
_STATUS = {"POST": "201", "PUT": "200", "DELETE": "204"}


@dataclass(frozen=True)
class Histories:
    repository: Repository
    decide: Decide

    async def history(self, call: Call, type_name: str = "", id_: str = "") -> Answer:
        check(self.decide, call, "history", type_name, id_)
        given = self._parameters(call)
        page = await self.repository.history(type_name, id_, **given)
        if id_ and not page.versions and not given["before"] and await self.repository.read(type_name, id_) is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        head: dict[str, Any] = {"resourceType": "Bundle", "type": "history"}
        if page.total is not None:
            head["total"] = page.total
        path = "/".join([part for part in (type_name, id_) if part] + ["_history"])
        cursor = str(page.before) if page.before else ""
        parameters = [pair for pair in call.parameters if pair[0] not in ("_format", "_pretty")]
        head["link"] = links(call, path, parameters, cursor)
        raw = dumps(head)
        entries = b",".join(_entry(call.base, version) for version in page.versions)
        body = raw[:-1] + b',"entry":[' + entries + b"]}" if entries else raw
        return Answer(200, body, patients=patients_of(*(version.stored for version in page.versions)))

    @staticmethod
    def _parameters(call: Call) -> dict[str, Any]:
        out: dict[str, Any] = {"since": None, "at": None, "before": 0, "count": 20}
        for name, value in call.parameters:
            try:
                if name == "_since":
                    out["since"] = span(value.replace(" ", "+"))[0]
                elif name == "_at":
                    out["at"] = span(value.replace(" ", "+"))
                elif name == "_count":
                    out["count"] = min(max(int(value), 1), _MOST)
                elif name == "_cursor":
                    out["before"] = int(value)
                elif name not in ("_format", "_pretty"):
                    raise Invalid(f"unknown parameter {name!r} for a history", name)
            except (ValueError, OverflowError) as error:
                raise Invalid(f"{name}: {value[:40]!r} is not understood", name) from error
        if not 0 <= out["before"] < 1 << 62:
            raise Invalid("_cursor is not one of ours", "_cursor")
        return out


def _entry(base: str, version: Version) -> bytes:
    stored = version.stored
    status = _STATUS[version.method]
    url = stored.type if version.method == "POST" else f"{stored.type}/{stored.id}"
    tail = dumps(
        {
            "request": {"method": version.method, "url": url},
            "response": {"status": status, "etag": stored.etag, "lastModified": iso(stored.updated)},
        }
    )
    resource = b'"resource":' + stored.body + b"," if stored.body else b""
    return f'{{"fullUrl":"{base}/{stored.type}/{stored.id}",'.encode() + resource + tail[1:]
