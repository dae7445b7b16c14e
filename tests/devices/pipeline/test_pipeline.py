"""The heart end to end: from the intake log to samples, chart, alarms, exactly once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from pipeline.scene import DIA, HR, MEAN, SPO2, SYS, Scene, hint, reading, scene
from wardbridge.devices import fleet
from wardbridge.devices.charting.observation import trace
from wardbridge.devices.pipeline.batch import Sinks
from wardbridge.devices.store import pipeline as store
from wardbridge.devices.values import AlertSignal, DeviceEvent, Identity, Quality, Waveform
from wardbridge.telemetry import store as telemetry


@pytest.fixture
async def ward(database: Any) -> AsyncIterator[Scene]:
    found = await scene(database.pool)
    yield found
    await found.intake.close()


async def test_values_of_a_bound_device_become_observations_of_its_patient(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 1, "1")
    await ward.put(reading(HR, "72", ward.minute(2)), reading(SPO2, "97.50", ward.minute(2)), received=ward.minute(2))
    await ward.work()
    patient = await ward.patient("100")
    found = await ward.observations()
    assert {o["subject"]["reference"] for o in found} == {f"Patient/{patient}"}
    heart = next(o for o in found if o["code"]["text"] == "Heart rate")
    oxygen = next(o for o in found if o is not heart)
    assert heart["status"] == "preliminary"
    assert heart["device"] == {"reference": f"Device/{device}"}
    assert str(oxygen["valueQuantity"]["value"]) == "97.50"
    assert oxygen["valueQuantity"]["code"] == "%"
    assert heart["effectiveDateTime"] == "2026-01-01T00:02:00.000Z"
    encounter = (await ward.resources("Encounter"))[0]
    assert heart["encounter"] == {"reference": f"Encounter/{encounter['id']}"}


async def test_a_charted_value_leads_back_to_its_sample(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 1, "1")
    await ward.put(reading(HR, "72", ward.minute(2)), received=ward.minute(2))
    await ward.work()
    led = trace((await ward.observations())[0])
    assert led is not None
    device, channel, time = led
    last = (await telemetry.last_values(ward.pool, [device]))[device][0]
    assert (last.channel.channel_id, last.time, last.text) == (channel, time, "72")


async def test_a_repeated_message_is_stored_and_charted_once(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 1, "1")
    for _ in range(3):
        ward.count = 50
        await ward.put(reading(HR, "72", ward.minute(2)), received=ward.minute(2))
    await ward.work()
    assert len(await ward.observations()) == 1


async def test_one_value_a_quarter_of_an_hour(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    for n in range(60):
        await ward.put(reading(HR, str(60 + n), ward.minute(n)), received=ward.minute(n))
    await ward.work()
    assert [str(o["valueQuantity"]["value"]) for o in await ward.observations()] == ["60", "75", "90", "105"]


async def test_cuff_pressures_are_one_panel_and_each_measurement_once(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    for n in range(4):
        taken = ward.minute(1 if n < 3 else 4)
        await ward.put(
            reading(SYS, "120", taken),
            reading(DIA, "80", taken),
            reading(MEAN, "93", taken),
            reading(HR, "72", ward.minute(n)),
            received=ward.minute(n + 1),
        )
    await ward.work()
    panels = [o for o in await ward.observations() if "component" in o]
    assert [o["effectiveDateTime"][11:16] for o in panels] == ["00:01", "00:04"]
    assert panels[0]["code"]["coding"][0]["code"] == "85354-9"
    assert [c["code"]["coding"][0]["code"] for c in panels[0]["component"]] == ["8480-6", "8462-4", "8478-0"]


async def test_parts_of_a_panel_that_come_later_join_it(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.put(reading(SYS, "120", ward.minute(1)), received=ward.minute(1))
    await ward.work()
    await ward.put(reading(DIA, "80", ward.minute(1)), received=ward.minute(1))
    await ward.work()
    panels = [o for o in await ward.observations() if "component" in o]
    assert len(panels) == 1
    assert len(panels[0]["component"]) == 2


@pytest.mark.parametrize(
    "flag",
    [Quality.TEST, Quality.DEMO, Quality.CALIBRATING, Quality.INVALID, Quality.WRONG_PATIENT, Quality.UNAVAILABLE],
)
async def test_flagged_values_are_kept_but_never_charted(ward: Scene, flag: Quality) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.put(reading(HR, "72", ward.minute(1), quality=int(flag)), received=ward.minute(1))
    await ward.work()
    assert await ward.observations() == []
    assert (await telemetry.last_values(ward.pool, [device]))[device][0].quality == flag


async def test_an_unknown_code_is_kept_shown_and_counted_but_not_charted(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.put(reading(999_999, "7", ward.minute(1), refid="MDC_NO_SUCH"), received=ward.minute(1))
    await ward.work()
    assert await ward.observations() == []
    assert (await telemetry.last_values(ward.pool, [device]))[device][0].text == "7"
    assert (await fleet.device(ward.pool, device)).unmapped == 1
    assert (await store.counts(ward.pool))["unmapped"] == 1


async def test_a_corrected_value_is_amended_and_a_deleted_one_voided(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.put(reading(HR, "72", ward.minute(1)), reading(SPO2, "97", ward.minute(1)), received=ward.minute(1))
    await ward.put(
        reading(HR, "75", ward.minute(1), quality=int(Quality.CORRECTED)),
        reading(SPO2, "97", ward.minute(1), quality=int(Quality.WRONG_PATIENT)),
        received=ward.minute(2),
    )
    await ward.work()
    found = {o["code"]["text"]: o for o in await ward.observations(wrong=True)}
    heart = found.pop("Heart rate")
    assert (heart["status"], str(heart["valueQuantity"]["value"])) == ("amended", "75")
    assert [o["status"] for o in found.values()] == ["entered-in-error"]


async def test_waveforms_and_states_are_kept(ward: Scene) -> None:
    device = await ward.device()
    samples = b"\x01\x00\x02\x00"
    await ward.put(
        Waveform("69965/1/131330", 131330, "MDC_ECG_ELEC_POTL_II", ward.minute(1), 4000.0, samples, 0.01),
        DeviceEvent("battery", value="80"),
        received=ward.minute(1),
    )
    await ward.work()
    kept = await fleet.device(ward.pool, device)
    assert (kept.battery, kept.last_seen, kept.clock_offset_us) == (80, ward.minute(1), 0)
    waves = (await telemetry.tail(ward.pool, telemetry.Position(0, 0), 10))[0].slice.waves
    assert waves[0].samples == samples


class Heard:
    """Keeps what it is handed, in the database like a real sink."""

    def __init__(self) -> None:
        self.got: list[tuple[Any, ...]] = []

    async def apply(
        self, conn: Any, device_id: str, patient_id: str | None, place_id: str | None, value: Any, received: int
    ) -> None:
        self.got.append((device_id, patient_id, place_id, value, received))


def alert(time: int, **more: Any) -> AlertSignal:
    return AlertSignal(
        "a1", "e1", "start", "active", "PM", "SP", 196648, "MDC_EVT_HI", "HR high", device_time=time, **more
    )


async def test_alarms_and_events_go_on_with_the_patient_of_their_time(database: Any) -> None:
    alarms, events = Heard(), Heard()
    ward = await scene(database.pool, sinks=Sinks((alarms,), (events,)))
    device = await ward.device()
    await ward.put(reading(HR, "72", ward.minute(1)), received=ward.minute(1))
    await ward.put(alert(ward.minute(2)), DeviceEvent("fault", "worn cable"), received=ward.minute(2))
    await ward.adt("A01", "100", 1.5, "1")
    await ward.work()
    patient, place = await ward.patient("100"), await ward.bed("1")
    assert [(g[0], g[1], g[2]) for g in alarms.got] == [(device, patient, place)]
    assert events.got[0][3].name == "fault"
    await ward.intake.close()


async def test_a_physiological_alarm_charts_the_value_it_is_about(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.put(reading(HR, "72", ward.minute(1)), received=ward.minute(1))
    await ward.put(reading(HR, "131", ward.minute(2)), received=ward.minute(2))
    await ward.put(alert(ward.minute(2), source_code=HR, value="131"), received=ward.minute(2))
    await ward.work()
    assert [str(o["valueQuantity"]["value"]) for o in await ward.observations()] == ["72", "131"]


async def test_settings_are_charted_when_they_change_and_not_more_than_once_a_minute(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    for n, text in enumerate(["10", "10", "20", "30", "30", "30", "30", "30", "30"]):
        at = ward.minute(1) + n * 10_000_000
        await ward.put(reading(157784, text, at, ucum="mL/h"), received=at)
    await ward.work()
    assert [str(o["valueQuantity"]["value"]) for o in await ward.observations()] == ["10", "30"]


async def test_a_broken_entry_is_refused_alone_and_blocks_nobody(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.put(reading(HR, "72", ward.minute(1)), received=ward.minute(1))
    bad = await ward.put(Waveform("c", 131330, "", ward.minute(1), -1.0, b"\x01"), received=ward.minute(1))
    nobody = await ward.put(reading(HR, "1", ward.minute(1)), device="", received=ward.minute(1))
    await ward.put(reading(SPO2, "97", ward.minute(2)), received=ward.minute(2))
    await ward.work()
    assert len(await ward.observations()) == 2
    refused = await store.refused(ward.pool)
    assert {r.sequence for r in refused} == {bad, nobody}
    assert all(r.reason for r in refused)
    assert (await store.counts(ward.pool))["refused"] == 2


async def test_a_payload_that_cannot_be_read_is_refused(ward: Scene) -> None:
    from wardbridge.exchange.intake.entry import Entry

    done = await ward.intake.put(Entry("device", "x", "s", "1", ward.minute(0), b"raw", b"\xff\x00nonsense"))
    await ward.intake.put(Entry("other", "x", "s", "2", ward.minute(0), b"raw2", b""))
    await ward.work()
    assert [(r.sequence, r.stage) for r in await store.refused(ward.pool)] == [(done.sequence, "read")]


async def test_a_late_value_of_an_empty_slot_is_charted_at_its_own_time(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.put(reading(HR, "90", ward.minute(40)), received=ward.minute(40))
    await ward.put(reading(HR, "70", ward.minute(16)), received=ward.minute(41))
    await ward.put(reading(HR, "71", ward.minute(17)), received=ward.minute(42))
    await ward.work()
    assert [(o["effectiveDateTime"][11:16], str(o["valueQuantity"]["value"])) for o in await ward.observations()] == [
        ("00:16", "70"),
        ("00:40", "90"),
    ]


async def test_a_new_firmware_is_a_new_version_and_an_event(database: Any) -> None:
    events = Heard()
    ward = await scene(database.pool, sinks=Sinks(events=(events,)))
    device = await ward.device()
    for firmware in ("1.0", "1.0", "1.1"):
        await ward.put(Identity("MON1", firmware=firmware), received=ward.minute(1))
    await ward.work()
    resource = (await ward.resources("Device"))[0]
    assert resource["id"] == device
    assert resource["version"][0]["value"] == "1.1"
    assert resource["serialNumber"] == "S-MON1"
    assert [e[3].name for e in events.got] == ["firmware"]
    await ward.intake.close()


async def test_a_device_that_names_its_patient_is_bound_by_that(ward: Scene) -> None:
    await ward.device(bed="")
    await ward.adt("A01", "100", 0, "1")
    await ward.put(hint("100"), reading(HR, "72", ward.minute(1)), received=ward.minute(1))
    await ward.work()
    assert list((await ward.charted()).values()) == [await ward.patient("100")]
