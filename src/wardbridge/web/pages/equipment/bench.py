"""``/equipment/bench``: the technician's work on a tablet, with or without a network.

The page and its files are kept by a service worker and hold nothing of a session; ``me`` says who is signed in,
``sync`` takes what was done and gives what changed (:mod:`wardbridge.equipment.bench.protocol`).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from starlette.responses import HTMLResponse, Response

from wardbridge.core.errors import Invalid, WardbridgeError
from wardbridge.equipment.bench import delta as held
from wardbridge.equipment.bench import protocol
from wardbridge.equipment.bench import sync as bench_sync
from wardbridge.equipment.bench.store import operations
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.bench_words import WORDS
from wardbridge.web.room import STATIC, static_url
from wardbridge.web.words import _

SHEETS = ("tokens", "base", "parts", "forms", "equipment-bench")
SCRIPTS = ("bench.js", "bench-dom.js", "bench-find.js", "bench-judge.js", "bench-order.js", "bench-queue.js",
           "bench-store.js", "bench-sync.js")  # fmt: skip
PAGE = 50


def _shell(call: Call) -> str:
    return call.room.render("equipment/bench.html", site=call.room.site, sheets=SHEETS, words=WORDS)


async def bench(call: Call) -> Response:
    """The page: the same for everybody, so that it may be kept."""
    return HTMLResponse(_shell(call), headers={"permissions-policy": "camera=(self), microphone=(), geolocation=()"})


async def worker(call: Call) -> Response:
    """The service worker with the list of what it keeps; another byte anywhere makes another version."""
    files = ["/equipment/bench", static_url("icon.svg"), *(static_url(f"css/{name}.css") for name in SHEETS),
             *(static_url(f"js/{name}") for name in SCRIPTS)]  # fmt: skip
    code = (STATIC / "js" / "bench-worker.js").read_text("utf-8")
    version = hashlib.sha256("\n".join([_shell(call), *files, code]).encode()).hexdigest()[:16]
    head = f"const VERSION = {_encode(version)};\nconst FILES = {_encode(files)};\n"
    return Response(
        head + code, media_type="text/javascript",
        headers={"service-worker-allowed": "/equipment/bench", "cache-control": "no-cache"},
    )  # fmt: skip


async def me(call: Call) -> Response:
    """Who is signed in, and the token that their forms need."""
    return _json({"person": call.who.id, "display": call.who.display, "csrf": call.who.csrf})


async def sync(call: Call) -> Response:
    """``POST``: operations in, answers and what changed out. A problem is JSON, too: the tablet keeps its queue."""
    try:
        request = protocol.request(await _body(call))
        if request.person != call.who.id:
            raise Invalid(_("Somebody else is signed in on this tablet now."), "person")
        answers = await bench_sync.receive(call.shop, request, call.who)
        found = await held.delta(call.shop, request, call.who.id)
    except WardbridgeError as error:
        return _json({"message": error.message, "where": error.where}, error.status)
    call.note = f"{len(answers)} operations"
    return _json({"person": call.who.id, "now": held.ms(call.shop.clock.now()), "answers": answers} | found)


async def machine(call: Call) -> Response:
    """The machine of a code, as it is now."""
    return _json({"machine": await held.one_machine(call.shop, call.query("code"))})


async def unsettled(call: Call) -> Response:
    """Conflicts and refusals of everybody, a page at a time."""
    skip = int(call.query("skip", "0")) if call.query("skip", "0").isdecimal() else 0
    skip = min(skip, 100_000)
    rows = await operations.unsettled(call.shop.pool, limit=PAGE + 1, skip=skip)
    return call.page("equipment/bench_unsettled.html", rows=rows[:PAGE], more=len(rows) > PAGE, skip=skip, step=PAGE)


async def settle(call: Call) -> Response:
    """Say how one was settled."""
    await bench_sync.settle(call.shop, call.path("operation"), call.field("text", required=True), call.who)
    if "application/json" in call.request.headers.get("accept", ""):
        return _json({})
    return call.back("/equipment/bench/unsettled", "settled")


async def _body(call: Call) -> bytes:
    found = b""
    async for piece in call.request.stream():
        found += piece
        if len(found) > protocol.BODY_LIMIT:
            break
    return found


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


GET, POST = ["GET"], ["POST"]
PAGES: Pages = (
    ("/equipment/bench", GET, bench, "maintenance", ""),
    ("/equipment/bench/worker.js", GET, worker, "maintenance", ""),
    ("/equipment/bench/me", GET, me, "maintenance", "maintenance.work"),
    ("/equipment/bench/sync", POST, sync, "maintenance", "maintenance.work"),
    ("/equipment/bench/machine", GET, machine, "maintenance", "maintenance.work"),
    ("/equipment/bench/unsettled", GET, unsettled, "maintenance", ""),
    ("/equipment/bench/unsettled/{operation}", POST, settle, "maintenance", "maintenance.work"),
)
