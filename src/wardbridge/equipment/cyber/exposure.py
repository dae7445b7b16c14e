"""Who is exposed now: findings judged by statements, triage, controls and zones, and put in order.

Nothing of the judgement is stored: facts may arrive in any order, and the answer is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import msgspec

from wardbridge.equipment.cyber.priority import EFFECT, EXPOSURE, WEIGHT, Facts, Priority, priority
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
    models: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    states: tuple[str, ...]
    sure: bool
    since: int
    priority: Priority

    @property
    def open(self) -> bool:
        return self.devices > 0


class Seen:
    """A picture with what its judgements are looked up by."""

    def __init__(self, picture: Picture | store.Fleet, now: int) -> None:
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


async def overview(
    source: store.Source, now: int, *, model_id: str = "", device_id: str = "", text: str = ""
) -> list[Line]:
    """Every vulnerability found in the fleet (a model, a machine), the most urgent first; those without names yet."""
    return lines(await store.of_fleet(source, now, model_id=model_id, device_id=device_id, text=text), now)


async def named(source: store.Source, found: Sequence[Line], *, model_id: str = "") -> list[Line]:
    """The lines with title, models and components."""
    names = await store.named(source, [line.fact.cve for line in found], model_id=model_id)
    return [
        msgspec.structs.replace(line, fact=msgspec.structs.replace(line.fact, title=name.title), models=name.models,
                                components=name.components)
        if (name := names.get(line.fact.cve)) else line
        for line in found
    ]  # fmt: skip


def lines(fleet: store.Fleet, now: int) -> list[Line]:
    """One line a vulnerability, its priority that of the worst machine; judged build by build where anybody judged."""
    seen = Seen(fleet, now)
    by_build: dict[str, list[Group]] = {}
    for group in fleet.groups:
        by_build.setdefault(group.build_id, []).append(group)
    groups = [by_build.get(build, []) for build, _ in fleet.builds]
    models = [model for _, model in fleet.builds]
    number = {build: at for at, (build, _) in enumerate(fleet.builds)}
    plain = [max((_weight(group) for group in found), default=0.0) for found in groups]
    verdicts: dict[str, list[Verdict]] = {}
    for row in fleet.findings:
        verdicts.setdefault(row.cve, []).append(seen.verdict(row))
    out = []
    for brief in fleet.briefs:
        found = verdicts.get(brief.cve, ())
        states = tuple(sorted({one.state for one in found if one.state}))
        every = set(brief.builds)
        opened = {number[one.row.build_id] for one in found if one.open} if brief.judged else every
        sure = brief.sure if not brief.judged else any(one.row.sure for one in found if one.open)
        shown = opened or every
        if seen.controls:
            worst = _worst(seen, brief.cve, [(groups[at], models[at]) for at in shown])
        else:
            heaviest = max(shown, key=plain.__getitem__)
            worst = (max(groups[heaviest], key=_weight, default=None), ())
        fact = seen.facts.get(brief.cve, Fact(cve=brief.cve))
        out.append(
            Line(
                fact=fact, devices=_count(groups, opened), in_use=_count(groups, opened, used=True),
                closed=_count(groups, every - opened), states=states, sure=sure, since=brief.since,
                priority=priority(_facts(fact, worst[0], worst[1], sure), now),
            )
        )  # fmt: skip
    out.sort(key=lambda one: (not one.open, -one.priority.value, one.fact.cve))
    return out


def _count(groups: list[list[Group]], builds: set[int], *, used: bool = False) -> int:
    return sum(group.in_use if used else group.devices for at in builds for group in groups[at])


def _weight(group: Group) -> float:
    return WEIGHT.get(group.criticality, 1.0) * EXPOSURE.get(group.exposure, 1.0)


def _worst(seen: Seen, cve: str, found: Sequence[tuple[list[Group], str]]) -> tuple[Group | None, tuple[str, ...]]:
    """The machines that count most when what controls leave of their exposure is taken into account."""
    best: tuple[float, Group | None, tuple[str, ...]] = (-1.0, None, ())
    for groups, model_id in found:
        for group in groups:
            effects = tuple(sorted({one.effect for one in seen.controls if covers(one, cve, model_id, group.zone)}))
            weight = _weight(group) * prod(EFFECT[effect] for effect in effects)
            if weight > best[0]:
                best = (weight, group, effects)
    return best[1], best[2]


def _facts(fact: Fact, group: Group | None, controls: tuple[str, ...], sure: bool) -> Facts:
    return Facts(
        kev=fact.kev, ransomware=fact.ransomware, due=fact.due, epss=fact.epss or 0.0, cvss=fact.cvss or 0.0,
        criticality=group.criticality if group else "medium", exposure=group.exposure if group else "",
        controls=controls, sure=sure,
    )  # fmt: skip
