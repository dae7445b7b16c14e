"""What changes, patches, findings and risks say of one machine."""

from __future__ import annotations

import msgspec

from wardbridge.equipment.changes import store
from wardbridge.equipment.changes.behaviour import store as behaviour
from wardbridge.equipment.changes.behaviour.judge import words
from wardbridge.equipment.changes.behaviour.values import Finding
from wardbridge.equipment.changes.network import store as network
from wardbridge.equipment.changes.network.values import Link
from wardbridge.equipment.changes.patches import store as patches
from wardbridge.equipment.changes.patches.values import Item
from wardbridge.equipment.changes.risks import store as risks
from wardbridge.equipment.changes.risks.values import Risk
from wardbridge.equipment.changes.rules import ENDED
from wardbridge.equipment.changes.values import Change
from wardbridge.equipment.timeline import Event


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Of a machine: open changes, patches (item, title, version that it shall have), open findings, risks, links."""

    changes: list[Change]
    patches: list[tuple[Item, str, str]]
    findings: list[Finding]
    risks: list[Risk]
    links: list[Link]


async def about(source: store.Source, device_id: str) -> About:
    """Everything that is open on a machine, and whom it talks to."""
    return About(
        changes=[one for one in await store.find(source, device_id=device_id, limit=50) if one.state not in ENDED],
        patches=await patches.of_device(source, device_id),
        findings=[one for one, *_ in await behaviour.find(source, device_id=device_id)],
        risks=await risks.of_device(source, device_id),
        links=await network.links(source, device_id=device_id, limit=200),
    )


async def events(source: store.Source, device_id: str) -> list[Event]:
    """For the machine's timeline, newest first."""
    changes = {one.change_id: one for one in await store.find(source, device_id=device_id, limit=200)}
    found = [
        Event(at=step.at, kind="change", text=f"{changes[step.change_id].title}: {step.step}", by=step.display,
              url=f"/equipment/changes/{step.change_id}")
        for step in await store.steps(source, list(changes))
        if step.step not in ("draft", "edit")
    ]  # fmt: skip
    for item, title, target in await patches.of_device(source, device_id):
        url = f"/equipment/changes/{item.change_id}"
        if item.started_at is not None:
            found.append(Event(at=item.started_at, kind="patch", text=f"{title}: started", url=url))
        if item.state not in ("waiting", "ready", "running"):
            text = f"{title}: {item.state} ({item.evidence or item.reason or target})"
            found.append(Event(at=item.evidence_at or item.state_at, kind="patch", text=text, url=url))
    found += [
        Event(
            at=one.first_at,
            kind="unexpected",
            text=words(one.kind, one.details[0]),
            url="/equipment/network#unexpected",
        )
        for one, *_ in await behaviour.find(source, device_id=device_id, states=())
    ]
    return sorted(found, key=lambda event: -event.at)
