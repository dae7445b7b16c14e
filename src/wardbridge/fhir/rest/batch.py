"""`POST [base]`: a batch, each entry for itself, or a transaction, all or none (R4 http.html#transaction)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.core.errors import Invalid, WardbridgeError
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.entries import entry_of, rows
from wardbridge.fhir.rest.outcome import of_error
from wardbridge.fhir.rest.transaction import Transaction

WIDTH = 50
"""Entries of a batch that run at a time."""

Handle = Callable[[Call], Awaitable[Answer]]
_REASONS = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 304: "304 Not Modified"}


async def post_bundle(call: Call, transaction: Transaction, handle: Handle) -> Answer:
    """``handle`` runs one call and turns its errors into an answer. Raises what the transaction raises."""
    bundle = call.json()
    if bundle.get("resourceType") != "Bundle":
        raise Invalid(
            "the base takes a Bundle of type batch or transaction; post a resource to its type", "resourceType"
        )
    new_id = transaction.single.repository.new_id
    match bundle.get("type"):
        case "transaction":
            return await transaction.run(call, bundle, lambda done: response("transaction", new_id(), done))
        case "batch":
            return response("batch", new_id(), await _batch(call, bundle, handle))
        case _:
            raise Invalid("Bundle.type must be batch or transaction here", "Bundle.type")


async def _batch(call: Call, bundle: dict[str, Any], handle: Handle) -> list[Answer]:
    async def one(at: int, row: Any) -> Answer:
        try:
            entry = entry_of(call, at, row)
        except WardbridgeError as error:
            return of_error(error)
        if not entry.call.path and entry.call.method == "POST":
            return of_error(Invalid("a batch cannot hold another bundle to run", f"{entry.where}.request.url"))
        return await handle(entry.call)

    listed = rows(bundle)
    done: list[Answer] = []
    for at in range(0, len(listed), WIDTH):
        done += await asyncio.gather(*(one(at + n, row) for n, row in enumerate(listed[at : at + WIDTH])))
    return done


def response(kind: str, id_: str, done: Sequence[Answer]) -> Answer:
    """The Bundle of answers, in the order of the request."""
    raw = dumps({"resourceType": "Bundle", "id": id_, "type": f"{kind}-response"})
    body = b",".join(map(_entry, done))
    patients = tuple(dict.fromkeys(patient for answer in done for patient in answer.patients))
    return Answer(200, raw[:-1] + b',"entry":[' + body + b"]}" if body else raw, patients=patients)


def _entry(answer: Answer) -> bytes:
    told: dict[str, Any] = {"status": _REASONS.get(answer.status, str(answer.status))}
    if answer.location:
        told["location"] = answer.location
    if answer.etag:
        told["etag"] = answer.etag
    if answer.updated:
        told["lastModified"] = iso(answer.updated)
    if answer.body is None or answer.media:
        return b'{"response":' + dumps(told) + b"}"
    if answer.status >= 400:
        return b'{"response":' + dumps(told)[:-1] + b',"outcome":' + answer.body + b"}}"
    return b'{"resource":' + answer.body + b',"response":' + dumps(told) + b"}"
