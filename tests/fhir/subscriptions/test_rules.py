"""What is refused when a Subscription is made, and who sees what."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fhir.subscriptions.conftest import CONTENT, House, observation, subscription
from tests.fhir.subscriptions.peers import Receiver, until

from wardbridge.core.errors import WardbridgeError
from wardbridge.fhir.subscriptions.channels.hosts import Blocked, Hosts
from wardbridge.fhir.subscriptions.judge import NotJudged

TOPIC = "urn:wardbridge:topic:observation"
HOOK = "https://example.org/hook"


def changed(**channel: Any) -> dict[str, Any]:
    out = subscription(TOPIC, HOOK)
    out["channel"] |= channel
    return out


REFUSED = {
    "no such topic": (subscription("http://example.org/topic/none", HOOK), "Subscription.criteria"),
    "no such type": (subscription("Spaceship?code=1", HOOK, ""), "Subscription.criteria"),
    "unknown parameter": (subscription("Observation?colour=red", HOOK, ""), "Subscription.criteria"),
    "chain": (subscription("Observation?subject:Patient.name=peter", HOOK, ""), "Subscription.criteria"),
    "reverse chain": (subscription("Patient?_has:Observation:patient:code=1", HOOK, ""), "Subscription.criteria"),
    "result parameter": (subscription("Observation?_count=3", HOOK, ""), "Subscription.criteria"),
    "value set": (subscription("Observation?code:in=http://example.org/vs", HOOK, ""), "Subscription.criteria"),
    "full text": (subscription("Observation?_content=x", HOOK, ""), "Subscription.criteria"),
    "bad value": (subscription("Observation?date=yesterday", HOOK, ""), "Subscription.criteria"),
    "filter not of the topic": (subscription(TOPIC, HOOK, filters=["Observation?note-text=x"]),
                                "Subscription.criteria.extension[0]"),
    "filter on another type": (subscription(TOPIC, HOOK, filters=["Observation?code=1", "Patient?_id=1"]),
                               "Subscription.criteria.extension[1]"),
    "filter of another version of the guide": (
        subscription(TOPIC, HOOK) | {"_criteria": {"extension": [{
            "url": "http://hl7.org/fhir/5.0/subscriptions-backport/StructureDefinition/backport-filter-criteria",
            "valueString": "Observation?code=1"}]}},
        "Subscription.criteria.extension",
    ),
    "channel": (subscription(TOPIC, HOOK, channel="sms"), "Subscription.channel.type"),
    "own channel": (changed(_type={"extension": [{"url": f"{CONTENT}channel-type", "valueCoding": {"code": "zulip"}}]}),
                    "Subscription.channel.type"),
    "payload": (subscription(TOPIC, HOOK, payload="application/pdf"), "Subscription.channel.payload"),
    "another FHIR": (subscription(TOPIC, HOOK, payload="application/fhir+json; fhirVersion=5.0"),
                     "Subscription.channel.payload"),
    "content": (subscription(TOPIC, HOOK, "half"), "Subscription.channel.payload.extension"),
    "endpoint": (subscription(TOPIC, "ftp://example.org/x"), "Subscription.channel.endpoint"),
    "credentials in the endpoint": (subscription(TOPIC, "https://a:b@example.org/x"), "Subscription.channel.endpoint"),
    "unlisted host": (subscription(TOPIC, "https://elsewhere.org/x"), "Subscription.channel.endpoint"),
    "metadata service": (subscription(TOPIC, "http://169.254.169.254/latest"), "Subscription.channel.endpoint"),
    "unencrypted": (subscription(TOPIC, "http://example.org/x"), "Subscription.channel.endpoint"),
    "mail to two": (subscription(TOPIC, "mailto:a@example.org,b@elsewhere.org", channel="email", payload="text/plain"),
                    "Subscription.channel.endpoint"),
    "header": (changed(header=["Authorization\r\nX: y"]), "Subscription.channel.header[0]"),
    "header of ours": (changed(header=["Host: elsewhere.org"]), "Subscription.channel.header[0]"),
    "kept header": (changed(header=["Authorization: ***"]), "Subscription.channel.header[0]"),
    "end in the past": (subscription(TOPIC, HOOK, end="2020-01-01T00:00:00Z"), "Subscription.end"),
    "status": (subscription(TOPIC, HOOK) | {"status": "error"}, "Subscription.status"),
    "too many at once": (subscription(TOPIC, HOOK, most=100_000), "Subscription.channel.extension"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_with_the_element(house: House, name: str) -> None:
    resource, where = REFUSED[name]
    answer = await house.client.post("/Subscription", json=resource)
    assert answer.status_code == 422, answer.text
    issue = answer.json()["issue"][0]
    assert issue["severity"] == "error"
    assert where in issue.get("expression", []) or name == "channel"  # a required binding refuses that one first
    assert await house.pool.fetchval("SELECT count(*) FROM fhir_subscription_grant") == 0


async def test_active_asked_for_is_requested(house: House) -> None:
    made = await house.make(subscription(TOPIC, HOOK) | {"status": "active", "error": "old"})
    assert made["status"] == "requested"
    assert "error" not in made


async def test_only_what_the_owner_may_read(house: House, receiver: Receiver) -> None:
    headers = {"authorization": "Bearer orders"}
    answer = await house.client.post("/Subscription", json=subscription(TOPIC, receiver.url), headers=headers)
    assert answer.status_code == 403
    mixed = subscription("urn:wardbridge:topic:medication", receiver.url)
    answer = await house.client.post("/Subscription", json=mixed, headers=headers)
    assert answer.status_code == 403
    assert "MedicationAdministration" in answer.text
    answer = await house.client.post("/Subscription", json=subscription(TOPIC, receiver.url),
                                     headers={"authorization": "Bearer nurse"})  # fmt: skip
    assert answer.status_code == 403


async def test_events_are_given_only_to_who_may_read_them(house: House, receiver: Receiver) -> None:
    house.start()
    made = await house.make(subscription(TOPIC, receiver.url))
    await house.becomes(made["id"], "active")
    await house.make(observation("p1"))
    await until(lambda: receiver.told)
    path = f"/Subscription/{made['id']}/$events"
    assert (await house.client.get(path)).status_code == 200
    headers = {"authorization": "Bearer orders"}
    assert (await house.client.get(path, headers=headers)).status_code == 403
    assert (await house.client.get(f"{path}?content=empty", headers=headers)).status_code == 200
    assert (await house.client.get(path, headers={"authorization": "Bearer nurse"})).status_code == 403


async def test_a_subscription_that_came_past_the_api_is_not_served(house: House, receiver: Receiver) -> None:
    from wardbridge.core.db import transaction
    from wardbridge.fhir.store.values import Put

    house.start()
    async with transaction(house.pool) as conn:
        await house.record.write(conn, [Put(subscription(TOPIC, receiver.url) | {"id": "smuggled"})])
    found = await house.becomes("smuggled", "error")
    assert "write it again" in found["error"]
    # Nor with somebody else's handle and another endpoint.
    mine = await house.make(subscription(TOPIC, receiver.url))
    stolen = mine | {"id": "stolen"}
    stolen["channel"] = mine["channel"] | {"endpoint": receiver.url + "/mine"}
    async with transaction(house.pool) as conn:
        await house.record.write(conn, [Put(stolen)])
    await house.becomes("stolen", "error")


@pytest.mark.parametrize(
    ("entries", "url", "allowed"),
    [
        (("ehr.example.org",), "https://ehr.example.org/x", True),
        (("ehr.example.org",), "https://EHR.example.org:8443/x", True),
        (("ehr.example.org",), "https://example.org/x", False),
        (("ehr.example.org:443",), "https://ehr.example.org:8443/x", False),
        (("*.example.org",), "https://a.b.example.org/x", True),
        (("*.example.org",), "https://example.org.evil.net/x", False),
        (("*.example.org",), "https://evilexample.org/x", False),
        (("10.0.0.0/8",), "https://10.1.2.3/x", True),
        (("10.0.0.0/8",), "https://11.1.2.3/x", False),
        (("127.0.0.1:9000",), "http://127.0.0.1:9000/x", True),
        (("127.0.0.1:9000",), "http://127.0.0.1:9001/x", False),
        (("[::1]:9000",), "http://[::1]:9000/x", True),
        (("::1",), "http://[::1]:9000/x", True),
        (("*",), "https://127.0.0.1/x", False),
        (("*",), "https://localhost/x", False),
        (("*",), "http://example.org/x", False),
        (("http://*",), "http://example.org/x", True),
        (("http://mirth.local",), "http://mirth.local:6661/x", True),
        (("mirth.local",), "http://mirth.local:6661/x", False),
        ((), "https://example.org/x", False),
        (("example.org",), "mailto:x@example.org", True),
        (("example.org",), "mailto:x@elsewhere.org", False),
    ],
)
def test_hosts(entries: tuple[str, ...], url: str, allowed: bool) -> None:
    if allowed:
        Hosts(entries).check(url, "")
    else:
        with pytest.raises(NotJudged):
            Hosts(entries).check(url, "")


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00::1", "192.168.1.1"])
async def test_any_public_host_is_none_that_points_inside(address: str) -> None:
    async def inside(host: str, port: int) -> list[str]:
        return ["93.184.216.34", address]

    with pytest.raises(Blocked):
        await Hosts(("*",), inside).address("https://rebound.example.org/")
    assert issubclass(Blocked, WardbridgeError)
