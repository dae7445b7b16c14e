"""The fleet list: a page of it, its map, and views that people keep."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

import msgspec

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.fleet import store
from wardbridge.equipment.fleet.values import DUE, SORTS, USE, Filter, Page, SavedView, WardCell
from wardbridge.equipment.register.values import CLASSES, CRITICALITIES, STATES
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

LIMIT = 100
DEEPEST = 100_000
_OFFERED = {"state": STATES, "due": DUE, "use": USE, "criticality": CRITICALITIES, "class": CLASSES, "sort": SORTS}
_FLAGS = ("fault", "campaign", "kev")


def chosen(parameters: Sequence[tuple[str, str]]) -> Filter:
    """A filter from URL parameters; unknown names are left out, they may be the page's. Raises Invalid for a value
    that is not offered."""
    known = {field.encode_name for field in msgspec.structs.fields(Filter)}
    said: dict[str, str | bool] = {}
    for name, value in parameters:
        if name not in known or not value:
            continue
        if name in _OFFERED and value not in _OFFERED[name]:
            raise Invalid(f"{name} is one of: {', '.join(_OFFERED[name])}", name)
        said[name] = value == "1" if name in _FLAGS else value[:200]
    return msgspec.convert(said, Filter)


def query(of: Filter) -> str:
    """The URL query of a filter; :func:`chosen` of it gives the same filter."""
    plain = msgspec.to_builtins(of)
    empty = msgspec.to_builtins(Filter())
    return urlencode({n: ("1" if v is True else v) for n, v in plain.items() if v != empty[n]})


async def page(shop: Shop, of: Filter, number: int = 1, limit: int = LIMIT) -> Page:
    """Page ``number`` (from 1) of the list."""
    skip = min(max(number - 1, 0) * limit, DEEPEST)
    return await store.page(shop.pool, of, shop.clock.now(), skip, limit)


async def wards(shop: Shop, of: Filter) -> dict[str, list[WardCell]]:
    """The map: the cells of each ward, '' for machines whose place nobody knows."""
    found: dict[str, list[WardCell]] = {}
    for cell in await store.plan(shop.pool, of, shop.clock.now()):
        found.setdefault(cell.ward, []).append(cell)
    return found


async def keep(shop: Shop, name: str, text: str, shared: bool, by: Principal) -> SavedView:
    """Keep a filter (its URL query) under a name. Raises Invalid."""
    name = name.strip()
    if not name or len(name) > 60:
        raise Invalid("a view has a name of 1 to 60 characters", "name")
    clean = query(chosen(parse_qsl(text)))
    view = SavedView(view_id=shop.ids(), person_id=by.id, display=by.display, name=name, query=clean, shared=shared,
                     created=shop.clock.now())  # fmt: skip
    async with shop.acting(by) as conn:
        await store.keep_view(conn, view)
    return view


async def drop(shop: Shop, view_id: str, by: Principal) -> None:
    """Forget one's own view. Raises NotFound."""
    async with shop.acting(by) as conn:
        if not await store.drop_view(conn, view_id, by.id):
            raise NotFound("you have no such view", "view")
