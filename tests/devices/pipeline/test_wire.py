"""From the bytes of a message to the Observation, through the HL7 v2 driver and every real part between."""

from __future__ import annotations

from typing import Any

import structlog

from pipeline.scene import scene
from wardbridge.core.db import transaction
from wardbridge.devices import fleet
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.drivers.hl7_mllp.driver import build
from wardbridge.devices.pipeline.sink import IntakeSink
from wardbridge.devices.store import pipeline as store

MESSAGE = "\r".join(
    [
        "MSH|^~\\&|MON^0003B1FFFE001122^EUI-64|ICU|||20260101000500+0000||ORU^R01^ORU_R01|{control}|{mode}|2.6|||AL|NE"
        "|||||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
        "PID|||{patient}^^^HIS^MR||Doe^Jo^^^^^L",
        "PV1||I|ICU^^1",
        "OBR|1||1^MON|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||20260101000500+0000",
        "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||0003B1FFFE001122^^0003B1FFFE001122^EUI-64",
        "OBX|2||69966^MDC_DEV_MON_PHYSIO_MULTI_PARAM_VMD^MDC|1.1.0.0|||||||X",
        "OBX|3||69967^MDC_DEV_MON_PHYSIO_MULTI_PARAM_CHAN^MDC|1.1.1.0|||||||X",
        "OBX|4|NM|147842^MDC_ECG_HEART_RATE^MDC|1.1.1.1|72.0|264864^MDC_DIM_BEAT_PER_MIN^MDC|50-120||||R",
        "OBX|5|NM|150021^MDC_PRESS_BLD_NONINV_SYS^MDC|1.1.1.2|120|266016^MDC_DIM_MMHG^MDC|||||R|||20260101000400+0000",
        "OBX|6|NM|150022^MDC_PRESS_BLD_NONINV_DIA^MDC|1.1.1.3|80|266016^MDC_DIM_MMHG^MDC|||||R|||20260101000400+0000",
        "OBX|7|NM|999999^MDC_NO_SUCH_THING^MDC|1.1.1.4|5|262656^MDC_DIM_DIMLESS^MDC|||||R",
        "",
    ]
)


async def test_a_pcd_01_message_becomes_observations(database: Any) -> None:
    ward = await scene(database.pool)
    driver = build(DriverContext("icu", {}, ward.clock, IntakeSink(ward.intake), structlog.get_logger()))

    async def send(control: str, *, mode: str = "P", patient: str = "100") -> str:
        text = MESSAGE.format(control=control, mode=mode, patient=patient)
        return (await driver.handle(text.encode())).accept

    ward.clock.set(ward.minute(5))
    assert await send("1") == "accept"
    await ward.adt("A01", "100", 0, "1")
    await ward.work()
    waiting = await fleet.queue(ward.pool)
    assert len(waiting) == 1
    async with transaction(ward.pool) as conn:
        await fleet.accept(ward.parts, conn, waiting[0].device_id, "Practitioner/t", since=0)
    assert await send("2") == "accept"
    assert await send("2") == "accept"
    assert await send("3", mode="D") == "accept"
    await ward.work()
    found = await ward.observations(wrong=True)
    heart = [o for o in found if "component" not in o]
    panel = [o for o in found if "component" in o]
    assert [str(o["valueQuantity"]["value"]) for o in heart] == ["72.0"]
    assert heart[0]["valueQuantity"]["code"] == "/min"
    assert [[str(c["valueQuantity"]["value"]) for c in o["component"]] for o in panel] == [["120", "80"]]
    assert panel[0]["effectiveDateTime"] == "2026-01-01T00:04:00.000Z"
    assert {o["subject"]["reference"] for o in found} == {f"Patient/{await ward.patient('100')}"}
    device = await fleet.device(ward.pool, waiting[0].device_id)
    assert (device.place_id, device.unmapped) == (await ward.bed("1"), 3)
    assert (device.key, device.type_code) == ("0003B1FFFE001122", 69965)
    counts = await store.counts(ward.pool)
    assert (counts["entries_device"], counts.get("refused", 0)) == (3, 0)
    await ward.intake.close()


async def test_what_no_driver_interprets_is_counted_and_not_refused(database: Any) -> None:
    ward = await scene(database.pool)
    driver = build(DriverContext("icu", {}, ward.clock, IntakeSink(ward.intake), structlog.get_logger()))
    other = (
        "MSH|^~\\&|PUMP|ICU|||20260101000500+0000||RGV^O15^RGV_O15|7|P|2.6|||AL|NE"
        "|||||IHE_PCD_003^IHE PCD^1.3.6.1.4.1.19376.1.6.1.3.1^ISO\r"
    )
    await driver.handle(other.encode())
    await driver.junk("no frame", b"\x00\x01")
    await ward.work()
    counts = await store.counts(ward.pool)
    kept = sum(number for name, number in counts.items() if name.startswith("not_interpreted"))
    assert (counts["entries_device"], kept, counts["quarantined"], counts.get("refused", 0)) == (2, 1, 1, 0)
    assert await fleet.list_devices(ward.pool) == []
    await ward.intake.close()
