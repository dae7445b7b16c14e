"""``/equipment/register/duplicates``: machines that may stand twice."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.equipment.register.duplicates import desk
from wardbridge.web.call import Call, Pages


async def duplicates(call: Call) -> Response:
    """Pairs, with why they look alike."""
    return call.page("equipment/register_duplicates.html", found=await desk.candidates(call.shop))


async def merge(call: Call) -> Response:
    """Make one machine of two."""
    shop = call.shop
    async with shop.acting(call.who, call.field("reason", required=True)) as conn:
        loser, winner = call.field("loser", required=True), call.field("winner", required=True)
        await desk.merge(shop, conn, loser, winner, call.who)
    return call.back("/equipment/register/duplicates", "merged")


async def distinct(call: Call) -> Response:
    """Say that they are two."""
    shop = call.shop
    async with shop.acting(call.who, call.field("reason")) as conn:
        one, other = call.field("one", required=True), call.field("other", required=True)
        await desk.distinct(shop, conn, one, other, call.field("reason", required=True))
    return call.back("/equipment/register/duplicates", "distinct")


_START = "/equipment/register/duplicates"
PAGES: Pages = (
    (_START, ["GET"], duplicates, "register", ""),
    (_START + "/merge", ["POST"], merge, "register", "register.merge"),
    (_START + "/distinct", ["POST"], distinct, "register", "register.write"),
)
