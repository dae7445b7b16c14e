"""Units: MDC_DIM codes and senders' spellings to UCUM, UCUM to what people read, and a few conversions.

UCUM codes are case sensitive; `mm[Hg]` is the code, mmHg is what a screen shows.
"""

from __future__ import annotations

from functools import lru_cache

from wardbridge.terminology.mdc import nomenclature

SPELLINGS = {
    "mmHg": "mm[Hg]",
    "mmhg": "mm[Hg]",
    "cmH2O": "cm[H2O]",
    "cmH20": "cm[H2O]",
    "bpm": "/min",
    "1/min": "/min",
    "{beat}/min": "/min",
    "{beats}/min": "/min",
    "{Breaths}/min": "/min",
    "{breath}/min": "/min",
    "{breaths}/min": "/min",
    "{resp}/min": "/min",
    "ml": "mL",
    "ml/h": "mL/h",
    "ml/hr": "mL/h",
    "mL/hr": "mL/h",
    "ml/min": "mL/min",
    "l/min": "L/min",
    "lpm": "L/min",
    "°C": "Cel",
    "C": "Cel",
    "degC": "Cel",
    "°F": "[degF]",
    "F": "[degF]",
    "degF": "[degF]",
    "lb": "[lb_av]",
    "in": "[in_i]",
    "mcg": "ug",
    "mcg/kg/min": "ug/kg/min",
    "sec": "s",
    "hr": "h",
    "{unitless}": "1",
    "{ratio}": "1",
}
"""Forms seen on the wire and the UCUM code meant. Counted things per minute are `/min` in FHIR."""

SHOWN = {
    "mm[Hg]": "mmHg",
    "cm[H2O]": "cmH₂O",
    "Cel": "°C",
    "[degF]": "°F",
    "ug": "µg",
    "ug/kg/min": "µg/kg/min",
    "ug/min": "µg/min",
    "L/min/m2": "L/min/m²",
    "kg/m2": "kg/m²",
    "m2": "m²",
    "mL/cm[H2O]": "mL/cmH₂O",
    "[lb_av]": "lb",
    "[in_i]": "in",
    "1": "",
    "{beat}": "beats",
}

# (from, to): value * factor + offset
_LINEAR = {
    ("kPa", "mm[Hg]"): (7.50061683, 0.0),
    ("mbar", "cm[H2O]"): (1.019716, 0.0),
    ("hPa", "cm[H2O]"): (1.019716, 0.0),
    ("kPa", "cm[H2O]"): (10.19716, 0.0),
    ("[degF]", "Cel"): (5 / 9, -160 / 9),
    ("[lb_av]", "kg"): (0.45359237, 0.0),
    ("g", "kg"): (0.001, 0.0),
    ("[in_i]", "cm"): (2.54, 0.0),
    ("m", "cm"): (100.0, 0.0),
    ("L", "mL"): (1000.0, 0.0),
    ("L/h", "mL/h"): (1000.0, 0.0),
    ("mL/min", "L/min"): (0.001, 0.0),
    ("mL/min", "mL/h"): (60.0, 0.0),
    ("L/s", "L/min"): (60.0, 0.0),
    ("ms", "s"): (0.001, 0.0),
    ("h", "min"): (60.0, 0.0),
    ("s", "min"): (1 / 60, 0.0),
    ("Hz", "/min"): (60.0, 0.0),
}


@lru_cache(maxsize=4096)
def ucum_of(code: str, text: str, system: str) -> str:
    """The UCUM code of one coded unit on the wire, '' where it is not known.

    `code` is an MDC number (system MDC), a UCUM form (system UCUM), or a vendor's spelling; `text` its
    name (MDC_DIM_...).
    """
    code, text, system = code.strip(), text.strip(), system.strip().upper()
    if system in ("MDC", "") and (code.isdigit() or text.startswith("MDC_DIM")):
        return nomenclature().resolve(code, text).ucum_or_empty()
    if system == "UCUM":
        return SPELLINGS.get(code, code)
    return SPELLINGS.get(code) or SPELLINGS.get(text) or (code if code in SHOWN and not code.isdigit() else "")


def shown(ucum: str) -> str:
    """What a screen writes for a UCUM code."""
    return SHOWN.get(ucum, ucum)


def convert(value: float, unit: str, wanted: str) -> float | None:
    """`value` of UCUM `unit` in UCUM `wanted`; None where no rule is known (never a guess)."""
    if unit == wanted:
        return value
    rule = _LINEAR.get((unit, wanted))
    if rule is not None:
        return value * rule[0] + rule[1]
    back = _LINEAR.get((wanted, unit))
    if back is not None:
        return (value - back[1]) / back[0]
    return None
