"""From the wire to the record and on to the hospital's system, through the whole running server."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from tests.app.his import Receiver, adt, code, heart_rate, now, pcd01, send
from tests.app.people import Browser, browser
from tests.app.served import Served

_numbers = itertools.count(1)
ROWS = [
    "NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.1.1.2|97.50|262688^MDC_DIM_PERCENT^MDC|||||R",
    "NM|999999^MDC_NO_SUCH_THING^MDC|1.1.1.4|5.10|262656^MDC_DIM_DIMLESS^MDC|||||R",
]


class Story:
    """One patient, one monitor and one bed that no other test uses."""

    def __init__(self, server: Served) -> None:
        self.server = server
        number = next(_numbers)
        self.patient = f"W{number}"
        self.key = f"02A17CFFFE0B{number:04X}"
        self.room = f"R{number}"
        self.bed = f"WIRE^{self.room}^1"
        self.control = itertools.count(1)

    def next(self) -> str:
        return f"{self.patient}-{next(self.control)}"

    def admit(self, patient: str = "", *, trigger: str = "A01", bed: str = "", minutes: float = -60) -> None:
        who = patient or self.patient
        message = adt(trigger, self.next(), who, bed=bed or self.bed, at=now(minutes), name=f"{who}^Jo")
        assert code(send(self.server.mllp_port, message)[0]) in {"AA", "CA"}

    def report(self, rate: str, *, minutes: float = 0, patient: str = "", mode: str = "P", rows: Any = None,
               at: datetime | None = None) -> str:  # fmt: skip
        control = self.next()
        message = pcd01(self.key, control, [heart_rate(rate), *(ROWS if rows is None else rows)], patient=patient,
                        at=at or now(minutes), mode=mode)  # fmt: skip
        assert code(send(self.server.mllp_port, message)[0]) == "CA"
        return control

    def device(self) -> dict[str, Any] | None:
        found = self.server.fetch("SELECT device_id, state FROM device WHERE key = $1", self.key)
        return dict(found[0]) if found else None

    def accept(self, technician: Browser) -> str:
        """Wait for the device in the queue and accept it for the bed, on the page."""
        found = self.server.until(self.device)
        page = technician.get("/devices").text
        assert f"/devices/{found['device_id']}/admission" in page
        place = self.place()
        answer = technician.submit(f"/devices/{found['device_id']}/admission", {"state": "accepted", "place": place})
        assert answer.status_code == 303, answer.text[-800:]
        return str(found["device_id"])

    def place(self) -> str:
        return str(self.server.until(lambda: self.server.fetch(
            "SELECT place_id FROM place WHERE room = $1 ORDER BY place_id", self.room))[0]["place_id"])  # fmt: skip

    def patient_id(self, patient: str = "") -> str:
        def found() -> str:
            bundle = fhir(self.server, f"Patient?identifier={quote('|' + (patient or self.patient))}")
            bundle = bundle if bundle.get("entry") else fhir(self.server, f"Patient?family={patient or self.patient}")
            return str(bundle["entry"][0]["resource"]["id"]) if bundle.get("entry") else ""

        return str(self.server.until(found))

    def charted(self, patient_id: str, rate: str, minutes: float = 0) -> dict[str, Any]:
        """Report ``rate``, as a monitor does, until policy has charted it (at most one change a second)."""

        def found() -> list[dict[str, Any]]:
            self.report(rate, minutes=minutes)
            return [one for one in self.observations(patient_id) if _value(one) == rate]

        return dict(self.server.until(found, every=0.5)[0])

    def observations(self, patient_id: str, wanted: str = "147842") -> list[dict[str, Any]]:
        bundle = fhir(self.server, f"Observation?subject=Patient/{patient_id}&_count=200&_sort=date")
        found = [entry["resource"] for entry in bundle.get("entry", [])]
        return [one for one in found if wanted in json.dumps(one["code"])]


def fhir(server: Served, path: str, role: str = "physician") -> dict[str, Any]:
    status, body = server.get(f"/fhir/{path}", role)
    assert status == 200, body
    return dict(json.loads(body))


@pytest.fixture(scope="module")
def technician(house: Served) -> Browser:
    return browser(house, "technician")


@pytest.fixture(scope="module")
def nurse(house: Served) -> Browser:
    return browser(house, "nurse")


def test_from_an_unknown_device_to_a_corrected_result(
    house: Served, receiver: Receiver, technician: Browser, nurse: Browser
) -> None:
    story, other = Story(house), Story(house)
    story.admit()
    other.admit()
    story.report("70.0", minutes=-10)
    device = story.accept(technician)
    patient = story.patient_id()
    charted = story.charted(patient, "74.0")
    assert {(c["system"], c["code"]) for c in charted["code"]["coding"]} >= {
        ("http://loinc.org", "8867-4"), ("urn:iso:std:iso:11073:10101", "147842")}  # fmt: skip
    assert charted["valueQuantity"]["system"] == "http://unitsofmeasure.org"
    assert charted["valueQuantity"]["code"] == "/min"
    assert charted["device"]["reference"] == f"Device/{device}"
    assert b'"value":74.0' in house.get(f"/fhir/Observation/{charted['id']}", "nurse")[1].replace(b": ", b":")

    # What no table knows is kept under its own code, with the digits as sent.
    page = nurse.get(f"/devices/{device}")
    assert page.status_code == 200
    raw = house.fetch("""SELECT c.refid, l.text FROM channel c JOIN last_value l USING (channel_id)
                         WHERE c.device_id = $1 AND c.code = 999999""", device)  # fmt: skip
    assert [(row["refid"], row["text"]) for row in raw] == [("MDC_NO_SUCH_THING", "5.10")]

    # The hospital's system gets the result although another destination is dead.
    result = house.until(lambda: [m for m in receiver.about(story.patient) if "|74.0|" in m])[0]
    assert "ORU^R01" in result
    assert "8867-4" in result
    assert not [m for m in receiver.about(story.patient) if "|74|" in m]

    # The monitor was on the other patient: a nurse says so, chart and hospital are put right.
    place = story.place()
    target = other.patient_id()
    page = nurse.get(f"/beds/{place}").text
    binding = page.split("/bindings/")[1].split("/")[0]
    answer = nurse.submit(
        f"/beds/{place}/bindings/{binding}/correct", {"patient": target, "reason": "wrong bed chosen"}
    )
    assert answer.status_code == 303, answer.text[-800:]
    moved = house.until(lambda: [o for o in story.observations(target) if _value(o) == "74.0"])[0]
    assert moved["status"] != "entered-in-error"
    wrong = fhir(house, f"Observation/{charted['id']}")
    assert wrong["status"] == "entered-in-error"
    house.until(lambda: [m for m in receiver.about(other.patient) if "|74.0|" in m])
    house.until(lambda: [m for m in receiver.about(story.patient) if _status(m, "8867-4") in {"W", "D", "X"}])

    queue = {row["destination"]: row["n"] for row in house.fetch(
        "SELECT destination, count(*) AS n FROM outbound_message WHERE state = 'queued' GROUP BY 1")}  # fmt: skip
    assert queue.get("dead", 0) > 0


def _value(observation: dict[str, Any]) -> str:
    return str(observation.get("valueQuantity", {}).get("value", ""))


def _status(message: str, loinc: str) -> str:
    for line in message.split("\r"):
        if line.startswith("OBX") and loinc in line:
            return line.split("|")[11]
    return ""


def test_a_patient_who_moves_and_leaves(house: Served, technician: Browser) -> None:
    story = Story(house)
    story.admit()
    story.report("60.0", minutes=-50)
    device = story.accept(technician)
    patient = story.patient_id()
    story.charted(patient, "61.0")
    # Moved away: what the monitor of the old bed says since is not the patient's.
    story.admit(trigger="A02", bed=f"WIRE^{story.room}^2", minutes=0)
    story.report("62.0")
    house.until(lambda: house.fetch("SELECT 1 FROM last_value l JOIN channel USING (channel_id) "
                                    "WHERE device_id = $1 AND text = '62.0'", device))  # fmt: skip
    assert "62.0" not in {_value(o) for o in story.observations(patient)}
    encounter = fhir(house, f"Encounter?subject=Patient/{patient}")["entry"][0]["resource"]
    assert [one["status"] for one in encounter["location"]][-1] == "active"
    story.admit(trigger="A03", bed=f"WIRE^{story.room}^2", minutes=0)
    house.until(lambda: fhir(house, f"Encounter/{encounter['id']}")["status"] == "finished")


@pytest.mark.parametrize("mode", ["T", "D"])
def test_tests_and_demonstrations_are_kept_and_never_charted(house: Served, technician: Browser, mode: str) -> None:
    story = Story(house)
    story.admit()
    story.report("80.0", minutes=-9)
    story.accept(technician)
    control = story.report("199.0", mode=mode)
    patient = story.patient_id()
    story.charted(patient, "81.0")
    assert "199.0" not in {_value(o) for o in story.observations(patient)}
    assert house.fetch("SELECT 1 FROM intake WHERE control = $1", control)


def test_a_repeated_message_is_stored_once_and_other_content_is_not_lost(house: Served) -> None:
    story = Story(house)
    message = pcd01(story.key, f"{story.patient}-same", [heart_rate("64")], at=now(-1))
    other = message.replace(b"|64|", b"|65|")
    answers = send(house.mllp_port, message, message, other, message)
    assert [code(answer) for answer in answers] == ["CA"] * 4
    assert len(house.fetch("SELECT 1 FROM intake WHERE control = $1", f"{story.patient}-same")) == 2


def test_a_refusal_becomes_a_dead_letter_that_can_be_replayed(house: Served, receiver: Receiver) -> None:
    operator = browser(house, "operator")
    # The queue of the destination is empty before, so that nothing of another test is refused.
    house.until(lambda: not house.fetch(
        "SELECT 1 FROM outbound_message WHERE destination = 'his' AND state = 'queued'"))  # fmt: skip
    receiver.answer = "AR"
    try:
        assert operator.submit("/integration/test", {"destination": "his"}).status_code == 303
        dead = house.until(lambda: house.fetch(
            """SELECT id, control, reason FROM outbound_message
               WHERE destination = 'his' AND state = 'dead'"""))[0]  # fmt: skip
    finally:
        receiver.answer = "AA"
    assert "AR" in dead["reason"]
    page = operator.get("/integration").text
    assert f"/integration/dead/{dead['id']}/replay" in page
    assert operator.submit(f"/integration/dead/{dead['id']}/replay", {}).status_code == 303
    house.until(lambda: house.fetch(
        "SELECT 1 FROM outbound_message WHERE id = $1 AND state = 'sent'", dead["id"]))  # fmt: skip
    assert len(receiver.about(dead["control"])) == 2


@pytest.mark.parametrize("minutes", [-61, 61], ids=["behind", "ahead"])
def test_a_clock_that_is_an_hour_off(house: Served, technician: Browser, minutes: int) -> None:
    """After some reports the offset is known and values are charted at the time when they were measured."""
    story = Story(house)
    story.admit(minutes=-120)
    story.report("90.0", minutes=minutes)
    device = story.accept(technician)
    for number in range(12):
        story.report(f"9{number % 10}.5", minutes=minutes)
    patient = story.patient_id()
    found = story.charted(patient, "82.5", minutes=minutes)
    assert abs(_age(found)) < 180
    row = house.fetch("SELECT clock_offset_us FROM device_state WHERE device_id = $1", device)[0]
    assert abs(row["clock_offset_us"] / 60_000_000 + minutes) < 3
    assert technician.get(f"/devices/{device}").status_code == 200


def _age(observation: dict[str, Any]) -> float:
    moment = datetime.fromisoformat(observation["effectiveDateTime"].replace("Z", "+00:00"))
    return (now() - moment).total_seconds()
