"""Risk scores of models out of tables: which terms, what they are worth, and what a total asks for; pure, but for
the functions that keep a score. The incident history comes from the work orders."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.store import risk
from wardbridge.security.principal import Principal


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What may be chosen for a term."""

    code: str
    points: Decimal
    text: str


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Points for fewer than ``below`` months between failures; the last band has no end."""

    points: Decimal
    text: str
    below: Decimal | None = None


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One addend: chosen by a person, or read off the incident history by ``bands``. ``weight`` multiplies it."""

    term: str
    text: str
    choices: tuple[Choice, ...] = ()
    bands: tuple[Band, ...] = ()
    weight: Decimal = Decimal(1)


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """Totals from ``from_`` on ask for maintenance every ``months``."""

    from_: Decimal = msgspec.field(name="from")
    months: int


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """A scoring scheme in one version; ``include`` is the least total of the maintenance programme."""

    scheme: str
    version: str
    name: str
    include: Decimal
    term: tuple[Term, ...]
    intervals: tuple[Interval, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One term of a score as it is shown."""

    term: str
    text: str
    choice: str
    points: Decimal


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A total with its terms; ``months`` the suggested interval, None for none."""

    scheme: str
    version: str
    parts: tuple[Part, ...]
    total: Decimal
    included: bool
    months: int | None


@cache
def shipped() -> dict[str, Scheme]:
    """The schemes of ``risk.toml`` by name."""
    table = tomllib.loads(Path(__file__).with_name("risk.toml").read_text("utf-8"))
    return {one.scheme: one for one in msgspec.convert(table["scheme"], tuple[Scheme, ...], strict=False)}


def checked(scheme: Scheme) -> Scheme:
    """The scheme, if scores can be made with it. Raises Invalid with the term that does not work."""
    if not scheme.scheme or not scheme.version or not scheme.name or not scheme.term:
        raise Invalid("a scheme has a name, a version and terms", "scheme")
    for term in scheme.term:
        if bool(term.choices) == bool(term.bands):
            raise Invalid("a term has choices, or bands of the incident history", term.term)
        if len({one.code for one in term.choices}) != len(term.choices):
            raise Invalid("two choices have the same code", term.term)
        ends = [one.below for one in term.bands]
        if term.bands and (ends[-1] is not None or None in ends[:-1] or sorted(e for e in ends if e is not None)
                           != ends[:-1]):  # fmt: skip
            raise Invalid("bands rise, and only the last one has no end", term.term)
    return scheme


def score(scheme: Scheme, chosen: Mapping[str, str], months_between: Decimal | None) -> Score:
    """The score for choices ``{term: code}`` and the mean months between failures of one machine (None: none failed).

    Raises Invalid for a term without a choice, or one that does not exist.
    """
    parts = []
    for term in scheme.term:
        if term.bands:
            band = next(
                one for one in term.bands
                if one.below is None or (months_between is not None and months_between < one.below)
            )  # fmt: skip
            parts.append(Part(term=term.term, text=term.text, choice=band.text, points=band.points * term.weight))
            continue
        choice = next((one for one in term.choices if one.code == chosen.get(term.term)), None)
        if choice is None:
            raise Invalid(f"choose one of: {', '.join(one.code for one in term.choices)}", term.term)
        parts.append(Part(term=term.term, text=term.text, choice=choice.text, points=choice.points * term.weight))
    total = sum((part.points for part in parts), Decimal(0))
    ladder = sorted(scheme.intervals, key=lambda one: one.from_, reverse=True)
    months = next((one.months for one in ladder if total >= one.from_), None)
    return Score(scheme=scheme.scheme, version=scheme.version, parts=tuple(parts), total=total,
                 included=total >= scheme.include, months=months)  # fmt: skip


async def schemes(conn: Connection) -> dict[str, Scheme]:
    """Every scheme in the version in force: the site's newest, else the shipped one."""
    return shipped() | {one.scheme: one for one in (msgspec.json.decode(body, type=Scheme, strict=False)
                                                    for body in await risk.schemes(conn))}  # fmt: skip


async def put_scheme(shop: Shop, conn: Connection, scheme: Scheme) -> None:
    """Keep a scheme of the site, or a new version. Raises Invalid, Conflict for a version that there is."""
    checked(scheme)
    shipped_one = shipped().get(scheme.scheme)
    if shipped_one is not None and shipped_one.version == scheme.version:
        raise Conflict("this version is the shipped one; give yours another name", "version")
    body = msgspec.json.encode(scheme).decode()
    if not await risk.add_scheme(conn, scheme.scheme, scheme.version, body, shop.clock.now()):
        raise Conflict("this version exists; a version is never changed", "version")


async def rate(
    shop: Shop, conn: Connection, model_id: str, scheme: str, chosen: Mapping[str, str], by: Principal
) -> Score:
    """Score a model now and keep it as its newest score. Raises NotFound, Invalid."""
    known = await schemes(conn)
    if scheme not in known:
        raise NotFound("there is no such scoring scheme", "scheme")
    history = await risk.incidents(conn, model_id, shop.clock.now())
    if history is None:
        raise NotFound("there is no such model", "model")
    found = score(known[scheme], chosen, history)
    await risk.add(conn, shop.ids(), model_id, found.scheme, found.version, msgspec.json.encode(found.parts).decode(),
                   found.total, found.months, found.included, shop.clock.now(), by)  # fmt: skip
    return found
