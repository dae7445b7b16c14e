"""``/healthz``, ``/readyz`` and ``/metrics`` of the running server."""

from __future__ import annotations

import json

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.app.his import adt, heart_rate, pcd01, send
from tests.app.served import Served


def samples(house: Served) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    status, body = house.get("/metrics")
    assert status == 200
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def of(house: Served, name: str, **labels: str) -> float:
    return sum(value for (found, told), value in samples(house).items()
               if found == f"wardbridge_{name}" and set(labels.items()) <= set(told))  # fmt: skip


def test_health_and_readiness_are_open_and_say_nothing_private(house: Served) -> None:
    assert house.get("/healthz") == (200, b"ok\n")
    status, body = house.get("/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "problems": []})


def test_metrics_are_prometheus_text(house: Served) -> None:
    answer = httpx.get(f"{house.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = {name for name, _ in samples(house)}
    assert {"wardbridge_up", "wardbridge_database_up", "wardbridge_disk_free_bytes", "wardbridge_database_bytes",
            "wardbridge_mllp_connections", "wardbridge_alarm_heartbeat_age_seconds",
            "wardbridge_alarms_active", "wardbridge_intake_stored_total"} <= names  # fmt: skip
    assert of(house, "up") == of(house, "database_up") == 1
    assert 0 <= of(house, "alarm_heartbeat_age_seconds") < 15


def test_counters_move_with_traffic(house: Served) -> None:
    stored = of(house, "intake_stored_total")
    accepted = of(house, "mllp_total", of="CA")
    messages = [pcd01("02A17CFFFE0C0001", f"probe-{n}", [heart_rate("70")]) for n in range(20)]
    send(house.mllp_port, *messages, messages[-1], adt("A08", "probe-adt", "PROBE1"))
    house.until(lambda: of(house, "intake_stored_total") >= stored + 21)
    house.until(lambda: of(house, "mllp_total", of="CA") >= accepted + 21)
    assert of(house, "intake_duplicates_total") >= 1
    house.until(lambda: of(house, "pipeline_total", of="entries_device") >= 20)
    assert of(house, "hl7_messages_total", of="ADT A08") >= 1


def test_metrics_through_a_proxy_need_a_token(house: Served) -> None:
    def status(role: str = "") -> int:
        headers = {"x-forwarded-for": "192.0.2.7"}
        if role:
            headers["authorization"] = f"Bearer {house.token(role)}"
        return httpx.get(f"{house.url}/metrics", headers=headers).status_code

    assert status() == 401
    assert status("nurse") == 403
    assert [status(role) for role in ("operator", "administrator", "service")] == [200] * 3


def test_no_patient_in_metrics(house: Served) -> None:
    send(house.mllp_port, adt("A01", "probe-name", "PROBE2", bed="PROBE^1^1", name="Verysecret^Name"))
    assert b"Verysecret" not in house.get("/metrics")[1]
    assert b"PROBE2" not in house.get("/metrics")[1]
