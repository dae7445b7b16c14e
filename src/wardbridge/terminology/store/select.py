"""An :class:`Expression` as SQL over ``term_concept c`` of one system. Every value is an argument, none is text."""

from __future__ import annotations

from typing import Any

from wardbridge.terminology.expression import (
    Active,
    Both,
    Codes,
    Either,
    Every,
    Expression,
    Has,
    InList,
    Leaf,
    Not,
    Under,
    Words,
)

_COLUMNS = {"code": "c.code", "concept": "c.code", "display": "c.display", "status": "c.status"}


class Arguments:
    """The arguments of a statement; :meth:`add` gives the placeholder. ``$1`` is the system's key."""

    def __init__(self, system: int) -> None:
        self.values: list[Any] = [system]

    def add(self, value: Any, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


def condition(expression: Expression, a: Arguments) -> str:
    """The WHERE of an expression."""
    match expression:
        case Every():
            return "true"
        case Codes(codes):
            return f"c.code = ANY({a.add(list(codes), 'text[]')})"
        case Under(code, itself, direct):
            number = f"(SELECT number FROM term_concept WHERE system = $1 AND code = {a.add(code, 'text')})"
            steps = " AND x.steps = 1" if direct else "" if itself else " AND x.steps > 0"
            # EXISTS lets a page be read in the order of the index, without listing all that is below.
            return (
                f"EXISTS (SELECT 1 FROM term_closure x WHERE x.system = $1 AND x.ancestor = {number} "
                f"AND x.descendant = c.number{steps})"
            )
        case InList(resource, place):
            listed = f"l.resource = {a.add(resource, 'bigint')} AND l.place = {a.add(place, 'int')}"
            return f"c.code IN (SELECT l.code FROM term_listed l WHERE {listed})"
        case Leaf():
            return "c.leaf"
        case Has(name, values):
            return _has(name, values, a)
        case Active():
            return "NOT c.inactive"
        case Words(words):
            query = " & ".join(f"'{word}':*" for word in words)
            return f"c.words @@ {a.add(query, 'text')}::tsquery" if words else "true"
        case Both(parts):
            return "(" + " AND ".join(condition(part, a) for part in parts) + ")"
        case Either(parts):
            return "(" + " OR ".join(condition(part, a) for part in parts) + ")"
        case Not(part):
            return f"NOT {condition(part, a)}" if isinstance(part, Both | Either) else f"NOT ({condition(part, a)})"


def _has(name: str, values: tuple[str, ...], a: Arguments) -> str:
    if name == "parent":
        parents = [condition(Under(value, direct=True), a) for value in values]
        any_parent = (
            "EXISTS (SELECT 1 FROM term_closure x WHERE x.system = $1 AND x.descendant = c.number AND x.steps > 0)"
        )
        return "(" + " OR ".join(parents) + ")" if parents else any_parent
    if name == "inactive":
        wanted = {value == "true" for value in values}
        return "true" if len(wanted) != 1 else "c.inactive" if wanted == {True} else "NOT c.inactive"
    if name in _COLUMNS and name != "status":
        column = _COLUMNS[name]
        return f"{column} = ANY({a.add(list(values), 'text[]')})" if values else f"{column} <> ''"
    code = a.add(name, "text")
    if not values:
        return f"EXISTS (SELECT 1 FROM term_property p WHERE p.system = $1 AND p.number = c.number AND p.code = {code})"
    wanted_values = a.add(list(values), "text[]")
    return (
        f"c.number IN (SELECT p.number FROM term_property p WHERE p.system = $1 AND p.code = {code} "
        f"AND md5(p.value) IN (SELECT md5(v) FROM unnest({wanted_values}) v) AND p.value = ANY({wanted_values}))"
    )
