"""Search expressions as generated Python: a few dict look-ups instead of an evaluation.

Search parameters are nearly all unions of plain paths with `as`, `ofType`, `extension(url)`,
`where(resolve() is Type)` or `where(name = 'text')`.  The definitions say which elements repeat and which JSON names a
choice has, so each path becomes nested loops; what does not fit stays with the general engine, and so does a resource
whose JSON has another shape than the definitions say.  Standard: https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from wardbridge.fhir.definitions.table import is_a, known, type_of
from wardbridge.fhir.path import syntax
from wardbridge.fhir.path.parser import parse
from wardbridge.fhir.path.references import named_type

Typed: TypeAlias = Callable[[dict[str, Any]], list[tuple[str, Any]]]
Step: TypeAlias = tuple[str, Any]
_SYSTEM = {
    f"System.{name}": name[0].lower() + name[1:]
    for name in ("Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time")
} | {"System.Quantity": "Quantity"}
MOST_LINES = 400
_HEAD = "def extract(r):\n    out = []\n    add = out.append\n    try:\n"
# JSON of another shape than the definitions say: the general engine looks at what each value is.
_TAIL = "    except (AttributeError, KeyError, TypeError):\n        return slow(r)\n    return out\n"


class _Unfit(Exception):
    """The path needs the general engine."""


def branches(node: syntax.Node) -> list[syntax.Node]:
    """The alternatives of a union, in order."""
    if isinstance(node, syntax.Binary) and node.operator == "|":
        return branches(node.left) + branches(node.right)
    return [node]


def root_of(node: syntax.Node) -> str | None:
    """The type name that a path starts with, or None."""
    while True:
        match node:
            case syntax.Member(None, name, _):
                return name if name[0].isupper() and type_of(name) is not None else None
            case syntax.Member(left, _, _) | syntax.Call(left, _, _, _) if left is not None:
                node = left
            case syntax.Index(left, _, _) | syntax.TypeTest(_, left, _, _):
                node = left
            case _:
                return None


def applies(node: syntax.Node, type_name: str) -> bool:
    """Whether an alternative can give anything on that type."""
    root = root_of(node)
    return root is None or root in known(type_name).ancestors


def _steps(node: syntax.Node, out: list[Step]) -> None:
    match node:
        case syntax.Member(None, name, _):
            out.append(("root", name) if name[0].isupper() else ("member", name))
        case syntax.Member(left, name, _) if left is not None:
            _steps(left, out)
            out.append(("member", name))
        case syntax.TypeTest("as", left, name, _):
            _steps(left, out)
            out.append(("as", name))
        case syntax.Call(left, "as" | "ofType", (syntax.Member(None, name, _),), _) if left is not None:
            _steps(left, out)
            out.append(("as", name))
        case syntax.Call(left, "extension", (syntax.Literal(url, _),), _) if left is not None:
            _steps(left, out)
            out.extend([("member", "extension"), ("equals", ("url", url))])
        case syntax.Call(left, "where", (syntax.TypeTest("is", syntax.Call(None, "resolve", (), _), name, _),), _) if (
            left is not None
        ):
            _steps(left, out)
            out.append(("refers", name))
        case syntax.Call(
            left, "where", (syntax.Binary("=", syntax.Member(None, name, _), syntax.Literal(str() as text, _), _),), _
        ) if left is not None:
            _steps(left, out)
            out.append(("equals", (name, text)))
        case syntax.Index(left, syntax.Literal(int() as at, _), _):
            _steps(left, out)
            out.append(("at", at))
        case syntax.Call(left, "first", (), _) if left is not None:
            _steps(left, out)
            out.append(("at", 0))
        case _:
            raise _Unfit


def refers(value: Any, name: str, holder: dict[str, Any]) -> bool:
    """Whether a Reference points to that resource type, by its own words or by a contained resource."""
    text = value.get("reference")
    if text.__class__ is str:
        if text.startswith(name) and text[len(name) : len(name) + 1] == "/":
            return True
        if text.startswith("#"):
            contained = holder.get("contained") or ()
            return any(c.get("id") == text[1:] and c.get("resourceType") == name for c in contained)
    return named_type(value) == name


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)
        if len(self.lines) > MOST_LINES:
            raise _Unfit

    def name(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def emit(self, steps: list[Step], var: str, type_name: str, depth: int) -> None:
        """Writes the code that takes `var` (of that type, not None) through the rest of the steps."""
        if not steps:
            if type_name == "Resource":
                self.line(depth, f"add(({var}['resourceType'], {var}))")
            else:
                self.line(depth, f"add(({type_name!r}, {var}))")
            return
        (kind, what), rest = steps[0], steps[1:]
        match kind:
            case "member":
                self.member(what, rest, var, type_name, depth)
            case "as":
                self.narrow(what, rest, var, type_name, depth)
            case "refers":
                if type_name != "Reference":
                    raise _Unfit
                self.line(depth, f"if refers({var}, {what!r}, r):")
                self.emit(rest, var, type_name, depth + 1)
            case "equals":
                name, text = what
                element = known(type_name).elements.get(name)
                if element is None or element.choice or element.many:
                    raise _Unfit
                inner = type_of(element.types[0])
                if (
                    inner is None
                    or not inner.primitive
                    or inner.name in ("decimal", "date", "dateTime", "instant", "time")
                ):
                    raise _Unfit
                self.line(depth, f"if {var}.get({name!r}) == {text!r}:")
                self.emit(rest, var, type_name, depth + 1)
            case _:
                raise _Unfit

    def narrow(self, wanted: str, rest: list[Step], var: str, type_name: str, depth: int) -> None:
        if type_name == "Resource":
            self.line(depth, f"if {var}.get('resourceType') == {wanted!r}:")
            self.emit(rest, var, wanted, depth + 1)
        elif _fits(type_name, wanted):
            self.emit(rest, var, type_name, depth)
        else:
            self.line(depth, "pass")

    def member(self, name: str, rest: list[Step], var: str, type_name: str, depth: int) -> None:
        element = known(type_name).elements.get(name)
        if element is None or known(type_name).primitive:
            raise _Unfit
        keys = element.keys
        if rest and rest[0][0] == "as" and type_name != "Resource" and element.types != ("Resource",):
            keys = tuple((key, t) for key, t in keys if _fits(t, rest[0][1]))
            rest = rest[1:]
        at = None
        if rest and rest[0][0] == "at":
            # `a.b[0]` takes one of all b, so only a path without repetition before it is that simple.
            if self.looping(depth) or element.choice:
                raise _Unfit
            at, rest = rest[0][1], rest[1:]
        for key, inner in keys:
            found = self.name()
            self.line(depth, f"{found} = {var}.get({key!r})")
            if element.many and at is None:
                self.line(depth, f"if {found}:")
                item = self.name()
                self.line(depth + 1, f"for {item} in {found}:")
                self.line(depth + 2, f"if {item} is not None:")
                self.emit(rest, item, inner, depth + 3)
            elif element.many:
                self.line(depth, f"if {found} and len({found}) > {at}:")
                item = self.name()
                self.line(depth + 1, f"{item} = {found}[{at}]")
                self.line(depth + 1, f"if {item} is not None:")
                self.emit(rest, item, inner, depth + 2)
            else:
                if at:
                    raise _Unfit
                self.line(depth, f"if {found} is not None:")
                self.emit(rest, found, inner, depth + 1)
        if not keys:
            self.line(depth, "pass")

    def looping(self, depth: int) -> bool:
        return any(
            line.lstrip().startswith("for ") and len(line) - len(line.lstrip()) < 4 * depth for line in self.lines
        )


def _fits(name: str, wanted: str) -> bool:
    if name == wanted:
        return True
    kind = type_of(wanted)
    if kind is None:
        # System names, as R4 writes `as(DateTime)`.
        return name == wanted[0].lower() + wanted[1:]
    return not kind.primitive and is_a(name, wanted)


def write(expression: str, type_name: str) -> str | None:
    """The Python source of the extractor, or None where the expression needs the general engine."""
    writer = _Writer()
    try:
        for branch in branches(parse(expression)):
            if not applies(branch, type_name):
                continue
            steps: list[Step] = []
            _steps(branch, steps)
            if steps[0][0] == "root":
                steps = steps[1:]
            start = len(writer.lines)
            inner = _Writer()
            inner.count = writer.count
            inner.emit(steps, "r", type_name, 1)
            writer.count = inner.count
            writer.lines[start:] = inner.lines
    except _Unfit:
        return None
    body = "\n".join("    " + line for line in writer.lines) or "        pass"
    return f"{_HEAD}{body}\n{_TAIL}"


def fast_extract(expression: str, type_name: str, general: Typed) -> Typed:
    """An extractor for that expression; `general` answers what the generated code cannot."""

    def slow(resource: dict[str, Any]) -> list[tuple[str, Any]]:
        return [(_SYSTEM.get(name, name), value) for name, value in general(resource)]

    source = write(expression, type_name)
    if source is None:
        return slow
    space: dict[str, Any] = {"refers": refers, "slow": slow}
    # The source comes from the definitions and from parsed names and texts written by repr, never from raw input.
    exec(compile(source, f"<{type_name}: {expression[:60]}>", "exec"), space)  # noqa: S102
    quick: Typed = space["extract"]
    return quick
