"""``/equipment/register``: lists in and out, labels; machines, models, duplicates and discovery are beside it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response, StreamingResponse

from wardbridge.core.errors import Invalid
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.discovery import store as suggestions
from wardbridge.equipment.register.duplicates import desk as duplicates
from wardbridge.equipment.register.labels import draw, label
from wardbridge.equipment.register.lists import dump, load, spool
from wardbridge.equipment.register.lists.columns import COLUMNS
from wardbridge.equipment.register.lists.sheet import MOST_BYTES
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment import register_discovery, register_duplicates, register_machines
from wardbridge.web.uploads import takes_files
from wardbridge.web.words import _

SHOWN = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GET, POST = ["GET"], ["POST"]


async def start(call: Call) -> Response:
    """What there is to do."""
    shop = call.shop
    return call.page(
        "equipment/register.html", counts=await register.counts(shop.pool), open=await suggestions.counts(shop.pool),
        twins=len(await duplicates.candidates(shop)),
    )  # fmt: skip


# --- lists ------------------------------------------------------------------------------------------------------------


async def import_form(call: Call) -> Response:
    """Choose a list; the columns."""
    return call.page("equipment/register_import.html", columns=COLUMNS, most=MOST_BYTES // 1_000_000)


@takes_files(MOST_BYTES)
async def send(call: Call) -> Response:
    """Take a list for its preview. It is read before it is kept: what is no list is refused here."""
    shop = call.shop
    name, content = await call.upload("file", MOST_BYTES)
    await asyncio.to_thread(load.parsed, content, shop.clock.now())
    async with shop.acting(call.who) as conn:
        ident = await spool.keep(shop, conn, name, content, call.who)
    return call.back(f"/equipment/register/import/{ident}")


async def preview(call: Call) -> Response:
    """What a list would do."""
    shop, ident = call.shop, call.path("upload")
    name, content = await spool.take(shop, shop.pool, ident, call.who)
    file = await asyncio.to_thread(load.parsed, content, shop.clock.now())
    plan = await load.preview(shop, shop.pool, file)
    return call.page("equipment/register_preview.html", plan=plan, name=name, upload=ident, shown=SHOWN)


async def apply(call: Call) -> Response:
    """Do what the preview said, or nothing."""
    shop, ident = call.shop, call.path("upload")
    name, content = await spool.take(shop, shop.pool, ident, call.who)
    file = await asyncio.to_thread(load.parsed, content, shop.clock.now())
    async with shop.acting(call.who, f"list {name}") as conn:
        done = await load.apply(shop, conn, file, call.who, expected=call.field("plan", required=True))
        await spool.drop(conn, ident)
    return call.back("/equipment/register", "nothing" if done.empty else "imported")


async def export(call: Call) -> Response:
    """The register as CSV or XLSX."""
    shop, kind = call.shop, call.path("kind")
    head = {"content-disposition": f'attachment; filename="register.{kind}"'}
    if kind == "csv":
        lines = await dump.csv(shop.pool)
        return StreamingResponse(_encoded(lines), media_type="text/csv; charset=utf-8", headers=head)
    if kind != "xlsx":
        raise Invalid(_("A list is written as csv or xlsx."), "kind")
    return Response(await dump.xlsx(shop.pool), media_type=XLSX, headers=head)


def _encoded(lines: Any) -> Any:
    yield b"\xef\xbb\xbf"  # without which Excel reads no UTF-8
    for line in lines:
        yield line.encode()


# --- labels -----------------------------------------------------------------------------------------------------------


async def labels(call: Call) -> Response:
    """Choose machines and a sheet."""
    found = await register.find(call.shop.pool, call.query("q"), limit=SHOWN)
    return call.page("equipment/register_labels.html", machines=found, asked=call.query("q"), sheets=draw.SHEETS)


async def print_labels(call: Call) -> Response:
    """The sheet as PDF, with a code for each machine."""
    shop = call.shop
    ids = call.fields("device")
    skip = call.field("skip") or "0"
    if not ids or len(ids) > draw.MOST:
        raise Invalid(_("Choose the machines that need a label."), "device")
    if not skip.isdecimal() or int(skip) > 100:
        raise Invalid(_("This is no number of labels."), "skip")
    machines = await register.now(shop.pool, ids)
    async with shop.acting(call.who, "labels") as conn:
        tokens = await label.make(shop, conn, [one.device_id for one in machines])
    found = [
        draw.Label(
            url=label.url(shop, tokens[one.device_id]), tag=one.tag or one.serial or one.device_id[:8],
            lines=(f"{one.manufacturer} {one.model}", f"SN {one.serial}" if one.serial else "", call.room.site),
        )
        for one in machines
    ]  # fmt: skip
    data = await asyncio.to_thread(draw.pdf, found, call.field("sheet") or "a4-21", skip=int(skip), title="Labels")
    return Response(
        data, media_type="application/pdf", headers={"content-disposition": 'inline; filename="labels.pdf"'}
    )


_START = "/equipment/register"
PAGES: Pages = (
    (_START, GET, start, "register", ""),
    (_START + "/import", GET, import_form, "register", "register.write"),
    (_START + "/import", POST, send, "register", "register.write"),
    (_START + "/import/{upload}", GET, preview, "register", "register.write"),
    (_START + "/import/{upload}", POST, apply, "register", "register.write"),
    (_START + "/export.{kind}", GET, export, "register", ""),
    (_START + "/labels", GET, labels, "register", "register.write"),
    (_START + "/labels", POST, print_labels, "register", "register.write"),
    *register_machines.PAGES,
    *register_discovery.PAGES,
    *register_duplicates.PAGES,
)
