"""What a search asks for, as values: conditions joined by "and", a clause's values by "or" (R4 search §3.1.1.3).

A condition is a clause on the resource itself, or one on a resource that it refers to (:class:`Chain`) or that refers
to it (:class:`Reverse`), or conditions joined by a word of ``_filter``.
"""

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


@dataclass(frozen=True)
class Typed:
    """``:of-type``: an identifier's value with the system and code of its type."""

    system: str
    code: str
    value: str


@dataclass(frozen=True)
class Near:
    """A circle on the earth: degrees (WGS 84) and the distance from the middle in km."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True)
class Words:
    """Full text (``_text``, ``_content``): ``kind`` is word, phrase, and, or, not."""

    kind: str
    text: str = ""
    parts: tuple[Words, ...] = ()


@dataclass(frozen=True)
class Within:
    """``:above`` and ``:below`` on a reference: what stands above or below a resource in its own hierarchy."""

    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Asked:
    """A question to the terminology service: ``word`` in, not-in, above, below; ``text`` a value set or system|code."""

    word: str
    text: str


Value = Token | Text | Range | Quantity | Reference | Uri | Composite | Missing | Typed | Near | Words | Within | Asked


@dataclass(frozen=True)
class Clause:
    """One parameter of a request. ``modifier`` is '', or as in R4 without the colon."""

    code: str
    parameter: SearchParameter = field(repr=False)
    modifier: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Link:
    """One type that a chain may lead to, and what must hold there."""

    type: str
    condition: Condition


@dataclass(frozen=True)
class Chain:
    """``subject:Patient.name=x``: a reference leads to a resource that meets the condition of one of the links."""

    code: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Reverse:
    """``_has:Observation:patient:code=x``: a resource of type ``source`` that refers here meets the condition."""

    source: str
    code: str
    condition: Condition


@dataclass(frozen=True)
class And:
    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    part: Condition


@dataclass(frozen=True)
class Compartment:
    """Belongs to one of these compartments, e.g. ``Patient`` of the ids (R4 compartmentdefinition.html)."""

    name: str
    ids: tuple[str, ...]


Condition = Clause | Chain | Reverse | And | Or | Not | Compartment


@dataclass(frozen=True)
class Sort:
    code: str
    type: str
    descending: bool


@dataclass(frozen=True)
class Include:
    """``_include`` (or ``_revinclude``: ``reverse``). ``code`` '*' stands for every reference, ``source`` '' for every
    type; ``iterate``: of what was included, too."""

    source: str
    code: str
    target: str
    reverse: bool
    iterate: bool = False


@dataclass(frozen=True)
class Query:
    """A parsed search. ``types`` empty: every type. ``ignored`` is filled only for ``Prefer: handling=lenient``."""

    types: tuple[str, ...]
    clauses: tuple[Condition, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20
    total: str = ""
    summary: str = ""
    elements: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()
    contained: str = ""
    """'' (only resources that stand for themselves), ``true`` (only contained ones) or ``both``."""
    container: bool = True
    """Whether a contained match is given as its container (``_containedType=container``)."""
    cursor: str = ""
    ignored: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """What was understood, as it was sent: the ``self`` link."""


def types_of(condition: Condition) -> frozenset[str]:
    """The resource types that a condition looks at beyond the one it is about."""
    match condition:
        case Chain(links=links):
            return frozenset(link.type for link in links).union(*(types_of(link.condition) for link in links))
        case Reverse(source=source, condition=inner):
            return types_of(inner) | {source}
        case And(parts=parts) | Or(parts=parts):
            return frozenset().union(*map(types_of, parts))
        case Not(part=part):
            return types_of(part)
        case _:
            return frozenset()


def reverses(condition: Condition) -> bool:
    """Whether a condition asks for resources that refer to others."""
    match condition:
        case Reverse():
            return True
        case Chain(links=links):
            return any(reverses(link.condition) for link in links)
        case And(parts=parts) | Or(parts=parts):
            return any(map(reverses, parts))
        case Not(part=part):
            return reverses(part)
        case _:
            return False
