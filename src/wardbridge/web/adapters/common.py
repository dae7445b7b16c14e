"""What several adapters share: names, labels, signatures, ages."""

from __future__ import annotations

from typing import Any

from wardbridge.core.clock import SECOND, to_datetime
from wardbridge.devices.board import Interval
from wardbridge.devices.store.registry import Device
from wardbridge.security.principal import Principal
from wardbridge.telemetry.values import Channel, Last
from wardbridge.terminology import mdc
from wardbridge.terminology.units import shown
from wardbridge.web import views as v
from wardbridge.web.slots import INVALID, Reading, stale_seconds
from wardbridge.web.words import _

SILENT = 15 * SECOND
UNITLESS = frozenset({"1", "MDC_DIM_DIMLESS"})


def reference(who: Principal) -> str:
    """The person as a FHIR reference: who stands for a value or a correction."""
    return f"Practitioner/{who.practitioner or who.id}"


def age(birth_date: str, now: int) -> str:
    """The age at ``now`` as a bed shows it: days, months below two years, then years; '' when unknown."""
    parts = [int(part) for part in birth_date[:10].split("-") if part.isdigit()]
    if not parts:
        return ""
    today = to_datetime(now)
    year, month, day = (*parts, 1, 1)[:3] if len(parts) < 3 else parts[:3]
    months = (today.year - year) * 12 + today.month - month - (today.day < day)
    if months < 0:
        return ""
    if months >= 24:
        return f"{months // 12} {_('y')}"
    return f"{months} {_('mo')}"


def full_name(family: str, given: str) -> str:
    """``Family, Given``; one of them where there is only one."""
    return ", ".join(part for part in (family, given) if part) or _("no name")


def channel_label(channel: Channel) -> str:
    """How people see a channel: the nomenclature's short label, else what the device calls it."""
    known = mdc.name(channel.spec.code)
    return known.short if known else channel.spec.label or mdc.label(channel.spec.code, channel.spec.refid)


def channel_unit(channel: Channel) -> str:
    unit = shown(channel.spec.ucum) or channel.spec.unit
    return "" if unit in UNITLESS else unit


def reading(last: Last) -> Reading:
    """A channel's last value as a candidate for a slot."""
    channel = last.channel
    return Reading(
        channel.spec.code, last.text, last.time, last.received, last.quality, channel.channel_id,
        channel.device_id, channel_unit(channel),
    )  # fmt: skip


def value(last: Last) -> v.Value:
    """A channel's last value as the screens show it."""
    channel = last.channel
    return v.Value(
        text="" if last.quality & INVALID else last.text,
        unit=channel_unit(channel),
        time=last.time,
        received=last.received,
        quality=last.quality,
        channel_id=channel.channel_id,
        device_id=channel.device_id,
        label=channel_label(channel),
        stale_seconds=stale_seconds(channel.spec.code),
    )


def type_name(device: Device) -> str:
    """``Ventilator``, ``Syringe pump``; '' where the type is not known."""
    return mdc.label(device.type_code, device.type_refid) if device.type_code or device.type_refid else ""


def device_state(device: Device, now: int) -> str:
    """on, silent (should speak and does not), standby or off (never heard, retired)."""
    if not device.last_seen or device.state == "retired":
        return "off"
    if device.standby:
        return "standby"
    return "on" if device.connected and now - device.last_seen <= SILENT else "silent"


def concept(resource: dict[str, Any], name: str) -> str:
    """The text of a CodeableConcept field."""
    found = resource.get(name) or {}
    codings = found.get("coding") or [{}]
    return str(found.get("text") or codings[0].get("display") or codings[0].get("code") or "")


def binding_view(one: Interval, device: str, bed: str, name: str = "") -> v.Binding:
    """An interval of the devices room; ``stop`` becomes 0 while it runs."""
    return v.Binding(
        id=str(one.binding_id), device_id=one.device_id, device=device, patient_id=one.patient_id,
        patient_name=name, bed=bed, start=one.start, stop=one.stop or 0, source=one.source, by=one.by,
    )  # fmt: skip
