"""Who asks, what for, and the answer: the values that every decision is made of."""

from __future__ import annotations

from dataclasses import dataclass

CLINICAL = frozenset({"nurse", "physician"})
TECHNICAL = frozenset({"technician", "operator", "administrator"})
ROLES = CLINICAL | TECHNICAL | {"service"}


@dataclass(frozen=True)
class Principal:
    """An authenticated person, service or Wardbridge itself.

    ``kind`` is ``user``, ``service`` or ``system``. ``scopes`` are SMART v2 scopes of a bearer token,
    empty for a browser session (a session is limited by its roles alone). ``session`` is the digest of
    the session, hex, empty for tokens. ``csrf`` belongs to the session.
    """

    id: str
    display: str
    kind: str
    roles: frozenset[str]
    scopes: tuple[str, ...] = ()
    address: str = ""
    session: str = ""
    csrf: str = ""
    practitioner: str = ""

    @property
    def name(self) -> str:
        """What screens call them."""
        return self.display


SYSTEM = Principal("wardbridge", "Wardbridge", "system", frozenset({"service"}), ("system/*.cruds",))
"""What Wardbridge itself acts as: charting, feeds, jobs."""


@dataclass(frozen=True)
class Target:
    """What is asked for. ``kind`` is ``fhir`` (``type`` a resource type, '' for the whole system)
    ``page`` or ``feature`` (``type`` its name). ``patients`` are ids where they are known."""

    kind: str
    type: str
    id: str = ""
    patients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """``reason`` names the rule that decided; it is written to the audit record and shown to the user."""

    permit: bool
    reason: str
