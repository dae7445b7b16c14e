"""Which value is charted when: a table (``policy.toml``) and the site's own rules before it.

A site's rules stand in the settings table ``charting``: the key is an MDC code or name, or ``default``;
``[charting.147842]`` with ``every_minutes = 5``, or ``[charting.MDC_PRESS_AWAY_MAX]`` with ``mode = "off"``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from wardbridge.core.clock import MINUTE, SECOND
from wardbridge.core.errors import SettingsError
from wardbridge.devices.values import Quality, Reading
from wardbridge.terminology import mdc

MODES = ("periodic", "episodic", "change", "off")

UNFIT = int(
    Quality.INVALID
    | Quality.UNAVAILABLE
    | Quality.CALIBRATING
    | Quality.TEST
    | Quality.DEMO
    | Quality.WRONG_PATIENT
    | Quality.BUSY
)
"""Flags under which a value is never charted. Questionable and early values are, and say so."""


class Rule(msgspec.Struct, frozen=True):
    """What happens to one signal. Spacing in µs."""

    mode: str = "periodic"
    every: int = 15 * MINUTE
    at_most: int = MINUTE
    on_alarm: bool = True

    def slot(self, time: int) -> int:
        """The number that allows one point of this rule: the aligned start of the slot, or the time."""
        if self.mode == "periodic":
            return time - time % self.every
        if self.mode == "change":
            return time - time % self.at_most
        return time


class Policy:
    """The rules of a site. Raises SettingsError that names the rule that is wrong."""

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]] | None = None, minutes: int = 15) -> None:
        table = _table()
        overrides = dict(overrides or {})
        base = Rule(every=minutes * MINUTE)
        self._default = _rule(table["default"] | dict(overrides.pop("default", {})), base, "default")
        self._rules = [
            (frozenset(r.get("codes", ())), frozenset(r.get("kinds", ())), _rule(r, base, r["name"]))
            for r in table["rule"]
        ]
        self._own: dict[int, Mapping[str, Any]] = {}
        for key, given in overrides.items():
            term = mdc.nomenclature().named(key)
            if not key.isdigit() and term is None:
                raise SettingsError(f"charting: {key!r} is neither an MDC code nor a known name", f"charting.{key}")
            code = int(key) if term is None else term.code
            _rule(given, base, key)
            self._own[code] = given

    def rule(self, code: int, kind: str) -> Rule | None:
        """The rule of a signal; None where the code is unknown to the nomenclature: it is kept and shown raw,
        but nobody can say what it means, so it is not charted."""
        term = mdc.term(code)
        if term is None:
            return None
        found = self._default
        for codes, kinds, rule in self._rules:
            if code in codes or (kinds and (kind in kinds or (term.kind in kinds and term.kind != "metric"))):
                found = rule
                break
        own = self._own.get(code)
        return found if own is None else _rule(own, found, str(code))


def chartable(reading: Reading) -> bool:
    """Whether the value may be charted at all: there is one, and no flag forbids it."""
    return bool(reading.text) and not reading.quality & UNFIT


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return tomllib.loads(files("wardbridge.devices.charting").joinpath("policy.toml").read_text("utf-8"))


def _rule(given: Mapping[str, Any], base: Rule, name: str) -> Rule:
    known = {"name", "codes", "kinds", "mode", "every_minutes", "at_most_seconds", "on_alarm"}
    odd = set(given) - known
    mode = given.get("mode", base.mode)
    every = given.get("every_minutes", base.every / MINUTE)
    most = given.get("at_most_seconds", base.at_most / SECOND)
    if odd or mode not in MODES or not isinstance(every, int | float) or every <= 0 or most <= 0:
        raise SettingsError(
            f"charting: the rule {name!r} is wrong: mode is one of {', '.join(MODES)}, times are above 0"
            + (f", {', '.join(sorted(odd))} is unknown" if odd else ""),
            f"charting.{name}",
        )
    return Rule(mode, int(every * MINUTE), int(most * SECOND), bool(given.get("on_alarm", base.on_alarm)))
