"""What a failing switch, port, VLAN, zone or server means: wards, beds, machines, and how many are on patients now."""

from __future__ import annotations

from collections import defaultdict

from wardbridge.core.clock import DAY, MINUTE
from wardbridge.core.errors import Invalid
from wardbridge.equipment.changes.effect import store
from wardbridge.equipment.changes.effect.values import Effect, Hit, Silence, Ward

TALKED = 30 * DAY
"""A machine depends on a server that it talked to within this time (µs)."""
SILENT_AFTER, HEARD_WITHIN, TOGETHER = MINUTE, DAY, 5 * MINUTE
LEAST, SHARE = 3, 0.6


async def effect(
    source: store.Source, now: int, *, switch: str = "", port: str = "", vlan: int | None = None, zone: str = "",
    server: str = "", patients: bool = False,
) -> Effect:  # fmt: skip
    """What hangs on it at ``now`` (µs). ``server`` is an address or host name that machines talked to. Patient ids are
    given only where ``patients`` (for people who may see them). Raises Invalid where nothing is named."""
    named = [("switch", switch), ("port", port), ("VLAN", "" if vlan is None else str(vlan)), ("zone", zone),
             ("server", server)]  # fmt: skip
    what = ", ".join(f"{name} {value}" for name, value in named if value)
    if not what:
        raise Invalid("name a switch, a VLAN, a zone or a server", "switch")
    rows = await store.hits(source, switch, port, vlan, zone, server, now - TALKED)
    plain = ("device_id", "kind", "criticality", "ward", "room", "bed", "place", "in_use", "switch", "port")
    found = tuple(
        Hit(
            name=row["label"] or f"{row['model']} {row['tag'] or row['serial']}".strip(),
            patient_id=row["patient_id"] if patients else "",
            **{name: row[name] for name in plain},
        )
        for row in rows
    )  # fmt: skip
    return Effect(what=what, wards=wards(found), machines=found, on_patients=sum(one.in_use for one in found))


def wards(machines: tuple[Hit, ...]) -> tuple[Ward, ...]:
    """The wards of machines, those with most on patients first."""
    by_ward: dict[str, list[Hit]] = defaultdict(list)
    for one in machines:
        by_ward[one.ward].append(one)
    found = [
        Ward(
            ward=ward, machines=len(many), in_use=sum(one.in_use for one in many),
            beds=tuple(sorted({one.place or one.bed for one in many if one.in_use and one.bed})),
            life_support=sum(one.criticality == "life-support" for one in many),
        )
        for ward, many in by_ward.items()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.in_use, -one.machines, one.ward)))


async def silent_together(source: store.Source, now: int) -> list[Silence]:
    """Switches of which several machines fell silent within minutes of each other: a hint at the switch, not at the
    machines. At least three and most of those that were heard today."""
    found = await store.silences(source, now - HEARD_WITHIN, now - SILENT_AFTER, LEAST, SHARE)
    return [one for one in found if one.last - one.first <= TOGETHER]
