"""Who is exposed now: findings judged by statements, triage, controls and zones, and put in order.

Nothing of the judgement is stored: facts may arrive in any order, and the answer is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.equipment.cyber.priority import EFFECT, EXPOSURE, UNSURE, WEIGHT, Facts, Priority, priority
from wardbridge.equipment.cyber.store import exposure as store
from wardbridge.equipment.cyber.store.exposure import Control, Fact, Group, Picture, Place, Row
from wardbridge.equipment.cyber.triage import Standing, Triage, standing
from wardbridge.equipment.cyber.values import Product
from wardbridge.equipment.cyber.vex.judge import Judged, Subject, Told, current, stands
from wardbridge.equipment.cyber.vex.words import TO_CYCLONEDX

HIDDEN = frozenset({"not_affected", "resolved"})


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a finding is worth now. People's word goes before a maker's; ``state`` is CycloneDX's, or accepted."""

    row: Row
    state: str
    open: bool
    by: str
    words: str
    standing: Standing
    judged: Judged | None


class Exposed(msgspec.Struct, frozen=True, kw_only=True):
    """A machine with a vulnerability in one component: where, in use or not, why, what was judged, how urgent."""

    device: Place
    verdict: Verdict
    priority: Priority

    @property
    def device_id(self) -> str:
        return self.device.device_id

    @property
    def in_use(self) -> bool:
        return self.device.in_use


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability over the whole fleet (or a model, or a machine); ``devices`` and ``in_use`` where it is open."""

    fact: Fact
    devices: int
    in_use: int
    closed: int
    models: tuple[str, ...]
    components: tuple[str, ...]
    states: tuple[str, ...]
    sure: bool
    since: int
    priority: Priority

    @property
    def open(self) -> bool:
        return self.devices > 0


class Seen:
    """A picture with what its judgements are looked up by."""

    def __init__(self, picture: Picture, now: int) -> None:
        self.now = now
        self.facts = {fact.cve: fact for fact in picture.facts}
        self.controls = picture.controls
        self._bills = frozenset(picture.bills)
        self._told: dict[str, list[Told]] = {}
        for one in current(picture.told):
            for name in {one.statement.cve, *one.statement.aliases}:
                self._told.setdefault(name, []).append(one)
        self._triages: dict[tuple[str, str, str], list[Triage]] = {}
        for judgement in picture.triages:
            key = (judgement.cve, judgement.model_id, judgement.family)
            self._triages.setdefault(key, []).append(judgement)

    def verdict(self, row: Row) -> Verdict:
        """What a finding is worth."""
        fact = self.facts.get(row.cve, Fact(cve=row.cve))
        said = standing(self._triages.get((row.cve, row.model_id, row.family), []), row.version, fact.kev, self.now)
        names = {row.cve, *fact.aliases}
        told = [one for name in sorted(names) for one in self._told.get(name, ())]
        judged = stands(subject(row, fact.aliases), told, self._bills) if told else None
        if said.triage is not None:
            words = said.reopened or said.triage.note or said.triage.justification
            return Verdict(row=row, state=said.state, open=said.open, by=said.triage.display, words=words,
                           standing=said, judged=judged)  # fmt: skip
        if judged is None:
            return Verdict(row=row, state="", open=True, by="", words="", standing=said, judged=None)
        state = TO_CYCLONEDX[judged.status]
        words = judged.statement.justification or judged.statement.impact
        return Verdict(row=row, state=state, open=state not in HIDDEN, by=judged.told.author, words=words,
                       standing=said, judged=judged)  # fmt: skip

    def facts_of(self, row: Row, criticality: str, exposure: str, zone: str) -> Facts:
        """The terms of its priority on a machine of this criticality in this zone."""
        fact = self.facts.get(row.cve, Fact(cve=row.cve))
        effects = tuple(one.effect for one in self.controls if covers(one, row.cve, row.model_id, zone))
        return Facts(kev=fact.kev, ransomware=fact.ransomware, due=fact.due, epss=fact.epss or 0.0,
                     cvss=fact.cvss or 0.0, criticality=criticality, exposure=exposure, controls=effects,
                     sure=row.sure)  # fmt: skip


def covers(control: Control, cve: str, model_id: str, zone: str) -> bool:
    """Whether a control is about this; '' in it means every one."""
    return control.cve in ("", cve) and control.model_id in ("", model_id) and control.zone in ("", zone)


def subject(row: Row, aliases: tuple[str, ...] = ()) -> Subject:
    """A finding as statements see it."""
    return Subject(
        cve=row.cve, aliases=aliases, model_id=row.model_id, manufacturer=row.manufacturer, model=row.model,
        firmware=row.firmware, cpes=row.cpes,
        part=Product(purl=row.purl, cpe=row.cpe, name=row.component, version=row.version, serial=row.serial,
                     revision=row.revision, ref=row.ref, vendor=row.supplier, family=row.family),
        root=Product(purl=row.root_purl, cpe=row.root_cpe, name=row.root_name, version=row.root_version,
                     serial=row.serial, revision=row.revision, ref=row.root_ref),
    )  # fmt: skip


async def exposed_now(source: store.Source, cve: str, now: int, *, everything: bool = False) -> list[Exposed]:
    """Every machine that a vulnerability (CVE or alias) is open on at this moment, the most urgent first.

    ``everything``: those that were judged as not affected, resolved or accepted, too. ``now`` in µs. One statement.
    """
    return judged(await store.of_cve(source, cve, now), now, everything=everything)


def judged(picture: Picture, now: int, *, everything: bool = False) -> list[Exposed]:
    """The machines of a picture, judged and in order."""
    seen = Seen(picture, now)
    verdicts: dict[str, list[Verdict]] = {}
    for row in picture.findings:
        found = seen.verdict(row)
        if found.open or everything:
            verdicts.setdefault(row.build_id, []).append(found)
    known: dict[tuple[str, str, str, str, str, str], Priority] = {}
    out = []
    for device in picture.devices:
        for verdict in verdicts.get(device.build_id, ()):
            row = verdict.row
            key = (row.build_id, row.cve, row.family, device.criticality, device.exposure, device.zone)
            if key not in known:
                known[key] = priority(seen.facts_of(row, *key[3:]), now)
            out.append(Exposed(device=device, verdict=verdict, priority=known[key]))
    out.sort(key=lambda one: (not one.verdict.open, -one.priority.value, not one.in_use))
    return out


async def overview(source: store.Source, now: int, *, model_id: str = "", device_id: str = "") -> list[Line]:
    """Every vulnerability found in the fleet (a model, a machine), the most urgent first. One statement."""
    return lines(await store.of_fleet(source, now, model_id=model_id, device_id=device_id), now)


def lines(picture: Picture, now: int) -> list[Line]:
    """One line a vulnerability: judged for each build, its priority that of the worst machine."""
    seen = Seen(picture, now)
    groups: dict[str, list[Group]] = {}
    for group in picture.groups:
        groups.setdefault(group.build_id, []).append(group)
    by_cve: dict[str, list[Verdict]] = {}
    for row in picture.findings:
        by_cve.setdefault(row.cve, []).append(seen.verdict(row))
    out = [_line(seen, cve, found, groups) for cve, found in by_cve.items()]
    out.sort(key=lambda one: (not one.open, -one.priority.value, one.fact.cve))
    return out


def _line(seen: Seen, cve: str, found: Sequence[Verdict], groups: dict[str, list[Group]]) -> Line:
    opened = [one for one in found if one.open]
    builds = {one.row.build_id for one in opened}
    shut = {one.row.build_id for one in found} - builds
    worst: tuple[float, Facts] | None = None
    for verdict in opened or found:
        for group in groups.get(verdict.row.build_id, ()):
            facts = seen.facts_of(verdict.row, group.criticality, group.exposure, group.zone)
            weight = _factor(facts)
            if worst is None or weight > worst[0]:
                worst = (weight, facts)
    facts = worst[1] if worst else seen.facts_of(found[0].row, "medium", "", "")
    return Line(
        fact=seen.facts.get(cve, Fact(cve=cve)),
        devices=sum(group.devices for build in builds for group in groups.get(build, ())),
        in_use=sum(group.in_use for build in builds for group in groups.get(build, ())),
        closed=sum(group.devices for build in shut for group in groups.get(build, ())),
        models=tuple(sorted({f"{one.row.manufacturer} {one.row.model}" for one in opened or found})),
        components=tuple(sorted({f"{one.row.component} {one.row.version}".strip() for one in opened or found})),
        states=tuple(sorted({one.state for one in found if one.state})), sure=any(one.row.sure for one in opened),
        since=min(one.row.since for one in found), priority=priority(facts, seen.now),
    )  # fmt: skip


def _factor(facts: Facts) -> float:
    """What a machine's weight and exposure multiply with; the rest is the vulnerability's own."""
    value = WEIGHT.get(facts.criticality, 1.0) * EXPOSURE.get(facts.exposure, 1.0) * (1.0 if facts.sure else UNSURE)
    for effect in set(facts.controls):
        value *= EFFECT[effect]
    return value
