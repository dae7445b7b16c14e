"""People's judgements: on (vulnerability, model, component), so that they outlive versions of SBOMs.

What a judgement is worth now is evaluated when it is read: it is reopened by a new KEV entry, when the component's
version leaves the range it was made for, and when its time is over. Risk is accepted only with both signatures.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.versions import from_vers, judge
from wardbridge.equipment.cyber.vex import words
from wardbridge.equipment.signing.sign import digest

STATES = ("in_triage", "exploitable", "not_affected", "resolved", "accepted")
CLOSED = frozenset({"not_affected", "resolved", "accepted"})
"""States in which nothing is left to do."""
JUSTIFICATIONS = (*words.CYCLONEDX, *words.OPENVEX)


class Triage(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``triage``; ``kev`` is what was known then. ``sides`` are those that signed exactly this."""

    triage_id: str
    cve: str
    model_id: str
    family: str
    state: str
    justification: str = ""
    note: str = ""
    versions: str = ""
    until: int | None = None
    kev: bool = False
    digest: str = ""
    by: str
    display: str
    at: int
    sides: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a judgement is worth now: its state ('' where there is none), or why it is open again."""

    state: str = ""
    open: bool = True
    reopened: str = ""
    waiting: tuple[str, ...] = ()
    triage: Triage | None = None


def content(one: Triage) -> dict[str, Any]:
    """Exactly what is signed."""
    kept = ("triage_id", "cve", "model_id", "family", "state", "justification", "note", "versions", "until", "kev")
    return {key: getattr(one, key) for key in kept}


def checked(one: Triage, now: int) -> Triage:
    """A judgement that may be written, with its digest. Raises Invalid with the field."""
    if one.state not in STATES:
        raise Invalid(f"the state is one of: {', '.join(STATES)}", "state")
    if one.state == "not_affected" and one.justification not in JUSTIFICATIONS:
        raise Invalid("not affected needs one of the listed justifications", "justification")
    if one.state == "accepted" and (one.until is None or one.until <= now):
        raise Invalid("an accepted risk has an end in the future", "until")
    if one.state in ("accepted", "resolved") and len(one.note.strip()) < 5:
        raise Invalid("please say why", "note")
    if one.versions:
        from_vers(one.versions)
    return msgspec.structs.replace(one, digest=digest(content(one)))


def standing(found: list[Triage], version: str, kev: bool, now: int) -> Standing:
    """What the newest judgement of one (vulnerability, model, component) is worth now, for a version of it."""
    if not found:
        return Standing()
    last = max(found, key=lambda one: (one.at, one.triage_id))
    reason, waiting = "", tuple[str, ...]()
    if last.versions and version and judge(from_vers(last.versions), version)[0] != "affected":
        reason = f"version {version} is outside of {last.versions}"
    elif kev and not last.kev and last.state in CLOSED - {"resolved"}:
        reason = "it is known to be exploited since"
    elif last.until is not None and last.until <= now:
        reason = "its time is over"
    elif last.state == "accepted":
        waiting = tuple(side for side in ("biomed", "it") if side not in last.sides)
    is_open = bool(reason) or bool(waiting) or last.state not in CLOSED
    return Standing(
        state="in_triage" if reason else last.state, open=is_open, reopened=reason, waiting=waiting, triage=last
    )
