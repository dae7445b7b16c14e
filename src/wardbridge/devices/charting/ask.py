"""Charting a value because a person asks for it: the present value of a channel, verified by that person."""

from __future__ import annotations

from wardbridge.core.clock import MINUTE
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, NotFound
from wardbridge.devices.charting.issue import settle, verify
from wardbridge.devices.charting.point import Part, Point
from wardbridge.devices.charting.policy import UNFIT
from wardbridge.devices.clocks import Offset, true_time
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import facts, points, registry
from wardbridge.telemetry import store as telemetry
from wardbridge.terminology import mdc

FRESH = 5 * MINUTE


async def chart_now(parts: Parts, conn: Connection, device_id: str, channel_id: int, by: str) -> str:
    """Chart the last value of a channel as seen and verified by ``by`` (a FHIR reference); the Observation's id.

    Asking twice for the same value gives the same Observation. Raises NotFound without such a value,
    Conflict where it must not be charted: flagged, older than 5 minutes, of an unknown code, or when
    nobody is on the device.
    """
    await facts.lock(conn)
    device = await registry.device(conn, device_id)
    lasts = (await telemetry.last_values(conn, [device_id])).get(device_id, [])
    last = next((one for one in lasts if one.channel.channel_id == channel_id), None)
    if device is None or last is None or not last.text:
        raise NotFound("no value of this channel", f"channel/{channel_id}")
    spec = last.channel.spec
    if mdc.term(spec.code) is None or last.quality & UNFIT:
        raise Conflict("this value is not fit for the chart", f"channel/{channel_id}")
    if parts.clock.now() - last.received > FRESH:
        raise Conflict("this value is more than 5 minutes old", f"channel/{channel_id}")
    offset = Offset(device.clock_offset_us).correction()
    time = true_time(last.time, last.received, offset)
    part = Part(
        spec.key,
        channel_id,
        spec.code,
        spec.refid,
        last.text,
        last.number,
        spec.unit,
        spec.ucum,
        last.time,
        last.end,
        last.quality,
    )
    point = Point(device_id, spec.key, "asked", time, time, (part,), "", offset)
    await settle(parts, conn, await points.due(conn, await points.insert(conn, [point])))
    found = await points.of_slot(conn, point)
    if not found:
        raise Conflict("nobody is on the device", f"Device/{device_id}")
    await verify(parts, conn, found, by)
    return found
