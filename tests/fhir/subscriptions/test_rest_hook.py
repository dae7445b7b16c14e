"""From a write to a receiver: handshake, events in order, numbers, contents, signatures, failures and recovery."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any

from tests.fhir.subscriptions.conftest import House, observation, subscription
from tests.fhir.subscriptions.peers import Receiver, until

from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.subscriptions.courier import Patience
from wardbridge.fhir.subscriptions.plan import SECRET
from wardbridge.fhir.validate import validate

TOPIC = "urn:wardbridge:topic:observation"


async def active(house: House, resource: dict[str, Any]) -> dict[str, Any]:
    made = await house.make(resource)
    assert made["status"] == "requested"
    return await house.becomes(made["id"], "active")


async def test_handshake_then_events_in_order(house: House, receiver: Receiver) -> None:
    house.start()
    made = await active(house, subscription(TOPIC, receiver.url, "full-resource", most=1))
    handshake = receiver.got[0]
    assert handshake.status["type"] == "handshake"
    assert handshake.status["status"] == "requested"
    assert handshake.headers["content-type"] == "application/fhir+json"
    ids = [(await house.make(observation("p1", 60 + n)))["id"] for n in range(12)]
    await until(lambda: len(receiver.told) == 12)
    assert [got.numbers for got in receiver.told] == [[n] for n in range(1, 13)]
    for id_, got in zip(ids, receiver.told, strict=True):
        assert got.status["events"][0]["focus"] == f"http://test/fhir/Observation/{id_}"
        assert got.bundle["entry"][1]["resource"]["id"] == id_
        assert got.bundle["entry"][1]["request"] == {"method": "POST", "url": "Observation"}
        assert got.status["topic"] == TOPIC
        assert got.status["subscription"] == f"http://test/fhir/Subscription/{made['id']}"
    for got in receiver.got:
        assert [i for i in validate(got.bundle) if i.severity in ("error", "fatal")] == []


async def test_empty_content_names_nothing(house: House, receiver: Receiver) -> None:
    house.start()
    await active(house, subscription(TOPIC, receiver.url, "empty"))
    await house.make(observation("p1"))
    await until(lambda: receiver.told)
    assert set(receiver.told[0].status["events"][0]) == {"event-number", "timestamp"}
    assert "topic" not in receiver.told[0].status
    assert len(receiver.told[0].bundle["entry"]) == 1
    assert b"Observation" not in receiver.told[0].body


async def test_filters_and_max_count(house: House, receiver: Receiver) -> None:
    house.start()
    wanted = [f"Observation?patient=Patient/p{n}" for n in (1,)] + ["Observation?code=http://loinc.org|8867-4"]
    await active(house, subscription(TOPIC, receiver.url, filters=wanted, most=5))
    receiver.answer = 503
    for n in range(1, 21):
        await house.make(observation(f"p{n % 2}", n, "8867-4" if n % 3 else "9279-1"))
    await until(lambda: len(receiver.got) > 2)
    receiver.answer = 200
    expected = [n for n in range(1, 21) if n % 2 == 1 and n % 3]
    await until(lambda: sum(len(g.numbers) for g in receiver.told if g.numbers[-1] == len(expected)) > 0)
    assert all(len(got.numbers) <= 5 for got in receiver.told)
    assert {number for got in receiver.told for number in got.numbers} == set(range(1, len(expected) + 1))


async def test_r4_criteria_put_the_resource_and_post_without_payload(house: House, receiver: Receiver) -> None:
    house.start()
    await active(house, subscription("Observation?code=8867-4&value-quantity=gt100", receiver.url, ""))
    plain = subscription("Observation?code=8867-4&value-quantity=gt100", receiver.url + "/bare", "", payload="")
    await active(house, plain)
    assert receiver.got == []  # R4's own way has no handshake
    await house.make(observation("p1", 90))
    made = await house.make(observation("p1", 120))
    await until(lambda: len(receiver.got) == 2)
    by = {got.method: got for got in receiver.got}
    assert by["PUT"].path == f"/hook/Observation/{made['id']}"
    assert by["PUT"].bundle["valueQuantity"]["value"] == 120
    assert (by["POST"].path, by["POST"].body) == ("/hook/bare", b"")
    assert by["POST"].headers["x-event-number"] == "1"


async def test_secrets_are_used_and_never_shown(house: House, receiver: Receiver) -> None:
    house.start()
    key = "correct horse battery"
    made = await active(
        house,
        subscription(TOPIC, receiver.url, header=["Authorization: Bearer s3cret", "X-Tag: a"],
                     extension=[{"url": SECRET, "valueString": key}]),
    )  # fmt: skip
    versions = await house.client.get(f"/Subscription/{made['id']}/_history")
    assert "s3cret" not in versions.text
    assert key not in versions.text
    assert made["channel"]["header"] == ["Authorization: ***", "X-Tag: ***"]
    rows = await house.pool.fetch("SELECT * FROM fhir_subscription_grant")
    assert "s3cret" not in str(rows)
    got = receiver.got[0]
    assert got.headers["authorization"] == "Bearer s3cret"
    seconds, _, digest = got.headers["x-signature-256"].partition(",")
    expected = hmac.new(key.encode(), seconds[2:].encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert digest == f"v1={expected}"
    # What was read can be written back: the secrets stay.
    await house.put(made | {"status": "requested", "reason": "again"})
    await until(lambda: len(receiver.got) == 2)
    assert receiver.got[1].headers["authorization"] == "Bearer s3cret"
    # Elsewhere they do not go by themselves when another asks for it.
    other = made | {"status": "requested"}
    other["channel"] = made["channel"] | {"endpoint": receiver.url + "/mine"}
    answer = await house.client.put(
        f"/Subscription/{made['id']}", json=other, headers={"authorization": "Bearer second"}
    )
    assert answer.status_code == 422, answer.text


async def test_a_failed_handshake_is_an_error_with_its_reason(house: House, receiver: Receiver) -> None:
    house.start()
    receiver.answer = 500
    made = await house.make(subscription(TOPIC, receiver.url))
    found = await house.becomes(made["id"], "error")
    assert "500" in found["error"]
    assert len(receiver.got) == 3
    # Events are counted meanwhile, and told once a client has asked for it anew.
    for n in range(3):
        await house.make(observation("p1", n))
    await until(lambda: house.post is not None and house.post.follower.events == 3)
    assert (await house.status(made["id"]))["status"] == "error"
    receiver.answer = 200
    again = await house.put(found | {"status": "requested"})
    assert "error" not in again
    await house.becomes(made["id"], "active")
    await until(lambda: [n for g in receiver.told for n in g.numbers] == [1, 2, 3])
    status = await house.status(made["id"])
    assert status["events-since-subscription-start"] == "3"


async def test_error_after_patience_and_gone_at_once(house: House, receiver: Receiver) -> None:
    house.start(patience=Patience(lambda: 0.0, first=0.01, longest=0.02, hours=0.2 / 3600, idle=0.2))
    made = await active(house, subscription(TOPIC, receiver.url))
    receiver.answer = 503
    await house.make(observation("p1"))
    found = await house.becomes(made["id"], "error")
    assert "503" in found["error"]
    status = await house.status(made["id"])
    assert status["events-pending"] == "1"
    assert "503" in status["error"]["text"]
    receiver.answer = 200
    second = await active(house, subscription(TOPIC, receiver.url + "/gone"))
    receiver.answer = 410
    tries = len(receiver.got)
    await house.make(observation("p1"))
    await house.becomes(second["id"], "error")
    assert len([got for got in receiver.got[tries:] if got.path.endswith("/gone")]) == 1


async def test_a_dead_receiver_delays_nobody(house: House, receiver: Receiver) -> None:
    house.start()
    async with Receiver() as dead:
        await active(house, subscription(TOPIC, dead.url, timeout=600))
        await active(house, subscription(TOPIC, receiver.url))
        dead.held = True
        for n in range(5):
            await house.make(observation("p1", n))
        await until(lambda: sum(len(got.numbers) for got in receiver.told) == 5)
        await until(lambda: len(dead.told) == 1)


async def test_redirects_are_not_followed(house: House, receiver: Receiver) -> None:
    house.start()
    receiver.answer, receiver.headers = 307, "location: http://127.0.0.1:1/\r\n"
    made = await house.make(subscription(TOPIC, receiver.url))
    assert "307" in (await house.becomes(made["id"], "error"))["error"]


async def test_heartbeat(house: House, receiver: Receiver) -> None:
    house.start()
    await active(house, subscription(TOPIC, receiver.url, heartbeat=1))
    await until(lambda: any(got.status["type"] == "heartbeat" for got in receiver.got))
    beat = next(got for got in receiver.got if got.status["type"] == "heartbeat")
    assert beat.status["events-since-subscription-start"] == "0"


async def test_message_channel(house: House, receiver: Receiver) -> None:
    house.start()
    await active(house, subscription(TOPIC, receiver.url, "full-resource", channel="message"))
    made = await house.make(observation("p1"))
    await until(lambda: len(receiver.got) == 2)
    got = receiver.got[1]
    assert got.path == "/hook/$process-message"
    header, notification = (entry["resource"] for entry in got.bundle["entry"])
    assert header["focus"][0]["reference"] == got.bundle["entry"][1]["fullUrl"]
    assert notification["entry"][1]["resource"]["id"] == made["id"]
    assert [i for i in validate(got.bundle) if i.severity in ("error", "fatal")] == []


async def test_nothing_is_lost_or_doubled_when_the_engine_stops_anywhere(house: House, receiver: Receiver) -> None:
    house.start()
    made = await active(house, subscription(TOPIC, receiver.url, "full-resource", most=3))

    async def writes(patient: str) -> None:
        for n in range(1, 31):
            await house.make(observation(patient, n))

    async def stops() -> None:
        for _ in range(6):
            before = len(receiver.got)
            await until(lambda before=before: len(receiver.got) > before)
            await house.stop()
            house.start()

    work = asyncio.gather(*(writes(f"p{n}") for n in range(4)))
    await stops()
    await work
    await until(lambda: receiver.told and receiver.told[-1].numbers[-1] == 120)
    focus: dict[int, str] = {}
    order: dict[str, list[float]] = {}
    for got in receiver.told:
        for number, event, entry in zip(got.numbers, got.status["events"], got.bundle["entry"][1:], strict=True):
            assert focus.setdefault(number, event["focus"]) == event["focus"]
            values = order.setdefault(entry["resource"]["subject"]["reference"], [])
            value = entry["resource"]["valueQuantity"]["value"]
            if value not in values:
                assert values == [] or value == values[-1] + 1
                values.append(value)
    assert sorted(focus) == list(range(1, 121))
    assert {len(values) for values in order.values()} == {30}
    assert (await house.status(made["id"]))["events-since-subscription-start"] == "120"


async def test_deliveries_are_audited_with_the_patients(house: House, receiver: Receiver) -> None:
    house.start()
    made = await active(house, subscription(TOPIC, receiver.url))
    await house.make(observation("p7"))

    async def audited() -> Any:
        return await house.pool.fetch(
            "SELECT actor, patients FROM audit_event WHERE event = 'notify' AND target_id = $1 ORDER BY at", made["id"]
        )

    async def both() -> Any:
        return len(await audited()) == 2

    await until(both)
    rows = await audited()
    assert [(row["actor"], row["patients"]) for row in rows] == [("ehr", []), ("ehr", ["p7"])]


async def test_off_stops_and_requested_goes_on(house: House, receiver: Receiver) -> None:
    house.start()
    made = await active(house, subscription(TOPIC, receiver.url))
    await house.make(observation("p1"))
    await until(lambda: receiver.told)
    await house.put(made | {"status": "off"})
    assert house.post is not None
    follower = house.post.follower
    await until(lambda: made["id"] not in follower.registry.served)
    await house.make(observation("p1"))
    await house.put(made | {"status": "requested"})
    await house.becomes(made["id"], "active")
    await house.make(observation("p1"))
    await until(lambda: len(receiver.told) == 2)
    assert [got.numbers for got in receiver.told] == [[1], [2]]  # what happened while it was off is no event


async def test_deleted_subscription_leaves_nothing(house: House, receiver: Receiver) -> None:
    house.start()
    made = await active(house, subscription(TOPIC, receiver.url))
    await house.make(observation("p1"))
    await until(lambda: receiver.told)
    assert (await house.client.delete(f"/Subscription/{made['id']}")).status_code == 204

    async def gone() -> Any:
        return await house.pool.fetchval("SELECT count(*) FROM fhir_subscription") == 0

    await until(gone)
    assert await house.pool.fetchval("SELECT count(*) FROM fhir_subscription_event") == 0


async def test_payload_as_xml(house: House, receiver: Receiver) -> None:
    house.start()
    await active(house, subscription(TOPIC, receiver.url, "full-resource", payload="application/fhir+xml"))
    await house.make(observation("p1", 61))
    await until(lambda: len(receiver.got) == 2)
    assert receiver.got[1].headers["content-type"] == "application/fhir+xml"
    found = read_xml(receiver.got[1].body)
    assert found["entry"][1]["resource"]["subject"] == {"reference": "Patient/p1"}
    assert [i for i in validate(found) if i.severity in ("error", "fatal")] == []
