"""What nobody expected becomes one joint ticket, and people teach what is expected; over the real database."""

from __future__ import annotations

import pytest
from tests.equipment.bedside import hear
from tests.equipment.conftest import NURSE, OPERATOR, TECHNICIAN, Stocked
from tests.equipment.test_patch_desk import prepared

from wardbridge.core.clock import DAY, HOUR, MINUTE, FakeClock, iso
from wardbridge.core.errors import Conflict, Forbidden, Invalid
from wardbridge.devices import fleet, places
from wardbridge.devices.store import registry
from wardbridge.devices.store.registry import Seen
from wardbridge.equipment.changes import about
from wardbridge.equipment.changes.behaviour import desk, store
from wardbridge.equipment.changes.network import desk as network
from wardbridge.equipment.changes.network import store as links
from wardbridge.equipment.changes.network.seen import Callers, Dialled, targets_of
from wardbridge.equipment.changes.patches import desk as patches
from wardbridge.equipment.changes.patches import store as items
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.values import Interface
from wardbridge.equipment.register.wire import RegisterSink
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk as work
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import SYSTEM


async def wired(shop: Shop, stock: Stocked, count: int = 2) -> list[str]:
    """Machines with addresses 10.1.0.1 … in the zone pumps; their ids."""
    found = await stock(count, firmware="1.9")
    async with shop.acting(TECHNICIAN) as conn:
        await register.connect(shop, conn, [
            Interface(interface_id=f"if-{at}", device_id=one.device_id, ip=f"10.1.0.{at}", mac=f"02:00:00:00:00:0{at}",
                      zone="pumps", switch="sw-1", port=str(at))
            for at, one in enumerate(found, 1)
        ])  # fmt: skip
    return [one.device_id for one in found]


async def flow(shop: Shop, *rows: str) -> None:
    text = "time,src,dst,dst_port,proto\n" + "".join(f"{iso(shop.clock.now())},{row}\n" for row in rows)
    async with shop.acting(OPERATOR) as conn:
        await network.take(shop, conn, "flows.csv", text.encode(), OPERATOR)


async def findings(shop: Shop) -> list[tuple[str, str, int]]:
    return sorted((one.device_id, one.kind, one.count) for one, *_ in await store.find(shop.pool))


async def test_a_new_peer_after_learning_raises_one_ticket_and_is_taught(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    first, second = await wired(shop, stock)
    await flow(shop, "10.1.0.1,10.9.0.1,2575,tcp", "10.1.0.2,10.9.0.1,2575,tcp", "10.7.0.1,10.7.0.2,80,tcp")
    assert await desk.follow(shop) == 0
    with pytest.raises(Conflict):
        await flow(shop, "10.1.0.1,10.9.0.1,2575,tcp", "10.1.0.2,10.9.0.1,2575,tcp", "10.7.0.1,10.7.0.2,80,tcp")
    clock.set(clock.now() + 15 * DAY)
    await flow(shop, "10.1.0.1,10.9.0.1,2575,tcp", "10.1.0.1,8.8.8.8,53,udp", "10.1.0.1,8.8.4.4,53,udp",
               "10.1.0.1,10.9.0.1,22,tcp")  # fmt: skip
    assert await desk.follow(shop) == 3
    assert await desk.follow(shop) == 0
    assert await findings(shop) == [(first, "peer", 2), (first, "port", 1)]
    tickets = await orders.of_devices(shop.pool, [first], open_only=True)
    assert [(one.side, one.source) for one in tickets] == [("both", "behaviour")] * 2
    (peer,) = [one for one, *_ in await store.find(shop.pool) if one.kind == "peer"]
    async with shop.acting(NURSE) as conn:
        with pytest.raises(Forbidden):
            await desk.expected(shop, conn, peer.unexpected_id, "our name servers", "it", NURSE)
        with pytest.raises(Invalid):
            await desk.expected(shop, conn, peer.unexpected_id, " ", "it", OPERATOR)
    async with shop.acting(OPERATOR) as conn:
        await desk.expected(shop, conn, peer.unexpected_id, "our name servers", "it", OPERATOR)
        with pytest.raises(Conflict):
            await desk.expected(shop, conn, peer.unexpected_id, "our name servers", "it", OPERATOR)
    assert await shop.pool.fetchval("SELECT count(*) FROM signature WHERE subject = 'unexpected'") == 1
    assert len(await orders.of_devices(shop.pool, [first], open_only=True)) == 1
    await flow(shop, "10.1.0.2,8.8.8.8,53,udp", "10.1.0.2,8.8.8.8,443,tcp")
    assert await desk.follow(shop) == 1
    assert await findings(shop) == [(first, "port", 1), (second, "peer", 1)]


async def test_an_approved_policy_decides_alone(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    first, _ = await wired(shop, stock)
    await flow(shop, "10.1.0.1,10.9.0.1,2575,tcp", "10.1.0.1,10.9.0.9,8080,tcp")
    async with shop.acting(TECHNICIAN) as conn:
        policy = await network.propose(shop, conn, "model-1", "pumps", TECHNICIAN)
        assert [rule.port for rule in policy.rules] == [2575, 8080]
        mark = network.signing.digest(policy.content)
        policy = await network.drop(conn, policy.policy_id, 2)
        with pytest.raises(Conflict):
            await network.sign(shop, conn, policy.policy_id, "biomed", TECHNICIAN, digest=mark)
        await network.sign(shop, conn, policy.policy_id, "biomed", TECHNICIAN)
        assert (await links.policy(conn, policy.policy_id)).state == "suggested"  # type: ignore[union-attr]
        policy = await network.sign(shop, conn, policy.policy_id, "it", OPERATOR)
    assert policy.state == "approved"
    await desk.follow(shop)
    # The dropped rule was seen while learning; the policy permits it no more.
    assert await findings(shop) == [(first, "peer", 1)]
    async with shop.acting(TECHNICIAN) as conn:
        other = await network.propose(shop, conn, "model-1", "pumps", TECHNICIAN)
        assert [rule.port for rule in (await network.difference(conn, other)).added] == [8080]
        await network.sign(shop, conn, other.policy_id, "biomed", TECHNICIAN)
        await network.sign(shop, conn, other.policy_id, "it", OPERATOR)
    assert [one.policy_id for one in await links.policies(shop.pool, state="approved")] == [other.policy_id]


async def test_firmware_that_no_work_explains_is_a_ticket_and_a_patch_is_proof(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    first, second = await wired(shop, stock)
    sink = RegisterSink(shop, (desk.Watch(shop),))
    change = await prepared(shop)
    async with shop.acting(TECHNICIAN) as conn:
        await patches.start(shop, conn, change.change_id, first, TECHNICIAN)
    clock.set(clock.now() + MINUTE)
    async with shop.acting(SYSTEM) as conn:
        await sink.apply(conn, first, "firmware", "1.9", "2.0", clock.now())
        await sink.apply(conn, second, "firmware", "1.9", "6.6.6", clock.now())
        await sink.apply(conn, second, "firmware", "6.6.6", "6.6.7", clock.now())
    assert (await items.items(shop.pool, change.change_id))[0].state == "verified"
    assert await findings(shop) == [(second, "firmware", 2)]
    (one, *_), *_ = await store.find(shop.pool)
    assert [(d["old"], d["new"]) for d in one.details] == [("1.9", "6.6.6"), ("6.6.6", "6.6.7")]
    said = await about.about(shop.pool, second)
    assert [f.kind for f in said.findings] == ["firmware"]
    assert {event.kind for event in await about.events(shop.pool, first)} == {"patch", "change"}
    async with shop.acting(TECHNICIAN) as conn:
        await desk.acted(shop, conn, one.unexpected_id, "taken off the network and reloaded", TECHNICIAN)
        order = await work.order(shop, conn, second, "security", "reload firmware", "", TECHNICIAN)
        await work.take(shop, conn, order.work_id, TECHNICIAN)
        await sink.apply(conn, second, "firmware", "6.6.7", "1.9", clock.now())
    assert await findings(shop) == []


async def test_an_address_and_a_foreign_ward_are_noticed_once(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    first, _ = await wired(shop, stock)
    asset = (await register.store.assets(shop.pool, [first]))[0]
    async with shop.acting(SYSTEM) as conn:
        await hear(shop, conn, asset)
        await places.ensure(shop.parts, conn, "Psychiatry", "1", "1")
    callers = Callers(2575, clock)
    callers.note("10.1.0.1", f"PUMP^wire-{first}^EUI-64")
    assert await callers.keep(shop.pool) == 1
    callers.note("10.1.0.1", f"PUMP^wire-{first}^EUI-64")
    assert await callers.keep(shop.pool) == 0
    assert await desk.follow(shop) == 0
    clock.set(clock.now() + 2 * HOUR)
    callers.note("10.66.0.9", f"PUMP^wire-{first}^EUI-64")
    callers.note("10.99.0.9", "A LAPTOP")
    assert await callers.keep(shop.pool) == 1
    (link,) = await links.links(shop.pool, device_id=first)
    assert (link.peer, link.port, link.count) == ("wardbridge", 2575, 3)
    assert await desk.follow(shop) == 1
    assert await desk.follow(shop) == 0
    assert await findings(shop) == [(first, "address", 1)]
    async with shop.acting(TECHNICIAN) as conn:
        await fleet.move(shop.parts, conn, first, places.place_id("Psychiatry", "1", "1"), by="somebody")
    clock.set(clock.now() + MINUTE)
    assert await desk.follow(shop) == 1
    assert await findings(shop) == [(first, "address", 1), (first, "place", 1)]


async def test_machines_that_we_call_ourselves_are_links_too(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    first, _ = await wired(shop, stock)
    (asset,) = await register.store.assets(shop.pool, [first])
    async with shop.acting(SYSTEM) as conn:
        await hear(shop, conn, asset)
        seen = Seen(first, "mllp", clock.now(), 0, None, None, True, False, "", 1, 0, 0)
        await registry.seen(conn, [seen])
    targets = targets_of(
        {"mllp": {"address": "https://10.1.0.1:6464/x"}, "odd": {"address": "http://h:port"}, "no": {}}
    )
    assert targets == {"mllp": ("10.1.0.1", 6464)}
    dialled = Dialled(targets, clock)
    assert (await dialled.keep(shop.pool), await dialled.keep(shop.pool)) == (1, 0)
    (link,) = await links.links(shop.pool, device_id=first)
    assert (link.peer, link.port, link.direction, link.source) == ("wardbridge", 6464, "in", "10.1.0.1")
