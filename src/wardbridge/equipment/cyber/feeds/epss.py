"""EPSS: a line ``#model_version:…,score_date:…``, a header ``cve,epss,percentile``, then a line for every CVE."""

from __future__ import annotations

import re
from datetime import date

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.values import Refused

_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """A day's file: ``rows`` are (cve, probability, percentile)."""

    model: str
    scored: date
    rows: tuple[tuple[str, float, float], ...]
    refused: tuple[Refused, ...]


def read(sent: str) -> Scores:
    """Raises Invalid for a file without its first line or header."""
    lines = sent.splitlines()
    head = lines[0] if lines else ""
    found = re.search(r"score_date:(\d{4}-\d{2}-\d{2})", head)
    if not head.startswith("#") or found is None:
        raise Invalid("an EPSS file starts with #model_version:…,score_date:…", "line 1")
    if len(lines) < 2 or [word.strip() for word in lines[1].split(",")[:3]] != ["cve", "epss", "percentile"]:
        raise Invalid("the second line of an EPSS file is cve,epss,percentile", "line 2")
    model = re.search(r"model_version:([^,]*)", head)
    rows: dict[str, tuple[str, float, float]] = {}
    refused: list[Refused] = []
    for number, line in enumerate(lines[2:], 3):
        if not line.strip():
            continue
        parts = line.split(",")
        try:
            score, percentile = float(parts[1]), float(parts[2])
            if not (_CVE.fullmatch(parts[0]) and 0 <= score <= 1 and 0 <= percentile <= 1):
                raise ValueError(line)
        except (ValueError, IndexError):
            refused.append(Refused(f"line {number}", "not a CVE with two numbers from 0 to 1"))
            continue
        rows[parts[0]] = (parts[0], score, percentile)
    try:
        day = date.fromisoformat(found[1])
    except ValueError as error:
        raise Invalid("the date of the scores is none", "line 1") from error
    return Scores(model=model[1] if model else "", scored=day, rows=tuple(rows.values()), refused=tuple(refused))
