"""What a document may be at most, and the small readers of untrusted values that every format shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wardbridge.core.clock import from_datetime

SIZE = 64 * 1024 * 1024
"""Bytes."""
PARTS = 200_000
DEPTH = 64


def text(value: Any, limit: int = 4000) -> str:
    """A value as text; '' for what is none."""
    if isinstance(value, str):
        return value.replace("\x00", "").strip()[:limit]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def rows(value: Any) -> list[Any]:
    """A value as a list: itself, or none."""
    return value if isinstance(value, list) else []


def table(value: Any) -> dict[str, Any]:
    """A value as an object: itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def moment(value: Any) -> int | None:
    """An ISO 8601 date or time as µs; without a zone it is UTC. None for anything else."""
    sent = text(value, 64)
    if not sent:
        return None
    try:
        found = datetime.fromisoformat(sent.replace("Z", "+00:00"))
    except ValueError:
        return None
    return from_datetime(found if found.tzinfo else found.replace(tzinfo=UTC))


_SUPPORT = {"supportlevel", "levelofsupport", "supportstatus"}
_ENDS = {"endofsupport", "endofsupportdate", "eos", "eosdate", "endoflife", "endoflifedate", "eol", "eoldate",
         "supportends", "validuntil"}  # fmt: skip


def support(properties: Any) -> tuple[str, int | None]:
    """Level and end of support from name/value properties: no standard names them, so the last word of the name."""
    level, ends = "", None
    for one in rows(properties):
        name = "".join(char for char in text(table(one).get("name")).rpartition(":")[2].lower() if char.isalpha())
        if name in _SUPPORT:
            level = text(one.get("value"), 200)
        elif name in _ENDS:
            ends = moment(one.get("value"))
    return level, ends
