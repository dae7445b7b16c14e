"""When a machine may be patched: never while a patient needs it, only in a window, never a ward's last ones at once."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from wardbridge.equipment.changes.patches.values import Situation, Window

MOVES: dict[str, tuple[frozenset[str], str]] = {
    "start": (frozenset({"waiting", "ready"}), "running"),
    "verify": (frozenset({"running", "failed"}), "verified"),
    "fail": (frozenset({"running"}), "failed"),
    "retry": (frozenset({"failed", "rolled-back", "excepted"}), "waiting"),
    "roll-back": (frozenset({"running", "failed"}), "rolled-back"),
    "except": (frozenset({"waiting", "ready", "failed"}), "excepted"),
}
"""What people do with a machine of a patch: from which states, to which. Waiting and ready change by themselves."""
ADMISSIONS = frozenset({"", "unknown", "accepted", "quarantined", "workshop"})


class Hindrance(msgspec.Struct, frozen=True):
    """kind: in-use, window, ward (parallel or spares), admission, clock."""

    kind: str
    text: str


def opens(window: Window, now: int, change_id: str, machine: Situation) -> bool:
    """Whether a window is open for a machine now."""
    return (
        window.start <= now < window.stop
        and window.change_id in ("", change_id)
        and window.ward in ("", machine.ward)
        and (not window.zone or window.zone in machine.zones)
        and (not window.models or machine.model_id in window.models)
    )


def hindered(machine: Situation, windows: Iterable[Window], now: int, change_id: str) -> tuple[Hindrance | None, str]:
    """What stands against starting now, the gravest first (None when nothing does), and the window that is used.

    Of several open windows the one that permits most counts.
    """
    if machine.bound:
        return Hindrance("in-use", "a patient is on it"), ""
    if machine.streaming:
        return Hindrance("in-use", "it is running at a bed with a patient: put it on standby or take it away"), ""
    if machine.admission not in ADMISSIONS:
        return Hindrance("admission", f"it is {machine.admission}"), ""
    if machine.ahead:
        return Hindrance("clock", "something is on record for a later time than now: set the clock right first"), ""
    best: Hindrance | None = Hindrance("window", "no patch window is open for it")
    for window in sorted(windows, key=lambda one: (-one.parallel, one.spares, one.window_id)):
        if not opens(window, now, change_id, machine):
            continue
        if machine.running >= window.parallel:
            best = Hindrance("ward", f"{machine.running} of its kind are being patched in the ward: the window permits "
                                     f"{window.parallel}")  # fmt: skip
        elif machine.free < window.spares:
            best = Hindrance("ward", f"{machine.free} free of its kind would be left in the ward: the window asks for "
                                     f"{window.spares}")  # fmt: skip
        else:
            return None, window.window_id
    return best, ""


def same_version(one: str, other: str) -> bool:
    """Whether two texts name one version: spaces, case and a leading v do not count."""
    return _plain(one) == _plain(other) != ""


def _plain(version: str) -> str:
    text = "".join(version.split()).casefold()
    return text[1:] if text[:1] == "v" and text[1:2].isdigit() else text


def judge(target: str, before: str, observed: str) -> str:
    """What a reported version says of a patch: verified, failed (neither old nor new), '' (still the old one)."""
    if not observed.strip():
        return ""
    if same_version(observed, target):
        return "verified"
    return "" if same_version(observed, before) else "failed"
