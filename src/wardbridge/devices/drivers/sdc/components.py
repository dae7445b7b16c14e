"""States of the machine itself into device events: mode, activation, battery, clock, modules, faults."""

from __future__ import annotations

from typing import Any

from wardbridge.devices.drivers.sdc.describe import Node
from wardbridge.devices.drivers.sdc.mapping import child, coded, micros
from wardbridge.devices.values import AnyValue, DeviceEvent

MODES = {"Nml": "normal", "Dmo": "demo", "Srv": "service", "Mtn": "maintenance"}  # pm:MdsOperatingMode


def events(node: Node, state: Any, old: Any, received: int) -> list[AnyValue]:
    """What a component's state tells that its old one (None for none) did not."""
    told: list[AnyValue] = []
    if node.name == "Mds":
        mode = state.get("OperatingMode", "Nml")
        if old is None or mode != old.get("OperatingMode", "Nml"):
            told.append(DeviceEvent("mode", MODES.get(mode, mode), mode, MODES.get(mode, mode)))
    if node.name in {"Mds", "Vmd", "Channel", "Battery", "Clock", "AlertSystem"}:
        told += _activation(node, state, old)
    if node.name == "Battery":
        told += _battery(node, state, old)
    if node.name == "Clock":
        told += _clock(state, old, received)
    return told


RESTING = frozenset({"StndBy", "Off", "Shtdn"})


def _activation(node: Node, state: Any, old: Any) -> list[AnyValue]:
    """Fault and standby of a component (pm:ComponentActivation)."""
    now = state.get("ActivationState", "On")
    before = "On" if old is None else old.get("ActivationState", "On")
    name = node.code.text or node.code.refid or node.handle
    told: list[AnyValue] = []
    if now == before:
        return told
    if before == "Fail":
        told.append(DeviceEvent("fault_cleared", name, node.handle, now))
    if now == "Fail":
        told.append(DeviceEvent("fault", name, node.handle, now))
    elif now in RESTING and node.name == "Mds":
        told.append(DeviceEvent("standby", name, node.handle, "begin"))
    elif before in RESTING and node.name == "Mds":
        told.append(DeviceEvent("standby", name, node.handle, "end"))
    return told


def charge(node: Node, state: Any) -> str:
    """Remaining charge in whole percent of full, as text; '' where the battery does not tell both."""
    remaining, full = child(state, "CapacityRemaining"), child(node.element, "CapacityFullCharge")
    try:
        part, whole = float(remaining.get("MeasuredValue")), float(full.get("MeasuredValue"))
    except (AttributeError, TypeError, ValueError):
        return ""
    return str(round(100 * part / whole)) if whole > 0 else ""


def _battery(node: Node, state: Any, old: Any) -> list[AnyValue]:
    now = (state.get("ChargeStatus", ""), charge(node, state))
    if not any(now) or (old is not None and now == (old.get("ChargeStatus", ""), charge(node, old))):
        return []
    text = {"Ful": "full", "ChB": "charging", "DisChB": "on battery", "DEB": "empty"}.get(now[0], now[0])
    return [DeviceEvent("battery", text, now[0], now[1])]


def _clock(state: Any, old: Any, received: int) -> list[AnyValue]:
    """The offset of the device's clock against ours in ms (device minus ours), where it tells its time."""
    shown = micros(state.get("DateAndTime"))
    if not shown or (old is not None and old.get("DateAndTime") == state.get("DateAndTime")):
        return []
    return [DeviceEvent("clock", clock_text(state), "offset-ms", str((shown - received) // 1000), shown)]


def clock_text(state: Any) -> str:
    """How a device's clock is set: ``synchronised by NTP``, ``set by hand``; '' where it has none."""
    if state is None:
        return ""
    protocol = coded(child(state, "ActiveSyncProtocol"))
    if state.get("RemoteSync", "false") in {"true", "1"}:
        by = protocol.text or protocol.refid
        return f"synchronised by {by}" if by else "synchronised"
    return "set by hand"


def module(node: Node, device: str, name: str) -> list[AnyValue]:
    """A module that was put in or taken out; nothing for other descriptors."""
    if node.name != "Vmd":
        return []
    return [DeviceEvent(name, node.code.text or node.code.refid or node.handle, f"{device}/{node.handle}")]


def system_error(part: Any) -> DeviceEvent:
    """One part of a SystemErrorReport (msg:SystemErrorReport, ErrorCode and ErrorInfo)."""
    texts = [item for item in part if isinstance(item.tag, str)]
    code = next((coded(item) for item in texts if item.tag.endswith("}ErrorCode")), coded(None))
    info = next((item.text or "" for item in texts if item.tag.endswith("}ErrorInfo")), "")
    return DeviceEvent("fault", info or code.text, code.refid or str(code.code or ""))
