"""Alert states into alert signals (IEEE 11073-10207 alert states; IHE SDPi ACM gateway, IHE PCD-04 phases).

An alert is named by its condition's handle: the same condition that comes again begins a new episode with
phase ``start``. The pure function :func:`phase` decides what a change means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.devices.drivers.sdc.mapping import RANK, child

AUDIO = {"Psd": "audio-paused", "Off": "audio-off"}
ALARM = {"Psd": "alarm-paused", "Off": "alarm-off"}


@dataclass(frozen=True, slots=True)
class Status:
    """All of an alert condition that may change."""

    present: bool = False
    priority: str = "PN"
    latched: bool = False
    acknowledged: bool = False
    inactivation: tuple[str, ...] = ()
    low: str = ""
    high: str = ""

    @property
    def live(self) -> bool:
        return self.present or self.latched

    @property
    def state(self) -> str:
        return "active" if self.present else "latched" if self.latched else "inactive"


def phase(before: Status | None, after: Status) -> str:
    """The PCD-04 phase of a change, '' where there is nothing to tell.

    ``before`` is None for a condition that we see for the first time or again after a lost connection.
    """
    if before is None:
        return "continue" if after.live else ""
    if after.present and not before.present:
        return "start"
    if before.present and not after.present:
        return "update" if after.latched else "end"
    if after.latched and not before.latched and not after.present:
        return "update"
    if before.live and not after.live:
        return "reset"
    if not after.live or before == after:
        return ""
    if after.priority != before.priority:
        return "escalate" if RANK.get(after.priority, 0) > RANK.get(before.priority, 0) else "deescalate"
    if after.acknowledged and not before.acknowledged:
        return "acknowledged"
    if set(after.inactivation) - set(before.inactivation):
        return "inactivate"
    return "update"


def status(
    condition: Any, signals: list[tuple[str, Any]], system: Any, priority: str, limits: tuple[str, str]
) -> Status:
    """The status of a condition from its state, its signals' (manifestation, state) and its system's state."""
    presence = {state.get("Presence", "Off") for _, state in signals}
    inactive = [ALARM[a] for a in (condition.get("ActivationState", "On"),) if a in ALARM]
    if system is not None:
        inactive += [ALARM[a] for a in (system.get("ActivationState", "On"),) if a in ALARM]
        for item in system:
            if item.get("Manifestation") == "Aud" and item.get("State") in AUDIO:
                inactive.append(AUDIO[item.get("State")])
    audible = [state.get("ActivationState", "On") for made, state in signals if made == "Aud"]
    for off in ("Off", "Psd"):
        if audible and all(a in AUDIO for a in audible) and off in audible:
            inactive.append(AUDIO[off])
    acknowledged = "Ack" in presence
    if acknowledged:
        inactive.append("alert-acknowledged")
    return Status(
        present=condition.get("Presence", "false") in {"true", "1"},
        priority=priority,
        latched="Latch" in presence,
        acknowledged=acknowledged,
        inactivation=tuple(dict.fromkeys(inactive)),
        low=limits[0],
        high=limits[1],
    )


def limits_of(condition: Any) -> tuple[str, str]:
    """The limits that a limit condition watches now, as written; '' for one that is off or not set."""
    if condition is None:
        return "", ""
    limits = child(condition, "Limits")
    watched = condition.get("MonitoredAlertLimits", "All")
    if limits is None or watched == "None":
        return "", ""
    low = "" if watched == "LoOff" else limits.get("Lower", "")
    high = "" if watched == "HiOff" else limits.get("Upper", "")
    return low, high
