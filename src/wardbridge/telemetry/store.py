"""Channels, hot rows, last values and the tail that the live stream reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import asyncpg

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Invalid
from wardbridge.telemetry import hot
from wardbridge.telemetry.values import (
    PATIENCE,
    Channel,
    ChannelSpec,
    DeviceSlice,
    Hot,
    Last,
    Numeric,
    Position,
    supersedes,
)

_CHANNEL = "c.channel_id, c.device_id, c.key, c.kind, c.code, c.refid, c.system, c.unit, c.ucum, c.label"
_Identity = tuple[str, str, int, str, str]


async def ensure_channels(conn: Connection, device_id: str, specs: Iterable[ChannelSpec]) -> dict[str, int]:
    """The id of each channel by its key; new ones are made, a changed label or name is taken over.

    A key whose kind, code or unit has changed becomes a new channel: numbers of two units never mix.
    """
    wanted = {_identity(spec): spec for spec in specs}
    if not wanted:
        return {}
    known = await _known(conn, device_id)
    missing = [spec for identity, spec in wanted.items() if identity not in known]
    if missing:
        await conn.execute(
            """INSERT INTO channel (device_id, key, kind, code, refid, system, unit, ucum, label)
               SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                                        $8::text[], $9::text[]) ON CONFLICT DO NOTHING""",
            device_id,
            *_columns(missing),
        )
        known = await _known(conn, device_id)
    changed = [spec for identity, spec in wanted.items() if _names(known[identity].spec) != _names(spec)]
    if changed:
        await conn.execute(
            """UPDATE channel c SET refid = n.refid, system = n.system, label = n.label
               FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                           $9::text[]) AS n (key, kind, code, refid, system, unit, ucum, label)
               WHERE c.device_id = $1 AND (c.key, c.kind, c.code, c.unit, c.ucum)
                                        = (n.key, n.kind, n.code, n.unit, n.ucum)""",
            device_id,
            *_columns(changed),
        )
    return {spec.key: known[identity].channel_id for identity, spec in wanted.items()}


def _identity(spec: ChannelSpec) -> _Identity:
    return spec.key, spec.kind, spec.code, spec.unit, spec.ucum


def _names(spec: ChannelSpec) -> tuple[str, str, str]:
    return spec.refid, spec.system, spec.label


def _columns(specs: Sequence[ChannelSpec]) -> list[list[object]]:
    return [
        [getattr(spec, name) for spec in specs]
        for name in ("key", "kind", "code", "refid", "system", "unit", "ucum", "label")
    ]


async def _known(conn: Connection, device_id: str) -> dict[_Identity, Channel]:
    rows = await conn.fetch(f"SELECT {_CHANNEL} FROM channel c WHERE c.device_id = $1", device_id)
    return {_identity(channel.spec): channel for channel in map(_channel, rows)}


def _channel(row: asyncpg.Record) -> Channel:
    return Channel(
        row["channel_id"],
        row["device_id"],
        ChannelSpec(
            row["key"], row["kind"], row["code"], row["refid"], row["system"], row["unit"], row["ucum"], row["label"]
        ),
    )


async def channels(
    pool: Pool | Connection, device_ids: Sequence[str] | None = None, channel_ids: Sequence[int] | None = None
) -> list[Channel]:
    """Known channels of the devices, or with the ids, or all."""
    rows = await pool.fetch(
        f"""SELECT {_CHANNEL} FROM channel c WHERE ($1::text[] IS NULL OR c.device_id = ANY ($1))
            AND ($2::int[] IS NULL OR c.channel_id = ANY ($2)) ORDER BY c.channel_id""",
        None if device_ids is None else list(device_ids),
        None if channel_ids is None else list(channel_ids),
    )
    return [_channel(row) for row in rows]


async def append(conn: Connection, rows: Sequence[DeviceSlice]) -> None:
    """Keep all samples of ``rows`` and bring the last values up to date, in the caller's transaction.

    Raises Invalid, before anything is written, for samples that are no int16, a period that is not
    above zero, or a text with NUL.
    """
    pieces = [piece for piece in map(hot.settled, rows) if piece.numerics or piece.waves]
    if not pieces:
        return
    spans = [hot.span(piece) for piece in pieces]
    values = [(value, piece.received) for piece in pieces for value in piece.numerics]
    for value, _ in values:
        if "\0" in value.text:
            raise Invalid("a text with NUL", f"channel {value.channel}")
    newest = await _newest(conn, values)
    await conn.execute(
        """INSERT INTO telemetry_hot (device_id, received, start, stop, body)
           SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])""",
        [piece.device_id for piece in pieces],
        [piece.received for piece in pieces],
        [start for start, _ in spans],
        [stop for _, stop in spans],
        [hot.encode(piece) for piece in pieces],
    )
    if newest:
        # In order of the key, so that two writers never wait for each other in a circle.
        last = [newest[channel] for channel in sorted(newest)]
        await conn.execute(
            f"""INSERT INTO last_value AS l (channel_id, text, number, time, end_time, received, quality)
                SELECT * FROM unnest($1::int[], $2::text[], $3::float8[], $4::bigint[], $5::bigint[],
                                     $6::bigint[], $7::int[])
                ON CONFLICT (channel_id) DO UPDATE SET text = excluded.text, number = excluded.number,
                    time = excluded.time, end_time = excluded.end_time, received = excluded.received,
                    quality = excluded.quality
                WHERE least(excluded.time, excluded.received) > least(l.time, l.received)
                   OR (least(excluded.time, excluded.received) = least(l.time, l.received)
                       AND excluded.received > l.received)
                   OR excluded.received > l.received + {PATIENCE}""",
            [value.channel for value, _ in last],
            [value.text for value, _ in last],
            [value.number for value, _ in last],
            [value.time for value, _ in last],
            [value.end for value, _ in last],
            [received for _, received in last],
            [value.quality for value, _ in last],
        )


async def _newest(conn: Connection, values: Sequence[tuple[Numeric, int]]) -> dict[int, tuple[Numeric, int]]:
    """The one value of each channel that is to meet the stored one."""
    often = sorted(channel for channel, count in Counter(value.channel for value, _ in values).items() if count > 1)
    found: dict[int, tuple[Numeric, int]] = {}
    if often:
        # Which of several is the last depends on the stored one too (the rule looks at pauses).
        rows = await conn.fetch(
            """SELECT channel_id, time, end_time, text, number, quality, received FROM last_value
               WHERE channel_id = ANY ($1) ORDER BY channel_id FOR UPDATE""",
            often,
        )
        found = {row["channel_id"]: (Numeric(*tuple(row)[:6]), row["received"]) for row in rows}
    for value, received in values:
        old = found.get(value.channel)
        if old is None or supersedes(value.time, received, old[0].time, old[1]):
            found[value.channel] = value, received
    return found


async def last_values(pool: Pool | Connection, device_ids: Sequence[str] | None = None) -> dict[str, list[Last]]:
    """The last value of every numeric and text channel, by device (all devices when None)."""
    rows = await pool.fetch(
        f"""SELECT {_CHANNEL}, l.text, l.number, l.time, l.end_time, l.received, l.quality
            FROM last_value l JOIN channel c USING (channel_id)
            WHERE $1::text[] IS NULL OR c.device_id = ANY ($1) ORDER BY c.device_id, c.channel_id""",
        None if device_ids is None else list(device_ids),
    )
    found: dict[str, list[Last]] = {}
    for row in rows:
        found.setdefault(row["device_id"], []).append(
            Last(
                _channel(row), row["text"], row["number"], row["time"], row["end_time"], row["received"], row["quality"]
            )
        )
    return found


async def tail(conn: Pool | Connection, after: Position, limit: int) -> list[Hot]:
    """Hot rows behind ``after``, as they were committed; go on from the last one's position.

    Rows of transactions that may still commit are left for later: none is ever skipped. Rows older
    than the compaction's delay are gone; this is for the live stream.
    """
    rows = await conn.fetch(
        """SELECT xid, sequence, device_id, received, body FROM telemetry_hot
           WHERE (xid, sequence) > ($1, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY xid, sequence LIMIT $3""",
        after.xid,
        after.sequence,
        limit,
    )
    return [
        Hot(Position(row["xid"], row["sequence"]), hot.decode(row["device_id"], row["received"], row["body"]))
        for row in rows
    ]


async def newest(conn: Pool | Connection) -> Position:
    """Where a live stream that wants nothing old begins."""
    row = await conn.fetchrow(
        """SELECT xid, sequence FROM telemetry_hot WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY xid DESC, sequence DESC LIMIT 1"""
    )
    return Position(row["xid"], row["sequence"]) if row else Position(0, 0)


async def rebase(conn: Connection) -> None:
    """After a logical restore: transaction numbers of another cluster mean nothing here."""
    await conn.execute("UPDATE telemetry_hot SET xid = '0'")
