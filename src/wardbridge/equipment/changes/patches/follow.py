"""What goes by itself: machines become ready when they are free, and are proven by what they say on the wire."""

from __future__ import annotations

import msgspec

from wardbridge.core.clock import iso
from wardbridge.core.db import Connection
from wardbridge.devices.store import facts
from wardbridge.equipment.changes.patches import desk, proof, rules, store
from wardbridge.equipment.changes.patches.values import Item
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.desk import Order, order_all
from wardbridge.security.principal import SYSTEM

TOLD = 200
"""So many technicians' orders are written in one round."""


async def follow(shop: Shop) -> int:
    """One round: who is free and in a window becomes ready (a technician is told once), who is not, waits; proof that
    came another way is taken. Returns how many machines changed."""
    changed = await _readiness(shop)
    for device_id, component, version, since, source in await store.unseen_proof(shop.pool):
        async with shop.acting(SYSTEM, "seen on the wire") as conn:
            changed += len(await observed(shop, conn, device_id, component, version, since, f"register ({source})"))
    return changed + await proof.follow(shop)


async def _readiness(shop: Shop) -> int:
    now = shop.clock.now()
    moving = await store.moving(shop.pool)
    if not moving:
        return 0
    windows = await store.windows(shop.pool, now=now)
    machines = await store.situations(shop.pool, list({item.device_id for item, *_ in moving}), now)
    changed: list[tuple[Item, str, int]] = []
    for item, title, start, stop in moving:
        hindrance, window = None, ""
        machine = machines.get(item.device_id)
        if machine is not None:
            hindrance, window = rules.hindered(machine, windows, now, item.change_id)
        free = machine is not None and start <= now < stop and (hindrance is None or hindrance.kind == "ward")
        state, reason = ("ready", "") if free else ("waiting", hindrance.text if hindrance else "outside of the window")
        if state != item.state or (state == "waiting" and reason != item.reason):
            changed.append((msgspec.structs.replace(item, state=state, state_at=now, reason=reason, window_id=window),
                            title, stop))  # fmt: skip
        if len(changed) == TOLD:
            break
    if not changed:
        return 0
    async with shop.acting(SYSTEM, "free for its patch") as conn:
        still = {(one.change_id, one.device_id): one.state for one in await store.locked(conn, [c[0] for c in changed])}
        changed = [c for c in changed if still.get((c[0].change_id, c[0].device_id)) in ("waiting", "ready")]
        ready = [c for c in changed if c[0].state == "ready" and not c[0].work_id]
        orders = await order_all(
            shop, conn,
            [Order(kind="security", name=f"Patch: {title}", text=f"The machine is free now: {title}", due=stop,
                   device_id=item.device_id, source="cve", source_id=item.change_id) for item, title, stop in ready],
            SYSTEM,
        )  # fmt: skip
        work = {c[0].device_id: order.work_id for c, order in zip(ready, orders, strict=True)}
        await store.put(
            conn,
            [msgspec.structs.replace(item, work_id=item.work_id or work.get(item.device_id, ""))
             for item, _, _ in changed],
        )  # fmt: skip
    return len(changed)


async def observed(
    shop: Shop, conn: Connection, device_id: str, component: str, version: str, at: int, said_by: str
) -> list[Item]:
    """A machine reported a version at ``at`` (µs). The items that it settles: verified where it is the target, failed
    where a running patch left another version than either."""
    await facts.lock(conn)
    settled = []
    for item, target in await store.open_of(conn, device_id, component):
        verdict = rules.judge(target, item.before, version)
        evidence = f"{said_by}: {component} {version} at {iso(at)}"
        if item.state in ("running", "failed") and item.started_at is not None and at < item.started_at:
            continue
        if verdict == "verified":
            settled.append(await desk.settle(shop, conn, item, "verified", version, evidence, SYSTEM, at))
        elif verdict == "failed" and item.state == "running":
            reason = f"reports {version}, neither {target} nor {item.before or 'a known version'}"
            settled.append(await desk.fail(shop, conn, item.change_id, device_id, reason, SYSTEM, observed=version))
        elif verdict == "failed" and item.state in ("waiting", "ready"):
            await store.put(conn, [msgspec.structs.replace(item, before=version)])
    return settled
