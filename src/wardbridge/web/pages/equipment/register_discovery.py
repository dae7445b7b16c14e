"""``/equipment/register/discovery``: what was seen and is not in the register; a person decides."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from wardbridge.core.errors import Invalid
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.discovery import desk, store
from wardbridge.equipment.register.discovery.formats.read import read
from wardbridge.equipment.register.discovery.match import sorted_for_people
from wardbridge.web.call import Call, Pages
from wardbridge.web.uploads import takes_files
from wardbridge.web.words import _

PAGE = 100
MOST = 20_000_000
STATES = ("open", "accepted", "ignored")


async def discovery(call: Call) -> Response:
    """Suggestions, what is likely medical first."""
    shop, state = call.shop, call.query("state", "open")
    if state not in STATES:
        raise Invalid(_("This choice is not offered."), "state")
    skip = int(call.query("skip", "0")) if call.query("skip", "0").isdecimal() else 0
    found = await store.suggestions(shop.pool, state=state, limit=PAGE + 1, skip=min(skip, 100_000))
    machines = {
        one.device_id: one for one in await register.now(shop.pool, [s.device_id for s in found if s.device_id])
    }
    return call.page(
        "equipment/register_discovery.html", found=sorted_for_people(found[:PAGE]), more=len(found) > PAGE, skip=skip,
        step=PAGE, state=state, states=STATES, counts=await store.counts(shop.pool), machines=machines,
        models=await register.models(shop.pool),
    )  # fmt: skip


@takes_files(MOST, files=10)
async def take(call: Call) -> Response:
    """Read an export; several files are parts of one."""
    shop = call.shop
    files = [content for _name, content in await call.uploads("file", MOST)]
    if not files:
        raise Invalid(_("Please choose a file."), "file")
    export = await asyncio.to_thread(read, files, call.field("where"))
    async with shop.acting(call.who, f"{export.kind} export") as conn:
        await desk.take(shop, conn, export)
    return call.back("/equipment/register/discovery", "suggested")


async def accept(call: Call) -> Response:
    """Bring one into the register."""
    shop = call.shop
    async with shop.acting(call.who, "discovered") as conn:
        await desk.accept(
            shop, conn, call.path("suggestion"), call.who, model_id=call.field("model"), tag=call.field("tag"),
            label=call.field("label"),
        )  # fmt: skip
    return call.back("/equipment/register/discovery", "registered")


async def ignore(call: Call) -> Response:
    """Leave some out, for a reason."""
    shop = call.shop
    async with shop.acting(call.who, call.field("reason")) as conn:
        await desk.ignore(shop, conn, call.fields("suggestion"), call.field("reason", required=True), call.who)
    return call.back("/equipment/register/discovery", "ignored")


_START = "/equipment/register/discovery"
PAGES: Pages = (
    (_START, ["GET"], discovery, "register", ""),
    (_START, ["POST"], take, "register", "register.write"),
    (_START + "/ignore", ["POST"], ignore, "register", "register.write"),
    (_START + "/{suggestion}", ["POST"], accept, "register", "register.write"),
)
