"""Infusions: which of a pump's channels are rate, dose, volume and drug."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wardbridge.devices.store.registry import Device
from wardbridge.telemetry.values import Last
from wardbridge.web import views as v
from wardbridge.web.adapters.common import value
from wardbridge.web.slots import PUMP_DOSE, PUMP_DRUG, PUMP_GIVEN, PUMP_LEFT, PUMP_RATE, PUMP_STATUS

STATUS = {
    "pump-status-infusing": "infusing",
    "pump-status-stopped": "stopped",
    "pump-status-paused": "paused",
    "pump-status-delivering": "infusing",
}


def infusions(devices: Iterable[Device], lasts: Mapping[str, list[Last]]) -> tuple[tuple[v.Infusion, ...], set[int]]:
    """Every device that has an infusion rate, and the channels that are shown by it."""
    found: list[v.Infusion] = []
    used: set[int] = set()
    for device in devices:
        mine = lasts.get(device.device_id, [])
        rate = _pick(mine, PUMP_RATE)
        if rate is None:
            continue
        parts = {
            "rate": rate,
            "dose": _pick(mine, PUMP_DOSE),
            "volume": _pick(mine, PUMP_GIVEN),
            "remaining": _pick(mine, PUMP_LEFT),
        }
        used |= {last.channel.channel_id for last in parts.values() if last is not None}
        drug, status = _pick(mine, PUMP_DRUG), _pick(mine, PUMP_STATUS)
        shown = {name: value(last) for name, last in parts.items() if last is not None}
        state = status.text.lstrip("^") if status else ""
        found.append(
            v.Infusion(
                device_id=device.device_id,
                device=device.label,
                drug=drug.text.lstrip("^") if drug else "",
                state=STATUS.get(state, state),
                **shown,
            )
        )
    return tuple(found), used


def _pick(lasts: Sequence[Last], codes: Sequence[int]) -> Last | None:
    """The newest value of the best of these codes."""
    for code in codes:
        fitting = [last for last in lasts if last.channel.spec.code == code]
        if fitting:
            return max(fitting, key=lambda last: last.received)
    return None
