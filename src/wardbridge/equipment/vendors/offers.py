"""Vendors side by side: offers for a need, scored by our requirements (``requirements.toml``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid
from wardbridge.equipment.lifecycle import needs
from wardbridge.equipment.lifecycle import resources as forms
from wardbridge.equipment.lifecycle.questions import Form, Score, check, load, score
from wardbridge.equipment.lifecycle.values import Answer
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.vendors.firms import vendor_of
from wardbridge.equipment.vendors.store import firms
from wardbridge.equipment.vendors.store import offers as store
from wardbridge.equipment.vendors.values import Offer, Vendor
from wardbridge.security.principal import Principal


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor in the comparison; ``rank`` from 1, None for one that is knocked out or not fully answered."""

    vendor: Vendor
    offer: Offer
    answers: dict[str, Answer]
    score: Score
    rank: int | None


@cache
def form() -> Form:
    """Our requirements of vendors."""
    return load(__package__, "requirements.toml")


async def offer(
    shop: Shop, conn: Connection, need_id: str, vendor_id: str, *, product: str, price: Decimal | None = None,
    currency: str = "", note: str = "",
) -> Offer:  # fmt: skip
    """Write down or change what a vendor offers for a need. Raises NotFound, Invalid, Conflict once it is ordered."""
    need = await needs.find(conn, need_id, lock=True)
    if need.state not in needs.OPEN:
        raise Conflict(f"offers for a need that is {need.state} are closed", "state")
    await vendor_of(conn, vendor_id)
    if not product.strip():
        raise Invalid("say which product", "product")
    if price is not None and not (price.is_finite() and price >= 0 and currency.strip()):
        raise Invalid("a price is 0 or more, in a currency", "price")
    one = Offer(need_id=need_id, vendor_id=vendor_id, product=product.strip(), price=price, currency=currency.strip(),
                note=note.strip(), created=shop.clock.now())  # fmt: skip
    await store.save(conn, one)
    return one


async def answer(
    shop: Shop, conn: Connection, need_id: str, vendor_id: str, by: Principal, given: Sequence[Answer]
) -> Score:
    """Write down a vendor's answers. Raises NotFound, Invalid for what the form cannot take or a vendor without an
    offer, Conflict once the need is ordered."""
    need = await needs.find(conn, need_id, lock=True)
    if need.state not in needs.OPEN:
        raise Conflict(f"offers for a need that is {need.state} are closed", "state")
    if vendor_id not in {one.vendor_id for one in await store.offers(conn, need_id)}:
        raise Invalid("write down the offer of this vendor first", "vendor")
    asked, now = form().asked(networked=need.networked), shop.clock.now()
    stamped = [
        check(asked, msgspec.structs.replace(one, note=one.note.strip(), exception=one.exception.strip(), by_id=by.id,
                                             by_name=by.display, at=now))
        for one in given
    ]  # fmt: skip
    await store.answer(conn, need_id, vendor_id, stamped)
    answers = (await store.answers(conn, need_id)).get(vendor_id, [])
    found = score(asked, answers)
    mine = forms.questionnaire(form())
    if await shop.record.current(conn, "Questionnaire", form().name) != mine:
        await shop.record.put(conn, [mine])
    await shop.record.put(conn, [forms.response(
        form(), f"{need_id}-{vendor_id}"[:64], f"Organization/{vendor_id}", answers, now, complete=found.ready
    )])  # fmt: skip
    return found


def rank(scores: Mapping[str, Score]) -> dict[str, int | None]:
    """Places from 1 by score; equal scores share a place, what is knocked out or unfinished has none. Pure."""
    ready = sorted({one.score for one in scores.values() if one.ready and one.score is not None}, reverse=True)
    return {
        name: ready.index(one.score) + 1 if one.ready and one.score is not None else None
        for name, one in scores.items()
    }


async def compare(source: Source, need_id: str) -> tuple[Form, list[Column]]:
    """The questions of a need, and every vendor's answers and scores, the best first. Raises NotFound."""
    need = await needs.find(source, need_id)
    asked = form().asked(networked=need.networked)
    offered = await store.offers(source, need_id)
    given = await store.answers(source, need_id)
    names = {one.vendor_id: one for one in await firms.vendors(source, [one.vendor_id for one in offered])}
    scores = {one.vendor_id: score(asked, _known(asked, given.get(one.vendor_id, ()))) for one in offered}
    places = rank(scores)
    columns = [
        Column(vendor=names[one.vendor_id], offer=one, score=scores[one.vendor_id], rank=places[one.vendor_id],
               answers={a.question: a for a in given.get(one.vendor_id, ())})
        for one in offered
    ]  # fmt: skip
    return asked, sorted(columns, key=lambda one: (one.rank or 10_000, one.vendor.name))


def _known(asked: Form, given: Iterable[Answer]) -> list[Answer]:
    return [one for one in given if asked.find(one.question)]
