"""Writing risks down, reviewing them, closing them."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.changes import desk as changes
from wardbridge.equipment.changes.risks import store
from wardbridge.equipment.changes.risks.resources import resource
from wardbridge.equipment.changes.risks.values import LINKS, STATES, Risk
from wardbridge.equipment.changes.values import PROPERTIES, Matrix
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal


async def write(shop: Shop, conn: Connection, risk: Risk, by: Principal, *, seen: int = 0) -> Risk:
    """Add a risk (without an id), or change one; ``seen`` is the version that the writer had before them.

    Raises Invalid for what does not fit, Conflict when it changed meanwhile, NotFound.
    """
    check(risk, await changes.matrix_in_force(shop, conn))
    missing = await store.missing(conn, risk.links)
    if missing:
        raise Invalid(f"there is no {missing[0]}", "links")
    if risk.risk_id:
        known = await _locked(conn, risk.risk_id)
        if known.version != seen:
            raise Conflict("somebody else has changed this risk meanwhile: load it again", "version")
        risk = msgspec.structs.replace(risk, version=known.version + 1, author=known.author, created=known.created,
                                       reviewed_at=known.reviewed_at)  # fmt: skip
    else:
        risk = msgspec.structs.replace(risk, risk_id=shop.ids(), version=1, author=by.id, created=shop.clock.now())
    return await _save(shop, conn, risk)


async def review(shop: Shop, conn: Connection, risk_id: str, state: str, next_due: int, by: Principal) -> Risk:
    """Somebody looked at it again: its state now, and when the next review is due (µs).

    Raises Invalid for a date that is not to come; a risk with open measures is not closed (Conflict).
    """
    risk, now = await _locked(conn, risk_id), shop.clock.now()
    if state not in STATES:
        raise Invalid(f"a risk is one of: {', '.join(STATES)}", "state")
    if next_due <= now:
        raise Invalid("the next review is to come", "review_due")
    if state == "closed" and any(one.done is None for one in risk.measures):
        raise Conflict("measures of this risk are not done yet", "state")
    risk = msgspec.structs.replace(risk, state=state, reviewed_at=now, review_due=next_due, version=risk.version + 1)
    return await _save(shop, conn, risk)


async def done(shop: Shop, conn: Connection, risk_id: str, number: int) -> Risk:
    """Measure ``number`` (from 1) is done."""
    risk = await _locked(conn, risk_id)
    if not 1 <= number <= len(risk.measures):
        raise NotFound("there is no such measure", f"measure {number}")
    measures = list(risk.measures)
    measures[number - 1] = msgspec.structs.replace(measures[number - 1], done=shop.clock.now())
    return await _save(
        shop, conn, msgspec.structs.replace(risk, measures=tuple(measures), version=risk.version + 1)
    )  # fmt: skip


def check(risk: Risk, matrix: Matrix) -> None:
    """Raises Invalid for what a risk lacks or what lies outside of the matrix."""
    if not risk.title.strip() or not risk.cause.strip() or not risk.owner.strip():
        raise Invalid("a risk has a title, a cause and an owner", "title")
    if risk.property not in PROPERTIES or risk.state not in STATES:
        raise Invalid(f"a risk is to: {', '.join(PROPERTIES)}", "property")
    for name, score in (("inherent", risk.inherent), ("residual", risk.residual)):
        if not 1 <= score.severity <= len(matrix.severities) or not 1 <= score.probability <= len(matrix.probabilities):
            raise Invalid("severity or probability is outside of the matrix", name)
    if risk.residual != risk.inherent and not risk.measures:
        raise Invalid("a risk is lowered by measures: name them", "measures")
    if any(not one.text.strip() or not one.owner.strip() or one.due is None for one in risk.measures):
        raise Invalid("a measure has a text, an owner and a due date", "measures")
    if any(kind not in LINKS or not target for kind, target in risk.links):
        raise Invalid(f"a risk is about: {', '.join(LINKS)}", "links")
    if risk.review_due <= 0:
        raise Invalid("say when it is looked at again", "review_due")


async def _locked(conn: Connection, risk_id: str) -> Risk:
    risk = await store.get(conn, risk_id, lock=True)
    if risk is None:
        raise NotFound("there is no such risk", f"risk/{risk_id}")
    return risk


async def _save(shop: Shop, conn: Connection, risk: Risk) -> Risk:
    await store.put(conn, risk)
    await shop.record.put(conn, [resource(risk, shop.clock.now())])
    return risk
