"""Bring the record in line with the bindings: issue, void, and issue anew for the right patient.

The Observation of a point is ``entered-in-error`` as soon as its patient turns out wrong, and a new one
(own id, own identifier) is issued for the right patient with a Provenance that leads from one to the
other. After a merge (A40) nobody was wrong: the same Observation gets the surviving patient.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import structlog

from wardbridge.core.clock import iso
from wardbridge.core.db import Connection
from wardbridge.core.errors import NotFound
from wardbridge.devices.charting.observation import build
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import points
from wardbridge.devices.store.points import Due
from wardbridge.devices.values import Quality

log = structlog.get_logger(__name__)

SPACE = uuid.UUID("6f0c7f0e-5b1c-5c0e-9d6a-2f6a6d1f7e10")
CHUNK = 200


async def settle(parts: Parts, conn: Connection, due: Sequence[Due], *, by: str = "", reason: str = "") -> int:
    """Issue, void or rewrite the Observations of ``due`` points; how many points changed.

    ``by`` is a FHIR reference or a name, ``reason`` a text for people; both go into the Provenance of a
    correction. Raises what the record raises.
    """
    now = parts.clock.now()
    for chunk in _chunks(due):
        resources: list[dict[str, Any]] = []
        changes: list[tuple[int, str, str, str]] = []
        new: list[tuple[str, int, str]] = []
        voided: list[str] = []
        for point in chunk:
            rewrite = point.observation_id and (point.merged or point.patient_id == point.want_patient)
            if rewrite:
                resources.append(_resource(point, point.observation_id, point.generation - 1))
                changes.append((point.point_id, point.observation_id, point.want_patient, point.want_visit))
                continue
            if point.observation_id:
                resources.append(_void(point))
                voided.append(point.observation_id)
            ident = _id(point) if point.want_patient else ""
            if ident:
                # Whoever looked at the value looked at it as another patient's.
                fresh = msgspec.structs.replace(point, verified_by="", verified_at=0)
                resources.append(_resource(fresh, ident, point.generation))
                new.append((ident, point.point_id, point.want_patient))
                if point.observation_id:
                    resources.append(_provenance(ident, point.observation_id, by, reason, now))
            changes.append((point.point_id, ident, point.want_patient, point.want_visit if ident else ""))
        await parts.record.put(conn, resources)
        await points.settled(conn, changes, new, voided, now)
    return len(due)


async def verify(parts: Parts, conn: Connection, observation_id: str, by: str) -> None:
    """A person has looked at a charted value and stands for it: its status becomes ``final``.

    ``by`` is the FHIR reference of the person. Raises NotFound for an Observation that this room did
    not chart or that no longer stands. Verifying twice keeps the first.
    """
    point = await points.standing(conn, observation_id)
    if point is None:
        raise NotFound("no charted value of a device with this id", f"Observation/{observation_id}")
    if point.verified_by:
        return
    now = parts.clock.now()
    await points.mark_verified(conn, point.point_id, by, now)
    seen = msgspec.structs.replace(point, verified_by=by, verified_at=now)
    await parts.record.put(conn, [_resource(seen, observation_id, await _generation(conn, seen))])


async def rewrite(parts: Parts, conn: Connection, observation_id: str) -> None:
    """Write the Observation of a point whose content has changed, as ``amended``."""
    point = await points.standing(conn, observation_id)
    if point is not None:
        await parts.record.put(conn, [_resource(point, observation_id, await _generation(conn, point))])


async def _generation(conn: Connection, point: Due) -> int:
    found = await points.due_generation(conn, point.point_id)
    return found - 1


def _chunks(due: Sequence[Due]) -> Iterator[Sequence[Due]]:
    for start in range(0, len(due), CHUNK):
        yield due[start : start + CHUNK]


def _name(point: Due, generation: int) -> str:
    text = f"{point.device_id}|{point.channel}|{point.time}|{point.reason}"
    return text if generation <= 0 else f"{text}|{generation}"


def _id(point: Due) -> str:
    return str(uuid.uuid5(SPACE, f"{point.device_id}|{point.channel}|{point.reason}|{point.slot}|{point.generation}"))


def _status(point: Due) -> str:
    qualities = [part.quality for part in point.content.parts]
    if any(quality & Quality.CORRECTED for quality in qualities):
        return "amended"
    seen = point.verified_by or all(quality & Quality.VALIDATED for quality in qualities)
    return "final" if seen else "preliminary"


def _resource(point: Due, ident: str, generation: int) -> dict[str, Any]:
    return build(
        ident,
        point.content,
        identifier=_name(point, generation),
        time=point.time,
        device_id=point.device_id,
        patient_id=point.want_patient,
        encounter_id=point.encounter_id,
        status=_status(point),
        verified_by=point.verified_by,
        verified_at=point.verified_at,
    )


def _void(point: Due) -> dict[str, Any]:
    return build(
        point.observation_id,
        point.content,
        identifier=_name(point, point.generation - 1),
        time=point.time,
        device_id=point.device_id,
        patient_id=point.patient_id,
        encounter_id=point.old_encounter_id,
        status="entered-in-error",
        verified_by=point.verified_by,
        verified_at=point.verified_at,
    )


def _provenance(new: str, old: str, by: str, reason: str, now: int) -> dict[str, Any]:
    who: dict[str, Any] = {"reference": by} if "/" in by and " " not in by else {"display": by or "Wardbridge"}
    resource: dict[str, Any] = {
        "resourceType": "Provenance",
        "id": str(uuid.uuid5(SPACE, f"provenance|{new}")),
        "target": [{"reference": f"Observation/{new}"}],
        "recorded": iso(now),
        "activity": {"text": "charted again for another patient"},
        "agent": [{"who": who}],
        "entity": [{"role": "revision", "what": {"reference": f"Observation/{old}"}}],
    }
    if reason:
        resource["reason"] = [{"text": reason}]
    return resource
