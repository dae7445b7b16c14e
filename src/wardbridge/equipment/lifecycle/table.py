"""The table of moves (``table.toml``) and what it says of one move: pure.

A move is made when its evidence is complete. Evidence is *said* by who moves (text, a work order's id) or *kept* by
the store (a passed inspection, a certificate for every medium). What a machine owes before it is in service again
adds up over every state that it was in since: a recalled machine that went to repair still owes its remedy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

import msgspec

from wardbridge.equipment.register.values import WIRE

SHORTEST = 2
"""Characters below which something said is no evidence."""
IN_SERVICE = "in-service"
TAKEN_OFF = "taken-off"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """``kind`` need or machine; ``free``: nobody may be on the machine; ``release``: owed before it serves again."""

    name: str
    kind: str
    free: bool = False
    release: tuple[str, ...] = ()


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of evidence: what people are asked for, ``source`` said or kept, ``where`` on the page it is kept."""

    ask: str
    source: str
    where: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """From any of these states to one, with this evidence, by whoever may use this feature."""

    from_: tuple[str, ...]
    to: str
    needs: tuple[str, ...]
    feature: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The whole table."""

    state: dict[str, State]
    evidence: dict[str, Ask]
    move: tuple[Rule, ...]

    def rule(self, before: str, to: str) -> Rule | None:
        """The rule of one move, None where the table has none."""
        return next((rule for rule in self.move if rule.to == to and before in rule.from_), None)

    def onward(self, before: str) -> list[Rule]:
        """Every move that leads on from a state, in the table's order."""
        return [rule for rule in self.move if before in rule.from_]


class Gap(msgspec.Struct, frozen=True):
    """Evidence that is missing: its name in the table, what it is in words, and where it is to be brought."""

    name: str
    what: str
    where: str


@cache
def table() -> Table:
    """The table as delivered. Raises ValueError when it contradicts itself."""
    text = resources.files(__package__).joinpath("table.toml").read_text()
    found = msgspec.convert(tomllib.loads(text), Table)
    names = {name for rule in found.move for name in rule.needs} | {n for s in found.state.values() for n in s.release}
    states = {name for rule in found.move for name in (*rule.from_, rule.to)}
    wrong = (names - found.evidence.keys()) | (states - found.state.keys())
    machines = {name for name, state in found.state.items() if state.kind == "machine"}
    if wrong or machines != WIRE.keys():
        raise ValueError(f"the table of moves names what it does not define: {sorted(wrong or machines ^ WIRE.keys())}")
    return found


def needs(rule: Rule, been: Iterable[str] = (), *, in_use: bool = False) -> list[str]:
    """The evidence of a move, in order. ``been``: every state since the machine was last in service, the present one
    too; ``in_use``: somebody is on it now."""
    whole, asked = table(), list(rule.needs)
    if rule.to == IN_SERVICE:
        asked += [name for state in been if state in whole.state for name in whole.state[state].release]
    if in_use and whole.state[rule.to].free:
        asked.append(TAKEN_OFF)
    return list(dict.fromkeys(asked))


def gaps(asked: Iterable[str], said: Mapping[str, str], kept: Iterable[str], bed: str = "") -> list[Gap]:
    """What of the asked evidence is missing. ``kept``: names of what the store holds; ``bed``: where it is in use."""
    whole, held, missing = table(), set(kept), []
    for name in asked:
        ask = whole.evidence[name]
        if ask.source == "kept":
            if name not in held:
                missing.append(Gap(name, ask.ask, ask.where))
        elif len(said.get(name, "").strip()) < SHORTEST:
            text = f"{ask.ask} (it is in use in {bed or 'a bed'})" if name == TAKEN_OFF else ask.ask
            missing.append(Gap(name, text, name))
    return missing


def since_service(history: Iterable[str], state: str) -> list[str]:
    """The states since a machine was last in service, of ``history`` (states it came to, oldest first) and ``state``,
    which it is in now."""
    been: list[str] = []
    for name in (*history, state):
        been = [] if name == IN_SERVICE else [*been, name]
    return list(dict.fromkeys(been))


def admission(state: str, before: str) -> str:
    """What the devices room admits a machine as when it comes to ``state``; ``before`` where that leaves it alone."""
    return WIRE[state] or before
