"""Remote access: asked for, approved by somebody else, opened in its window, recorded, reviewed."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.clock import HOUR
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.register import store as register
from wardbridge.equipment.vendors import access
from wardbridge.equipment.vendors.store import access as store
from wardbridge.equipment.vendors.store import firms as firm_store
from wardbridge.web.call import Call, Pages
from wardbridge.web.words import _

STATES = ("requested", "approved", "open", "active", "ended", "expired", "lapsed", "refused")


async def sessions(call: Call) -> Response:
    """``/equipment/access``: what waits, what runs, what was; and the form to ask."""
    pool, now = call.shop.pool, call.shop.clock.now()
    rows = [(row, access.state(row.session, now)) for row in await store.sessions(pool)]
    order = {name: at for at, name in enumerate(("active", "requested", "open", "approved"))}
    device = call.query("device")
    return call.page(
        "equipment/vendors_sessions.html", rows=sorted(rows, key=lambda row: order.get(row[1], 9)),
        vendors=[one for one in await firm_store.vendors(pool) if one.active], device=device,
        hints=await store.remote_hints(pool, [device]) if device else [], starts=now, stops=now + 2 * HOUR,
        machine=next(iter(await register.now(pool, [device])), None) if device else None,
    )  # fmt: skip


async def request(call: Call) -> Response:
    """Ask for a session; in an emergency it opens at once."""
    shop = call.shop
    named = [line.strip() for line in call.field("machines", required=True).splitlines() if line.strip()]
    known = await firm_store.named_machines(shop.pool, named)
    unknown = [name for name in named if name not in known]
    if unknown:
        text = _("The register does not know, or knows more than one: %(names)s")
        raise Invalid(text % {"names": ", ".join(unknown)}, "machines")
    emergency = call.field("emergency")
    async with shop.acting(call.who, emergency) as conn:
        one = await access.request(
            shop, conn, call.who, vendor_id=call.field("vendor", required=True),
            person=call.field("person", required=True), purpose=call.field("purpose", required=True),
            device_ids=list(dict.fromkeys(known.values())), emergency=emergency,
            starts=shop.clock.now() if emergency else call.time("starts", required=True),
            stops=call.time("stops", required=True),
        )  # fmt: skip
    return call.back(f"/equipment/access/{one.access_id}", "saved")


async def session(call: Call) -> Response:
    """``/equipment/access/{access}``: clinicians open it too, to confirm for a machine on a patient."""
    pool, now = call.shop.pool, call.shop.clock.now()
    page = await access.page(pool, call.path("access"), now)
    return call.page(
        "equipment/vendors_session.html", page=page, one=page.session,
        hints=await store.remote_hints(pool, [machine.device_id for machine in page.reached]),
        contacts=await firm_store.contacts(pool, [page.session.vendor_id]),
    )  # fmt: skip


async def step(call: Call) -> Response:
    """Every step of a session; who may do which is the session's to say."""
    shop, ident, who = call.shop, call.path("access"), call.who
    async with shop.acting(who, call.field("reason")) as conn:
        match call.path("step"):
            case "approve":
                await access.decide(shop, conn, ident, who, approve=True, reason=call.field("reason"))
            case "refuse":
                await access.decide(shop, conn, ident, who, approve=False, reason=call.field("reason"))
            case "inform":
                await access.inform(shop, conn, ident, who)
            case "start":
                await access.start(shop, conn, ident, who)
            case "record":
                await access.record(shop, conn, ident, who, call.field("text", required=True),
                                    file=call.field("file"), digest=call.field("digest"))  # fmt: skip
            case "end":
                await access.end(shop, conn, ident, who, call.field("summary", required=True))
            case "review":
                await access.review(shop, conn, ident, who, call.field("review", required=True))
            case _:
                raise NotFound(_("There is no such page."))
    return call.back(f"/equipment/access/{ident}", "saved")


async def confirm(call: Call) -> Response:
    """A clinician or biomed agrees although the machine is on a patient."""
    shop, ident = call.shop, call.path("access")
    async with shop.acting(call.who) as conn:
        await access.confirm(shop, conn, ident, call.field("machine", required=True), call.who,
                             call.field("note", required=True))  # fmt: skip
    return call.back(f"/equipment/access/{ident}", "saved")


GET, POST = ["GET"], ["POST"]
PAGES: Pages = (
    ("/equipment/access", GET, sessions, "vendors", ""),
    ("/equipment/access", POST, request, "vendors", "vendor.access"),
    ("/equipment/access/{access}", GET, session, "equipment", ""),
    ("/equipment/access/{access}/confirm", POST, confirm, "equipment", ""),
    ("/equipment/access/{access}/{step}", POST, step, "vendors", "vendor.access"),
)
