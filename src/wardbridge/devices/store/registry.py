"""The registry of devices: who they are, whether they are let in, and their volatile state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool

FIELDS = (
    "type_code",
    "type_refid",
    "manufacturer",
    "model",
    "serial",
    "firmware",
    "hardware",
    "udi",
    "label",
    "place",
    "clock",
)


class Device(msgspec.Struct, frozen=True):
    """One machine or module. Times are µs since the epoch, 0 for never; ``clock_offset_us`` is received
    minus device time (positive: the device's clock is behind), None while it is not judged; ``said`` is
    what an unknown device said last: (received, profile, [label value unit …]). ``bound_since`` is when the
    running interval of ``patient_id`` began."""

    device_id: str
    key: str
    state: str
    link: str = ""
    parent_id: str = ""
    label: str = ""
    type_code: int = 0
    type_refid: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    hardware: str = ""
    udi: str = ""
    first_seen: int = 0
    last_seen: int = 0
    clock_offset_us: int | None = None
    battery: int | None = None
    connected: bool = True
    standby: bool = False
    messages: int = 0
    unmapped: int = 0
    problems: int = 0
    place_id: str = ""
    place_said: str = ""
    patient_id: str = ""
    conflict: str = ""
    said: tuple[tuple[int, str, tuple[str, ...]], ...] = ()
    bound_since: int = 0


class Expected(msgspec.Struct, frozen=True):
    """A device that is announced before it speaks. ``key``, or ``serial`` with ``model``, recognises it; ``state``
    is the admission that it gets when it is first heard."""

    key: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    label: str = ""
    place_id: str = ""
    state: str = "accepted"


class Seen(msgspec.Struct, frozen=True):
    """What one batch of the pipeline learned of a device's volatile state."""

    device_id: str
    link: str
    last_seen: int
    last_device_time: int
    clock_offset_us: int | None = None
    battery: int | None = None
    connected: bool | None = None
    standby: bool | None = None
    place_said: str = ""
    messages: int = 0
    unmapped: int = 0
    problems: int = 0


_SELECT = """
    SELECT d.*, s.last_seen, s.clock_offset_us, s.battery, s.connected, s.standby, s.messages, s.unmapped, s.problems,
           s.place_said, b.patient_id, b.place_id, b.conflict, b.start AS bound_since
    FROM device d LEFT JOIN device_state s USING (device_id)
    LEFT JOIN binding b ON b.device_id = d.device_id AND b.stop IS NULL"""


async def devices(
    conn: Connection | Pool, *, state: str = "", parent: str | None = "", ids: Sequence[str] | None = None
) -> list[Device]:
    """Devices by label. ``state`` filters by admission; ``parent``: '' machines only, an id its modules,
    None all."""
    rows = await conn.fetch(
        _SELECT
        + """
        WHERE ($1 = '' OR d.state = $1)
          AND CASE WHEN $2::text IS NULL THEN true WHEN $2 = '' THEN d.parent_id IS NULL ELSE d.parent_id = $2 END
          AND ($3::text[] IS NULL OR d.device_id = ANY($3))
        ORDER BY lower(d.label), d.key""",
        state,
        parent,
        None if ids is None else list(ids),
    )
    return [_device(r) for r in rows]


async def device(conn: Connection | Pool, device_id: str) -> Device | None:
    """One device."""
    found = await devices(conn, parent=None, ids=[device_id])
    return found[0] if found else None


async def by_keys(conn: Connection | Pool, keys: Sequence[str]) -> dict[str, Device]:
    """Devices by wire key."""
    rows = await conn.fetch(_SELECT + " WHERE d.key = ANY($1::text[])", list(keys))
    return {r["key"]: _device(r) for r in rows}


def _device(r: Mapping[str, Any]) -> Device:
    who = msgspec.json.decode(r["identity"])
    said = tuple((s[0], s[1], tuple(s[2])) for s in msgspec.json.decode(r["said"]))
    make = " ".join(filter(None, (who.get("manufacturer"), who.get("model"))))
    return Device(
        r["device_id"],
        r["key"],
        r["state"],
        r["link"],
        r["parent_id"] or "",
        r["label"] or who.get("label") or make or r["key"],
        who.get("type_code", 0),
        who.get("type_refid", ""),
        who.get("manufacturer", ""),
        who.get("model", ""),
        who.get("serial", ""),
        who.get("firmware", ""),
        who.get("hardware", ""),
        who.get("udi", ""),
        r["first_seen"],
        r["last_seen"] or 0,
        r["clock_offset_us"],
        r["battery"],
        r["connected"] is None or r["connected"],
        bool(r["standby"]),
        r["messages"] or 0,
        r["unmapped"] or 0,
        r["problems"] or 0,
        r["place_id"] or "",
        r["place_said"] or "",
        r["patient_id"] or "",
        r["conflict"] or "",
        said,
        r["bound_since"] or 0,
    )


async def identity(conn: Connection, device_id: str) -> dict[str, Any]:
    """What the device has said of itself, merged over its messages."""
    found: dict[str, Any] = msgspec.json.decode(
        await conn.fetchval("SELECT identity FROM device WHERE device_id = $1", device_id)
    )
    return found


async def add(
    conn: Connection,
    device_id: str,
    key: str,
    link: str,
    state: str,
    who: Mapping[str, Any],
    label: str,
    first_seen: int,
    parent_id: str | None,
) -> None:
    """A device at first sight."""
    await conn.execute(
        """
        INSERT INTO device (device_id, key, link, state, identity, label, first_seen, parent_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        device_id,
        key,
        link,
        state,
        msgspec.json.encode(who).decode(),
        label,
        first_seen,
        parent_id,
    )


async def set_identity(conn: Connection, device_id: str, who: Mapping[str, Any]) -> None:
    """Write the merged identity."""
    await conn.execute(
        "UPDATE device SET identity = $2 WHERE device_id = $1", device_id, msgspec.json.encode(who).decode()
    )


async def set_state(conn: Connection, device_id: str, state: str) -> None:
    """Write the admission of a machine and its modules."""
    await conn.execute("UPDATE device SET state = $2 WHERE device_id = $1 OR parent_id = $1", device_id, state)


async def set_label(conn: Connection, device_id: str, label: str) -> None:
    """The name that people gave it."""
    await conn.execute("UPDATE device SET label = $2 WHERE device_id = $1", device_id, label)


async def seen(conn: Connection, rows: Sequence[Seen]) -> None:
    """Bring the volatile state of many devices up to date in one statement."""
    if not rows:
        return
    await conn.execute(
        """
        INSERT INTO device_state AS s (device_id, link, last_seen, last_device_time, clock_offset_us, battery,
            connected, standby, place_said, messages, unmapped, problems)
        SELECT u.device_id, u.link, u.last_seen, u.last_device_time, u.clock_offset_us, u.battery,
               coalesce(u.connected, true), coalesce(u.standby, false), u.place_said, u.messages, u.unmapped, u.problems
        FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::boolean[],
                    $8::boolean[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
            AS u(device_id, link, last_seen, last_device_time, clock_offset_us, battery, connected, standby,
                 place_said, messages, unmapped, problems)
        ON CONFLICT (device_id) DO UPDATE SET
            link = excluded.link, last_seen = greatest(s.last_seen, excluded.last_seen),
            last_device_time = greatest(s.last_device_time, excluded.last_device_time),
            clock_offset_us = coalesce(excluded.clock_offset_us, s.clock_offset_us),
            battery = coalesce(excluded.battery, s.battery),
            connected = excluded.connected,
            standby = CASE WHEN excluded.device_id = ANY($13::text[]) THEN excluded.standby ELSE s.standby END,
            place_said = CASE WHEN excluded.place_said = '' THEN s.place_said ELSE excluded.place_said END,
            messages = s.messages + excluded.messages, unmapped = s.unmapped + excluded.unmapped,
            problems = s.problems + excluded.problems""",
        *[[getattr(row, name) for row in rows] for name in Seen.__struct_fields__],
        [row.device_id for row in rows if row.standby is not None],
    )


async def said(conn: Connection, told: Mapping[str, tuple[int, str, Sequence[str]]], keep: int = 5) -> None:
    """Remember the last things that unknown devices said, newest first."""
    if told:
        await conn.execute(
            f"""
            UPDATE device d SET said = (
                SELECT jsonb_agg(e ORDER BY n) FROM jsonb_array_elements(jsonb_build_array(u.said) || d.said)
                WITH ORDINALITY AS x(e, n) WHERE n <= {int(keep)})
            FROM unnest($1::text[], $2::jsonb[]) AS u(device_id, said) WHERE d.device_id = u.device_id""",
            list(told),
            [msgspec.json.encode(one).decode() for one in told.values()],
        )


async def register(conn: Connection, rows: Sequence[Expected], by: str, now: int) -> int:
    """Announce devices; rows whose key is announced already are brought up to date."""
    for row in rows:
        await conn.execute(
            """
            INSERT INTO device_expected (key, manufacturer, model, serial, label, place_id, by, at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (key) WHERE key <> '' DO UPDATE SET manufacturer = $2, model = $3, serial = $4, label = $5,
                place_id = $6, by = $7, at = $8""",
            row.key,
            row.manufacturer,
            row.model,
            row.serial,
            row.label,
            row.place_id,
            by,
            now,
        )
    return len(rows)


async def expect_as(conn: Connection, rows: Sequence[tuple[str, Expected]], by: str, now: int) -> None:
    """Announce machines of the register: ``(device id that it gets when first heard, who it is)``. What was announced
    under that id before and has not arrived is replaced (its wire key stays where the new row has none)."""
    await conn.execute(
        """
        WITH new AS (SELECT * FROM jsonb_to_recordset($1) AS n (as_device text, key text, manufacturer text, model text,
                        serial text, label text, place_id text, state text)
                     WHERE NOT EXISTS (SELECT 1 FROM device d WHERE d.device_id = n.as_device)),
             old AS (DELETE FROM device_expected e USING new n
                     WHERE e.device_id IS NULL AND e.as_device = n.as_device RETURNING e.as_device, e.key)
        INSERT INTO device_expected (key, manufacturer, model, serial, label, place_id, by, at, as_device, state)
        SELECT coalesce(nullif(n.key, ''), o.key, ''), n.manufacturer, n.model, n.serial, n.label, n.place_id, $2, $3,
               n.as_device, n.state
        FROM new n LEFT JOIN old o USING (as_device)""",
        msgspec.json.encode([{"as_device": ident, **msgspec.structs.asdict(row)} for ident, row in rows]).decode(),
        by,
        now,
    )


async def unexpect(conn: Connection, device_ids: Sequence[str]) -> None:
    """Take back the announcements under these ids of machines that have not been heard."""
    await conn.execute("DELETE FROM device_expected WHERE device_id IS NULL AND as_device = ANY($1)", list(device_ids))


async def expected(conn: Connection, key: str, serial: str, model: str) -> tuple[int, Expected, str] | None:
    """The announcement that fits a device: by key, else by serial and model, and only one of them; with the id
    under which the register knows it ('' where it does not)."""
    rows = await conn.fetch(
        """
        SELECT * FROM device_expected WHERE device_id IS NULL AND (key = $1
            OR (key = '' AND serial <> '' AND lower(serial) = lower($2) AND (model = '' OR lower(model) = lower($3))))
        ORDER BY (key = $1) DESC LIMIT 2""",
        key,
        serial,
        model,
    )
    if not rows or (len(rows) > 1 and rows[0]["key"] != key):
        return None
    r = rows[0]
    who = Expected(r["key"], r["manufacturer"], r["model"], r["serial"], r["label"], r["place_id"], r["state"])
    return r["expected_id"], who, r["as_device"]


async def give_up_key(conn: Connection, device_id: str) -> None:
    """The wire key is another row's from now on; this one is retired and keeps what it said."""
    await conn.execute(
        "UPDATE device SET key = key || ' until ' || device_id, state = 'retired' WHERE device_id = $1", device_id
    )


async def adopt(conn: Connection, before: str, now: str) -> None:
    """Modules of one machine belong to another from now on."""
    await conn.execute("UPDATE device SET parent_id = $2 WHERE parent_id = $1", before, now)


async def arrived(conn: Connection, expected_id: int, device_id: str) -> None:
    """The announced device is here."""
    await conn.execute("UPDATE device_expected SET device_id = $2 WHERE expected_id = $1", expected_id, device_id)


async def silent(conn: Connection | Pool, before: int) -> list[tuple[str, int, str, str]]:
    """Accepted machines that were last heard before ``before`` (µs) and are not on standby:
    (device, last seen, place, patient)."""
    rows = await conn.fetch(
        """
        SELECT d.device_id, s.last_seen, b.place_id, b.patient_id FROM device d JOIN device_state s USING (device_id)
        LEFT JOIN binding b ON b.device_id = d.device_id AND b.stop IS NULL
        WHERE d.state = 'accepted' AND d.parent_id IS NULL AND s.last_seen < $1 AND NOT s.standby
        ORDER BY s.last_seen""",
        before,
    )
    return [(r["device_id"], r["last_seen"], r["place_id"] or "", r["patient_id"] or "") for r in rows]
