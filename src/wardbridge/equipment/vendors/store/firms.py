"""Vendors, contacts, contracts, what they cover, and calls."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.store.rows import Source, put, value
from wardbridge.equipment.vendors.values import Call, Contact, Contract, Covered, Vendor


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor in the list."""

    vendor: Vendor
    contracts: int
    machines: int
    calls: int


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """A contract that covers a machine, with its vendor."""

    contract: Contract
    vendor: Vendor


async def save_vendor(conn: Connection, vendor: Vendor) -> None:
    """Insert or replace a vendor."""
    await put(conn, "vendor", ("vendor_id",), [vendor])


async def save_contact(conn: Connection, contact: Contact) -> None:
    """Insert or replace a contact."""
    await put(conn, "vendor_contact", ("contact_id",), [contact])


async def save_contract(conn: Connection, contract: Contract) -> None:
    """Insert or replace a contract."""
    await put(conn, "contract", ("contract_id",), [contract])


async def save_call(conn: Connection, call: Call) -> None:
    """Insert or replace a call."""
    await put(conn, "service_call", ("call_id",), [call])


async def vendors(source: Source, ids: Sequence[str] | None = None) -> list[Vendor]:
    """Vendors by id, all where None, by name."""
    rows = await source.fetch(
        "SELECT * FROM vendor WHERE $1::text[] IS NULL OR vendor_id = ANY($1) ORDER BY lower(name)",
        None if ids is None else list(ids),
    )
    return [value(row, Vendor) for row in rows]


async def named(source: Source, name: str) -> Vendor | None:
    """The vendor of this name, whatever its case."""
    row = await source.fetchrow("SELECT * FROM vendor WHERE lower(name) = lower($1)", name)
    return value(row, Vendor) if row else None


async def lines(source: Source, now: int) -> list[Line]:
    """Every vendor with its running contracts, the machines that they cover, and its open calls."""
    rows = await source.fetch(
        """WITH running AS (SELECT * FROM contract
                            WHERE starts <= $1 AND coalesce(least(ends, cancelled), $1 + 1) > $1),
                covered AS (SELECT r.vendor_id, a.device_id FROM running r JOIN contract_cover c USING (contract_id)
                                JOIN asset a ON a.device_id = c.device_id
                            UNION SELECT r.vendor_id, a.device_id FROM running r
                                JOIN contract_cover c USING (contract_id)
                                JOIN asset a ON a.model_id = c.model_id AND a.merged_into IS NULL
                                AND a.state NOT IN ('retired', 'sanitised', 'disposed'))
           SELECT v.*, (SELECT count(*) FROM running r WHERE r.vendor_id = v.vendor_id) AS contracts,
                  (SELECT count(*) FROM covered c WHERE c.vendor_id = v.vendor_id) AS machines,
                  (SELECT count(*) FROM service_call s WHERE s.vendor_id = v.vendor_id AND s.resolved IS NULL) AS calls
           FROM vendor v ORDER BY lower(v.name)""",
        now,
    )
    return [
        Line(vendor=value(row, Vendor), contracts=row["contracts"], machines=row["machines"], calls=row["calls"])
        for row in rows
    ]


async def contacts(source: Source, vendor_ids: Sequence[str]) -> list[Contact]:
    """Contacts of vendors, those who are gone last."""
    rows = await source.fetch(
        "SELECT * FROM vendor_contact WHERE vendor_id = ANY($1) ORDER BY gone, role, lower(name), contact_id",
        list(vendor_ids),
    )
    return [value(row, Contact) for row in rows]


async def contact(source: Source, contact_id: str) -> Contact | None:
    """One contact."""
    row = await source.fetchrow("SELECT * FROM vendor_contact WHERE contact_id = $1", contact_id)
    return value(row, Contact) if row else None


async def contracts(source: Source, *, vendor_id: str = "", ids: Sequence[str] | None = None) -> list[Contract]:
    """Contracts of a vendor, by id, or all."""
    rows = await source.fetch(
        """SELECT * FROM contract WHERE ($1 = '' OR vendor_id = $1) AND ($2::text[] IS NULL OR contract_id = ANY($2))
           ORDER BY coalesce(ends, 9223372036854775807), number, contract_id""",
        vendor_id,
        None if ids is None else list(ids),
    )
    return [value(row, Contract) for row in rows]


async def cover(conn: Connection, contract_id: str, rows: Sequence[Covered]) -> None:
    """Make these rows what a contract covers."""
    await conn.execute(
        """WITH new AS (SELECT * FROM unnest($2::text[], $3::text[]) AS n (device_id, model_id)),
                gone AS (DELETE FROM contract_cover c WHERE c.contract_id = $1 AND NOT EXISTS
                             (SELECT FROM new n WHERE n.device_id = c.device_id AND n.model_id = c.model_id))
           INSERT INTO contract_cover SELECT $1, device_id, model_id FROM new ON CONFLICT DO NOTHING""",
        contract_id,
        [one.device_id for one in rows],
        [one.model_id for one in rows],
    )


async def covered(source: Source, contract_id: str) -> list[Covered]:
    """What a contract covers, as it is written."""
    rows = await source.fetch(
        "SELECT * FROM contract_cover WHERE contract_id = $1 ORDER BY model_id, device_id", contract_id
    )
    return [value(row, Covered) for row in rows]


async def machines(source: Source, contract_id: str) -> list[str]:
    """The machines in use that a contract covers, one by one or by their model."""
    rows = await source.fetch(
        """SELECT DISTINCT a.device_id FROM contract_cover c
           JOIN asset a ON a.device_id = c.device_id OR a.model_id = c.model_id
           WHERE c.contract_id = $1 AND a.merged_into IS NULL AND a.state NOT IN ('retired', 'sanitised', 'disposed')
           ORDER BY 1""",
        contract_id,
    )
    return [row["device_id"] for row in rows]


async def covers(source: Source, device_id: str) -> list[Cover]:
    """Every contract that names a machine or its model, whenever it runs."""
    rows = await source.fetch(
        """SELECT DISTINCT c.* FROM asset a
           JOIN contract_cover cc ON cc.device_id = a.device_id OR cc.model_id = a.model_id
           JOIN contract c USING (contract_id) WHERE a.device_id = $1 ORDER BY c.starts DESC, c.contract_id""",
        device_id,
    )
    found = [value(row, Contract) for row in rows]
    firms = {one.vendor_id: one for one in await vendors(source, [one.vendor_id for one in found])}
    return [Cover(contract=one, vendor=firms[one.vendor_id]) for one in found]


_CALLS = """
    SELECT call_id, vendor_id, contract_id, device_id, work_id, reference, text, opened, answered, on_site, resolved,
           resolution, by_id, by_name FROM service_call
    UNION ALL
    SELECT b.call_id, coalesce(c.vendor_id, v.vendor_id, ''), nullif(b.contract_id, ''), b.device_id, b.work_id,
           b.reference, b.note, b.opened, NULL, b.arrived, b.done, '', '', b.by
    FROM vendor_call b LEFT JOIN contract c ON c.contract_id = b.contract_id
    LEFT JOIN vendor v ON lower(v.name) = lower(b.vendor)"""


async def calls(
    source: Source, *, contract_id: str = "", vendor_id: str = "", device_id: str = "", since: int = 0,
    limit: int = 500,
) -> list[Call]:  # fmt: skip
    """Calls, the newest first: those written here, and those of work orders (workshop), which name no answer."""
    rows = await source.fetch(
        f"""SELECT * FROM ({_CALLS}) c WHERE ($1 = '' OR contract_id = $1) AND ($2 = '' OR vendor_id = $2)
            AND ($3 = '' OR device_id = $3) AND opened >= $4 ORDER BY opened DESC, call_id LIMIT $5""",
        contract_id, vendor_id, device_id, since, limit,
    )  # fmt: skip
    return [value(row, Call) for row in rows]


async def call(source: Source, call_id: str, *, lock: bool = False) -> Call | None:
    """One call that was written here."""
    row = await source.fetchrow(
        f"SELECT * FROM service_call WHERE call_id = $1 {'FOR UPDATE' if lock else ''}", call_id
    )
    return value(row, Call) if row else None


async def down_hours(source: Source, device_ids: Sequence[str], since: int, until: int) -> float:
    """Hours in ``[since, until)`` in which these machines were down: unplanned downtime of the workshop, or in repair
    by their life cycle; what overlaps counts once."""
    found = await source.fetchval(
        """WITH repair AS (SELECT device_id, to_state, at AS start,
                               coalesce(lead(at) OVER (PARTITION BY device_id ORDER BY number), $3) AS stop
                           FROM move WHERE device_id = ANY($1)),
                down AS (SELECT device_id, start, coalesce(stop, $3) AS stop FROM downtime
                             WHERE device_id = ANY($1) AND NOT planned
                         UNION ALL SELECT device_id, start, stop FROM repair WHERE to_state = 'in-repair'),
                whole AS (SELECT device_id, range_agg(int8range(greatest(start, $2), least(stop, $3))) AS times
                          FROM down WHERE start < $3 AND stop > $2 AND least(stop, $3) > greatest(start, $2)
                          GROUP BY device_id)
           SELECT sum(upper(r) - lower(r)) FROM whole, unnest(times) r""",
        list(device_ids), since, until,
    )  # fmt: skip
    return float(found or 0) / 3_600_000_000


async def named_machines(source: Source, names: Sequence[str]) -> dict[str, str]:
    """``{name: device id}`` of machines by asset number, serial number or id; a name that fits several is left out."""
    rows = await source.fetch(
        """SELECT n.name, min(a.device_id) AS device_id FROM unnest($1::text[]) AS n (name)
           JOIN asset a ON a.tag = n.name OR a.serial = n.name OR a.device_id = n.name
           WHERE a.merged_into IS NULL GROUP BY n.name HAVING count(*) = 1""",
        list(names),
    )
    return {row["name"]: row["device_id"] for row in rows}


async def turned(source: Source, since: int, until: int) -> list[Contract]:
    """Contracts that began, ended or were cancelled to a moment in ``[since, until]``."""
    rows = await source.fetch(
        """SELECT * FROM contract WHERE starts BETWEEN $1 AND $2 OR ends BETWEEN $1 AND $2
           OR cancelled BETWEEN $1 AND $2 ORDER BY contract_id""",
        since,
        until,
    )
    return [value(row, Contract) for row in rows]
