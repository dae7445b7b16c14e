"""Who may do what with which machines: competences, rules that ask for them, records that prove them.

A missing competence is a warning to whoever assigns work, never a silent block: at night the one who is there decides.
Times are µs since the epoch (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.learning import resources
from wardbridge.equipment.learning.dates import months_on
from wardbridge.equipment.learning.store import competence as store
from wardbridge.equipment.learning.store.competence import Competence, Record, Rule, Source
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import ROLES, SYSTEM, Principal

SOON = 30 * DAY
SCOPES = ("kind", "class", "all")
_TECHNICAL = ("operator", "technician")
COMPETENCES = (
    Competence(code="security-awareness", title="Security awareness", months=12),
    Competence(code="electrical-safety", title="Electrical safety testing (IEC 62353)", months=24),
    Competence(code="life-support", title="Life-support equipment", months=24),
    Competence(code="infusion", title="Infusion pumps", months=36),
    Competence(code="imaging", title="Imaging and radiation protection", months=24),
    Competence(code="laser", title="Laser safety", months=24),
)
"""What a house starts with; it changes them as it likes."""
RULES = (
    Rule(rule_id="rule-awareness", code="security-awareness", roles=tuple(sorted(ROLES - {"service"})), scope="all"),
    Rule(rule_id="rule-electrical", code="electrical-safety", roles=("technician",), scope="class", target="therapy"),
    Rule(rule_id="rule-life", code="life-support", roles=_TECHNICAL, scope="class", target="life-support"),
    Rule(rule_id="rule-infusion", code="infusion", roles=("technician",), scope="kind", target="infusion pump"),
    Rule(rule_id="rule-imaging", code="imaging", roles=("technician",), scope="class", target="imaging"),
    Rule(rule_id="rule-laser", code="laser", roles=("technician",), scope="class", target="laser"),
)


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A competence that is asked for and not there: ``why`` is ``never`` or ``expired`` (on ``expired``)."""

    code: str
    title: str
    why: str
    expired: int = 0


class Competent(msgspec.Struct, frozen=True, kw_only=True):
    """Whether somebody has what the rules ask for; ``gaps`` say what not."""

    ok: bool
    gaps: tuple[Gap, ...] = ()

    @property
    def warning(self) -> str:
        """One line for whoever assigns work, '' when there is nothing to warn of."""
        return "; ".join(f"{gap.title}: {'expired' if gap.why == 'expired' else 'no record'}" for gap in self.gaps)


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What one person must hold: state ``good``, ``due`` (within 30 days), ``overdue`` or ``never``."""

    person_id: str
    display: str
    code: str
    title: str
    state: str
    at: int = 0
    expires: int = 0


def applies(rule: Rule, roles: frozenset[str], kind: str, class_: str) -> bool:
    """Whether a rule asks people of these roles, for machines of this kind and class."""
    if not roles & set(rule.roles):
        return False
    named = {"kind": kind, "class": class_}.get(rule.scope, "")
    return rule.scope == "all" or (bool(named) and rule.target.lower() == named.lower())


def valid(record: Record, at: int) -> bool:
    """Whether a record holds at a moment: assessed before, not expired, not taken back by then."""
    return record.at <= at and (not record.expires or record.expires > at) and (not record.revoked
                                                                               or record.revoked > at)  # fmt: skip


def gaps(
    rules: Iterable[Rule], competences: Sequence[Competence], records: Sequence[Record], roles: frozenset[str],
    kind: str, class_: str, at: int,
) -> tuple[Gap, ...]:  # fmt: skip
    """What the rules ask for and the records do not prove, by title."""
    titles = {one.code: one.title for one in competences}
    found = []
    for code in dict.fromkeys(rule.code for rule in rules if applies(rule, roles, kind, class_)):
        mine = [one for one in records if one.code == code and one.at <= at]
        if any(valid(one, at) for one in mine):
            continue
        ends = [min(end for end in (one.expires, one.revoked) if end) for one in mine if one.expires or one.revoked]
        found.append(Gap(code=code, title=titles.get(code, code), why="expired" if ends else "never",
                         expired=max(ends, default=0)))  # fmt: skip
    return tuple(sorted(found, key=lambda gap: gap.title))


async def competent(source: Source, person_id: str, kind: str, at: int, class_: str = "") -> Competent:
    """Whether a person has what the rules ask for to work on machines of a kind (and class) at ``at``.

    Somebody whom nobody knows has no role, so no rule asks anything of them: they get a gap that says so.
    """
    roles, records = await store.of_person(source, person_id)
    if not roles:
        return Competent(ok=False, gaps=(Gap(code="", title="this person is not known here", why="never"),))
    competences, rules = await store.competences(source), await store.rules(source)
    found = gaps(rules, competences, records, roles, kind, class_, at)
    return Competent(ok=not found, gaps=found)


def state_of(record: Record | None, at: int) -> str:
    """``good``, ``due`` within 30 days, ``overdue`` or ``never``."""
    if record is None:
        return "never"
    end = record.revoked or record.expires
    if not end:
        return "good"
    return "overdue" if end <= at else ("due" if end - at <= SOON else "good")


async def needs(source: Source, at: int, *, person_id: str = "", state: str = "") -> list[Need]:
    """What everybody (or one person) must hold by the rules, with its state; worst first. One statement."""
    found = []
    for row in await store.needs(source, at, person_id):
        record = row.record
        mine = Need(person_id=row.person_id, display=row.display, code=row.code, title=row.title,
                    state=state_of(record, at), at=record.at if record else 0,
                    expires=(record.revoked or record.expires) if record else 0)  # fmt: skip
        if not state or mine.state == state or (state == "open" and mine.state != "good"):
            found.append(mine)
    order = {"overdue": 0, "never": 1, "due": 2, "good": 3}
    return sorted(found, key=lambda need: (order[need.state], need.expires, need.display, need.title))


async def change(conn: Connection, competence: Competence) -> None:
    """Add or change a competence. Raises Invalid."""
    if not competence.code.strip() or not competence.title.strip() or len(competence.title) > 120:
        raise Invalid("a competence has a code and a title", "code")
    if competence.months is not None and not 1 <= competence.months <= 240:
        raise Invalid("a competence holds for 1 to 240 months, or for good", "months")
    await store.put(conn, competence)


async def require(shop: Shop, conn: Connection, rule: Rule) -> str:
    """Add a rule; its id. Raises Invalid, NotFound."""
    if not rule.roles or not set(rule.roles) <= ROLES - {"service"}:
        raise Invalid("say which roles need it", "roles")
    if rule.scope not in SCOPES or (rule.scope == "all") == bool(rule.target.strip()):
        raise Invalid("a rule is for a kind, for a class, or for all that they do", "target")
    if rule.code not in {one.code for one in await store.competences(conn)}:
        raise NotFound(f"there is no competence {rule.code!r}", "code")
    rule = msgspec.structs.replace(rule, rule_id=rule.rule_id or shop.ids(), target=rule.target.strip())
    await store.put_rule(conn, rule)
    return rule.rule_id


async def release(conn: Connection, rule_id: str) -> None:
    """Take a rule away; what the log holds stays. Raises NotFound."""
    if not await store.drop_rule(conn, rule_id):
        raise NotFound("there is no such rule", "rule")


async def assess(
    shop: Shop, conn: Connection, person_id: str, code: str, *, by: Principal, at: int = 0, evidence: str = ""
) -> Record:
    """Record that ``by`` has assessed somebody's competence. Raises NotFound, Invalid, Forbidden, Conflict.

    ``at`` 0 means now. Nobody assesses themselves.
    """
    now = shop.clock.now()
    at = at or now
    if person_id == by.id:
        raise Forbidden("nobody assesses themselves", "person")
    if at > now:
        raise Invalid("an assessment lies in the past", "at")
    if by != SYSTEM and not evidence.strip():
        raise Invalid("say what shows it: a test, a certificate, work that you watched", "evidence")
    competence = next((one for one in await store.competences(conn) if one.code == code), None)
    if competence is None:
        raise NotFound(f"there is no competence {code!r}", "code")
    display = await store.display(conn, person_id)
    if not display:
        raise NotFound("there is no such person", "person")
    record = Record(
        record_id=shop.ids(), person_id=person_id, display=display, code=code, assessed_by=by.id, assessor=by.display,
        at=at, expires=months_on(at, competence.months) if competence.months else 0, evidence=evidence.strip()[:2000],
    )  # fmt: skip
    if not await store.add(conn, [record]):
        raise Conflict("there is a record of this person, competence and moment already", "at")
    await shop.record.put(conn, [proof(record, competence.title)])
    return record


async def revoke(shop: Shop, conn: Connection, record_id: str, reason: str, *, by: Principal) -> None:
    """Take a record back, kept for the trace. Raises NotFound, Invalid, Forbidden, Conflict."""
    if len(reason.strip()) < 5:
        raise Invalid("say why, in a few words", "reason")
    record = await store.record(conn, record_id)
    if record is None:
        raise NotFound("there is no such record", "record")
    if record.person_id == by.id:
        raise Forbidden("nobody changes their own record", "person")
    if record.revoked:
        raise Conflict("this record is taken back already", "record")
    await store.revoke(conn, record_id, shop.clock.now(), reason.strip()[:500])
    title = next((one.title for one in await store.competences(conn) if one.code == record.code), record.code)
    await shop.record.put(conn, [proof(msgspec.structs.replace(record, revoked=shop.clock.now()), title)])


def proof(record: Record, title: str) -> dict[str, Any]:
    """A record as FHIR."""
    return resources.proof(
        record.record_id, record.person_id, record.display, record.code, title, record.assessed_by, record.assessor,
        record.at, record.expires or None, record.evidence, bool(record.revoked),
    )  # fmt: skip
