"""What a machine's page shows of campaigns and advisories, and its part of the timeline."""

from __future__ import annotations

import msgspec

from wardbridge.equipment.advisories.store import candidates, documents
from wardbridge.equipment.advisories.store.documents import Source
from wardbridge.equipment.advisories.values import Advisory, Candidate
from wardbridge.equipment.campaigns import store
from wardbridge.equipment.campaigns.resources import WORDS
from wardbridge.equipment.campaigns.values import Campaign, Item
from wardbridge.equipment.timeline import Event


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """An advisory that names a machine, with what is said of it."""

    advisory: Advisory
    candidate: Candidate


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns a machine."""

    concerns: tuple[Concern, ...] = ()
    campaigns: tuple[tuple[Campaign, Item], ...] = ()

    @property
    def open(self) -> int:
        """Advisories that wait for a decision or a remedy."""
        return sum(1 for one in self.concerns
                   if one.candidate.verdict == "candidate" and one.candidate.decision != "not-affected")  # fmt: skip


async def about(source: Source, device_id: str) -> About:
    """Advisories and campaigns of a machine."""
    found = await candidates.of(source, None, [device_id])
    known = {one.advisory_id: one for one in await documents.some(source, [one.advisory_id for one in found])}
    concerns = [Concern(advisory=known[one.advisory_id], candidate=one) for one in found if one.verdict != "gone"]
    concerns.sort(
        key=lambda one: (one.candidate.verdict != "candidate", not one.advisory.kev, one.advisory.advisory_id)
    )
    return About(concerns=tuple(concerns), campaigns=tuple(await store.of_device(source, device_id)))


_STEPS = {"ask": "the ward was asked to free it", "free": "taken off the patient", "quarantine": "recalled from use",
          "work": "remedied", "verify": "verified", "evidence": "evidence",
          "joined": "joined the campaign"}  # fmt: skip


async def events(source: Source, device_id: str) -> list[Event]:
    """What campaigns did with a machine, newest first."""
    return [
        Event(
            at=row["at"], kind="advisory", by=row["display"], url=f"/equipment/campaigns/{row['campaign_id']}",
            text=f"{row['title']}: {_STEPS.get(row['what']) or WORDS.get(row['what'], row['what'])}"
                 + (f" ({row['note']})" if row["note"] else ""),
        )
        for row in await store.events_of(source, device_id)
    ]  # fmt: skip
