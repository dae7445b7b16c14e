"""Requests of people without a login, who scanned the label on a machine; and what the workshop sees of them.

The form tells the machine's name and number and nothing else, and takes words only. It has no session that a foreign
page could borrow: the label's token is the right to write, and a form that comes from another site is refused.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from wardbridge.core.errors import Forbidden, Invalid, NotFound, TooMany, WardbridgeError
from wardbridge.equipment.register.labels import label
from wardbridge.equipment.register.store import now as machines_now
from wardbridge.equipment.register.values import Now
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import requests
from wardbridge.equipment.work.store import requests as store
from wardbridge.security.http import address_of
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.work import GET, POST
from wardbridge.web.room import Room
from wardbridge.web.words import _

FORM, TOLD = "/equipment/q/{token}", "/equipment/r/{reference}"
HONEY = "website"
"""A field that people do not see; whoever fills it in is a program."""
FIELD_BYTES = 8 * 1024


def _shop(room: Room) -> Shop:
    if room.shop is None:
        raise NotFound(_("There is no such page."))
    return room.shop


async def _machine(room: Room, token: str) -> Now:
    shop = _shop(room)
    device_id = await label.device_of(shop.pool, token) if 0 < len(token) <= 100 else ""
    found = await machines_now(shop.pool, [device_id]) if device_id else []
    if not found or found[0].state in requests.GONE:
        raise NotFound(_("This code is not in use. Please call the workshop."))
    return found[0]


def _form(room: Room, machine: Now, token: str, *, problem: str = "", text: str = "", status: int = 200) -> Response:
    html = room.render("equipment/request.html", site=room.site, name=machine.label or machine.model, tag=machine.tag,
                       token=token, problem=problem, text=text, honey=HONEY, longest=requests.TEXT_LIMIT)  # fmt: skip
    return HTMLResponse(html, status, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


async def show(room: Room, request: Request) -> Response:
    """The form."""
    token = str(request.path_params["token"])
    return _form(room, await _machine(room, token), token)


async def send(room: Room, request: Request) -> Response:
    """Keep what somebody says, and tell the reference."""
    token = str(request.path_params["token"])
    machine = await _machine(room, token)
    _from_here(request)
    form = await request.form(max_files=0, max_fields=12, max_part_size=FIELD_BYTES)
    said = {name: str(form.get(name, "")).strip() for name in ("text", "name", "contact", "urgent", HONEY)}
    if said[HONEY]:
        return HTMLResponse(room.render("equipment/request_sent.html", site=room.site), 200)
    shop = _shop(room)
    try:
        async with shop.acting(requests.ANONYMOUS, "request without login") as conn:
            found = await requests.submit(
                shop, conn, machine, said["text"], name=said["name"], contact=said["contact"],
                urgent=bool(said["urgent"]), sender=room.identity.tokens.mark("requests", address_of(request)),
            )  # fmt: skip
    except (Invalid, TooMany) as error:
        return _form(room, machine, token, problem=error.message, text=said["text"], status=error.status)
    return RedirectResponse(TOLD.format(reference=found.reference), 303)


def _from_here(request: Request) -> None:
    """Raises Forbidden for a form that another site sent (Fetch Metadata, else Origin)."""
    site, origin = request.headers.get("sec-fetch-site", ""), request.headers.get("origin", "")
    foreign = site not in ("", "same-origin", "none")
    if not site and origin and origin != "null":
        foreign = urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign:
        raise Forbidden(_("This form did not come from here."), "origin")


async def told(room: Room, request: Request) -> Response:
    """How far it is, for whoever has the reference."""
    try:
        found = await requests.status(_shop(room), str(request.path_params["reference"]))
    except WardbridgeError as error:
        raise NotFound(_("There is no request with this reference.")) from error
    html = room.render("equipment/request_told.html", site=room.site, found=found)
    return HTMLResponse(html, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


async def workshop(call: Call) -> Response:
    """``/equipment/requests``: the last requests, for the workshop."""
    return call.page("equipment/requests.html", found=await store.newest(call.shop.pool))


PAGES: Pages = (("/equipment/requests", GET, workshop, "maintenance", ""),)
OPEN = ((FORM, GET, show), (FORM, POST, send), (TOLD, GET, told))
"""Reached without a session: path, methods, handler."""
