"""`POST [base]`: a batch (each entry for itself) or a transaction, and its answer (R4 http.html#transaction)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.entries import Entry, entries
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
    kind = bundle.get("type")
    if kind == "transaction":
        done = await transaction.run(call, bundle)
    elif kind == "batch":
        done = await _batch(call, bundle, handle)
    else:
        raise Invalid("Bundle.type must be batch or transaction here", "Bundle.type")
    raw = dumps({"resourceType": "Bundle", "id": transaction.single.repository.new_id(), "type": f"{kind}-response"})
    body = b",".join(_entry(entry, answer) for entry, answer in done)
    patients = tuple(dict.fromkeys(patient for _, answer in done for patient in answer.patients))
    return Answer(200, raw[:-1] + b',"entry":[' + body + b"]}" if body else raw, patients=patients)


async def _batch(call: Call, bundle: dict[str, Any], handle: Handle) -> list[tuple[Entry, Answer]]:
    listed = list(entries(call, bundle))
    done: list[tuple[Entry, Answer]] = []
    for at in range(0, len(listed), WIDTH):
        part = listed[at : at + WIDTH]
        answers = await asyncio.gather(*(handle(entry.call) for entry in part))
        done.extend(zip(part, answers, strict=True))
    return done


def _entry(entry: Entry, answer: Answer) -> bytes:
    response: dict[str, Any] = {"status": _REASONS.get(answer.status, str(answer.status))}
    if answer.location:
        response["location"] = answer.location
    if answer.etag:
        response["etag"] = answer.etag
    if answer.updated:
        response["lastModified"] = iso(answer.updated)
    out = b"{"
    if answer.body is not None:
        if answer.status >= 400:
            return b'{"response":' + dumps(response)[:-1] + b',"outcome":' + answer.body + b"}}"
        out += b'"resource":' + answer.body + b","
    return out + b'"response":' + dumps(response) + b"}"
