"""UCUM units as a factor to the canonical unit of their dimension (https://ucum.org, tables 1 to 8; linear units).

Only what is measured at a bedside or in its laboratory; a unit that is not here is compared as written.
Cel and [degF] are not linear and are turned into K by :func:`canonical` itself.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import lru_cache

UCUM = "http://unitsofmeasure.org"

_PREFIX = {
    "": "1",
    "Y": "1e24",
    "T": "1e12",
    "G": "1e9",
    "M": "1e6",
    "k": "1e3",
    "h": "1e2",
    "da": "1e1",
    "d": "1e-1",
    "c": "1e-2",
    "m": "1e-3",
    "u": "1e-6",
    "n": "1e-9",
    "p": "1e-12",
    "f": "1e-15",
}

_METRIC = {
    "g": ("g", "1"),
    "m": ("m", "1"),
    "L": ("m3", "0.001"),
    "l": ("m3", "0.001"),
    "s": ("s", "1"),
    "Pa": ("Pa", "1"),
    "bar": ("Pa", "1e5"),
    "mol": ("mol", "1"),
    "eq": ("eq", "1"),
    "J": ("J", "1"),
    "cal": ("J", "4.184"),
    "W": ("W", "1"),
    "V": ("V", "1"),
    "A": ("A", "1"),
    "Ohm": ("Ohm", "1"),
    "Hz": ("/s", "1"),
    "Bq": ("/s", "1"),
    "osm": ("osm", "1"),
    "kat": ("mol/s", "1"),
    "U": ("mol/s", "1.66666666666666666667e-8"),
    "K": ("K", "1"),
    "N": ("N", "1"),
    "Gy": ("Gy", "1"),
    "Sv": ("Gy", "1"),
    "[iU]": ("[iU]", "1"),
    "[IU]": ("[iU]", "1"),
}
_PLAIN = {
    "min": ("s", "60"),
    "h": ("s", "3600"),
    "d": ("s", "86400"),
    "wk": ("s", "604800"),
    "mo": ("s", "2629800"),
    "a": ("s", "31557600"),
    "1": ("1", "1"),
    "%": ("1", "0.01"),
    "[ppth]": ("1", "0.001"),
    "[ppm]": ("1", "1e-6"),
    "mm[Hg]": ("Pa", "133.322"),
    "m[Hg]": ("Pa", "133322"),
    "cm[H2O]": ("Pa", "98.0665"),
    "mm[H2O]": ("Pa", "9.80665"),
    "atm": ("Pa", "101325"),
    "[psi]": ("Pa", "6894.757293168"),
    "[in_i]": ("m", "0.0254"),
    "[in_us]": ("m", "0.0254000508001"),
    "[ft_i]": ("m", "0.3048"),
    "[mi_i]": ("m", "1609.344"),
    "[lb_av]": ("g", "453.59237"),
    "[oz_av]": ("g", "28.349523125"),
    "[stone_av]": ("g", "6350.29318"),
    "t": ("g", "1e6"),
    "[gal_us]": ("m3", "0.003785411784"),
    "[foz_us]": ("m3", "0.0000295735295625"),
    "[degF]": ("K", "5/9"),
    "deg": ("rad", "0.01745329251994329577"),
    "rad": ("rad", "1"),
    "{beats}": ("1", "1"),
    "[beat]": ("1", "1"),
}
_POWERS = {"2": "m2", "3": "m3"}


def _atom(text: str) -> tuple[str, Decimal] | None:
    if "{" in text and text.endswith("}"):
        text = text[: text.index("{")] or "1"
    if text in _PLAIN:
        unit, factor = _PLAIN[text]
        return (unit, Decimal(factor)) if "/" not in factor else None
    for prefix, scale in _PREFIX.items():
        rest = text[len(prefix) :]
        if text.startswith(prefix) and rest in _METRIC:
            unit, factor = _METRIC[rest]
            return unit, Decimal(scale) * Decimal(factor)
        if text.startswith(prefix) and len(rest) == 2 and rest[0] == "m" and rest[1] in _POWERS:
            return _POWERS[rest[1]], Decimal(scale) ** int(rest[1])
    if text.isdigit():
        return "1", Decimal(text)
    return None


@lru_cache(maxsize=4096)
def _factor(code: str) -> tuple[str, Decimal] | None:
    """The canonical unit of a product of at most a few atoms, and the factor to it."""
    if code.startswith(("10*", "10^")):
        power, _, rest = code[3:].partition("/")
        if not power.lstrip("+-").isdigit():
            return None
        under = _factor("/" + rest) if rest else ("1", Decimal(1))
        return None if under is None else (under[0], Decimal(10) ** int(power) * under[1])
    parts = code.split("/")
    above: list[str] = []
    below: list[str] = []
    factor = Decimal(1)
    for n, part in enumerate(parts):
        for atom in part.split("."):
            if atom == "" and n == 0:
                continue
            found = _atom(atom)
            if found is None:
                return None
            unit, scale = found
            factor = factor * scale if n == 0 else factor / scale
            if unit.startswith("/"):
                (below if n == 0 else above).append(unit[1:])
            elif "/" in unit:
                up, down = unit.split("/")
                (above if n == 0 else below).append(up)
                (below if n == 0 else above).append(down)
            elif unit != "1":
                (above if n == 0 else below).append(unit)
    for unit in list(above):
        if unit in below:
            above.remove(unit)
            below.remove(unit)
    name = ".".join(sorted(above)) or ("1" if not below else "")
    return name + "".join("/" + unit for unit in sorted(below)), factor


@lru_cache(maxsize=8192)
def canonical(value: Decimal, code: str) -> tuple[str, Decimal] | None:
    """``value`` in the canonical unit of its dimension and that unit's name; None for an unknown unit.

    The result is normalised: equal values give equal text, whatever digits they were written with.

    >>> canonical(Decimal("5.4"), "mg")
    ('g', Decimal('0.0054'))
    """
    with localcontext() as context:
        context.prec = 28
        if code == "Cel":
            return "K", (value + Decimal("273.15")).normalize()
        if code == "[degF]":
            return "K", ((value + Decimal("459.67")) * 5 / 9).normalize()
        found = _factor(code)
        return None if found is None else (found[0], (value * found[1]).normalize())
