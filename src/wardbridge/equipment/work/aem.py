"""The AEM programme: cases from the first word to their yearly evaluation."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import aem_rules
from wardbridge.equipment.work.aem_rules import ASSESSED, ENDED, MOVES, Case
from wardbridge.equipment.work.store import aem
from wardbridge.security.principal import Principal

ASSESSORS = frozenset({"technician", "administrator"})
WRITABLE = ("qualification", "rationale", "documents", "activity", "months", "evaluate_due")


async def forbidden(shop: Shop, conn: Connection, model_id: str, at: int) -> str:
    """Why this model may not be in the programme at ``at`` (µs), '' where it may. Raises NotFound."""
    found = await aem.history(conn, model_id, at)
    if found is None:
        raise NotFound("there is no such model", "model")
    class_, done, first, rule = found
    return aem_rules.forbidden(class_, done, first, rule, at)


async def request(shop: Shop, conn: Connection, model_id: str, rationale: str, by: Principal) -> Case:
    """Ask for a model to be taken into the programme. Raises Invalid where that is forbidden."""
    now = shop.clock.now()
    await _permitted(shop, conn, model_id, now)
    case = Case(case_id=shop.ids(), model_id=model_id, requester_id=by.id, requester=by.display,
                rationale=rationale.strip(), opened=now, since=now)  # fmt: skip
    if any(one.model_id == model_id and one.state not in ENDED for one, *_ in await aem.every(conn)):
        raise Conflict("there is a case for this model already", "model")
    await aem.put(conn, case)
    return case


async def assess(shop: Shop, conn: Connection, case_id: str, by: Principal, **fields: Any) -> Case:
    """Write the assessment: ``qualification``, ``rationale``, ``documents``, ``activity``, ``months``,
    ``evaluate_due``. Whoever writes it is the assessor.

    Raises Forbidden for the requester and for other roles, Conflict when the case is not under review, Invalid.
    """
    case = await _locked(conn, case_id)
    if not by.roles & ASSESSORS:
        raise Forbidden(f"an assessment is written by: {', '.join(sorted(ASSESSORS))}", "role")
    if by.id == case.requester_id:
        raise Forbidden("who asked for it does not assess it", "person")
    if case.state not in ("open", "review"):
        raise Conflict(f"a case that is {case.state} is not being assessed", "state")
    unknown = sorted(set(fields) - set(WRITABLE))
    if unknown:
        raise Invalid("an assessment has no such field", unknown[0])
    months = fields.get("months")
    if months is not None and not 1 <= months <= 240:
        raise Invalid("an interval is 1 to 240 months", "months")
    fresh = msgspec.structs.replace(case, assessor_id=by.id, assessor=by.display, **fields)
    await aem.put(conn, fresh)
    return fresh


async def move(shop: Shop, conn: Connection, case_id: str, to: str, by: Principal, reason: str = "") -> Case:
    """Bring a case to another state.

    Raises Conflict for a move that does not exist, Invalid where the programme is forbidden or the assessment lacks
    something, and without the reason of an ending; Forbidden when the requester accepts the own request.
    """
    case = await _locked(conn, case_id)
    now = shop.clock.now()
    if to not in MOVES[case.state]:
        raise Conflict(f"a case that is {case.state} cannot become {to}", "state")
    fresh = msgspec.structs.replace(case, state=to, since=now, reason=reason.strip())
    if to in ENDED and len(fresh.reason) < 5:
        raise Invalid("say why", "reason")
    if to not in ENDED:
        await _permitted(shop, conn, case.model_id, now)
    if to in ASSESSED:
        if by.id == case.requester_id:
            raise Forbidden("who asked for it does not accept it", "person")
        lacking = aem_rules.lacks(fresh)
        if lacking:
            raise Invalid(f"the assessment lacks {', '.join(lacking)}", "assessment")
    await aem.put(conn, fresh)
    return fresh


async def evaluate(shop: Shop, conn: Connection, case_id: str, by: Principal, text: str, due: int) -> Case:
    """The periodic evaluation of a complete case: it stays, until ``due`` (µs). Raises Conflict, Invalid, NotFound."""
    case = await _locked(conn, case_id)
    now = shop.clock.now()
    if case.state != "closed-complete":
        raise Conflict("only a complete case is evaluated", "state")
    if due <= now or len(text.strip()) < 5:
        raise Invalid("an evaluation says what was found, and when the next one is due", "due")
    await _permitted(shop, conn, case.model_id, now)
    fresh = msgspec.structs.replace(
        case, since=now, evaluated=now, evaluate_due=due, reason=f"{text.strip()} ({by.display})"
    )
    await aem.put(conn, fresh)
    return fresh


async def _permitted(shop: Shop, conn: Connection, model_id: str, at: int) -> None:
    why = await forbidden(shop, conn, model_id, at)
    if why:
        raise Invalid(f"no AEM for this model: {why} (42 CFR 482.41(d)(2))", "model")


async def _locked(conn: Connection, case_id: str) -> Case:
    case = await aem.locked(conn, case_id)
    if case is None:
        raise NotFound("there is no such case", "case")
    return case
