"""From a need to machines in the register: ask, assess together, sign, order, receive."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from wardbridge.core.clock import to_datetime
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.lifecycle import resources
from wardbridge.equipment.lifecycle.moves import allow
from wardbridge.equipment.lifecycle.questions import Form, Score, check, load, score
from wardbridge.equipment.lifecycle.store import moves as move_store
from wardbridge.equipment.lifecycle.store import needs as store
from wardbridge.equipment.lifecycle.table import Gap, Rule, gaps, table
from wardbridge.equipment.lifecycle.values import Answer, Move, Need
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.store import models
from wardbridge.equipment.register.values import Asset
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing import sign as signing
from wardbridge.equipment.signing import store as signatures
from wardbridge.equipment.signing.values import Signature
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.udi.parse import parse
from wardbridge.security.principal import Principal

SUBJECT, WHOLE, CLINICAL = "need", "technology assessment", "clinical section"
SIGNED = {"clinical": CLINICAL, "biomed": WHOLE, "it": WHOLE}
"""Who signs what, by side."""
OPEN = ("need", "assessed")


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """One machine that was delivered: its serial number, or the UDI on its label."""

    serial: str = ""
    udi: str = ""
    tag: str = ""


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A need's assessment as it stands: ``valid`` are the sides whose signature is over exactly this content, and
    ``stale`` signatures over an earlier one."""

    form: Form
    answers: dict[str, Answer]
    score: Score
    valid: dict[str, Signature]
    stale: tuple[Signature, ...]

    @property
    def signed(self) -> bool:
        return self.valid.keys() == SIGNED.keys()


@cache
def form() -> Form:
    """The questions of the technology assessment (``assessment.toml``)."""
    return load(__package__, "assessment.toml")


async def ask(
    shop: Shop, conn: Connection, by: Principal, *, title: str, department: str, count: int, reason: str,
    kind: str = "", networked: bool = True, budget: Decimal | None = None, currency: str = "",
    wanted: int | None = None, replaces: Sequence[str] = (),
) -> Need:  # fmt: skip
    """Write down a need. Raises Invalid for one without title, department, reason or a count of 1 to 10,000."""
    for name, text in (("title", title), ("department", department), ("reason", reason)):
        if not text.strip():
            raise Invalid(f"a need has a {name}", name)
    if not 1 <= count <= 10_000:
        raise Invalid("a need is for 1 to 10,000 machines", "count")
    if budget is not None and not (budget.is_finite() and budget >= 0):
        raise Invalid("a budget is an amount of money, 0 or more", "budget")
    known = {one.device_id for one in await move_store.facts(conn, list(replaces))}
    if set(replaces) - known:
        raise Invalid("there is no such machine to replace", "replaces")
    now = shop.clock.now()
    need = Need(
        need_id=shop.ids(), title=title.strip(), department=department.strip(), count=count, reason=reason.strip(),
        kind=kind.strip(), networked=networked, budget=budget, currency=currency.strip(), wanted=wanted,
        replaces=tuple(replaces), state="need", state_since=now, asked_by=by.id, asked_name=by.display, created=now,
    )  # fmt: skip
    await store.save(conn, need)
    await shop.record.put(conn, [resources.request(need)])
    return need


async def find(source: Source, need_id: str, *, lock: bool = False) -> Need:
    """One need. Raises NotFound."""
    need = await store.get(source, need_id, lock=lock)
    if need is None:
        raise NotFound("there is no such need", f"need/{need_id}")
    return need


async def assessment(source: Source, need: Need) -> Assessment:
    """Answers, score and signatures of a need."""
    asked = form().asked(networked=need.networked)
    answers = {one.question: one for one in await store.answers(source, need.need_id) if asked.find(one.question)}
    given = await signatures.of(source, SUBJECT, need.need_id)
    marks = {side: signing.digest(content(need, answers, side)) for side in SIGNED}
    valid = {one.side: one for one in given if one.meaning == SIGNED.get(one.side) and one.digest == marks[one.side]}
    return Assessment(
        form=asked, answers=answers, score=score(asked, answers.values()), valid=valid,
        stale=tuple(one for one in given if one not in valid.values()),
    )  # fmt: skip


def content(need: Need, answers: dict[str, Answer], side: str) -> dict[str, Any]:
    """Exactly what a side signs: clinicians the need and their section, the others all of it."""
    asked = form().asked(networked=need.networked)
    sections = [one for one in asked.section if side != "clinical" or one.name == "clinical"]
    return {
        "need": {"id": need.need_id, "title": need.title, "department": need.department, "count": need.count,
                 "reason": need.reason, "kind": need.kind, "networked": need.networked, "budget": need.budget,
                 "currency": need.currency},
        "form": [asked.name, asked.version],
        "answers": {
            question.id: [answers[question.id].points, answers[question.id].note, answers[question.id].exception]
            for section in sections for question in section.question if question.id in answers
        },
    }  # fmt: skip


async def answer(shop: Shop, conn: Connection, need_id: str, by: Principal, given: Sequence[Answer]) -> Assessment:
    """Answer questions; an answer that was signed and changes needs new signatures.

    Raises NotFound, Invalid for what the form cannot take, Conflict once it is ordered.
    """
    need = await find(conn, need_id, lock=True)
    if need.state not in OPEN:
        raise Conflict(f"the assessment of a need that is {need.state} is closed", "state")
    now, asked = shop.clock.now(), form().asked(networked=need.networked)
    stamped = [
        msgspec.structs.replace(one, note=one.note.strip(), exception=one.exception.strip(), by_id=by.id,
                                by_name=by.display, at=now)
        for one in given
    ]  # fmt: skip
    await store.answer(conn, need_id, [check(asked, one) for one in stamped])
    now_stands = await assessment(conn, need)
    await _record(shop, conn, need, now_stands)
    return now_stands


async def sign(shop: Shop, conn: Connection, need_id: str, side: str, by: Principal, note: str = "") -> Signature:
    """Sign the assessment for one side (clinical: its section).

    Raises Conflict while answers are missing or block, and what :func:`signing.sign.sign` raises.
    """
    need = await find(conn, need_id, lock=True)
    if side not in SIGNED:
        raise Invalid(f"sides are: {', '.join(SIGNED)}", "side")
    if side not in signing.sides_of(by):
        raise Forbidden(f"a signature for {side} is given by: {', '.join(sorted(signing.SIDES[side]))}", "side")
    if need.state not in OPEN:
        raise Conflict(f"the assessment of a need that is {need.state} is closed", "state")
    stands = await assessment(conn, need)
    scores = [one for one in stands.score.sections if side != "clinical" or one.name == "clinical"]
    lacking = [ident for one in scores for ident in (*one.open, *one.blocking)]
    if lacking:
        raise Conflict(f"before it is signed, answers are missing or block: {', '.join(lacking)}", lacking[0])
    for other, one in stands.valid.items():
        if one.person_id == by.id and other != side:
            raise Conflict("every side is signed by another person", "person")
    return await signing.sign(
        shop, conn, SUBJECT, need_id, content(need, stands.answers, side), meaning=SIGNED[side], side=side, by=by,
        note=note,
    )  # fmt: skip


async def move(shop: Shop, conn: Connection, need_id: str, to: str, by: Principal, said: dict[str, str]) -> Need:
    """Move a need on (assessed, ordered, back, withdrawn), with its evidence.

    Raises NotFound, Forbidden for a role that may not, Conflict with what is missing.
    """
    need = await find(conn, need_id, lock=True)
    stands = await assessment(conn, need)
    if to == "received":
        raise Conflict("a need is received by receiving its machines", "machines")
    return await _step(shop, conn, need, to, by, said, _kept(stands))


def lacking(stands: Assessment, rule: Rule) -> list[Gap]:
    """What the store must hold for a move and does not yet."""
    asked = [name for name in rule.needs if table().evidence[name].source == "kept"]
    return gaps(asked, {}, _kept(stands))


def _kept(stands: Assessment) -> dict[str, str]:
    kept = {}
    if stands.score.ready:
        kept["assessment"] = f"{stands.form.name} {stands.form.version}: {stands.score.score} %"
    if stands.signed:
        kept["signatures"] = ", ".join(one.signature_id for one in stands.valid.values())
    return kept


async def _step(
    shop: Shop, conn: Connection, need: Need, to: str, by: Principal, said: dict[str, str], kept: dict[str, str],
) -> Need:  # fmt: skip
    rule = table().rule(need.state, to)
    if rule is None:
        onward = ", ".join(rule.to for rule in table().onward(need.state)) or "nothing"
        raise Conflict(f"no move leads from {need.state} to {to}; there leads: {onward}", "state")
    allow(rule, by)
    missing = gaps(rule.needs, said, kept)
    if missing:
        lacking = "; ".join(f"{gap.what} [{gap.where}]" for gap in missing)
        raise Conflict(f"to be {table().state[to].name.lower()} there is missing: {lacking}", missing[0].where)
    now = shop.clock.now()
    moved = msgspec.structs.replace(
        need, state=to, state_since=now, version=need.version + 1,
        order_number=said.get("order", need.order_number), vendor=said.get("supplier", need.vendor),
    )  # fmt: skip
    made = Move(
        move_id=shop.ids(), need_id=need.need_id, from_state=need.state, to_state=to, at=now, person_id=by.id,
        display=by.display, evidence={name: said.get(name) or kept[name] for name in rule.needs} | said,
    )  # fmt: skip
    await store.save(conn, moved)
    await move_store.add(conn, [made])
    await shop.record.put(conn, [resources.request(moved), resources.provenance(made)])
    return moved


async def receive(
    shop: Shop, conn: Connection, need_id: str, model_id: str, by: Principal, delivered: Sequence[Ordered],
    delivery: str,
) -> list[Asset]:  # fmt: skip
    """Machines of an order arrive: each becomes a row of the register in state ``received``; the need is received
    when its whole count is.

    A UDI (scanned or typed) gives serial, lot and dates where the label has them. Raises NotFound, Invalid for a
    machine without serial number, with one that another machine of the model has, or one given twice, Conflict for
    more than was ordered.
    """
    need = await find(conn, need_id, lock=True)
    rule = table().rule(need.state, "received")
    if rule is None:
        raise Conflict(f"nothing is received for a need that is {need.state}", "state")
    allow(rule, by)
    if len(delivery.strip()) < 3:
        raise Invalid("name the delivery note", "delivery")
    if not await models(conn, [model_id]):
        raise Invalid("there is no such model in the register", "model")
    before = await store.machines(conn, need_id)
    if not delivered or len(before) + len(delivered) > need.count:
        raise Conflict(f"{need.count - len(before)} of {need.count} machines are still to come", "machines")
    assets = [_asset(shop, need, model_id, one, row) for row, one in enumerate(delivered, 1)]
    await _serials_are_new(conn, assets)
    await desk.add(shop, conn, assets)
    await store.link(conn, need_id, [one.device_id for one in assets])
    arrived = [
        Move(move_id=shop.ids(), device_id=one.device_id, from_state="ordered", to_state="received", at=one.created,
             person_id=by.id, display=by.display,
             evidence={"delivery": delivery.strip(), "identity": one.udi or one.serial, "order": need.order_number})
        for one in assets
    ]  # fmt: skip
    await move_store.add(conn, arrived)
    await shop.record.put(conn, [resources.provenance(one) for one in arrived])
    if len(before) + len(assets) == need.count:
        all_of_them = ", ".join([*before, *(one.device_id for one in assets)])
        need = msgspec.structs.replace(need, model_id=model_id)
        await _step(shop, conn, need, "received", by, {"delivery": delivery}, {"identity": all_of_them[:2000]})
    return assets


def _asset(shop: Shop, need: Need, model_id: str, one: Ordered, row: int) -> Asset:
    now = shop.clock.now()
    label = parse(one.udi, to_datetime(now).year) if one.udi.strip() else None
    serial = one.serial.strip() or (label.serial if label else "")
    if not serial:
        raise Invalid("a machine has a serial number, typed or in its UDI", f"machine {row}")
    return Asset(
        device_id=shop.ids(), model_id=model_id, state="received", state_since=now, created=now, serial=serial,
        udi=one.udi.strip(), di=label.di if label else "", lot=label.lot if label else "",
        tag=one.tag.strip(), department=need.department, vendor=need.vendor, bought=now,
    )  # fmt: skip


async def _serials_are_new(conn: Connection, assets: Sequence[Asset]) -> None:
    seen: set[str] = set()
    for row, one in enumerate(assets, 1):
        if one.serial.lower() in seen:
            raise Invalid(f"the serial number {one.serial} is given twice", f"machine {row}")
        seen.add(one.serial.lower())
    known = await move_store.known_serials(conn, assets[0].model_id, [one.serial for one in assets])
    if known:
        raise Invalid(f"a machine of this model has the serial number {known[0]} already", "machines")


async def _record(shop: Shop, conn: Connection, need: Need, stands: Assessment) -> None:
    asked = form()
    mine = resources.questionnaire(asked)
    if await shop.record.current(conn, "Questionnaire", asked.name) != mine:
        await shop.record.put(conn, [mine])
    await shop.record.put(conn, [resources.response(
        asked, f"{need.need_id}-assessment", f"SupplyRequest/{need.need_id}", list(stands.answers.values()),
        shop.clock.now(), complete=stands.score.ready,
    )])  # fmt: skip
