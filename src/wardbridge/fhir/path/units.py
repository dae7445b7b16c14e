"""The part of UCUM that comparing and multiplying quantities in expressions needs.

A unit becomes a factor and powers of base units (https://ucum.org/ucum).  The whole of UCUM (arbitrary units,
temperature scales, annotations with meaning) is the terminology room's; an unknown unit here compares only with
itself.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

Dimensions: TypeAlias = tuple[tuple[str, int], ...]

PREFIXES: dict[str, Decimal] = {
    name: Decimal(10) ** power
    for name, power in {
        "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
        "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
    }.items()
}  # fmt: skip

# symbol: (factor, base powers, metric: takes prefixes)
ATOMS: dict[str, tuple[str, dict[str, int], bool]] = {
    "m": ("1", {"m": 1}, True),
    "s": ("1", {"s": 1}, True),
    "g": ("1", {"g": 1}, True),
    "rad": ("1", {"rad": 1}, True),
    "K": ("1", {"K": 1}, True),
    "C": ("1", {"C": 1}, True),
    "cd": ("1", {"cd": 1}, True),
    "Cel": ("1", {"Cel": 1}, True),
    "[degF]": ("1", {"degF": 1}, False),
    "%": ("0.01", {}, False),
    "[ppth]": ("0.001", {}, False),
    "[ppm]": ("0.000001", {}, False),
    "mol": ("6.02214076e23", {}, True),
    "L": ("0.001", {"m": 3}, True),
    "l": ("0.001", {"m": 3}, True),
    "Hz": ("1", {"s": -1}, True),
    "N": ("1000", {"g": 1, "m": 1, "s": -2}, True),
    "Pa": ("1000", {"g": 1, "m": -1, "s": -2}, True),
    "J": ("1000", {"g": 1, "m": 2, "s": -2}, True),
    "W": ("1000", {"g": 1, "m": 2, "s": -3}, True),
    "A": ("1", {"C": 1, "s": -1}, True),
    "V": ("1000", {"g": 1, "m": 2, "s": -2, "C": -1}, True),
    "Ohm": ("1000", {"g": 1, "m": 2, "s": -1, "C": -2}, True),
    "bar": ("100000000", {"g": 1, "m": -1, "s": -2}, True),
    "m[Hg]": ("133322000", {"g": 1, "m": -1, "s": -2}, True),
    "m[H2O]": ("9806650", {"g": 1, "m": -1, "s": -2}, True),
    "cal": ("4184", {"g": 1, "m": 2, "s": -2}, True),
    "t": ("1000000", {"g": 1}, True),
    "U": ("1.003690126667e16", {"s": -1}, True),
    "kat": ("6.02214076e23", {"s": -1}, True),
    "[iU]": ("1", {"iU": 1}, True),
    "[IU]": ("1", {"iU": 1}, True),
    "eq": ("6.02214076e23", {}, True),
    "osm": ("6.02214076e23", {}, True),
    "min": ("60", {"s": 1}, False),
    "h": ("3600", {"s": 1}, False),
    "d": ("86400", {"s": 1}, False),
    "wk": ("604800", {"s": 1}, False),
    "mo": ("2629800", {"s": 1}, False),
    "a": ("31557600", {"s": 1}, False),
    "[in_i]": ("0.0254", {"m": 1}, False),
    "[ft_i]": ("0.3048", {"m": 1}, False),
    "[yd_i]": ("0.9144", {"m": 1}, False),
    "[mi_i]": ("1609.344", {"m": 1}, False),
    "[lb_av]": ("453.59237", {"g": 1}, False),
    "[oz_av]": ("28.349523125", {"g": 1}, False),
    "[foz_us]": ("0.0000295735295625", {"m": 3}, False),
    "deg": ("0.01745329251994329576923690768489", {"rad": 1}, False),
    "[drp]": ("0.00000005", {"m": 3}, False),
}
_PART = re.compile(
    r"""
    ([./]?)                                   # operator before the part
    (?:\(([^()]*)\)                           # a group
      |(10[*^][+-]?[0-9]+                     # a power of ten
       |[0-9]+(?![0-9*^]*[A-Za-z\[%])         # a number
       |[^./()0-9+\-{}\[]*(?:\[[^\]]*\])?[^./()0-9+\-{}]*))   # a symbol
    ([+-]?[0-9]+)?                            # exponent
    (\{[^}]*\})?                              # annotation
    """,
    re.VERBOSE,
)


def _atom(symbol: str) -> tuple[Decimal, dict[str, int]] | None:
    if symbol in ATOMS:
        factor, powers, _ = ATOMS[symbol]
        return Decimal(factor), powers
    for size in (2, 1):
        prefix, rest = symbol[:size], symbol[size:]
        if prefix in PREFIXES and rest in ATOMS and ATOMS[rest][2]:
            factor, powers, _ = ATOMS[rest]
            return PREFIXES[prefix] * Decimal(factor), powers
    return None


@lru_cache(maxsize=1024)
def canonical(unit: str) -> tuple[Decimal, Dimensions] | None:
    """Factor and powers of base units of a UCUM code, or None where it is not known here."""
    if unit in ("", "1"):
        return Decimal(1), ()
    factor, powers = Decimal(1), dict[str, int]()
    at = 0
    while at < len(unit):
        match = _PART.match(unit, at)
        if match is None or match.end() == at:
            return None
        sign = -1 if match[1] == "/" else 1
        inner, symbol = match[2], match[3]
        exponent = sign * int(match[4] or 1)
        if inner is not None:
            part = canonical(inner)
            if part is None:
                return None
            one, many = part[0], dict(part[1])
        elif symbol and symbol[:3] in ("10*", "10^"):
            one, many = Decimal(10) ** int(symbol[3:]), {}
        elif symbol and symbol.isdigit():
            one, many = Decimal(symbol), {}
        elif not symbol and match[5]:
            one, many = Decimal(1), {}
        else:
            known = _atom(symbol)
            if known is None:
                return None
            one, many = known[0], dict(known[1])
        factor *= one**exponent
        for base, power in many.items():
            powers[base] = powers.get(base, 0) + power * exponent
        at = match.end()
    return factor, tuple(sorted((base, power) for base, power in powers.items() if power))


def spell(dimensions: Dimensions) -> str:
    """The UCUM code of powers of base units: `m2`, `g.m.s-2`, `1`."""
    return ".".join(base + (str(power) if power != 1 else "") for base, power in dimensions) or "1"
