"""Moving a machine: judged by the table, written to register, record and wire in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.devices import fleet
from wardbridge.equipment.lifecycle import resources
from wardbridge.equipment.lifecycle.store import moves as store
from wardbridge.equipment.lifecycle.table import TAKEN_OFF, Gap, Rule, admission, gaps, needs, table
from wardbridge.equipment.lifecycle.values import Facts, Move
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.store import assets
from wardbridge.equipment.register.values import USABLE, WIRE
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal, Target

LONGEST = 2000


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A move that the table offers now: what people say for it, and what is still missing that the store must hold."""

    to: str
    said: tuple[str, ...]
    kept: tuple[Gap, ...]
    may: bool


async def move(
    shop: Shop, conn: Connection, device_id: str, to: str, by: Principal, said: Mapping[str, str] | None = None,
) -> Move:  # fmt: skip
    """Move one machine to ``to``; see :func:`move_all`, which says what is raised."""
    return (await move_all(shop, conn, [device_id], to, by, said))[0]


async def move_all(
    shop: Shop, conn: Connection, device_ids: Sequence[str], to: str, by: Principal,
    said: Mapping[str, str] | None = None,
) -> list[Move]:  # fmt: skip
    """Move machines to ``to`` with the same words (``said``: evidence by its name in ``table.toml``), all or none.

    Raises NotFound, Forbidden where the role may not, and Conflict with every piece of evidence that is missing: a
    machine on a patient is named by its bed, and needs ``taken-off``.
    """
    said = {name: text.strip() for name, text in (said or {}).items() if text.strip()}
    if any(len(text) > LONGEST for text in said.values()):
        raise Invalid(f"evidence has at most {LONGEST} characters", "evidence")
    found = await store.facts(conn, device_ids, lock=True)
    unknown = set(device_ids) - {one.device_id for one in found}
    if unknown:
        raise NotFound("there is no such machine in the register", f"Device/{min(unknown)}")
    now, moves = shop.clock.now(), []
    for one in found:
        asked = _judge(one, to, by, said)
        evidence = {name: said.get(name) or one.kept[name] for name in asked}
        moves.append(Move(
            move_id=shop.ids(), device_id=one.device_id, from_state=one.state, to_state=to, at=now, person_id=by.id,
            display=by.display, evidence=evidence | said, wire=admission(to, one.admission) if one.admission else "",
        ))  # fmt: skip
    await store.add(conn, moves)
    await store.enter(conn, moves)
    await _tell(shop, conn, moves, found, by)
    await desk.write(shop, conn, [one.device_id for one in found])
    await desk.announce(shop, conn, await assets(conn, [one.device_id for one in found]))
    await shop.record.put(conn, [resources.provenance(one) for one in moves])
    return moves


def _judge(one: Facts, to: str, by: Principal, said: Mapping[str, str]) -> list[str]:
    """The evidence asked of one move. Raises Conflict or Forbidden where it cannot be made."""
    rule = table().rule(one.state, to)
    if rule is None:
        onward = ", ".join(rule.to for rule in table().onward(one.state)) or "nothing"
        raise Conflict(f"no move leads from {one.state} to {to}; there leads: {onward}", f"Device/{one.device_id}")
    allow(rule, by)
    asked = needs(rule, one.been, in_use=one.in_use)
    missing = gaps(asked, said, one.kept, one.bed)
    if missing:
        lacking = "; ".join(f"{gap.what} [{gap.where}]" for gap in missing)
        raise Conflict(f"to be {table().state[to].name.lower()} there is missing: {lacking}", missing[0].where)
    return asked


def allow(rule: Rule, by: Principal) -> None:
    """Raises Forbidden where this person may not make the move."""
    decision = decide(by, "do", Target("feature", rule.feature))
    if not decision.permit:
        raise Forbidden(f"{table().state[rule.to].name}: {decision.reason}", "role")


async def _tell(shop: Shop, conn: Connection, moves: Sequence[Move], found: Sequence[Facts], by: Principal) -> None:
    """The devices room hears of it, so that wire and register agree. Raises Conflict where somebody stays on it."""
    for one, known in zip(moves, found, strict=True):
        if known.module or not one.wire or one.wire == known.admission:
            continue
        match one.wire:
            case "accepted":
                await fleet.accept(shop.parts, conn, known.device_id, by.display)
            case "workshop":
                await fleet.workshop(shop.parts, conn, known.device_id, by.display)
            case "quarantined":
                await fleet.quarantine(shop.parts, conn, known.device_id, by.display)
            case "retired":
                await fleet.retire(shop.parts, conn, known.device_id, by.display)
    used = [known.device_id for known in found if known.in_use]
    if used and table().state[moves[0].to_state].free:
        left = next((one for one in await store.facts(conn, used) if one.in_use), None)
        if left is not None:
            raise Conflict(f"it is still in use in {left.bed or 'a bed'}: take it off the patient there", TAKEN_OFF)


ADMITTED = {
    "accepted": ("in-service", ""), "quarantined": ("quarantined", "reason"), "workshop": ("in-repair", "fault"),
    "retired": ("retired", "reason"),
}  # fmt: skip
"""What an admission of the devices room means in the life of a machine, and the evidence that its reason is."""


async def admit(shop: Shop, conn: Connection, device_id: str, state: str, by: Principal, reason: str) -> bool:
    """Somebody admits a machine on the wire as ``state`` (accepted, quarantined, workshop, retired): a move of
    its life. False, and nothing is done, where the register does not know it or its life says this already.

    Raises what :func:`move_all` raises, Invalid for another state.
    """
    if state not in ADMITTED:
        raise Invalid(f"an admission is one of: {', '.join(ADMITTED)}", "state")
    found = await store.facts(conn, [device_id], lock=True)
    if not found or WIRE[found[0].state] == state:
        return False
    to, name = ADMITTED[state]
    await move(shop, conn, device_id, to, by, {name: reason} if name else {})
    return True


async def choices(source: Source, device_id: str, by: Principal) -> list[Choice]:
    """Every move that leads on from where a machine is. Raises NotFound."""
    found = await store.facts(source, [device_id])
    if not found:
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    (one,), offered = found, []
    for rule in table().onward(one.state):
        asked = needs(rule, one.been, in_use=one.in_use)
        missing = gaps(asked, {}, one.kept, one.bed)
        kept = [gap for gap in missing if table().evidence[gap.name].source == "kept"]
        offered.append(Choice(
            to=rule.to, said=tuple(gap.name for gap in missing if gap not in kept), kept=tuple(kept),
            may=decide(by, "do", Target("feature", rule.feature)).permit,
        ))  # fmt: skip
    return offered


async def disagreeing(source: Source) -> list[tuple[str, str, str]]:
    """Machines whose admission on the wire is not that of their state (device id, state, admission), because somebody
    changed the one past the other."""
    return await store.disagreeing(source, {state: told for state, told in WIRE.items() if told})


__all__ = ["USABLE", "Choice", "admit", "allow", "choices", "disagreeing", "move", "move_all"]
