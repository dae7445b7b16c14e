"""What a search asks for, as values: clauses joined by "and", each with values joined by "or" (R4 search §3.1.1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from wardbridge.fhir.definitions.search import SearchParameter


@dataclass(frozen=True)
class Token:
    """``system`` None: any; '': none. ``code`` None: any code of the system. The code is without case."""

    system: str | None
    code: str | None


@dataclass(frozen=True)
class Text:
    """A string as the request has it."""

    text: str


@dataclass(frozen=True)
class Range:
    """A date (µs, half open) or number: ``low`` and ``high`` bound what the written precision stands for.

    ``point`` is the number itself, which the ordering prefixes compare with (None for dates).
    """

    prefix: str
    low: int | Decimal
    high: int | Decimal
    point: Decimal | None = None


@dataclass(frozen=True)
class Quantity:
    """A number with its unit. ``code`` None: any; ``system`` None: any; ``base``: the range in the canonical unit."""

    range: Range
    system: str | None
    code: str | None
    base: Range | None = None
    base_unit: str | None = None


@dataclass(frozen=True)
class Target:
    """One possible target of a reference: type and id, or ('' and) a URL; ``version`` where it was asked for."""

    type: str
    value: str
    version: str | None = None


@dataclass(frozen=True)
class Reference:
    """The targets that one written value may mean."""

    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Uri:
    text: str


@dataclass(frozen=True)
class Composite:
    parts: tuple[Value, ...]


@dataclass(frozen=True)
class Missing:
    """``:missing``: True asks for resources without the element."""

    absent: bool


Value = Token | Text | Range | Quantity | Reference | Uri | Composite | Missing


@dataclass(frozen=True)
class Clause:
    """One parameter of a request. ``modifier`` is '', or as in R4 without the colon."""

    code: str
    parameter: SearchParameter
    modifier: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Sort:
    code: str
    type: str
    descending: bool


@dataclass(frozen=True)
class Include:
    """``_include`` (or ``_revinclude``: ``reverse``). ``code`` '*' stands for every reference."""

    source: str
    code: str
    target: str
    reverse: bool


@dataclass(frozen=True)
class Query:
    """A parsed search. ``types`` empty: every type. ``ignored`` is filled only for ``Prefer: handling=lenient``."""

    types: tuple[str, ...]
    clauses: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20
    total: str = ""
    summary: str = ""
    elements: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()
    cursor: str = ""
    ignored: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """What was understood, as it was sent: the ``self`` link."""
