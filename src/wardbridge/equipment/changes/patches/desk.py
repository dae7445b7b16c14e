"""Patching machines: start only on one that is on nobody, keep it in the workshop meanwhile, give it back when proven.

The hard rule: under the lock of bindings (so that no binding changes meanwhile) and the rows of change, machine and
item, one transaction judges the machine, takes it to the workshop (where nothing can bind it) and says that it runs.
A trigger (``0010_changes.sql``) refuses to let a machine back in while its patch runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.devices import fleet
from wardbridge.devices.store import facts
from wardbridge.equipment.changes import desk as changes
from wardbridge.equipment.changes import rules as change_rules
from wardbridge.equipment.changes.patches import rules, store
from wardbridge.equipment.changes.patches.proof import report
from wardbridge.equipment.changes.patches.values import Item, Situation, Window
from wardbridge.equipment.changes.values import Change, RiskFile
from wardbridge.equipment.register import desk as record
from wardbridge.equipment.register import store as register
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing import store as signatures
from wardbridge.security.principal import Principal


async def plan(shop: Shop, conn: Connection, file: RiskFile, by: Principal) -> Change:
    """Begin the change of a patch: its machines wait from now on. Raises Invalid for a file without a patch."""
    if file.patch is None:
        raise Invalid("name model, component and version of the patch", "patch")
    change = await changes.draft(shop, conn, "patch", file, by)
    await store.plan(conn, change.change_id, shop.clock.now(), by.id)
    return change


async def edit(shop: Shop, conn: Connection, change_id: str, file: RiskFile, by: Principal, *, seen: int) -> Change:
    """Write the file of a patch anew; its machines follow it. Raises what editing a change raises."""
    change = await changes.edit(shop, conn, change_id, file, by, seen=seen)
    await store.plan(conn, change_id, shop.clock.now(), by.id)
    return change


async def start(shop: Shop, conn: Connection, change_id: str, device_id: str, by: Principal) -> Item:
    """Take a machine for its patch; the first one starts the change.

    Raises Conflict with the reason: not both signatures on exactly this file, outside of its window, in use, too many
    of a ward at once. NotFound for a machine that is not part of the patch.
    """
    await facts.lock(conn)
    change = await changes.locked(conn, change_id)
    if change.state == "scheduled":
        change = await changes.move(shop, conn, change_id, "start", by)
    now = shop.clock.now()
    missing = change_rules.signed(change, await signatures.of(conn, changes.SUBJECT, change_id))
    if change.state != "running" or missing:
        raise Conflict(f"a change that is {change.state} is not done: both sides sign and schedule it first", "change")
    if change.start is None or change.stop is None or not change.start <= now < change.stop:
        raise Conflict("the window of this change is not open", "window")
    item = await _item(conn, change_id, device_id, "start")
    machine = await _situation(conn, device_id, now)
    hindrance, window = rules.hindered(machine, await store.windows(conn, now=now, change_id=change_id, lock=True), now,
                                       change_id)  # fmt: skip
    if hindrance is not None:
        raise Conflict(f"{hindrance.text}: the patch cannot start", hindrance.kind)
    if machine.admission in ("accepted", "unknown"):
        await fleet.workshop(shop.parts, conn, machine.machine_id, by.display)
    item = msgspec.structs.replace(
        item, state="running", state_at=now, started_at=now, admission=machine.admission, ward=machine.ward,
        window_id=window, by=by.id, reason="",
    )  # fmt: skip
    await store.put(conn, [item])
    if (await _situation(conn, device_id, now)).bound:
        raise Conflict("a patient is on it: the patch cannot start", "in-use")
    return item


async def verify(shop: Shop, conn: Connection, change_id: str, device_id: str, observed: str, evidence: str,
                 by: Principal, *, at: int | None = None) -> Item:  # fmt: skip
    """The machine has the version that it shall have: proven by what it reported (``at`` its time), or by what a person
    read on it. It goes back to where it was before.

    Raises Invalid for another version or without evidence, Conflict when its patch was not started.
    """
    item = await _item(conn, change_id, device_id, "verify")
    change = await changes.locked(conn, change_id)
    target = change.file.patch.version if change.file.patch else ""
    if not rules.same_version(observed, target):
        raise Invalid(f"version {observed or 'unknown'} is not {target}", "version")
    if not evidence.strip():
        raise Invalid("say how it was seen", "evidence")
    if change.file.patch and change.file.patch.component == "firmware":
        (asset,) = await register.assets(conn, [device_id])
        if not rules.same_version(asset.firmware, observed):
            await record.change(shop, conn, device_id, firmware=observed.strip())
    return await settle(shop, conn, item, "verified", observed, evidence.strip(), by, at)


async def settle(shop: Shop, conn: Connection, item: Item, state: str, observed: str, evidence: str, by: Principal,
                 at: int | None = None) -> Item:  # fmt: skip
    """Write how it ended, and give the machine back where it is proven or rolled back."""
    now = shop.clock.now()
    done = msgspec.structs.replace(item, state=state, state_at=now, observed=observed, evidence=evidence, by=by.id,
                                   evidence_at=now if at is None else at)  # fmt: skip
    await store.put(conn, [done])
    await report(shop, conn, done, by)
    if state in ("verified", "rolled-back"):
        await _give_back(shop, conn, item, by)
    return done


async def _give_back(shop: Shop, conn: Connection, item: Item, by: Principal) -> None:
    """Back to what it was; one that was first heard meanwhile is accepted, as it would have been. One that is in the
    workshop no longer (retired meanwhile) stays what it is."""
    if item.started_at is None or item.admission not in ("accepted", ""):
        return
    machine = await _situation(conn, item.device_id, shop.clock.now())
    if machine.admission == "workshop":
        await fleet.accept(shop.parts, conn, machine.machine_id, by.display)


async def fail(shop: Shop, conn: Connection, change_id: str, device_id: str, reason: str, by: Principal,
               *, observed: str = "") -> Item:  # fmt: skip
    """The patch did not work. The machine stays in the workshop until it is tried again or rolled back."""
    item = await _item(conn, change_id, device_id, "fail")
    failed = await _put(shop, conn, item, "fail", by, _reason(reason), observed=observed or item.observed)
    await report(shop, conn, failed, by)
    return failed


async def roll_back(shop: Shop, conn: Connection, change_id: str, device_id: str, reason: str, by: Principal) -> Item:
    """The machine has its earlier version again and goes back to where it was."""
    item = await _item(conn, change_id, device_id, "roll-back")
    reason = _reason(reason)
    return await settle(
        shop, conn, msgspec.structs.replace(item, reason=reason), "rolled-back", item.observed, reason, by
    )


async def except_(shop: Shop, conn: Connection, change_id: str, device_id: str, reason: str, by: Principal) -> Item:
    """This machine is left out, with a reason."""
    item = await _item(conn, change_id, device_id, "except")
    if item.state == "failed":
        await _give_back(shop, conn, item, by)
    return await _put(shop, conn, item, "except", by, _reason(reason))


async def retry(shop: Shop, conn: Connection, change_id: str, device_id: str, by: Principal) -> Item:
    """It waits again."""
    item = await _item(conn, change_id, device_id, "retry")
    if item.state == "failed":
        await _give_back(shop, conn, item, by)
    return await _put(shop, conn, item, "retry", by, "")


async def _put(shop: Shop, conn: Connection, item: Item, move: str, by: Principal, reason: str, *,
               observed: str | None = None) -> Item:  # fmt: skip
    done = msgspec.structs.replace(
        item, state=rules.MOVES[move][1], state_at=shop.clock.now(), reason=reason, by=by.id,
        observed=item.observed if observed is None else observed,
    )  # fmt: skip
    await store.put(conn, [done])
    return done


def _reason(reason: str) -> str:
    if len(reason.strip()) < 3:
        raise Invalid("give a reason", "reason")
    return reason.strip()[:500]


async def _item(conn: Connection, change_id: str, device_id: str, move: str) -> Item:
    await facts.lock(conn)
    item = await store.item(conn, change_id, device_id)
    if item is None:
        raise NotFound("this machine is not part of the patch", f"Device/{device_id}")
    if item.state not in rules.MOVES[move][0]:
        raise Conflict(f"a machine that is {item.state} cannot: {move}", "state")
    return item


async def _situation(conn: Connection, device_id: str, now: int) -> Situation:
    found = (await store.situations(conn, [device_id], now)).get(device_id)
    if found is None:
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    return found


async def set_window(shop: Shop, conn: Connection, window: Window) -> Window:
    """Add or change a patch window; one without an id gets one. Machines that are being patched stay as they are.

    Raises Invalid for an empty time or numbers below their bounds.
    """
    if window.stop <= window.start:
        raise Invalid("a window has a start and a later end", "stop")
    if not 1 <= window.parallel <= 1000 or not 0 <= window.spares <= 1000:
        raise Invalid("at least one machine at once, and no fewer than 0 spares", "parallel")
    if not window.window_id:
        window = msgspec.structs.replace(window, window_id=shop.ids())
    await store.put_window(conn, window)
    return window


async def drop_window(conn: Connection, window_id: str) -> None:
    """Take a window away. Raises NotFound."""
    if not await store.drop_window(conn, window_id):
        raise NotFound("there is no such window", f"window/{window_id}")


async def hindrances(shop: Shop, source: store.Source, change_id: str, device_ids: Sequence[str]) -> dict[str, str]:
    """Why the patch cannot start on each of these machines now; nothing for those on which it can."""
    now = shop.clock.now()
    windows = await store.windows(source, now=now, change_id=change_id)
    found = await store.situations(source, device_ids, now)
    told = {ident: rules.hindered(machine, windows, now, change_id)[0] for ident, machine in found.items()}
    return {ident: one.text for ident, one in told.items() if one is not None}
