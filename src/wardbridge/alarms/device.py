"""Alarms that devices report: from AlertSignal to the alarm table, exactly once a report."""

from __future__ import annotations

from wardbridge.alarms import store
from wardbridge.alarms.signals import KIND, PRIORITY, Alarm, Report, step
from wardbridge.core.db import Connection
from wardbridge.devices.values import AlertSignal, DeviceEvent, Quality
from wardbridge.terminology.slots import slot_of
from wardbridge.terminology.units import shown


def report_of(signal: AlertSignal, received: int) -> Report:
    """The report in the words of the screens."""
    limit = f"{signal.low or '…'}–{signal.high or '…'}" if signal.low or signal.high else ""
    value = f"{signal.value} {shown(signal.unit)}".strip() if signal.value else ""
    text = signal.text or signal.refid or "Alarm"
    # Nobody is called by a test: it is shown, marked as one, without a priority that sounds.
    trial = bool(signal.quality & (Quality.TEST | Quality.DEMO))
    return Report(
        signal.phase,
        signal.state,
        "info" if trial else PRIORITY.get(signal.priority, "medium"),
        "advisory" if trial else KIND.get(signal.kind, "technical"),
        f"TEST: {text}" if trial else text,
        value,
        limit,
        signal.device_time or received,
        signal.inactivation,
    )


class DeviceAlarms:
    """The devices room's AlertSink. Works in the pipeline's transaction; the pipeline rings."""

    async def apply(
        self,
        conn: Connection,
        device_id: str,
        patient_id: str | None,
        place_id: str | None,
        signal: AlertSignal,
        received: int,
    ) -> None:
        """Apply one report. A report seen before, a heartbeat of nothing and an end of nothing change nothing."""
        key = f"{device_id}|{signal.alert_id}"
        report = report_of(signal, received)
        if signal.event_id and await store.seen_event(conn, "device", key, signal.event_id):
            return
        if signal.phase == "continue":
            await store.reopen(conn, key, received)
        row = await store.open_alarm(conn, "device", key)
        known = None
        if row is not None:
            known = Alarm(
                row["priority"],
                row["kind"],
                row["state"],
                row["text"],
                row["value"],
                row["limit_text"],
                row["since"],
                row["last"],
                bool(row["acknowledged_by"]),
                tuple(row["inactivation"]),
            )
        elif report.time <= await store.last_ended(conn, "device", key):
            return  # a late report of an alarm that is over
        after = step(known, report)
        if after is None:
            return
        if row is None:
            alarm_id = await store.insert(
                conn,
                origin="device",
                key=key,
                device_id=device_id,
                patient_id=patient_id or "",
                place_id=place_id or "",
                slot=slot_of(signal.source_code),
                channel=signal.channel,
                code=signal.code,
                text=after.text,
                value=after.value,
                limit_text=after.limit,
                priority=after.priority,
                kind=after.kind,
                state=after.state,
                inactivation=list(after.inactivation),
                since=after.since,
                heard=received,
                last=after.last,
            )
        else:
            alarm_id = row["alarm_id"]
            ended = received if after.state == "inactive" else None
            await store.update(
                conn,
                alarm_id,
                text=after.text,
                value=after.value,
                limit_text=after.limit,
                priority=after.priority,
                state=after.state,
                inactivation=list(after.inactivation),
                last=after.last,
                heard=received,
                ended=ended,
            )
        if after.acknowledged and not (row is not None and row["acknowledged_by"]):
            await store.update(conn, alarm_id, acknowledged_by="at the device", acknowledged_at=received)
        await store.add_event(conn, alarm_id, signal.event_id, report.time, signal.phase, after.priority, after.state)


class DeviceReturns:
    """The devices room's EventSink: a device that connects anew names its live alarms in the same breath,
    so any other alarm of it is over."""

    async def apply(
        self,
        conn: Connection,
        device_id: str,
        patient_id: str | None,
        place_id: str | None,
        event: DeviceEvent,
        received: int,
    ) -> None:
        """End what a device that came back no longer reports."""
        if event.name == "connected":
            await store.end_unheard(conn, device_id, received)
