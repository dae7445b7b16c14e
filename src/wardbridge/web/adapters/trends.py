"""Trends of one bed on one time axis: reduced telemetry of the bound time, and what people charted."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.care.chart import find_all
from wardbridge.care.flowsheet import cell_of, code_of
from wardbridge.core.clock import MINUTE, iso
from wardbridge.core.db import Pool
from wardbridge.devices.board import Bed
from wardbridge.devices.store import facts
from wardbridge.fhir.store.record import Record
from wardbridge.telemetry import store as telemetry
from wardbridge.telemetry.blocks.read import reduced
from wardbridge.telemetry.values import Channel, Span
from wardbridge.web import views as v
from wardbridge.web.adapters.common import channel_unit
from wardbridge.web.slots import BY_NAME, PUMP_RATE, RANKED

MANUAL = {"8310-5": ("temp", "°C")}
"""Slots of what people chart, by LOINC code."""
GAP_STEPS = 2
SLOW_GAP = 130 * MINUTE
SLOW = frozenset({"nibp-sys", "nibp-dia", "nibp-mean"})


async def trends(
    pool: Pool, record: Record, bed: Bed, patient_id: str, since: int, until: int, points: int
) -> Sequence[v.Series]:
    """Only what was measured while the device was bound to this patient: another's values never show."""
    devices = [device.device_id for device in bed.devices]
    labels = {device.device_id: device.label for device in bed.devices}
    spans = await _bound(pool, devices, patient_id, since, until)
    series: list[v.Series] = []
    for channel in _chosen(await telemetry.channels(pool, devices)):
        merged: list[Span] = []
        for start, stop in spans.get(channel.device_id, ()):
            share = max(2, round(points * (stop - start) / (until - since)))
            merged += await reduced(pool, channel.channel_id, start, stop, share)
        if merged:
            series.append(_series(channel, merged, labels[channel.device_id]))
    if patient_id:
        series += await _manual(record, patient_id, since, until)
    return series


async def _bound(
    pool: Pool, devices: Sequence[str], patient_id: str, since: int, until: int
) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    async with pool.acquire() as conn:
        for row in await facts.spans(conn, devices, since):
            start, stop = max(since, row.span.start), min(until, row.span.stop)
            if row.span.patient_id == patient_id and start < stop:
                found.setdefault(row.device_id, []).append((start, stop))
    return found


def _chosen(channels: Sequence[Channel]) -> list[Channel]:
    """The best channel of each slot, and every pump's rate."""
    best: dict[str, Channel] = {}
    rates = []
    for channel in channels:
        code = channel.spec.code
        if code in PUMP_RATE[:1]:
            rates.append(channel)
        if code not in RANKED or channel.spec.kind != "numeric":
            continue
        slot, rank = RANKED[code]
        if slot not in best or rank < RANKED[best[slot].spec.code][1]:
            best[slot] = channel
    return [best[slot] for slot in BY_NAME if slot in best] + rates


def _series(channel: Channel, spans: Sequence[Span], device: str) -> v.Series:
    """Spans as points with an empty one wherever a step or more is missing."""
    slot = RANKED[channel.spec.code][0] if channel.spec.code in RANKED else f"rate-{channel.channel_id}"
    label = BY_NAME[slot].label if slot in BY_NAME else device
    found: list[tuple[int, float | None, float | None, float | None]] = []
    before: Span | None = None
    for span in spans:
        limit = SLOW_GAP if slot in SLOW else GAP_STEPS * span.step
        if before is not None and span.time - before.time > limit:
            found.append((before.time + before.step, None, None, None))
        found.append((span.time, span.low, span.high, (span.low + span.high) / 2))
        before = span
    return v.Series(slot=slot, label=label, unit=channel_unit(channel), points=tuple(found))


async def _manual(record: Record, patient_id: str, since: int, until: int) -> list[v.Series]:
    found: dict[str, list[tuple[int, float | None, float | None, float | None]]] = {}
    for code in MANUAL:
        asked = [("patient", f"Patient/{patient_id}"), ("code", f"http://loinc.org|{code}"),
                 ("date", f"ge{iso(since)}"), ("date", f"lt{iso(until)}")]  # fmt: skip
        for observation in await find_all(record, "Observation", asked):
            cell = cell_of(observation)
            if cell.source != "manual" or cell.status == "entered-in-error":
                continue
            try:
                number = float(cell.text)
            except ValueError:
                continue
            found.setdefault(code_of(observation)[0], []).append((cell.time, number, number, number))
    return [
        v.Series(slot=MANUAL[code][0], label=BY_NAME[MANUAL[code][0]].label, unit=MANUAL[code][1], source="manual",
                 points=tuple(sorted(points)))
        for code, points in found.items() if code in MANUAL
    ]  # fmt: skip
