"""What a tablet sends and what it is answered: ``POST /equipment/bench/sync``; pure.

Everything that a technician does is an operation with an id that the tablet made. The tablet keeps it until it was
answered, and may send it as often as it likes: it is applied once. Times on the wire are ms of the tablet's clock.

The cursor is what the tablet holds: for each order (and each bucket of the list of machines) the mark that it was
given. So an answer that got lost, a late commit or a restored server cannot leave a hole in what the tablet knows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from wardbridge.core.clock import MINUTE
from wardbridge.core.errors import Invalid

BODY_LIMIT = 1_000_000
"""Bytes of a request."""
BATCH = 200
"""Operations of a request."""
TEXT_LIMIT = 2000
JUMP = MINUTE
"""Clocks that differ by less are called equal."""
REFERENCE = "op:"
"""``work`` may name the operation that began the work, where the tablet does not know its id yet."""

_Text = str


class Take(msgspec.Struct, frozen=True, tag="take"):
    """Take an order, or go on with it."""


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    """An order waits: ``what`` is parts, vendor or patient."""

    what: str
    text: _Text = ""


class Note(msgspec.Struct, frozen=True, tag="note"):
    """A word on an order."""

    text: _Text


class Step(msgspec.Struct, frozen=True, tag="step"):
    """The result of one step of the procedure; ``value`` as it was typed."""

    step: str
    value: _Text
    instrument: str = ""
    override: _Text = ""


class Use(msgspec.Struct, frozen=True, tag="part"):
    """A part that was used; ``quantity`` is a decimal as text."""

    part: str
    store: str
    quantity: str
    lot: str = ""
    serial: str = ""


class Time(msgspec.Struct, frozen=True, tag="labour"):
    """Minutes worked and travelled; ``started`` in ms of the tablet's clock."""

    minutes: int
    travel: int = 0
    started: int | None = None
    text: _Text = ""


class Missing(msgspec.Struct, frozen=True, tag="missing"):
    """The machine could not be located."""

    text: _Text = ""


class Resolve(msgspec.Struct, frozen=True, tag="resolve"):
    """An order is done; ``late_reason`` where it was overdue."""

    text: _Text
    late_reason: str = ""


class Fault(msgspec.Struct, frozen=True, tag="fault"):
    """A machine is broken: a new order; ``take`` it over at once, ``out_of_use`` begins its downtime."""

    text: _Text
    priority: str = "routine"
    out_of_use: bool = False
    take: bool = True


class Down(msgspec.Struct, frozen=True, tag="down"):
    """The machine of an order, or the one named, is out of use from now on."""

    planned: bool = False
    text: _Text = ""


class Up(msgspec.Struct, frozen=True, tag="up"):
    """It can be used again."""


Body = Take | Wait | Note | Step | Use | Time | Missing | Resolve | Fault | Down | Up
KINDS = tuple(kind.__struct_config__.tag for kind in Body.__args__)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as it arrives. ``body`` is read only when it is applied: a wrong one is refused and kept, alone.

    ``counter`` rises by one an operation on a tablet; ``at`` is its wall clock and ``up`` the running time of the
    page (``boot``), both in ms.
    """

    id: str
    person: str
    counter: int
    at: int
    kind: str
    up: int = 0
    boot: str = ""
    work: str = ""
    device: str = ""
    body: msgspec.Raw = msgspec.Raw(b"{}")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A synchronisation. ``have`` marks of orders, ``machines`` marks of buckets (None: not wanted now)."""

    person: str
    tablet: str
    clock: int
    operations: tuple[Sent, ...] = ()
    have: dict[str, str] = {}
    teams: tuple[str, ...] = ()
    machines: dict[str, str] | None = None
    parts: str | None = None


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """When an operation happened, in µs: ``at`` said the tablet, ``happened`` believe we. ``offset`` is ours less its.

    ``jumped``: the tablet's clock was set meanwhile, or its moment cannot be.
    """

    at: int
    happened: int
    offset: int
    jumped: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an operation: done, already (``was`` says what), conflict, refused, or kept: it stays on the
    tablet, since it is somebody else's."""

    id: str
    state: str
    was: str = ""
    text: str = ""
    work: str = ""
    there: dict[str, Any] = {}


def request(body: bytes) -> Request:
    """Read a request. Raises Invalid with what is wrong and where; nothing of it is applied then."""
    if len(body) > BODY_LIMIT:
        raise Invalid(f"a synchronisation has at most {BODY_LIMIT} bytes; send fewer operations", "operations")
    try:
        found = msgspec.json.decode(body, type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"this is no synchronisation: {error}", "body") from error
    if len(found.operations) > BATCH:
        raise Invalid(f"send at most {BATCH} operations at a time", "operations")
    for name, text in (("person", found.person), ("tablet", found.tablet)):
        _short(text, name)
    for sent in found.operations:
        for name, text in (("id", sent.id), ("person", sent.person), ("kind", sent.kind)):
            _short(text, name)
        if not 0 <= sent.counter < 1 << 53 or not _moment(sent.at):
            raise Invalid("the counter or the time of an operation is out of range", sent.id)
    if not _moment(found.clock):
        raise Invalid("the time of the tablet is out of range", "clock")
    if len(found.have) > 2000 or len(found.teams) > 50 or len(found.machines or ()) > 1000:
        raise Invalid("this tablet says that it holds more than it can", "have")
    if any(not clean(text) or len(text) > 200 for text in found.teams):
        raise Invalid("this is not the name of a team", "teams")
    return found


def body_of(sent: Sent) -> Body:
    """What an operation says. Raises Invalid for an unknown kind or a wrong field."""
    try:
        fields = msgspec.json.decode(bytes(sent.body))
        if not isinstance(fields, dict):
            raise Invalid("this operation cannot be read: it has no fields", sent.kind)
        found: Body = msgspec.convert({**fields, "type": sent.kind}, Body)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"this operation cannot be read: {error}", sent.kind) from error
    texts = [value for value in (getattr(found, name) for name in found.__struct_fields__) if isinstance(value, str)]
    for text in (*texts, sent.work, sent.device):
        if len(text) > TEXT_LIMIT or not clean(text):
            raise Invalid(f"a text has at most {TEXT_LIMIT} characters, and no control characters", sent.kind)
    return found


def decimal(text: str, where: str) -> Decimal:
    """A decimal as people type it, comma or point. Raises Invalid."""
    try:
        value = Decimal(text.strip().replace(",", "."))
    except ArithmeticError as error:
        raise Invalid("this is not a number", where) from error
    if not value.is_finite():
        raise Invalid("this is not a number", where)
    return value


def clean(text: str) -> bool:
    """Whether a text can be kept: no control characters but line breaks and tabs, no lone surrogates."""
    return all(sign in "\n\r\t" or unicodedata.category(sign) not in ("Cc", "Cs") for sign in text)


def ordered(operations: Sequence[Sent]) -> list[Sent]:
    """Operations in the order of the tablet's counter: whatever its clock said."""
    return sorted(operations, key=lambda sent: (sent.counter, sent.id))


def times(operations: Sequence[Sent], clock: int, now: int) -> list[Timed]:
    """When each of ``operations`` (in their order) happened. ``clock`` is the tablet's, in ms, when ours was ``now``.

    The tablet's offset now is taken for then as well. Never after now, never before an earlier operation: order is the
    counter's. A clock that went back, that went back against the running time of the page, or that shows a moment to
    come has jumped.
    """
    offset = now - clock * 1000
    found: list[Timed] = []
    for index, sent in enumerate(operations):
        at = sent.at * 1000
        guess = at + offset
        jumped = guess > now + JUMP
        if index:
            before = operations[index - 1]
            went = at - before.at * 1000
            jumped |= went < -JUMP
            if sent.boot and sent.boot == before.boot:
                jumped |= went < (sent.up - before.up) * 1000 - JUMP
        happened = max(min(guess, now), found[-1].happened if found else 0)
        found.append(Timed(at=at, happened=happened, offset=offset, jumped=jumped))
    return found


def _moment(value: int) -> bool:
    return 0 <= value < 1 << 45


def _short(text: str, where: str) -> None:
    if not 0 < len(text) <= 100 or not clean(text):
        raise Invalid("this is not an id", where)
