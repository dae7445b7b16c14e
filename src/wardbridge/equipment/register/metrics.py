"""The channels of registered machines as FHIR R4 DeviceMetric: what a machine measures, sets or calculates, in which
unit. One a channel, written once when the channel is first heard (waveforms too)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register import store
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM
from wardbridge.terminology import mdc

SPACE = uuid.UUID("9a0f1f1e-6c50-5c3a-9a55-0f2a5b8e1d77")
CHANNEL = "urn:wardbridge:channel"
UCUM = "http://unitsofmeasure.org"
STEP = 500


async def follow(shop: Shop) -> int:
    """Write the DeviceMetrics that are missing, some hundred at a time; how many."""
    rows = await store.channels_without_metric(shop.pool, STEP)
    if rows:
        async with shop.acting(SYSTEM, "channels of a machine") as conn:
            await write(shop, conn, rows)
    return len(rows)


async def write(shop: Shop, conn: Connection, rows: list[dict[str, Any]]) -> None:
    """The resources of these channels, and that they have one now."""
    resources = [metric(row) for row in rows]
    await shop.record.put(conn, resources)
    await store.put_metrics(conn, [(row["channel_id"], row["device_id"], one["id"])
                                   for row, one in zip(rows, resources, strict=True)])  # fmt: skip


async def count(source: Connection | Pool, device_id: str) -> int:
    """How many DeviceMetrics a machine has."""
    return await store.count_metrics(source, device_id)


def metric(row: Mapping[str, Any]) -> dict[str, Any]:
    """The DeviceMetric of a channel: ``channel_id, device_id, parent_id, key, kind, code, refid, system, unit, ucum,
    label``. ``source`` is the machine or module that has the channel, ``parent`` what contains it."""
    found: dict[str, Any] = {
        "resourceType": "DeviceMetric",
        "id": str(uuid.uuid5(SPACE, f"{row['device_id']}\x1f{row['channel_id']}")),
        "identifier": [{"system": CHANNEL, "value": f"{row['device_id']}/{row['key']}"}],
        "type": _type(row),
        "source": {"reference": f"Device/{row['device_id']}"},
        "operationalStatus": "on",
        "category": "setting" if "_SETTING" in row["refid"] else "measurement",
    }
    if row["ucum"]:
        found["unit"] = {"coding": [{"system": UCUM, "code": row["ucum"]}], "text": row["unit"] or row["ucum"]}
    elif row["unit"]:
        found["unit"] = {"text": row["unit"]}
    if row["parent_id"]:
        found["parent"] = {"reference": f"Device/{row['parent_id']}"}
    return found


def _type(row: Mapping[str, Any]) -> dict[str, Any]:
    text = row["label"] or row["refid"] or row["key"]
    if row["system"] != "MDC" or not row["code"]:
        return {"text": text}
    coding = {"system": mdc.CODE_SYSTEM, "code": str(row["code"])}
    if row["refid"]:
        coding["display"] = row["refid"]
    return {"coding": [coding], "text": mdc.label(row["code"], row["refid"]) or text}
