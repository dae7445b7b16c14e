"""The integration page: links, queues, dead letters, and every message by patient, time or control id."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.errors import Invalid
from wardbridge.web.call import Call
from wardbridge.web.sources import Search
from wardbridge.web.words import _

PAGE = 50


async def overview(call: Call) -> Response:
    """``/integration``; the live part alone when the page asks for it every few seconds."""
    shown = await call.sources.messages.overview()
    if call.request.headers.get("hx-target") == "exchange":
        return call.page("_exchange.html", exchange=shown)
    return call.page("integration.html", exchange=shown)


async def messages(call: Call) -> Response:
    """``/integration/messages``: posted, since patient numbers do not belong into URLs."""
    search = Search(
        patient=call.field("patient"), control=call.field("control"), since=call.time("since"),
        until=call.time("until"), direction=call.field("direction"), type=call.field("type"),
        before=call.field("before"),
    )  # fmt: skip
    if search.direction not in {"", "in", "out"}:
        raise Invalid(_("This choice is not offered."), "direction")
    found = await call.sources.messages.find(search, PAGE)
    call.note = "by " + ", ".join(n for n in ("patient", "control", "since", "until", "type") if getattr(search, n))
    return call.page("messages.html", found=found, search=search, full=len(found) == PAGE)


async def message(call: Call) -> Response:
    """``/integration/messages/{ref}``: what is known of a message; its content only for a reason."""
    ref = call.path("ref")
    reason = ""
    if call.request.method == "POST":
        reason = call.field("reason", required=True)
        if len(reason) < 8:
            raise Invalid(_("Please give a reason that someone else understands."), "reason")
        call.note = reason
    raw = await call.sources.messages.raw(ref)
    return call.page("message.html", raw=raw, open=bool(reason))


async def replay(call: Call) -> Response:
    """Queue a dead letter again."""
    await call.sources.messages.replay(call.path("dead"), call.who)
    return call.back("/integration", "replayed")


async def test(call: Call) -> Response:
    """Queue a test message to one destination."""
    await call.sources.messages.test(call.field("destination", required=True), call.who)
    return call.back("/integration", "tested")
