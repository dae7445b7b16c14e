"""Topics: our own table, Basic resources as the Backport IG writes them, triggers on the change of a resource."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fhir.subscriptions.conftest import House, observation, subscription
from tests.fhir.subscriptions.peers import Receiver, until

from wardbridge.fhir.definitions.search import search_parameters
from wardbridge.fhir.subscriptions.topic import builtin

R43, R50 = (f"http://hl7.org/fhir/{v}/StructureDefinition/extension-SubscriptionTopic." for v in ("4.3", "5.0"))
URL = "http://example.org/topic/encounter-complete"


def part(name: str, kind: str, value: Any) -> dict[str, Any]:
    return {"url": name, f"value{kind}": value}


def topic(url: str = URL, *, path: str = "", query: dict[str, Any] | None = None, resource: str = "Encounter",
          interactions: tuple[str, ...] = ("create", "update"), status: str = "draft") -> dict[str, Any]:  # fmt: skip
    trigger = [part("resource", "Uri", f"http://hl7.org/fhir/StructureDefinition/{resource}")]
    trigger += [part("supportedInteraction", "Code", name) for name in interactions]
    if query:
        trigger.append({"url": "queryCriteria", "extension": [
            part(k, "Boolean" if k == "requireBoth" else "String" if k in ("previous", "current") else "Code", v)
            for k, v in query.items()]})  # fmt: skip
    if path:
        trigger.append(part("fhirPathCriteria", "String", path))
    return {
        "resourceType": "Basic",
        "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
        "extension": [
            part(f"{R50}url", "Uri", url),
            part(f"{R50}title", "String", "Encounter complete"),
            {"url": f"{R43}resourceTrigger", "extension": trigger},
            {"url": f"{R43}canFilterBy", "extension": [part("resource", "Uri", resource),
                                                      part("filterParameter", "String", "subject")]},
        ],
        "modifierExtension": [part(f"{R50}status", "Code", status)],
    }  # fmt: skip


QUERY = {"previous": "status:not=finished", "resultForCreate": "test-passes", "current": "status=finished",
         "resultForDelete": "test-fails", "requireBoth": True}  # fmt: skip
PATH = "(%previous.id.empty() or (%previous.status != 'finished')) and (%current.status = 'finished')"


def encounter(status: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Encounter", "status": status, "class": {"code": "IMP"}, **more}


@pytest.mark.parametrize("by", [{"query": QUERY}, {"path": PATH}, {"query": QUERY, "path": PATH}])
async def test_a_topic_of_the_record(house: House, receiver: Receiver, by: dict[str, Any]) -> None:
    house.start()
    await house.make(topic(**by))
    made = await house.make(subscription(URL, receiver.url, filters=["Encounter?subject=Patient/1"]))
    await house.becomes(made["id"], "active")
    one = {"subject": {"reference": "Patient/1"}}
    open_ = await house.make(encounter("in-progress", **one))
    done = await house.put(open_ | {"status": "finished"})  # an event
    await house.put(done | {"priority": {"text": "x"}})  # was finished before
    fresh = await house.make(encounter("finished", **one))  # an event
    await house.make(encounter("finished", subject={"reference": "Patient/2"}))  # filtered
    await house.put(fresh | {"status": "entered-in-error"})
    again = await house.put(fresh | {"status": "finished"})  # an event
    await house.client.delete(f"/Encounter/{again['id']}")
    assert house.post is not None
    await until(lambda: house.post and house.post.follower.events == 3)
    events = (await house.client.get(f"/Subscription/{made['id']}/$events")).json()["entry"][0]["resource"]["parameter"]
    focus = [p["part"][2]["valueReference"]["reference"].rsplit("/")[-1] for p in events if "part" in p]
    assert focus == [open_["id"], fresh["id"], fresh["id"]]


async def test_delete_is_an_event_where_the_topic_says_so(house: House, receiver: Receiver) -> None:
    house.start()
    await house.make(topic(interactions=("delete",)))
    made = await house.make(subscription(URL, receiver.url, "full-resource", filters=["subject=Patient/1"]))
    await house.becomes(made["id"], "active")
    for patient in ("1", "2"):
        gone = await house.make(encounter("planned", subject={"reference": f"Patient/{patient}"}))
        await house.client.delete(f"/Encounter/{gone['id']}")
    await until(lambda: receiver.told)
    assert len(receiver.told[0].numbers) == 1
    entry = receiver.told[0].bundle["entry"][1]
    assert entry["request"]["method"] == "DELETE"
    assert "resource" not in entry


async def test_a_changed_topic_takes_effect_and_a_gone_one_is_an_error(house: House, receiver: Receiver) -> None:
    house.start()
    basic = await house.make(topic(path="%current.status = 'planned'"))
    made = await house.make(subscription(URL, receiver.url))
    await house.becomes(made["id"], "active")
    await house.put(basic | {"extension": topic(path="%current.status = 'arrived'")["extension"]})
    await house.make(encounter("planned"))
    wanted = await house.make(encounter("arrived"))
    await until(lambda: receiver.told)
    assert receiver.told[0].status["events"][0]["focus"].endswith(wanted["id"])
    await house.client.delete(f"/Basic/{basic['id']}")
    found = await house.becomes(made["id"], "error")
    assert URL in found["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        topic(path="%current.status ="),
        topic(resource="Spaceship"),
        topic(query={"current": "subject.name=x"}),
        topic(interactions=("explode",)),
        topic("urn:wardbridge:topic:admission"),
        {**topic(), "extension": topic()["extension"][1:]},
        {**topic(), "extension": topic()["extension"][:2]},
    ],
)
async def test_a_topic_that_cannot_be_served_is_refused(house: House, wrong: dict[str, Any]) -> None:
    answer = await house.client.post("/Basic", json=wrong)
    assert answer.status_code == 422, answer.text
    assert answer.json()["issue"][0]["expression"][0].startswith("Basic.extension")


async def test_a_retired_topic_is_not_offered(house: House) -> None:
    await house.make(topic(status="retired"))
    await house.make(subscription(URL, "https://example.org/x"), 422)


async def test_topics_are_declared(house: House) -> None:
    await house.make(topic())
    found = (await house.client.get("/metadata")).json()
    (entry,) = [r for r in found["rest"][0]["resource"] if r["type"] == "Subscription"]
    assert {e["valueCanonical"] for e in entry["extension"]} == {URL, *builtin()}
    assert {o["name"] for o in entry["operation"]} >= {"status", "events", "get-ws-binding-token"}


async def test_our_own_topics(house: House, receiver: Receiver) -> None:
    house.start()
    ids = {}
    for name in ("admission", "discharge", "transfer", "device-state", "task", "patient"):
        made = await house.make(subscription(f"urn:wardbridge:topic:{name}", receiver.url))
        ids[name] = made["id"]
        await house.becomes(made["id"], "active")

    def place(name: str) -> dict[str, Any]:
        return {"location": [{"location": {"reference": f"Location/{name}"}}]}

    visit = await house.make(encounter("planned", **place("a")))
    visit = await house.put(visit | {"status": "in-progress"})  # admission
    visit = await house.put(visit | place("b"))  # transfer
    visit = await house.put(visit | {"status": "finished"})  # discharge
    pump = await house.make({"resourceType": "Device", "status": "active"})  # device-state
    pump = await house.put(pump | {"note": [{"text": "blue"}]})
    pump = await house.put(pump | {"status": "inactive"})  # device-state
    pump = await house.put(pump | {"version": [{"value": "2.1"}]})  # device-state
    task = await house.make({"resourceType": "Task", "status": "requested", "intent": "order"})  # task
    task = await house.put(task | {"description": "x"})
    await house.put(task | {"status": "completed"})  # task
    person = await house.make({"resourceType": "Patient"})  # patient
    await house.client.delete(f"/Patient/{person['id']}")  # patient
    expected = {"admission": 1, "discharge": 1, "transfer": 1, "device-state": 3, "task": 2, "patient": 2}
    await until(lambda: house.post and house.post.follower.events == sum(expected.values()))
    found = {name: int((await house.status(id_))["events-since-subscription-start"]) for name, id_ in ids.items()}
    assert found == expected


async def test_criteria_that_fail_on_a_resource_stop_nothing(house: House, receiver: Receiver) -> None:
    house.start()
    await house.make(
        topic(resource="Observation", path="%current.value.unit.toInteger().single() > %current.note.text")
    )
    made = await house.make(subscription(URL, receiver.url))
    await house.becomes(made["id"], "active")
    sane = await house.make(subscription("urn:wardbridge:topic:observation", receiver.url))
    await house.becomes(sane["id"], "active")
    await house.make(observation("p1", note=[{"text": "a"}, {"text": "b"}]))
    await until(lambda: receiver.told)
    assert (await house.status(made["id"]))["events-since-subscription-start"] == "0"


def test_filters_of_our_own_topics_are_search_parameters() -> None:
    for found in builtin().values():
        for by in found.filters:
            assert by.parameter in search_parameters(by.type), by
            assert by.type in found.types, by
