"""What maintenance rests on: procedures and test equipment, electrical safety, risk scores, the AEM programme."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

import msgspec
from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.register.store import models as models_of
from wardbridge.equipment.register.values import CLASSES
from wardbridge.equipment.work import aem, aem_rules, procedures, risk, safety, values
from wardbridge.equipment.work.steps import STEP_KINDS, Procedure, Step
from wardbridge.equipment.work.store import aem as cases
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.store import procedures as kept
from wardbridge.equipment.work.store import risk as scores
from wardbridge.equipment.work.store.procedures import Instrument
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.work import GET, POST
from wardbridge.web.words import _

PROCEDURES, RISK, AEM = "/equipment/procedures", "/equipment/risk", "/equipment/aem"


def steps_of(text: str) -> tuple[Step, ...]:
    """Steps typed one a line: ``check | text``, ``value | text | unit | low | high | code``, ``text | text``.
    An exclamation mark before ``value`` asks for an instrument. Raises Invalid with the line."""
    found: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = [part.strip() for part in line.split("|")] + [""] * 6
        kind = parts[0].removeprefix("!").strip()
        if kind not in STEP_KINDS:
            raise Invalid(_("A line begins with check, value or text."), f"line {number}")
        found.append(
            Step(step=f"s{len(found) + 1}", kind=kind, text=parts[1], unit=parts[2], low=_limit(parts[3], number),
                 high=_limit(parts[4], number), code=re.sub(r"[^a-z0-9-]", "-", parts[5].lower()),
                 instrument=parts[0].startswith("!"))
        )  # fmt: skip
    return tuple(found)


def long_text(call: Call, name: str) -> str:
    """A form field of up to 16 KiB (the guard's limit of a part). Raises Invalid when it is empty."""
    text = str(call.form.get(name, "")).strip()
    if not text:
        raise Invalid(_("Please fill in this field."), name)
    return text


def lines_of(steps: tuple[Step, ...]) -> str:
    """The inverse of :func:`steps_of`."""
    found = []
    for one in steps:
        mark = "!" if one.instrument else ""
        parts = [f"{mark}{one.kind}", one.text]
        if one.kind == "value":
            parts += [one.unit, _shown(one.low), _shown(one.high), one.code]
        found.append(" | ".join(parts).rstrip(" |"))
    return "\n".join(found)


def _shown(number: Decimal | None) -> str:
    return "" if number is None else f"{number}"


def _limit(text: str, line: int) -> Decimal | None:
    try:
        return Decimal(text.replace(",", ".")) if text else None
    except InvalidOperation:
        raise Invalid(_("A limit is a number."), f"line {line}") from None


async def procedure_list(call: Call) -> Response:
    """``/equipment/procedures``: procedures and test equipment."""
    pool = call.shop.pool
    chosen = call.query("procedure")
    versions = await kept.versions(pool, chosen) if chosen else []
    if chosen and not versions:
        raise NotFound(_("There is no such procedure."))
    return call.page(
        "equipment/work_procedures.html", found=await kept.current(pool), instruments=await kept.instruments(pool),
        chosen=versions[0] if versions else None, versions=versions,
        lines=lines_of(versions[0].steps) if versions else "", models=await models_of(pool), classes=CLASSES,
        kinds=values.KINDS, safety=safety, own=await kept.site_limits(pool), tests=safety.table()["test"],
        edition=safety.table()["edition"],
    )  # fmt: skip


async def procedure_write(call: Call) -> Response:
    """A new procedure, or a new version of one."""
    shop = call.shop
    minutes = call.field("minutes") or "30"
    if not minutes.isdecimal() or len(minutes) > 5:
        raise Invalid(_("Minutes are a number from 1 to 10000."), "minutes")
    ident = call.field("procedure") or shop.ids()
    tools = tuple(part.strip() for part in call.field("tools").split(",") if part.strip())
    one = Procedure(
        procedure_id=ident, version=0, name=call.field("name", required=True), kind=call.field("kind") or "maintenance",
        model_id=call.field("model"), class_=call.field("class"), minutes=int(minutes), tools=tools,
        steps=steps_of(long_text(call, "steps")), retired=bool(call.field("retired")),
    )  # fmt: skip
    async with shop.acting(call.who) as conn:
        await procedures.write(shop, conn, one, call.who)
    return call.back(f"{PROCEDURES}?procedure={ident}", "saved")


async def safety_write(call: Call) -> Response:
    """The electrical safety test of a model, out of its protection class, applied part, cord and method."""
    shop, model_id = call.shop, call.field("model", required=True)
    found = await models_of(shop.pool, [model_id])
    if not found:
        raise Invalid(_("There is no such model."), "model")
    class_, part, cord, method = (call.field(one, required=True) for one in ("protection", "part", "cord", "method"))
    name = f"{_('Electrical safety')}: {found[0].manufacturer} {found[0].name}"
    async with shop.acting(call.who) as conn:
        own = await kept.site_limits(conn)
        one = safety.procedure(f"safety-{model_id}", name, class_, part, cord, method, own, model_id)
        await procedures.write(shop, conn, one, call.who)
        await kept.put_protection(conn, model_id, class_, part, cord)
    return call.back(f"{PROCEDURES}?procedure=safety-{model_id}", "saved")


async def limit_write(call: Call) -> Response:
    """A site's own limit of a safety test."""
    shop, code = call.shop, call.field("test", required=True)
    known = {one["code"]: one for one in safety.table()["test"]}
    class_, part = call.field("protection") or "*", call.field("part") or "*"
    if code not in known or class_ not in (*safety.CLASSES, "*") or part not in (*safety.PARTS, "*"):
        raise Invalid(_("This choice is not offered."), "test")
    low, high = _limit(call.field("low"), 1), _limit(call.field("high"), 1)
    if (low is None and high is None) or not all(one is None or (one.is_finite() and one >= 0) for one in (low, high)):
        raise Invalid(_("A limit is a number."), "high")
    source = call.field("source", required=True)
    async with shop.acting(call.who, source) as conn:
        await kept.put_limit(conn, code, class_, part, low, high, known[code]["unit"], source)
    return call.back(PROCEDURES, "saved")


async def instrument_write(call: Call) -> Response:
    """Make a machine of the register test equipment, or change its calibration."""
    shop = call.shop
    found = await orders.machine_named(shop.pool, call.field("machine", required=True))
    if len(found) != 1:
        raise Invalid(_("No machine, or more than one, has this number."), "machine")
    one = Instrument(
        device_id=found[0], measures=call.field("measures", required=True), calibrated=call.time("calibrated") or None,
        due=call.time("due") or None, certificate=call.field("certificate"),
    )  # fmt: skip
    async with shop.acting(call.who, one.certificate) as conn:
        await kept.put_instrument(conn, one)
    return call.back(PROCEDURES, "saved")


async def risk_list(call: Call) -> Response:
    """``/equipment/risk``: scores of models with their terms."""
    pool = call.shop.pool
    async with pool.acquire() as conn:
        schemes = await risk.schemes(conn)
    chosen = call.query("scheme") or "fennigkoh-smith"
    if chosen not in schemes:
        raise NotFound(_("There is no such scoring scheme."))
    found = await scores.latest(pool, None, chosen)
    return call.page(
        "equipment/work_risk.html", schemes=schemes, scheme=schemes[chosen], models=await models_of(pool),
        found=[(one, msgspec.json.decode(one.terms, type=tuple[risk.Part, ...], strict=False)) for one in found],
    )  # fmt: skip


async def risk_rate(call: Call) -> Response:
    """Score a model."""
    shop, scheme = call.shop, call.field("scheme", required=True)
    chosen = {name.removeprefix("term-"): call.field(name) for name in call.form if name.startswith("term-")}
    async with shop.acting(call.who) as conn:
        await risk.rate(shop, conn, call.field("model", required=True), scheme, chosen, call.who)
    return call.back(f"{RISK}?scheme={scheme}", "saved")


async def risk_scheme(call: Call) -> Response:
    """A site's own scheme, as JSON."""
    try:
        scheme = msgspec.json.decode(long_text(call, "body"), type=risk.Scheme, strict=False)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Invalid(str(error), "body") from error
    async with call.shop.acting(call.who) as conn:
        await risk.put_scheme(call.shop, conn, scheme)
    return call.back(f"{RISK}?scheme={scheme.scheme}", "saved")


async def aem_list(call: Call) -> Response:
    """``/equipment/aem``: cases, and the rule of the house."""
    return call.page(
        "equipment/work_aem.html", found=await cases.every(call.shop.pool), models=await models_of(call.shop.pool),
        moves=aem_rules.MOVES, ended=aem_rules.ENDED, forbidden=aem_rules.FORBIDDEN,
    )  # fmt: skip


async def aem_request(call: Call) -> Response:
    """Ask for a model to be taken in."""
    async with call.shop.acting(call.who) as conn:
        await aem.request(call.shop, conn, call.field("model", required=True), call.field("rationale"), call.who)
    return call.back(AEM, "saved")


async def aem_move(call: Call) -> Response:
    """Assess a case, bring it to another state, evaluate it."""
    shop, case, what = call.shop, call.path("case"), call.path("move")
    async with shop.acting(call.who, call.field("reason")) as conn:
        match what:
            case "assess":
                months = call.field("months", required=True)
                if not months.isdecimal() or len(months) > 3:
                    raise Invalid(_("This is not a whole number."), "months")
                await aem.assess(
                    shop, conn, case, call.who, months=int(months),
                    evaluate_due=call.time("evaluate_due", required=True),
                    qualification=call.field("qualification"), rationale=call.field("rationale"),
                    activity=call.field("activity"),
                    documents=tuple(line.strip() for line in call.field("documents").splitlines() if line.strip()),
                )  # fmt: skip
            case "evaluate":
                await aem.evaluate(shop, conn, case, call.who, call.field("text"), call.time("due", required=True))
            case "move":
                await aem.move(shop, conn, case, call.field("to", required=True), call.who, call.field("reason"))
            case _:
                raise NotFound(_("There is no such page."))
    return call.back(AEM, "saved")


PAGES: Pages = (
    (PROCEDURES, GET, procedure_list, "maintenance", ""),
    (PROCEDURES, POST, procedure_write, "maintenance", "work.plan"),
    (f"{PROCEDURES}/safety", POST, safety_write, "maintenance", "work.plan"),
    (f"{PROCEDURES}/limits", POST, limit_write, "maintenance", "work.plan"),
    (f"{PROCEDURES}/instruments", POST, instrument_write, "maintenance", "work.plan"),
    (RISK, GET, risk_list, "maintenance", ""),
    (RISK, POST, risk_rate, "maintenance", "work.plan"),
    (f"{RISK}/schemes", POST, risk_scheme, "maintenance", "work.plan"),
    (AEM, GET, aem_list, "maintenance", ""),
    (AEM, POST, aem_request, "maintenance", "work.order"),
    (f"{AEM}/{{case}}/{{move}}", POST, aem_move, "maintenance", "work.plan"),
)
