"""Alternate equipment maintenance (AEM): what may be in the programme; pure.

42 CFR 482.41(d)(2) with CMS S&C 14-07: a hospital may change a manufacturer's maintenance on the assessment of
qualified staff, except for imaging and radiologic equipment, medical lasers, and equipment without sufficient
maintenance history. The database holds the same rule (``aem_forbidden``); a test asks both.
"""

from __future__ import annotations

import msgspec

FORBIDDEN = {
    "imaging": "imaging and radiologic equipment follows its manufacturer",
    "radiologic": "imaging and radiologic equipment follows its manufacturer",
    "laser": "medical lasers follow their manufacturer",
}
SHORT = "the maintenance history is too short"
MONTH = 2_629_800_000_000
"""A mean month (30.4375 days) in µs."""
MOVES = {
    "new": ("open", "cancelled"),
    "open": ("review", "cancelled", "closed-incomplete"),
    "review": ("model-setup", "open", "closed-incomplete", "cancelled"),
    "model-setup": ("closed-complete", "review", "closed-incomplete", "cancelled"),
    "closed-complete": ("review", "cancelled"),
    "closed-incomplete": (),
    "cancelled": (),
}
ENDED = frozenset({"closed-incomplete", "cancelled"})
ASSESSED = frozenset({"model-setup", "closed-complete"})


class Rule(msgspec.Struct, frozen=True):
    """What a site calls sufficient history: so many completed maintenances of the model, the first so long ago."""

    completed: int = 5
    months: int = 12


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``aem_case``. ``activity`` is what is done instead, ``months`` how often; times in µs."""

    case_id: str
    model_id: str
    requester_id: str
    requester: str
    opened: int
    since: int
    state: str = "new"
    assessor_id: str = ""
    assessor: str = ""
    qualification: str = ""
    rationale: str = ""
    documents: tuple[str, ...] = ()
    activity: str = ""
    months: int | None = None
    evaluate_due: int | None = None
    evaluated: int | None = None
    reason: str = ""


def forbidden(class_: str, done: int, first: int | None, rule: Rule, at: int) -> str:
    """Why a model of ``class_`` with ``done`` completed maintenances since ``first`` (µs) may not be in the programme
    at ``at``; '' where it may."""
    if class_ in FORBIDDEN:
        return FORBIDDEN[class_]
    if done < rule.completed or first is None or first > at - rule.months * MONTH:
        return SHORT
    return ""


def lacks(case: Case) -> list[str]:
    """What an assessment still lacks before it can be accepted."""
    facts = (
        ("a named assessor", bool(case.assessor_id)),
        ("an assessor who did not ask for it", case.assessor_id != case.requester_id),
        ("the assessor's qualification", bool(case.qualification.strip())),
        ("a rationale", bool(case.rationale.strip())),
        ("documents", bool(case.documents)),
        ("an interval", case.months is not None),
        ("the date of the next evaluation", case.evaluate_due is not None and case.evaluate_due > case.since),
    )
    return [what for what, there in facts if not there]
