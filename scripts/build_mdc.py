"""Build terminology/mdc.csv: the seed of ISO/IEEE 11073-10101 codes that Wardbridge ships.

Reads the facts table of `suites/mdc` (codes and names out of published specifications) and keeps what
bedside devices send: metrics, events, attributes, device types, body sites, units. Left out are codes
that no term list has (misprints of examples, private ranges): a message that carries one is reported
as unknown, which is the truth. Run: python scripts/build_mdc.py [--suites DIR] [--out FILE]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "src/wardbridge/terminology/mdc.csv"
KINDS = {
    "metric": "metric",
    "event": "event",
    "attribute": "attribute",
    "device-type": "device",
    "device-specialisation": "device",
    "body-site": "site",
    "unit": "unit",
    "observation-type": "observation",
    "personal-health": "metric",
}
SETTING = 1 << 24
INVALID_UCUM = ("k[arb'U]", "M[arb'U]", "m[arb'U]")
PREFERRED = ("mm[Hg]", "cm[H2O]", "Cel", "L/min", "mL", "kg", "cm")
REPAIRED = {"ml": "mL", "ml/hr": "mL/h", "ml/h": "mL/h", "ml/min": "mL/min", "{unitless}": "1"}

EXTRA = {
    "event": """
        MDC_EVT_COMM_STATUS_CHANGE MDC_EVT_DEVICE_TIME_CHANGED MDC_EVT_PATIENT_PARAMETER_CHANGE
        MDC_EVT_PUMP_VOL_COUNTERS_CLEARED MDC_EVT_VOL_INFUS_COMP MDC_EVT_VOL_INFUS_NEAR_COMP
        MDC_EVT_FLUID_LINE_AIR MDC_EVT_FLUID_LINE_OCCL_UPSTREAM MDC_EVT_FLUID_LINE_OCCL_DOWNSTREAM
        MDC_EVT_SYRINGE_EMPTY MDC_EVT_SYRINGE_NEAR_EMPTY MDC_EVT_SYRINGE_DISENGAGED MDC_EVT_BATT_EMPTY
        MDC_EVT_VENT_DISCONN MDC_EVT_VENT_BREATHING_SYS_LEAK MDC_EVT_VENT_INOP MDC_EVT_COMM_LOST
    """,
    "attribute": "MDC_ATTR_NU_MSMT_RES MDC_ATTR_TIME_PD_SAMP",
    "observation": "MDC_OBS_WAVE_CTS MDC_OBS_WAVE_NONCTS",
}
"""Terms of pumps, ventilators and waveforms that the facts table lacks; numbers from its term list."""

EXTRA_KIND = {refid: kind for kind, text in EXTRA.items() for refid in text.split()}


def choose(forms: list[str]) -> str:
    """The unit of a metric that bedside screens use, '' where the list names none."""
    for form in PREFERRED:
        if form in forms:
            return form
    first = forms[0] if forms else ""
    return "" if first == "{unknown}" else REPAIRED.get(first, first)


def rows(suite: Path) -> list[tuple[str, ...]]:
    """(code, refid, kind, ucum, aliases) sorted by code."""
    units = {
        line["unit_code"]: REPAIRED.get(line["ucum_preferred"], line["ucum_preferred"])
        for line in csv.DictReader((suite / "mdc-units.csv").open(encoding="utf-8"))
    }
    out = []
    for line in csv.DictReader((suite / "mdc.csv").open(encoding="utf-8")):
        kind = KINDS.get(line["kind"])
        status = line["list_status"]
        if kind is None or "not in the list" in status or "private" in status:
            continue
        code, partition, term = int(line["code"]), int(line["partition"]), int(line["term"])
        if line["setting_of"]:
            continue  # a setting follows from its metric: code + 2**24
        if code != partition * 65536 + term:
            raise SystemExit(f"{code} is not partition {partition} * 65536 + {term}")
        ucum = units.get(line["code"], "") if kind == "unit" else choose(line["ucum"].split())
        if any(form in ucum for form in INVALID_UCUM) or kind not in ("metric", "unit", "attribute"):
            ucum = ""
        aliases = " ".join(sorted(set(line["aliases"].split()) - {line["refid"]}))
        out.append((code, line["refid"], kind, ucum, aliases))
    with gzip.open(suite / "rtmms-terms.csv.gz", "rt", encoding="utf-8") as file:
        # The odd number beside each event marks its latched form; the name's own number is even.
        out.extend(
            (int(line["code"]), line["refid"], EXTRA_KIND[line["refid"]], "", "")
            for line in csv.DictReader(file)
            if line["refid"] in EXTRA_KIND and (int(line["code"]) % 2 == 0 or EXTRA_KIND[line["refid"]] != "event")
        )
    known = {row[0] for row in out}
    extra = [int(code) for code in units if int(code) not in known]
    names = {
        line["unit_code"]: line["unit_refid"]
        for line in csv.DictReader((suite / "mdc-units.csv").open(encoding="utf-8"))
    }
    for code in extra:
        ucum = units[str(code)]
        if not any(form in ucum for form in INVALID_UCUM):
            out.append((code, names[str(code)], "unit", ucum, ""))
    return [tuple(map(str, row)) for row in sorted(out)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("WARDBRIDGE_SUITES", str(ROOT.parent / "shared/suites"))
    parser.add_argument("--suites", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    table = rows(args.suites / "mdc")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("code", "refid", "kind", "ucum", "aliases"))
        writer.writerows(table)
    print(f"{len(table)} codes in {args.out}")


if __name__ == "__main__":
    main()
