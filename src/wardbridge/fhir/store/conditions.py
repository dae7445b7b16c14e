"""One value of a clause as a condition on a row of its search table. No text of a request becomes text of a statement:
it is always an argument. Numbers (hashes, times, quantities) may be literals: see :class:`Arguments`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import asin, cos, degrees, pi, radians, sin
from typing import Any

from wardbridge.fhir.search.hash import clip, fold, reference_hash, token_hash
from wardbridge.fhir.search.query import (
    Composite,
    Near,
    Quantity,
    Range,
    Reference,
    Text,
    Token,
    Typed,
    Uri,
    Within,
    Words,
)
from wardbridge.fhir.store.numbers import Numbers

LAST = "\U0010ffff"
"""The last code point: ``value < prefix || LAST`` bounds all texts that begin with ``prefix``."""


_NUMBERS: dict[str, Callable[[Any], str]] = {
    "smallint": lambda value: str(int(value)),
    "bigint": lambda value: str(int(value)),
    "numeric": lambda value: str(Decimal(value)),
    "float8": lambda value: repr(float(value)),
}


class Arguments:
    """The arguments of a statement; :meth:`add` gives the placeholder.

    With ``literal`` numbers become literals. PostgreSQL keeps one plan for a prepared statement after its fifth use,
    made without knowing the arguments; for a condition that may hold for one row or for half of them that plan is wrong
    for some. A literal is known to the planner, so each such question has a plan of its own, which is then kept.
    """

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.literal = False

    def add(self, value: Any, kind: str) -> str:
        if self.literal:
            write = _NUMBERS.get(kind.removesuffix("[]"))
            if write is not None and kind.endswith("[]"):
                return f"'{{{','.join(map(write, value))}}}'::{kind}"
            if write is not None:
                return f"'{write(value)}'::{kind}"
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


def tokens(
    wanted: Sequence[Token], a: Arguments, code: str = "x.code", system: str = "x.system", hash_: str = "x.hash"
) -> str:
    """Any of these tokens. The hash selects, the text decides."""
    out: list[str] = []
    anywhere = [t.code for t in wanted if t.system is None and t.code is not None]
    nowhere = [t.code for t in wanted if t.system == "" and t.code is not None]
    exact = [(t.system, t.code) for t in wanted if t.system and t.code is not None]
    whole = [t.system for t in wanted if t.system and t.code is None]
    if anywhere:
        out.append(f"{_hashes(anywhere, a, hash_)} AND {_says(code, anywhere, a)}")
    if nowhere:
        out.append(f"{_hashes(nowhere, a, hash_)} AND {_says(code, nowhere, a)} AND {system} IS NULL")
    if len({system_ for system_, _ in exact}) == 1:
        codes = [code_ for _, code_ in exact]
        out.append(f"{_hashes(codes, a, hash_)} AND {_says(code, codes, a)} AND {_says(system, [exact[0][0]], a)}")
    elif exact:
        out.append(
            f"{_hashes([c for _, c in exact], a, hash_)} AND ({system}, {code}) IN (SELECT * FROM unnest("
            f"{a.add([s for s, _ in exact], 'text[]')}, {a.add([c for _, c in exact], 'text[]')}))"
        )
    if whole:
        out.append(one_of(system, whole, a))
    return any_of(out)


def _says(column: str, texts: Sequence[Any], a: Arguments) -> str:
    """``column`` is one of the texts, of rows that their hash has selected.

    Written so that the planner does not take it for one more restriction: the text only confirms what the hash says,
    and with its own fraction multiplied in, a value that half of all resources have looks rare.
    """
    return f"array_position({a.add(list(texts), 'text[]')}, {column}) IS NOT NULL"


def _hashes(codes: Sequence[str], a: Arguments, column: str) -> str:
    return one_of(column, [token_hash(code) for code in codes], a, "bigint")


def one_of(column: str, values: Sequence[Any], a: Arguments, kind: str = "text") -> str:
    """``column`` is one of the values."""
    if len(values) == 1:
        return f"{column} = {a.add(values[0], kind)}"
    return f"{column} = ANY({a.add(list(values), kind + '[]')})"


def any_of(conditions: Sequence[str]) -> str:
    if not conditions:
        return "false"
    return "(" + " OR ".join(conditions) + ")" if len(conditions) != 1 else conditions[0]


def references(wanted: Sequence[Reference], a: Arguments, types: dict[str, int]) -> str:
    targets = [target for reference in wanted for target in reference.targets]
    hashes = [reference_hash(target.type, target.value) for target in targets]
    if len(targets) == 1:
        target = targets[0]
        number = types.get(target.type)
        out = f"x.hash = {a.add(hashes[0], 'bigint')} AND x.value = {a.add(clip(target.value), 'text')} AND x.target "
        out += f"= {a.add(number, 'smallint')}" if number is not None else "IS NULL"
        return out + (f" AND x.version = {a.add(target.version, 'text')}" if target.version else "")
    plain = _any_target([t for t in targets if not t.version], a, types)
    versioned = [references([Reference((t,))], a, types) for t in targets if t.version]
    return any_of([*plain, *versioned])


def _any_target(targets: Sequence[Any], a: Arguments, types: dict[str, int]) -> list[str]:
    if not targets:
        return []
    hashes = [reference_hash(t.type, t.value) for t in targets]
    return [
        f"x.hash = ANY({a.add(hashes, 'bigint[]')}) AND (coalesce(x.target, 0), x.value) IN (SELECT * FROM unnest("
        f"{a.add([types.get(t.type, 0) for t in targets], 'smallint[]')}, "
        f"{a.add([clip(t.value) for t in targets], 'text[]')}))"
    ]


def string(wanted: Text, modifier: str, a: Arguments, column: str = "x.value") -> str:
    """``equals`` and ``ends`` are words of ``_filter``; '' is R4's default: starts with."""
    value = clip(fold(wanted.text))
    if modifier == "exact":
        return f"x.value = {a.add(value, 'text')} AND x.exact = {a.add(wanted.text, 'text')}"
    if modifier == "equals":
        return f"{column} = {a.add(value, 'text')}"
    if modifier == "contains":
        return f"{column} LIKE {a.add(f'%{_like(value)}%', 'text')}"
    if modifier == "ends":
        return f"{column} LIKE {a.add(f'%{_like(value)}', 'text')}"
    if modifier == "text":  # at the beginning of any word
        return (
            f"({column} LIKE {a.add(f'{_like(value)}%', 'text')} OR "
            f"{column} LIKE {a.add(f'% {_like(value)}%', 'text')})"
        )
    return f"{column} >= {a.add(value, 'text')} AND {column} < {a.add(value + LAST, 'text')}"


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def uri(wanted: Uri, modifier: str, a: Arguments) -> str:
    text = clip(wanted.text)
    if modifier == "below":
        return f"x.value >= {a.add(text, 'text')} AND x.value < {a.add(text + LAST, 'text')}"
    if modifier == "above":
        steps = [at for at, sign in enumerate(text) if sign in "/:"]
        above = {text, *(text[:at] for at in steps), *(text[: at + 1] for at in steps)} - {""}
        return f"x.value = ANY({a.add(sorted(above), 'text[]')})"
    if modifier in ("contains", "ends"):
        return f"x.value LIKE {a.add('%' + _like(text) + ('%' if modifier == 'contains' else ''), 'text')}"
    if modifier == "starts":
        return f"x.value LIKE {a.add(_like(text) + '%', 'text')}"
    return f"x.value = {a.add(text, 'text')}"


def date(wanted: Range, a: Arguments, low: str = "x.low", high: str = "x.high", kind: str = "bigint") -> str:
    """Ranges are half open: [low, high) (R4 search §3.1.1.4.5)."""
    start, end = a.add(wanted.low, kind), a.add(wanted.high, kind)
    return {
        "eq": f"{low} >= {start} AND {low} < {end} AND {high} <= {end}",
        "ne": f"({low} < {start} OR {high} > {end})",
        "gt": f"{high} > {end} AND {start} IS NOT NULL",
        "lt": f"{low} < {start} AND {end} IS NOT NULL",
        "ge": f"{high} > {start} AND ({low} >= {start} OR {high} > {end})",
        "le": f"{low} < {end} AND ({high} <= {end} OR {low} < {start})",
        "sa": f"{low} >= {end} AND {start} IS NOT NULL",
        "eb": f"{high} <= {start} AND {end} IS NOT NULL",
        "ap": f"{low} < {end} AND {high} > {start}",
    }[wanted.prefix]


def number(wanted: Range, a: Arguments, low: str = "x.low", high: str = "x.high") -> str:
    """Stored decimals are points (low = high), stored Ranges closed, an absent end open."""
    if wanted.prefix in ("eq", "ne", "ap"):
        start, end = a.add(wanted.low, "numeric"), a.add(wanted.high, "numeric")
        return {
            "eq": f"{low} >= {start} AND {low} < {end} AND {high} < {end}",
            "ne": f"({low} IS NULL OR {high} IS NULL OR {low} < {start} OR {high} >= {end})",
            "ap": f"({low} IS NULL OR {low} <= {end}) AND ({high} IS NULL OR {high} >= {start})",
        }[wanted.prefix]
    point = a.add(wanted.point, "numeric")
    return {
        "gt": f"({high} > {point} OR {high} IS NULL)",
        "ge": f"({high} >= {point} OR {high} IS NULL)",
        "lt": f"({low} < {point} OR {low} IS NULL)",
        "le": f"({low} <= {point} OR {low} IS NULL)",
        "sa": f"{low} > {point}",
        "eb": f"{high} < {point}",
    }[wanted.prefix]


def quantity(wanted: Quantity, a: Arguments, system: str = "x.system", code: str = "x.code") -> str:
    """In the unit as written, or in the canonical unit where both sides have one."""
    out = number(wanted.range, a)
    if wanted.code is not None:
        unit = a.add(wanted.code, "text")
        out += f" AND ({code} = {unit}" + ("" if wanted.system else f" OR x.unit = {unit}") + ")"
    if wanted.system is not None:
        out += f" AND {system} = {a.add(wanted.system, 'text')}"
    if wanted.base is None or wanted.base_unit is None:
        return out
    base = number(wanted.base, a, "x.base_low", "x.base_high")
    return f"(({out}) OR (x.base_unit = {a.add(wanted.base_unit, 'text')} AND {base}))"


def composite(wanted: Composite, a: Arguments) -> str:
    """Every part of one row; the second range, where there is one, is in low2 and high2."""
    out = [_first(wanted.parts[0], a)]
    ranges = 0
    for part in wanted.parts[1:]:
        if isinstance(part, Token):
            out.append(tokens([part], a, "x.code2", "x.system2", "x.hash2"))
        elif isinstance(part, Text):
            value = clip(fold(part.text))
            out.append(f"x.code2 >= {a.add(value, 'text')} AND x.code2 < {a.add(value + LAST, 'text')}")
        elif isinstance(part, Quantity):
            out.append(quantity(part, a, "x.system2", "x.code2"))
        elif isinstance(part, Range) and part.point is None:
            dates = Range(part.prefix, Decimal(part.low), Decimal(part.high))
            out.append(date(dates, a, kind="numeric"))
        elif isinstance(part, Range):
            suffix = "2" if ranges else ""
            out.append(number(part, a, "x.low" + suffix, "x.high" + suffix))
            ranges += 1
    return " AND ".join(f"({condition})" for condition in out)


def _first(part: Any, a: Arguments) -> str:
    if isinstance(part, Token):
        return tokens([part], a)
    assert isinstance(part, Reference)
    hashes = [reference_hash(t.type, t.value) for t in part.targets]
    return (
        f"x.hash = ANY({a.add(hashes, 'bigint[]')}) AND "
        f"x.code = ANY({a.add([clip(t.value) for t in part.targets], 'text[]')})"
    )


def of_type(wanted: Typed, a: Arguments) -> str:
    """An identifier's value together with its type: see ``search.values.of_type``."""
    value = tokens([Token(None, wanted.value)], a)
    return f"({value}) AND ({tokens([Token(wanted.system, wanted.code)], a, 'x.code2', 'x.system2', 'x.hash2')})"


_QUERY = {"word": "plainto_tsquery", "phrase": "phraseto_tsquery"}


def full_text(values: Sequence[Any], narrative: bool, a: Arguments) -> str:
    """Any of the values; the narrative has weight A, and its words are told apart by a second look at each hit."""
    queries = " || ".join(f"({_words(value, a)})" for value in values)
    if not narrative:
        return f"x.words @@ ({queries})"
    exact = f"ts_filter(x.words, '{{a}}') @@ ({queries})"
    # A word that must be absent from the narrative may stand elsewhere.
    return exact if any(map(_negates, values)) else f"x.words @@ ({queries}) AND {exact}"


def _negates(wanted: Words) -> bool:
    return wanted.kind == "not" or any(map(_negates, wanted.parts))


def _words(wanted: Words, a: Arguments) -> str:
    if wanted.kind in _QUERY:
        return f"{_QUERY[wanted.kind]}('simple', {a.add(wanted.text, 'text')})"
    parts = [f"({_words(part, a)})" for part in wanted.parts]
    if wanted.kind == "not":
        return f"!!{parts[0]}"
    return (" && " if wanted.kind == "and" else " || ").join(parts)


EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""


def near(wanted: Near, a: Arguments) -> str:
    """Within the circle: a box that an index can use, then the great circle by the haversine formula."""
    angle = wanted.km / EARTH_KM
    south, north = wanted.latitude - degrees(angle), wanted.latitude + degrees(angle)
    box = f"x.latitude BETWEEN {a.add(max(south, -90.0), 'float8')} AND {a.add(min(north, 90.0), 'float8')}"
    if south > -90 and north < 90 and angle < pi / 2:
        # Where the circle holds no pole, its farthest meridians stand this far from the middle.
        spread = degrees(asin(min(1.0, sin(angle) / cos(radians(wanted.latitude)))))
        west, east = wanted.longitude - spread, wanted.longitude + spread
        spans = [(max(west, -180.0), min(east, 180.0))]
        if west < -180:
            spans.append((west + 360, 180.0))
        if east > 180:
            spans.append((-180.0, east - 360))
        box += " AND " + any_of(
            [f"x.longitude BETWEEN {a.add(low, 'float8')} AND {a.add(high, 'float8')}" for low, high in spans]
        )
    latitude, longitude = a.add(wanted.latitude, "float8"), a.add(wanted.longitude, "float8")
    return (
        f"{box} AND 2 * {EARTH_KM} * asin(least(1, sqrt(sin(radians(x.latitude - {latitude}) / 2) ^ 2 + "
        f"cos(radians({latitude})) * cos(radians(x.latitude)) * sin(radians(x.longitude - {longitude}) / 2) ^ 2)))"
        f" <= {a.add(wanted.km, 'float8')}"
    )


PARENT = {
    "Communication": "part-of",
    "Encounter": "part-of",
    "Location": "partof",
    "Observation": "part-of",
    "Organization": "partof",
    "Procedure": "part-of",
    "ResearchStudy": "partof",
    "Task": "part-of",
}
"""The parameter by which a type stands in a hierarchy of its own (R4 search §3.1.1.4.14)."""


def within(wanted: Within, modifier: str, a: Arguments, numbers: Numbers) -> str:
    """The reference is to the resource itself, or to one above or below it in its hierarchy; a loop ends the walk."""
    out = []
    for target in wanted.targets:
        type_ = a.add(numbers.types[target.type], "smallint")
        parent = a.add(numbers.parameter(target.type, PARENT[target.type]), "smallint")
        start = f"""SELECT {a.add(target.value, "text")} COLLATE "C" AS id,
                           {a.add(reference_hash(target.type, target.value), "bigint")} AS hash"""
        step = (
            f"""SELECT r.id, r.hash FROM tree JOIN fhir_reference p ON p.parameter = {parent} AND p.hash = tree.hash
                AND p.value = tree.id JOIN fhir_resource r ON r.key = p.key AND NOT r.deleted"""
            if modifier == "below"
            else f"""SELECT p.value, p.hash FROM tree JOIN fhir_resource r ON r.type = {type_} AND r.id = tree.id
                AND NOT r.deleted JOIN fhir_reference p ON p.key = r.key AND p.parameter = {parent}
                AND p.target = {type_}"""
        )
        tree = f"WITH RECURSIVE tree AS ({start} UNION {step}) SELECT"
        out.append(
            f"x.target = {type_} AND x.hash = ANY (ARRAY ({tree} hash FROM tree)) "
            f"AND x.value = ANY (ARRAY ({tree} id FROM tree))"
        )
    return any_of([f"({text})" for text in out])


def each(condition: Callable[[Any], str], values: Sequence[Any]) -> str:
    """Any of several values, one condition each."""
    return any_of([f"({condition(value)})" if len(values) > 1 else condition(value) for value in values])
