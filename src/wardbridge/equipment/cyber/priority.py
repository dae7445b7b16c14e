"""How urgent a finding is: known exploitation, then its probability, then severity; times clinical weight and exposure.

A pure function whose terms are shown beside the number. Of two findings with the same weight and exposure, the one
that is known to be exploited (CISA KEV) is always before the other.
"""

from __future__ import annotations

import msgspec

from wardbridge.core.clock import DAY

WEIGHT = {"life-support": 2.0, "high": 1.5, "medium": 1.0, "low": 0.7}
"""Clinical weight of a machine's criticality."""
EXPOSURE = {"isolated": 0.4, "clinical": 0.8, "hospital": 1.0, "outside": 1.5, "": 1.0}
"""Of the zone that a machine is in; '' where none is known, as if it stood in the hospital's network."""
EFFECT = {"blocks": 0.2, "reduces": 0.5, "detects": 0.8}
"""What a compensating control leaves of the exposure."""
_KEV, _RANSOM, _DUE = 100.0, 20.0, 10.0
_EPSS, _CVSS = 60.0, 20.0
UNSURE = 0.85
"""What a finding counts that rests on an assumption (an unknown version, a name in words)."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """``epss`` 0 to 1, ``cvss`` 0 to 10, ``due`` in µs; ``controls`` the effects of controls in force."""

    kev: bool = False
    ransomware: bool = False
    due: int | None = None
    epss: float = 0.0
    cvss: float = 0.0
    criticality: str = "medium"
    exposure: str = ""
    controls: tuple[str, ...] = ()
    sure: bool = True


class Term(msgspec.Struct, frozen=True):
    """One term of the sum or product, with its words."""

    name: str
    value: float
    times: bool = False


class Priority(msgspec.Struct, frozen=True, kw_only=True):
    """``value`` is the number to sort by; ``terms`` give it again."""

    value: float
    terms: tuple[Term, ...]


def priority(facts: Facts, now: int) -> Priority:
    """The priority at a moment (µs)."""
    terms: list[Term] = []
    if facts.kev:
        terms.append(Term("exploited (KEV)", _KEV))
        if facts.ransomware:
            terms.append(Term("used for ransomware", _RANSOM))
        if facts.due is not None:
            # Thirty days before it is due it begins to count; from the day on it counts in full.
            share = min(1.0, max(0.0, 1 - (facts.due - now) / (30 * DAY)))
            terms.append(Term("due date", round(_DUE * share, 1)))
    terms.append(Term(f"EPSS {facts.epss:.3f}", round(_EPSS * min(1.0, max(0.0, facts.epss)), 2)))
    terms.append(Term(f"CVSS {facts.cvss:.1f}", round(_CVSS * min(10.0, max(0.0, facts.cvss)) / 10, 2)))
    total = sum(term.value for term in terms)
    factors = [
        Term(f"{facts.criticality} criticality", WEIGHT.get(facts.criticality, 1.0), True),
        Term(f"{facts.exposure or 'unknown'} zone", EXPOSURE.get(facts.exposure, 1.0), True),
        *(Term(f"a control {effect} it", EFFECT[effect], True) for effect in sorted(set(facts.controls))),
    ]
    if not facts.sure:
        factors.append(Term("only possible", UNSURE, True))
    for factor in factors:
        total *= factor.value
    return Priority(value=round(total, 2), terms=(*terms, *factors))
