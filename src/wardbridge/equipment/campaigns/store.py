"""SQL of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Conflict
from wardbridge.equipment.campaigns.values import Account, Asked, Campaign, Item, Line, Note, Step

Source = Connection | Pool
_JSON = msgspec.json.Encoder()
_CAMPAIGN, _ITEM, _STEP = (kind.__struct_fields__ for kind in (Campaign, Item, Step))


def _text(rows: Any) -> str:
    return _JSON.encode(rows).decode().replace("\\u0000", "")


async def put(conn: Connection, campaign: Campaign) -> None:
    """Insert or replace a campaign. Raises Conflict: a second open one for the same, or closing with open machines."""
    names = ", ".join(_CAMPAIGN)
    sets = ", ".join(f"{name} = excluded.{name}" for name in _CAMPAIGN if name != "campaign_id")
    try:
        await conn.execute(
            f"""INSERT INTO campaign ({names}) SELECT {names} FROM jsonb_populate_record(NULL::campaign, $1::jsonb)
                ON CONFLICT (campaign_id) DO UPDATE SET {sets}""",
            _text(campaign),
        )
    except asyncpg.CheckViolationError as error:
        raise Conflict("the campaign has open machines", campaign.campaign_id) from error
    except asyncpg.UniqueViolationError as error:
        raise Conflict("there is an open campaign for this already", campaign.campaign_id) from error


async def put_items(conn: Connection, items: Sequence[Item]) -> None:
    """Insert or replace machines of campaigns. Raises Conflict where one is closed."""
    if not items:
        return
    names = ", ".join(_ITEM)
    sets = ", ".join(f"{name} = excluded.{name}" for name in _ITEM if name not in ("campaign_id", "device_id"))
    try:
        await conn.execute(
            f"""INSERT INTO campaign_item ({names})
                SELECT {names} FROM jsonb_populate_recordset(NULL::campaign_item, $1::jsonb)
                ON CONFLICT (campaign_id, device_id) DO UPDATE SET {sets}""",
            _text(items),
        )
    except asyncpg.CheckViolationError as error:
        raise Conflict("the campaign is closed", items[0].campaign_id) from error


async def add_steps(conn: Connection, steps: Sequence[Step]) -> None:
    """Append what was done."""
    names = ", ".join(_STEP)
    await conn.execute(
        f"""INSERT INTO campaign_step ({names})
            SELECT {names} FROM jsonb_populate_recordset(NULL::campaign_step, $1::jsonb)""",
        _text(steps),
    )


async def void_steps(conn: Connection, campaign_id: str, device_ids: Sequence[str]) -> None:
    """Steps of machines that begin anew no longer count."""
    await conn.execute(
        "UPDATE campaign_step SET void = true WHERE campaign_id = $1 AND device_id = ANY($2) AND NOT void",
        campaign_id, list(device_ids),
    )  # fmt: skip


async def add_note(conn: Connection, note: Note) -> None:
    """Append to the course of a campaign."""
    names = Note.__struct_fields__
    await conn.execute(
        f"INSERT INTO campaign_event ({', '.join(names)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(names)))})",
        *[getattr(note, name) for name in names],
    )


async def get(source: Source, campaign_id: str, *, lock: bool = False) -> Campaign | None:
    """A campaign; locked until the transaction ends where asked."""
    row = await source.fetchrow(
        f"SELECT *, proof::text AS proof FROM campaign WHERE campaign_id = $1 {'FOR UPDATE' if lock else ''}",
        campaign_id,
    )
    return None if row is None else _campaign(row)


def _campaign(row: Any) -> Campaign:
    value = {name: row[name] for name in _CAMPAIGN}
    value["proof"] = None if value["proof"] is None else msgspec.json.decode(value["proof"])
    return msgspec.convert(value, Campaign)


async def of_advisories(conn: Connection, advisory_ids: Sequence[str]) -> list[Campaign]:
    """The newest campaign of each of these advisories, locked."""
    rows = await conn.fetch(
        """SELECT *, proof::text AS proof FROM campaign WHERE campaign_id IN (
             SELECT DISTINCT ON (advisory_id) campaign_id FROM campaign WHERE advisory_id = ANY($1)
             ORDER BY advisory_id, state = 'open' DESC, created_at DESC)
           ORDER BY campaign_id FOR UPDATE""",
        list(advisory_ids),
    )
    return [_campaign(row) for row in rows]


async def items(source: Source, campaign_id: str, device_ids: Sequence[str] | None = None) -> list[Item]:
    """The machines of a campaign."""
    rows = await source.fetch(
        """SELECT * FROM campaign_item WHERE campaign_id = $1 AND ($2::text[] IS NULL OR device_id = ANY($2))
           ORDER BY device_id""",
        campaign_id, None if device_ids is None else list(device_ids),
    )  # fmt: skip
    return [msgspec.convert({name: row[name] for name in _ITEM}, Item) for row in rows]


async def steps(
    source: Source, campaign_id: str, device_ids: Sequence[str] | None = None, *, void: bool = False
) -> list[Step]:
    """What was done in a campaign, oldest first."""
    rows = await source.fetch(
        """SELECT *, detail::text AS detail FROM campaign_step WHERE campaign_id = $1
           AND ($2::text[] IS NULL OR device_id = ANY($2)) AND ($3 OR NOT void) ORDER BY at, step_id""",
        campaign_id, None if device_ids is None else list(device_ids), void,
    )  # fmt: skip
    return [msgspec.convert({**{name: row[name] for name in _STEP}, "detail": msgspec.json.decode(row["detail"])}, Step)
            for row in rows]  # fmt: skip


async def notes(source: Source, campaign_id: str) -> list[Note]:
    """The course of a campaign, newest first."""
    rows = await source.fetch(
        "SELECT * FROM campaign_event WHERE campaign_id = $1 ORDER BY at DESC, event_id DESC", campaign_id
    )
    return [Note(**dict(row)) for row in rows]


_ACCOUNT = """count(*) FILTER (WHERE i.state = 'candidate') AS candidate,
    count(*) FILTER (WHERE i.state = 'affected-open') AS open,
    count(*) FILTER (WHERE i.state = 'affected-done') AS done,
    count(*) FILTER (WHERE i.state = 'not-affected') AS clear,
    count(*) FILTER (WHERE i.state IN ('candidate', 'affected-open') AND b.device_id IS NOT NULL) AS in_use"""
_USED = """LEFT JOIN LATERAL (SELECT device_id FROM binding WHERE device_id = i.device_id AND stop IS NULL
    AND (patient_id IS NOT NULL OR coalesce(conflict, '') <> '') LIMIT 1) b ON true"""


async def account(source: Source, campaign_id: str) -> Account:
    """Where the machines of a campaign are."""
    row = await source.fetchrow(f"SELECT {_ACCOUNT} FROM campaign_item i {_USED} WHERE campaign_id = $1", campaign_id)
    return Account(**dict(row))


async def listed(source: Source, state: str = "", limit: int = 100, skip: int = 0) -> list[Line]:
    """Campaigns with their accounts: open ones first, those with machines on patients before the others."""
    rows = await source.fetch(
        f"""SELECT c.*, c.proof::text AS proof, n.* FROM campaign c
            JOIN LATERAL (SELECT {_ACCOUNT} FROM campaign_item i {_USED} WHERE i.campaign_id = c.campaign_id) n ON true
            WHERE $1 = '' OR c.state = $1
            ORDER BY c.state DESC, n.in_use DESC, c.due NULLS LAST, c.created_at DESC, c.campaign_id
            LIMIT $2 OFFSET $3""",
        state, limit, skip,
    )  # fmt: skip
    names = Account.__struct_fields__
    return [Line(campaign=_campaign(row), account=Account(**{name: row[name] for name in names})) for row in rows]


async def asked(source: Source, place_ids: Sequence[str]) -> list[Asked]:
    """Machines that wards at these places were asked to free and that are still on somebody, the longest first."""
    rows = await source.fetch(
        """SELECT i.campaign_id, c.title, i.device_id,
                  coalesce(nullif(n.label, ''), n.model || ' ' || n.serial) AS name,
                  coalesce(n.place_label, '') AS place, s.note, s.at
           FROM campaign_item i
           JOIN campaign c ON c.campaign_id = i.campaign_id AND c.state = 'open'
           JOIN asset_now n ON n.device_id = i.device_id AND n.in_use AND n.now_place_id = ANY($1)
           JOIN LATERAL (SELECT note, at FROM campaign_step
                         WHERE campaign_id = i.campaign_id AND device_id = i.device_id AND step = 'ask' AND NOT void
                         ORDER BY at DESC LIMIT 1) s ON true
           WHERE i.state IN ('candidate', 'affected-open') ORDER BY s.at, i.device_id""",
        list(place_ids),
    )
    return [Asked(**dict(row)) for row in rows]


async def of_device(source: Source, device_id: str) -> list[tuple[Campaign, Item]]:
    """Every campaign that a machine is or was in, newest first."""
    rows = await source.fetch(
        f"""SELECT c.*, c.proof::text AS proof, {", ".join(f"i.{name} AS item_{name}" for name in _ITEM)}
            FROM campaign_item i JOIN campaign c USING (campaign_id) WHERE i.device_id = $1
            ORDER BY i.joined_at DESC""",
        device_id,
    )
    return [(_campaign(row), msgspec.convert({name: row[f"item_{name}"] for name in _ITEM}, Item)) for row in rows]


async def events_of(source: Source, device_id: str) -> list[Any]:
    """Decisions, steps and ends of a machine in all campaigns, for its timeline."""
    return list(
        await source.fetch(
            """SELECT s.at, s.step AS what, s.note, s.display, c.title, c.campaign_id FROM campaign_step s
               JOIN campaign c USING (campaign_id) WHERE s.device_id = $1
               UNION ALL SELECT i.joined_at, 'joined', array_to_string(i.why, '; '), '', c.title, c.campaign_id
               FROM campaign_item i JOIN campaign c USING (campaign_id) WHERE i.device_id = $1
               UNION ALL SELECT i.decided_at, i.state, i.reason, i.decided_by, c.title, c.campaign_id
               FROM campaign_item i JOIN campaign c USING (campaign_id) 
               WHERE i.device_id = $1 AND i.decided_at IS NOT NULL
               UNION ALL SELECT i.done_at, 'affected-done', '', i.done_by, c.title, c.campaign_id
               FROM campaign_item i JOIN campaign c USING (campaign_id) WHERE i.device_id = $1 AND i.done_at IS NOT NULL
               ORDER BY 1 DESC""",
            device_id,
        )
    )


async def in_use(source: Source, device_ids: Sequence[str]) -> set[str]:
    """Which of these machines are on somebody now."""
    rows = await source.fetch("SELECT device_id FROM asset_now WHERE device_id = ANY($1) AND in_use", list(device_ids))
    return {row["device_id"] for row in rows}


async def work_states(source: Source, work_ids: Sequence[str]) -> dict[str, str]:
    """The states of these work orders."""
    rows = await source.fetch("SELECT work_id, state FROM work WHERE work_id = ANY($1)", list(work_ids))
    return {row["work_id"]: row["state"] for row in rows}


async def machine_named(source: Source, text: str) -> str | None:
    """The machine of this id, asset number or serial number; None where there is none or more than one."""
    rows = await source.fetch(
        "SELECT device_id FROM asset WHERE merged_into IS NULL AND (device_id = $1 OR tag = $1 OR serial = $1) LIMIT 2",
        text,
    )
    return str(rows[0]["device_id"]) if len(rows) == 1 else None


async def firmware(source: Source, device_ids: Sequence[str]) -> list[tuple[str, str, bool]]:
    """(machine, firmware, whether the machine itself said so) of these machines."""
    rows = await source.fetch(
        """SELECT a.device_id, a.firmware, coalesce(s.source = 'wire' AND s.version = a.firmware, false) AS wire
           FROM asset a
           LEFT JOIN LATERAL (SELECT source, version FROM software
                              WHERE device_id = a.device_id AND component = 'firmware'
                              ORDER BY since DESC LIMIT 1) s ON true
           WHERE a.device_id = ANY($1) ORDER BY a.device_id""",
        list(device_ids),
    )
    return [(row["device_id"], row["firmware"], row["wire"]) for row in rows]


async def last_change(source: Source, after: int) -> int:
    """The newest change after ``after`` of what matching looks at; ``after`` itself (0 at least) when there is none."""
    found = await source.fetchval(
        """SELECT max(sequence) FROM change WHERE sequence > $1
           AND (table_name IN ('model', 'software', 'advisory_product', 'maker_alias')
                OR (table_name = 'asset' AND (action <> 'U' OR after ?| $2::text[])))""",
        after, ["model_id", "serial", "lot", "di", "firmware", "hardware", "os", "state", "merged_into"],
    )  # fmt: skip
    return max(after, 0) if found is None else int(found)


async def open_of(source: Source, advisory_id: str) -> str:
    """The campaign of an advisory: the open one, else the newest; '' when there is none."""
    found = await source.fetchval(
        "SELECT campaign_id FROM campaign WHERE advisory_id = $1 ORDER BY state DESC, created_at DESC LIMIT 1",
        advisory_id,
    )
    return str(found or "")
