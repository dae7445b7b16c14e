"""The joined question: which machines an advisory or a campaign concerns, where they are, and on whom, now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool

Source = Connection | Pool


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that something concerns, at this moment. Times in µs, 0 for none.

    ``patient_id`` is '' unless asked for by somebody who may see patients. ``state``: open, affected, not-affected
    (an advisory's candidates), or the campaign item's. ``work`` is the number and state of its work order.
    """

    device_id: str
    label: str
    tag: str
    serial: str
    manufacturer: str
    model: str
    firmware: str
    ward: str
    room: str
    bed: str
    place: str
    in_use: bool
    bound_since: int
    patient_id: str
    state: str
    certainty: str
    why: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    reason: str = ""
    verdict: str = "candidate"
    decided_by: str = ""
    decided_at: int = 0
    reopened: str = ""
    work_id: str = ""
    work: str = ""
    place_id: str = ""
    lifecycle: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.label or f"{self.model} {self.tag or self.serial}".strip()

    @property
    def where(self) -> str:
        """Ward and bed in one text."""
        return " · ".join(part for part in (self.ward, self.room, self.bed) if part) or self.place


_MACHINE = """n.device_id, n.label, n.tag, n.serial, n.manufacturer, n.model, n.firmware, coalesce(n.ward, '') AS ward,
    coalesce(n.room, '') AS room, coalesce(n.bed, '') AS bed, coalesce(n.place_label, '') AS place, n.in_use,
    coalesce(n.bound_since, 0) AS bound_since, CASE WHEN $2 THEN coalesce(n.patient_id, '') ELSE '' END AS patient_id,
    coalesce(n.now_place_id, '') AS place_id, n.state AS lifecycle"""
_WORK = """LEFT JOIN LATERAL (SELECT work_id, state FROM work WHERE device_id = x.device_id AND source_id = x.source_id
    AND source IN ('recall', 'cve') ORDER BY reported_at DESC LIMIT 1) w ON true"""
_ORDER = "ORDER BY n.in_use DESC, n.ward, n.room, n.bed, n.label, n.device_id"
_CANDIDATES = f"""SELECT x.advisory_id, {_MACHINE}, x.decision AS state, x.certainty, x.why, x.unknown,
           CASE WHEN x.decision = 'open' THEN x.reason ELSE x.decided_why END AS reason, x.verdict, x.decided_by,
           coalesce(x.decided_at, 0) AS decided_at, x.reopened, coalesce(w.work_id, '') AS work_id,
           coalesce(w.state, '') AS work
    FROM (SELECT c.*, coalesce(i.campaign_id, '') AS source_id FROM advisory_candidate c
          LEFT JOIN campaign i ON i.advisory_id = c.advisory_id AND i.state = 'open'
          WHERE CASE WHEN $1 = '' THEN c.verdict = 'candidate' ELSE c.advisory_id = $1 END) x
    JOIN asset_now n USING (device_id) {_WORK} {_ORDER}"""
_OF_CAMPAIGN = f"""WITH x AS (SELECT i.*, i.campaign_id AS source_id FROM campaign_item i WHERE i.campaign_id = $1)
    SELECT {_MACHINE}, x.state, x.certainty, x.why, '{{}}'::text[] AS unknown, x.reason, 'candidate' AS verdict,
           x.decided_by,
           coalesce(x.decided_at, 0) AS decided_at, x.reopened, coalesce(w.work_id, x.work_id) AS work_id,
           coalesce(w.state, '') AS work
    FROM x JOIN asset_now n USING (device_id) {_WORK} {_ORDER}"""


async def affected_now(
    source: Source, *, advisory_id: str = "", campaign_id: str = "", patients: bool = False
) -> list[Affected]:
    """Every machine of an advisory (excluded ones, too) or a campaign, those on somebody first; one statement.

    ``patients`` only for callers with ``patient.see``: else ``patient_id`` stays ''.
    """
    if not campaign_id and not advisory_id:
        return []
    statement, ident = (_OF_CAMPAIGN, campaign_id) if campaign_id else (_CANDIDATES, advisory_id)
    return [_affected(row) for row in await source.fetch(statement, ident, patients)]


async def matched_now(source: Source) -> dict[str, list[Affected]]:
    """Every candidate of every advisory with where it is and whether it is in use, no patients; one statement."""
    found: dict[str, list[Affected]] = {}
    for row in await source.fetch(_CANDIDATES, "", False):
        found.setdefault(row["advisory_id"], []).append(_affected(row))
    return found


async def machines_now(source: Source, device_ids: Sequence[str]) -> dict[str, Affected]:
    """These machines with where they are and whether they are in use, no patients, whatever they are matched with."""
    rows = await source.fetch(
        f"""SELECT {_MACHINE}, 'open' AS state, 'possible' AS certainty, '{{}}'::text[] AS why FROM asset_now n
            WHERE n.device_id = ANY($1) {_ORDER}""",
        list(device_ids), False,
    )  # fmt: skip
    return {row["device_id"]: _affected(row) for row in rows}


def _affected(row: Any) -> Affected:
    value = dict(row)
    value.pop("advisory_id", None)
    return msgspec.convert(value, Affected)
