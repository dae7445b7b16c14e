"""SQL of parts and stock."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from wardbridge.core.db import Connection
from wardbridge.equipment.bench.values import Level, Lot, Movement, Order, Part, Reservation, Shelf, Store
from wardbridge.equipment.store.rows import Source, append, put, value

_SHELVES = """
WITH held AS (
    SELECT part_id, store_id, sum(quantity) AS balance FROM stock_movement GROUP BY part_id, store_id
), lots AS (
    SELECT part_id, store_id, min(expires) AS first_expires FROM (
        SELECT part_id, store_id, lot, min(expires) AS expires FROM stock_movement
        GROUP BY part_id, store_id, lot HAVING sum(quantity) > 0 AND min(expires) IS NOT NULL) l
    GROUP BY part_id, store_id
), kept AS (
    SELECT part_id, store_id, sum(quantity - used) AS reserved FROM reservation WHERE state = 'open'
    GROUP BY part_id, store_id
), coming AS (
    SELECT part_id, store_id, sum(quantity - received) AS ordered FROM stock_order WHERE state = 'open'
    GROUP BY part_id, store_id
), pairs AS (
    SELECT part_id, store_id FROM held UNION SELECT part_id, store_id FROM stock_level
    UNION SELECT part_id, store_id FROM coming
), shelf AS (
    SELECT p.part_id, p.number, p.name, p.manufacturer, p.unit, s.store_id, s.name AS store,
           coalesce(l.shelf, '') AS shelf, coalesce(h.balance, 0) AS balance, coalesce(k.reserved, 0) AS reserved,
           greatest(coalesce(c.ordered, 0), 0) AS ordered, coalesce(l.minimum, 0) AS minimum,
           coalesce(l.target, 0) AS target, x.first_expires, p.price, p.currency
    FROM pairs q JOIN part p USING (part_id) JOIN stock_store s USING (store_id)
    LEFT JOIN held h USING (part_id, store_id) LEFT JOIN stock_level l USING (part_id, store_id)
    LEFT JOIN kept k USING (part_id, store_id) LEFT JOIN coming c USING (part_id, store_id)
    LEFT JOIN lots x USING (part_id, store_id)
    WHERE ($1 = '' OR p.name ILIKE $2 OR p.number ILIKE $2 OR p.manufacturer ILIKE $2) AND ($3 = '' OR s.store_id = $3)
)"""


async def put_parts(conn: Connection, rows: Sequence[Part]) -> None:
    await put(conn, "part", ("part_id",), rows)


async def put_stores(conn: Connection, rows: Sequence[Store]) -> None:
    await put(conn, "stock_store", ("store_id",), rows)


async def put_levels(conn: Connection, rows: Sequence[Level]) -> None:
    await put(conn, "stock_level", ("part_id", "store_id"), rows)


async def put_reservations(conn: Connection, rows: Sequence[Reservation]) -> None:
    await put(conn, "reservation", ("reservation_id",), rows)


async def put_orders(conn: Connection, rows: Sequence[Order]) -> None:
    await put(conn, "stock_order", ("order_id",), rows)


async def add_movements(conn: Connection, rows: Sequence[Movement]) -> None:
    await append(conn, "stock_movement", rows)


async def parts(source: Source, ids: Sequence[str] | None = None, *, lock: bool = False) -> list[Part]:
    """Parts by id, all where None; locked until the transaction ends where asked: who counts a shelf holds it."""
    rows = await source.fetch(
        f"""SELECT * FROM part WHERE $1::text[] IS NULL OR part_id = ANY($1)
            ORDER BY part_id {"FOR UPDATE" if lock else ""}""",
        None if ids is None else list(ids),
    )
    return [value(row, Part) for row in rows]


async def find_part(source: Source, number: str, manufacturer: str = "") -> Part | None:
    """The part of this number, whatever its case."""
    row = await source.fetchrow(
        "SELECT * FROM part WHERE lower(number) = lower($1) AND lower(manufacturer) = lower($2)", number, manufacturer
    )
    return value(row, Part) if row else None


async def stores(source: Source) -> list[Store]:
    """Every store, by name."""
    return [value(row, Store) for row in await source.fetch("SELECT * FROM stock_store ORDER BY lower(name)")]


async def level(source: Source, part_id: str, store_id: str) -> Level | None:
    """What a store wants to hold of a part."""
    row = await source.fetchrow("SELECT * FROM stock_level WHERE part_id = $1 AND store_id = $2", part_id, store_id)
    return value(row, Level) if row else None


async def lots(source: Source, part_id: str, store_id: str) -> list[Lot]:
    """What lies of a part in a store, lot by lot; the ones that expire first, first."""
    rows = await source.fetch(
        """SELECT lot, sum(quantity) AS quantity, min(expires) AS expires,
                  (array_agg(price ORDER BY at DESC) FILTER (WHERE kind = 'receive' AND price IS NOT NULL))[1] AS price,
                  coalesce((array_agg(currency ORDER BY at DESC)
                            FILTER (WHERE kind = 'receive' AND price IS NOT NULL))[1], '') AS currency
           FROM stock_movement WHERE part_id = $1 AND store_id = $2 GROUP BY lot HAVING sum(quantity) <> 0
           ORDER BY min(expires) NULLS LAST, lot""",
        part_id, store_id,
    )  # fmt: skip
    return [value(row, Lot) for row in rows]


async def kept_for_others(source: Source, part_id: str, store_id: str, work_id: str | None) -> Decimal:
    """How much of a part is reserved in a store for other work than this."""
    return Decimal(
        await source.fetchval(
            """SELECT coalesce(sum(quantity - used), 0) FROM reservation
               WHERE part_id = $1 AND store_id = $2 AND state = 'open' AND work_id IS DISTINCT FROM $3""",
            part_id, store_id, work_id,
        )
    )  # fmt: skip


async def reservations(
    source: Source, *, work_ids: Sequence[str] | None = None, part_id: str | None = None
) -> list[Reservation]:
    """Open reservations of work or of a part, oldest first."""
    rows = await source.fetch(
        """SELECT * FROM reservation WHERE state = 'open' AND ($1::text[] IS NULL OR work_id = ANY($1))
           AND ($2::text IS NULL OR part_id = $2) ORDER BY at, reservation_id""",
        None if work_ids is None else list(work_ids), part_id,
    )  # fmt: skip
    return [value(row, Reservation) for row in rows]


async def reservation(conn: Connection, reservation_id: str) -> Reservation | None:
    """One reservation, locked until the transaction ends."""
    row = await conn.fetchrow("SELECT * FROM reservation WHERE reservation_id = $1 FOR UPDATE", reservation_id)
    return value(row, Reservation) if row else None


async def order(conn: Connection, order_id: str) -> Order | None:
    """One order, locked until the transaction ends."""
    row = await conn.fetchrow("SELECT * FROM stock_order WHERE order_id = $1 FOR UPDATE", order_id)
    return value(row, Order) if row else None


async def open_orders(source: Source) -> list[tuple[Order, str, str]]:
    """Open orders, oldest first, each with the names of its part and store."""
    rows = await source.fetch(
        """SELECT o.*, p.number || ' ' || p.name AS part, s.name AS store FROM stock_order o
           JOIN part p USING (part_id) JOIN stock_store s USING (store_id)
           WHERE o.state = 'open' ORDER BY o.at, o.order_id LIMIT 500"""
    )
    return [(value(row, Order), row["part"], row["store"]) for row in rows]


async def shelves(
    source: Source, text: str = "", store_id: str = "", *, wanting: bool = False, limit: int = 50, skip: int = 0
) -> list[Shelf]:
    """What lies where; with ``wanting`` only what is below its minimum."""
    want = "WHERE balance - reserved + ordered < minimum" if wanting else ""
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = await source.fetch(
        f"{_SHELVES} SELECT * FROM shelf {want} ORDER BY lower(name), number, store LIMIT $4 OFFSET $5",
        text, pattern, store_id, limit, skip,
    )  # fmt: skip
    return [value(row, Shelf) for row in rows]


async def movements(
    source: Source, *, part_id: str | None = None, work_ids: Sequence[str] | None = None, limit: int = 100,
    skip: int = 0,
) -> list[Movement]:  # fmt: skip
    """The ledger of a part or of work, newest first."""
    rows = await source.fetch(
        """SELECT * FROM stock_movement WHERE ($1::text IS NULL OR part_id = $1)
           AND ($2::text[] IS NULL OR work_id = ANY($2)) ORDER BY at DESC, movement_id DESC LIMIT $3 OFFSET $4""",
        part_id, None if work_ids is None else list(work_ids), limit, skip,
    )  # fmt: skip
    return [value(row, Movement) for row in rows]


async def negative(source: Source) -> list[tuple[str, str]]:
    """(part, store) whose balance is below zero: the shelf and the book differ."""
    rows = await source.fetch(
        "SELECT part_id, store_id FROM stock_movement GROUP BY part_id, store_id HAVING sum(quantity) < 0"
    )
    return [(row["part_id"], row["store_id"]) for row in rows]


async def used_by(source: Source, device_id: str) -> list[tuple[Movement, str]]:
    """Parts that went into one machine, with their names, newest first."""
    rows = await source.fetch(
        """SELECT s.*, p.name AS part FROM stock_movement s JOIN part p USING (part_id)
           WHERE s.device_id = $1 AND s.kind = 'issue' ORDER BY s.at DESC, s.movement_id LIMIT 500""",
        device_id,
    )
    return [(value(row, Movement), row["part"]) for row in rows]
