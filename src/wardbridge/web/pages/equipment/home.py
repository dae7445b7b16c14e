"""``/equipment``: the start of biomed and IT."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.web.call import Call, Handler


async def home(call: Call) -> Response:
    """The start page: links to every part that this person may open."""
    return call.page("equipment/home.html")


PAGES: tuple[tuple[str, list[str], Handler, str, str], ...] = (("/equipment", ["GET"], home, "equipment", ""),)
