"""`Idempotency-Key`: a POST that is sent again is answered again and not done again.

The answer is kept in the transaction that made it, with the key, who asked and a digest of what was asked, for a day. A
key that comes again with another content is refused. What failed wrote nothing and keeps no answer.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from hashlib import blake2b

from wardbridge.core.errors import Conflict, Invalid
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.access import access
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.repository import Repository, Unit
from wardbridge.fhir.store.answers import Kept

HEADER = "idempotency-key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class KeyReused(Conflict):
    """The key was used for another request (422)."""

    status = 422
    code = "business-rule"


def asked_once(call: Call) -> bool:
    return HEADER in call.headers


def key_of(call: Call) -> str:
    """The key, as sent or within the quotes of a structured header. Raises Invalid."""
    text = call.headers[HEADER].strip().strip('"')
    if not _KEY.fullmatch(text):
        raise Invalid("Idempotency-Key takes 1 to 255 visible ASCII characters", "Idempotency-Key")
    return text


async def once(repository: Repository, call: Call, work: Callable[[Unit], Awaitable[Answer]]) -> Answer:
    """``work`` in a transaction, or the answer that it gave before. Raises KeyReused and what ``work`` raises."""
    if not asked_once(call):
        return await repository.transact(work)
    key, digest = key_of(call), digest_of(call)

    async def guarded(unit: Unit) -> Answer:
        kept = await unit.recall(call.principal.id, key)
        if kept is None:
            answer = await work(unit)
            await unit.remember(call.principal.id, key, _kept(answer, digest))
            return answer
        if kept.digest != digest:
            raise KeyReused("this Idempotency-Key was used for another request", "Idempotency-Key")
        event = "create" if call.path else "bundle"
        type_name = call.path[0] if call.path else ""
        await unit.attest([access(call, event, type_name, "", kept.patients, kept.status, "replayed")])
        return Answer(
            kept.status,
            kept.body,
            kept.etag,
            kept.updated,
            kept.location,
            (("idempotency-replayed", "true"),),
            kept.patients,
        )

    return await repository.transact(guarded)


def digest_of(call: Call) -> bytes:
    """Of what decides the effect: method, URL, conditions and content."""
    content = call.body if call.resource is None else dumps(call.resource)
    head = "\x1f".join((call.method, *call.path, call.query, call.media, call.headers.get("if-none-exist", "")))
    return blake2b(head.encode("utf-8", "surrogateescape") + b"\x1f" + content, digest_size=32).digest()


def _kept(answer: Answer, digest: bytes) -> Kept:
    return Kept(
        digest, answer.status, answer.body, answer.etag, answer.updated, answer.location, tuple(answer.patients)
    )
