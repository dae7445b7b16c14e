"""Needs and their joint assessment, the life of a machine with the moves that lead on, inspections, certificates."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.lifecycle import about, inspection, needs, sanitise
from wardbridge.equipment.lifecycle.moves import move as move_machine
from wardbridge.equipment.lifecycle.questions import Form
from wardbridge.equipment.lifecycle.sanitise import METHODS, Order
from wardbridge.equipment.lifecycle.store import checks
from wardbridge.equipment.lifecycle.store import moves as move_store
from wardbridge.equipment.lifecycle.store import needs as need_store
from wardbridge.equipment.lifecycle.table import table
from wardbridge.equipment.lifecycle.values import Answer
from wardbridge.equipment.register import store as register
from wardbridge.equipment.signing.sign import sides_of
from wardbridge.web.call import Call, Pages
from wardbridge.web.words import _

PAGE = 100
SAID = "said-"


def number(call: Call, name: str) -> Decimal | None:
    """A decimal as people type it, None when empty. Raises Invalid."""
    text = call.field(name).replace(",", ".")
    if not text:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise Invalid(_("This is not a number."), name) from error
    if not found.is_finite() or abs(found) >= Decimal(10) ** 15:
        raise Invalid(_("This is not a number."), name)
    return found


def whole(call: Call, name: str, default: int | None = None) -> int:
    """A whole number from 0. Raises Invalid."""
    text = call.field(name)
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise Invalid(_("This is not a whole number."), name)
    return int(text)


def answers(call: Call, form: Form) -> list[Answer]:
    """The answers of a posted form; questions that were left empty are left as they are. Raises Invalid."""
    found = []
    for section in form.section:
        for question in section.question:
            points = call.field(f"{question.id}.points")
            if not points:
                continue
            if points not in ("0", "1", "2", "3", "4", "na"):
                raise Invalid(_("This choice is not offered."), question.id)
            found.append(
                Answer(question=question.id, points=None if points == "na" else int(points),
                       note=call.field(f"{question.id}.note"), exception=call.field(f"{question.id}.exception"))
            )  # fmt: skip
    return found


async def list_needs(call: Call) -> Response:
    """``/equipment/needs``: what is wanted, and how far it is."""
    state = call.query("state")
    if state not in ("", *(name for name, one in table().state.items() if one.kind == "need"), "received"):
        raise Invalid(_("This choice is not offered."), "state")
    states = [state] if state else []
    lines = await need_store.lines(call.shop.pool, states, PAGE)
    count = sum(len(section.question) for section in needs.form().section)
    return call.page("equipment/lifecycle_needs.html", lines=lines, state=state, questions=count, table=table())


async def add_need(call: Call) -> Response:
    """A new need."""
    shop = call.shop
    async with shop.acting(call.who) as conn:
        need = await needs.ask(
            shop, conn, call.who, title=call.field("title", required=True),
            department=call.field("department", required=True), count=whole(call, "count", 1),
            reason=call.field("reason", required=True), kind=call.field("kind"),
            networked=bool(call.field("networked")),
            budget=number(call, "budget"), currency=call.field("currency"), wanted=call.time("wanted") or None,
            replaces=[part.strip() for part in call.field("replaces").split(",") if part.strip()],
        )  # fmt: skip
    return call.back(f"/equipment/needs/{need.need_id}", "saved")


async def need(call: Call) -> Response:
    """``/equipment/needs/{need}``: assessment, signatures, order and arrival."""
    pool = call.shop.pool
    found = await needs.find(pool, call.path("need"))
    stands = await needs.assessment(pool, found)
    arrived = await need_store.machines(pool, found.need_id)
    return call.page(
        "equipment/lifecycle_need.html", need=found, stands=stands, table=table(), mine=sides_of(call.who),
        history=await move_store.of_need(pool, found.need_id), machines=await register.now(pool, arrived),
        replaced=await register.now(pool, list(found.replaces)),
        models=await register.models(pool) if found.state == "ordered" else (), said=SAID,
        signed_by=needs.SIGNED,
        onward=[(rule, needs.lacking(stands, rule)) for rule in table().onward(found.state) if rule.to != "received"],
    )  # fmt: skip


async def answer_need(call: Call) -> Response:
    """Answers to the assessment."""
    shop, ident = call.shop, call.path("need")
    async with shop.acting(call.who) as conn:
        await needs.answer(shop, conn, ident, call.who, answers(call, needs.form()))
    return call.back(f"/equipment/needs/{ident}", "saved")


async def sign_need(call: Call) -> Response:
    """A side signs."""
    shop, ident = call.shop, call.path("need")
    async with shop.acting(call.who) as conn:
        await needs.sign(shop, conn, ident, call.field("side", required=True), call.who, call.field("note"))
    return call.back(f"/equipment/needs/{ident}", "signed")


def said(call: Call) -> dict[str, str]:
    """The evidence of a posted move."""
    return {name: call.field(SAID + name) for name in table().evidence if call.field(SAID + name)}


async def move_need(call: Call) -> Response:
    """Assessed, ordered, back, withdrawn."""
    shop, ident = call.shop, call.path("need")
    async with shop.acting(call.who) as conn:
        await needs.move(shop, conn, ident, call.field("to", required=True), call.who, said(call))
    return call.back(f"/equipment/needs/{ident}", "moved")


async def receive_need(call: Call) -> Response:
    """Machines arrive: one a line, a serial number or UDI, then perhaps ``;`` and the asset number."""
    shop, ident = call.shop, call.path("need")
    delivered = []
    for line in call.field("machines", required=True).splitlines():
        label, _sep, tag = line.strip().partition(";")
        if label.strip():
            udi = label.strip().startswith(("(01)", "01", "+", "=")) and len(label.strip()) > 15
            delivered.append(needs.Ordered(udi=label.strip() if udi else "", serial="" if udi else label.strip(),
                                           tag=tag.strip()))  # fmt: skip
    async with shop.acting(call.who) as conn:
        await needs.receive(shop, conn, ident, call.field("model", required=True), call.who, delivered,
                            call.field("delivery", required=True))  # fmt: skip
    return call.back(f"/equipment/needs/{ident}", "received")


async def life(call: Call) -> Response:
    """``/equipment/devices/{device}/life``: where it is, what leads on and what that takes."""
    found = await about.about(call.shop, call.path("device"), call.who)
    return call.page(
        "equipment/lifecycle_device.html", life=found, table=table(), rules=sanitise.rules(), methods=METHODS,
        uncovered=sanitise.uncovered(found.media, found.certificates), said=SAID,
    )  # fmt: skip


def _life(call: Call) -> str:
    return f"/equipment/devices/{call.path('device')}/life"


async def move(call: Call) -> Response:
    """A move; the table says what it takes and who may."""
    shop = call.shop
    async with shop.acting(call.who) as conn:
        await move_machine(shop, conn, call.path("device"), call.field("to", required=True), call.who, said(call))
    return call.back(_life(call), "moved")


async def begin(call: Call) -> Response:
    """Open an incoming inspection."""
    shop = call.shop
    async with shop.acting(call.who) as conn:
        opened = await inspection.begin(shop, conn, call.path("device"), call.who, call.field("reason"))
    return call.back(f"/equipment/inspections/{opened.inspection_id}", "saved")


async def inspect(call: Call) -> Response:
    """``/equipment/inspections/{inspection}``: the checklist."""
    pool = call.shop.pool
    found = await checks.get(pool, call.path("inspection"))
    if found is None:
        raise NotFound(_("There is no such inspection."))
    asked = inspection.checklist().asked(networked=found.networked)
    items = await checks.items(pool, found.inspection_id)
    (machine,) = await register.now(pool, [found.device_id])
    return call.page(
        "equipment/lifecycle_inspection.html", inspection=found, asked=asked, items={one.item: one for one in items},
        lacking=inspection.lacking(asked, items), machine=machine,
    )  # fmt: skip


async def enter(call: Call) -> Response:
    """Results of an inspection; items that were left empty are left as they are."""
    shop, ident = call.shop, call.path("inspection")
    rows = [
        (check.id, call.field(f"{check.id}.result"), number(call, f"{check.id}.value"), call.field(f"{check.id}.note"))
        for check in inspection.checklist().item if call.field(f"{check.id}.result")
    ]  # fmt: skip
    async with shop.acting(call.who) as conn:
        await inspection.enter(shop, conn, ident, call.who, rows)
    return call.back(f"/equipment/inspections/{ident}", "saved")


async def deviate(call: Call) -> Response:
    """A second person agrees to an item that failed."""
    shop, ident = call.shop, call.path("inspection")
    async with shop.acting(call.who) as conn:
        await inspection.deviate(shop, conn, ident, call.field("item", required=True), call.who,
                                 call.field("why", required=True))  # fmt: skip
    return call.back(f"/equipment/inspections/{ident}", "agreed")


async def close(call: Call) -> Response:
    """Passed, or sent back with a reason."""
    shop, ident = call.shop, call.path("inspection")
    back = call.field("back", required=True) if call.field("result") == "failed" else ""
    async with shop.acting(call.who) as conn:
        closed = await inspection.close(shop, conn, ident, call.who, note=call.field("note"), back=back)
    return call.back(f"/equipment/devices/{closed.device_id}/life", "moved")


async def add_medium(call: Call) -> Response:
    """A storage medium of a machine."""
    shop = call.shop
    async with shop.acting(call.who) as conn:
        await sanitise.list_medium(shop, conn, call.path("device"), call.field("kind", required=True),
                                   call.field("serial"), call.field("place"))  # fmt: skip
    return call.back(_life(call) + "#sanitisation", "saved")


async def remove_medium(call: Call) -> Response:
    """A medium is no longer in the machine."""
    async with call.shop.acting(call.who) as conn:
        await sanitise.remove_medium(
            conn, call.path("device"), call.path("medium"), call.field("removed", required=True)
        )
    return call.back(_life(call) + "#sanitisation", "saved")


async def certify(call: Call) -> Response:
    """A certificate of sanitisation."""
    shop = call.shop
    texts = {name: call.field(name) for name in ("source", "before", "after", "method", "technique", "tool",
                                                 "tool_version", "destination", "place", "note")}  # fmt: skip
    async with shop.acting(call.who) as conn:
        made = await sanitise.certify(shop, conn, call.path("device"), call.who,
                                      Order(media=tuple(call.fields("media")), **texts))  # fmt: skip
    return call.back(f"/equipment/certificates/{made.certificate_id}", "saved")


async def certificate(call: Call) -> Response:
    """``/equipment/certificates/{certificate}``."""
    found = await checks.certificate(call.shop.pool, call.path("certificate"))
    if found is None:
        raise NotFound(_("There is no such certificate."))
    ways = {name: way for name, way in sanitise.rules().verification.items() if found.method in way.methods}
    return call.page("equipment/lifecycle_certificate.html", certificate=found, rules=sanitise.rules(), ways=ways)


async def verify(call: Call) -> Response:
    """Somebody else verifies and signs."""
    shop, ident = call.shop, call.path("certificate")
    result = call.field("result", required=True)
    if result not in ("passed", "failed"):
        raise Invalid(_("This choice is not offered."), "result")
    async with shop.acting(call.who) as conn:
        await sanitise.verify(
            shop, conn, ident, call.who, verification=call.field("verification", required=True),
            sampled=number(call, "sampled"), passed=result == "passed", note=call.field("note"),
        )  # fmt: skip
    return call.back(f"/equipment/certificates/{ident}", "signed")


GET, POST = ["GET"], ["POST"]
_NEED, _DEVICE, _INSPECTION = (
    "/equipment/needs/{need}",
    "/equipment/devices/{device}",
    "/equipment/inspections/{inspection}",
)
PAGES: Pages = (
    ("/equipment/needs", GET, list_needs, "equipment", ""),
    ("/equipment/needs", POST, add_need, "equipment", "assessment.write"),
    (_NEED, GET, need, "equipment", ""),
    (_NEED + "/answers", POST, answer_need, "equipment", "assessment.write"),
    (_NEED + "/sign", POST, sign_need, "equipment", ""),
    (_NEED + "/move", POST, move_need, "equipment", "assessment.write"),
    (_NEED + "/receive", POST, receive_need, "equipment", "register.write"),
    (_DEVICE + "/life", GET, life, "equipment", ""),
    (_DEVICE + "/life", POST, move, "register", ""),
    (_DEVICE + "/inspection", POST, begin, "register", "lifecycle.move"),
    (_INSPECTION, GET, inspect, "register", ""),
    (_INSPECTION, POST, enter, "register", "lifecycle.move"),
    (_INSPECTION + "/deviation", POST, deviate, "register", "lifecycle.move"),
    (_INSPECTION + "/close", POST, close, "register", "lifecycle.move"),
    (_DEVICE + "/media", POST, add_medium, "register", "register.write"),
    (_DEVICE + "/media/{medium}", POST, remove_medium, "register", "register.write"),
    (_DEVICE + "/certificates", POST, certify, "register", "register.write"),
    ("/equipment/certificates/{certificate}", GET, certificate, "register", ""),
    ("/equipment/certificates/{certificate}/verify", POST, verify, "register", "register.write"),
)
