"""The reader of the log and the operations over its events: order under concurrency, paging, retention, many."""

from __future__ import annotations

import time
from typing import Any

from tests.fhir.subscriptions.conftest import House, observation, subscription
from tests.fhir.subscriptions.peers import Receiver, until

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.db import transaction
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.store import changes
from wardbridge.fhir.store.values import Put
from wardbridge.fhir.subscriptions.focus import Focus
from wardbridge.fhir.subscriptions.plan import read_plan
from wardbridge.fhir.subscriptions.registry import Registry, serve
from wardbridge.fhir.subscriptions.store import tail
from wardbridge.fhir.subscriptions.store.tail import Place
from wardbridge.fhir.subscriptions.topic import builtin
from wardbridge.fhir.validate import validate
from wardbridge.security.policy import decide
from wardbridge.security.principal import SYSTEM

TOPIC = "urn:wardbridge:topic:observation"
WANTED: Decide = decide


def patient(id_: str, n: int) -> Put:
    return Put({"resourceType": "Patient", "id": id_, "multipleBirthInteger": n})


async def read_all(house: House, place: Place, limit: int = 500) -> tuple[list[tuple[str, int]], Place]:
    found: list[tuple[str, int]] = []
    while True:
        reading = await tail.tail(house.pool, house.record.numbers, place, limit, ["Patient"], [])
        found += [(focus.id, focus.version) for _, focus in reading.found]
        if reading.place == place:
            return found, place
        place = reading.place


async def test_versions_of_one_resource_come_in_order_and_nobody_is_waited_for(house: House) -> None:
    place = Place.parse(await tail.mark(house.pool))
    async with transaction(house.pool) as early:
        await house.record.write(early, [patient("early", 1)])  # takes the lower transaction number ...
        async with transaction(house.pool) as late:
            await house.record.write(late, [patient("both", 1)])
        found, place = await read_all(house, place)
        assert found == [("both", 1)]  # ... and holds up nothing that is committed
        await house.record.write(early, [patient("both", 2)])
    found, place = await read_all(house, place)
    assert found == [("early", 1), ("both", 2)]
    assert (await read_all(house, place))[0] == []


async def test_read_in_parts_as_in_one(house: House) -> None:
    place = Place.parse(await tail.mark(house.pool))
    for n in range(25):
        async with transaction(house.pool) as conn:
            await house.record.write(conn, [patient(f"p{n % 5}", n)])
    whole, _ = await read_all(house, place)
    parts, end = await read_all(house, place, 3)
    assert parts == whole
    assert len(whole) == 25
    assert (await read_all(house, Place.parse(str(end))))[0] == []


async def test_a_logical_restore_goes_on_where_it_was(house: House) -> None:
    async with transaction(house.pool) as conn:
        await house.record.write(conn, [patient("read", 1)])
    _, place = await read_all(house, Place.parse(await tail.mark(house.pool)))
    async with transaction(house.pool) as conn:
        await tail.move(conn, place)
    async with transaction(house.pool) as conn:
        await house.record.write(conn, [patient("waiting", 1)])
    async with transaction(house.pool) as conn:
        await tail.rebase(conn)
        await changes.rebase(conn)
        await conn.execute("UPDATE fhir_version SET transaction = '0'")  # numbers of another cluster
    place = Place.parse(await tail.mark(house.pool))
    found, place = await read_all(house, place)
    assert found == [("waiting", 1)]
    async with transaction(house.pool) as conn:
        await house.record.write(conn, [patient("new", 1)])
    assert (await read_all(house, place))[0] == [("new", 1)]


async def test_events_pages_and_statuses(house: House, receiver: Receiver) -> None:
    house.start()
    made = await house.make(subscription(TOPIC, receiver.url))
    await house.becomes(made["id"], "active")
    async with transaction(house.pool) as conn:
        await house.record.write(conn, [Put(observation("p1", n)) for n in range(250)])
    await until(lambda: house.post and house.post.follower.events == 250)
    base = f"/Subscription/{made['id']}"
    answer = (await house.client.get(f"{base}/$events")).json()
    assert [i for i in validate(answer) if i.severity == "error"] == []
    events = [p for p in answer["entry"][0]["resource"]["parameter"] if p["name"] == "notification-event"]
    assert len(events) == 200
    (link,) = answer["link"]
    rest = (await house.client.get(link["url"].removeprefix("http://test/fhir"))).json()
    numbers = [p["part"][0]["valueString"] for p in rest["entry"][0]["resource"]["parameter"] if "part" in p]
    assert numbers == [str(n) for n in range(201, 251)]
    some = await house.client.get(f"{base}/$events?eventsSinceNumber=5&eventsUntilNumber=6&content=full-resource")
    assert [entry["resource"]["resourceType"] for entry in some.json()["entry"]] == ["Parameters", *["Observation"] * 2]
    kinds = {p["name"]: p for p in some.json()["entry"][0]["resource"]["parameter"]}
    assert kinds["type"]["valueCode"] == "query-event"
    for wrong in ("eventsSinceNumber=x", "content=half", "since=1"):
        assert (await house.client.get(f"{base}/$events?{wrong}")).status_code == 400
    assert (await house.client.get("/Subscription/none/$status")).status_code == 404
    second = await house.make(subscription(TOPIC, receiver.url) | {"status": "off"})

    async def both(query: str) -> set[str]:
        found = (await house.client.get(f"/Subscription/$status{query}")).json()
        assert found["type"] == "searchset"
        assert [i for i in validate(found) if i.severity == "error"] == []
        refs = [e["resource"]["parameter"][0]["valueReference"]["reference"] for e in found.get("entry", [])]
        return {ref.rsplit("/")[-1] for ref in refs}

    async def known() -> Any:
        return await both("") == {made["id"], second["id"]}

    await until(known)
    assert await both("?status=active") == {made["id"]}
    assert await both(f"?id={second['id']}") == {second["id"]}
    posted = await house.client.post(
        "/Subscription/$status",
        json={"resourceType": "Parameters", "parameter": [{"name": "id", "valueId": made["id"]}]},
    )
    assert posted.json()["total"] == 1


async def test_old_events_go_and_who_missed_them_is_off(house: House, receiver: Receiver) -> None:
    post = house.start(days=1)
    made = await house.make(subscription(TOPIC, receiver.url))
    await house.becomes(made["id"], "active")
    dead = await house.make(subscription(TOPIC, receiver.url + "/dead"))
    await house.becomes(dead["id"], "active")
    receiver.answer = 503
    await house.make(observation("p1"))
    await until(lambda: post.follower.events == 2)
    receiver.answer = 200
    await until(lambda: len({got.path for got in receiver.told}) == 2)

    async def all_told() -> Any:
        return await house.pool.fetchval("SELECT count(*) FROM fhir_subscription WHERE delivered < events") == 0

    await until(all_told)
    await house.pool.execute("UPDATE fhir_subscription SET delivered = 0 WHERE id = $1", dead["id"])
    await house.pool.execute("UPDATE fhir_subscription_event SET updated = updated - $1", 2 * DAY)
    await until(lambda: post.follower.ready)
    await post.upkeep()
    assert await house.pool.fetchval("SELECT count(*) FROM fhir_subscription_event") == 0
    found = await house.becomes(dead["id"], "off")
    assert "1 days" in found["error"]
    assert (await house.read("Subscription", made["id"]))["status"] == "active"
    gauges = await post.gauges()
    assert gauges["subscriptions"]["active"] == 1


async def test_it_ends_at_its_end(house: House, receiver: Receiver) -> None:
    house.start()
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    made = await house.make(subscription(TOPIC, receiver.url, end=end))
    await house.becomes(made["id"], "off")


def test_ten_thousand_subscriptions_cost_one_look_up() -> None:
    clock = FakeClock()
    registry = Registry(clock.now)
    for n in range(10_000):
        resource = subscription(TOPIC, "https://example.org/x", filters=[f"Observation?patient=Patient/p{n}"])
        plan = read_plan(resource | {"id": f"s{n}"}, builtin(), 0, ())
        registry.set(serve(plan, SYSTEM, "", WANTED))
    body = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p77"}}'
    group = registry._groups["Observation"][TOPIC]
    asked = len(list(group.candidates(Focus(1, "Observation", "o", 1, "C", 0, body))))
    assert asked == 1
    assert registry.match(Focus(1, "Observation", "o", 1, "C", 0, body)) == ["s77"]
    for n in range(10_000):
        registry.remove(f"s{n}")
    assert registry.types == frozenset()
