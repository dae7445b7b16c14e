"""SQL of bills of materials and of a model's CPE names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.cyber.store.rows import encoded, put
from wardbridge.equipment.cyber.values import Component, Refused

Source = Connection | Pool


class Sbom(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``sbom``."""

    sbom_id: str
    model_id: str
    version: str
    format: str
    spec: str
    kind: str
    serial: str
    revision: int
    name: str
    author: str
    made_at: int | None
    digest: str
    size: int
    document_id: str
    components: int
    services: int
    refused: tuple[Refused, ...]
    depends: dict[str, list[str]]
    loaded_at: int
    loaded_by: str
    superseded_by: str | None = None


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``model_cpe``."""

    model_id: str
    cpe: str
    fills: str = ""
    source: str = "hand"


async def add(conn: Connection, sbom: Sbom, components: Sequence[Component]) -> None:
    """A new bill with its components; it takes the place of the one in force for the same model and version."""
    await put(conn, "sbom", ("sbom_id",), [msgspec.to_builtins(sbom)])
    await conn.execute(
        """INSERT INTO component (sbom_id, n, parent, ref, type, family, name, "group", version, purl, cpe, supplier,
                                  support, support_ends, more)
           SELECT $1, n, parent, ref, type, family, name, "group", version, purl, cpe, supplier, support, support_ends,
                  more
           FROM jsonb_populate_recordset(NULL::component, $2::jsonb)""",
        sbom.sbom_id,
        encoded(components),
    )
    await conn.execute(
        """UPDATE sbom SET superseded_by = $1
           WHERE model_id = $2 AND version = $3 AND sbom_id <> $1 AND superseded_by IS NULL""",
        sbom.sbom_id,
        sbom.model_id,
        sbom.version,
    )


async def of_model(source: Source, model_id: str) -> list[Sbom]:
    """The bills of a model, newest first; those that were superseded too."""
    rows = await source.fetch(
        "SELECT to_jsonb(s) AS row FROM sbom s WHERE model_id = $1 ORDER BY loaded_at DESC, sbom_id DESC", model_id
    )
    return [msgspec.json.decode(row["row"], type=Sbom) for row in rows]


async def one(source: Source, sbom_id: str) -> Sbom | None:
    """A bill by its id."""
    row = await source.fetchval("SELECT to_jsonb(s) FROM sbom s WHERE sbom_id = $1", sbom_id)
    return None if row is None else msgspec.json.decode(row, type=Sbom)


async def same(source: Source, model_id: str, version: str, digest: str) -> str | None:
    """The bill in force that came from exactly this document, for the same model and version."""
    found: str | None = await source.fetchval(
        """SELECT sbom_id FROM sbom
           WHERE model_id = $1 AND version = $2 AND digest = $3 AND superseded_by IS NULL""",
        model_id,
        version,
        digest,
    )
    return found


async def components(source: Source, sbom_id: str, *, text: str = "", limit: int = 200_000) -> list[Component]:
    """The components of a bill in its order, those whose name, purl or CPE holds ``text``; n 0 is the product."""
    rows = await source.fetch(
        """SELECT to_jsonb(c) - 'sbom_id' AS row FROM component c
           WHERE sbom_id = $1 AND ($2 = '' OR strpos(lower(concat_ws(' ', family, version, purl, cpe)), lower($2)) > 0)
           ORDER BY n LIMIT $3""",
        sbom_id,
        text,
        limit,
    )
    return [msgspec.json.decode(row["row"], type=Component) for row in rows]


async def put_names(conn: Connection, names: Sequence[Name]) -> int:
    """Add or change CPE names of models."""
    return await put(conn, "model_cpe", ("model_id", "cpe"), [msgspec.to_builtins(one) for one in names])


async def drop_name(conn: Connection, model_id: str, cpe: str) -> bool:
    """Take a CPE name from a model."""
    done: str = await conn.execute("DELETE FROM model_cpe WHERE model_id = $1 AND cpe = $2", model_id, cpe)
    return done == "DELETE 1"


async def names(source: Source, model_id: str) -> list[Name]:
    """The CPE names of a model."""
    rows = await source.fetch("SELECT * FROM model_cpe WHERE model_id = $1 ORDER BY cpe", model_id)
    return [Name(**dict(row)) for row in rows]


async def ending(source: Source, now: int) -> list[dict[str, Any]]:
    """Components in bills in force whose support has ended, with the machines that have them, oldest end first."""
    rows = await source.fetch(
        """SELECT c.name, c.version, c.support, c.support_ends, s.model_id, m.manufacturer, m.name AS model,
                  (SELECT count(*) FROM asset a WHERE a.model_id = s.model_id AND a.merged_into IS NULL) AS devices
           FROM component c JOIN sbom s USING (sbom_id) JOIN model m USING (model_id)
           WHERE s.superseded_by IS NULL AND c.support_ends IS NOT NULL AND c.support_ends < $1
           ORDER BY c.support_ends, c.name LIMIT 500""",
        now,
    )
    return [dict(row) for row in rows]
