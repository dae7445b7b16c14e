"""The messages of the suite ``hl7v2``, judged by the first point of its README: read without loss. One case a message.

python -m bench.conformance_hl7v2 [--suites FOLDER] [--why]

Written back byte for byte, and the same segments, fields, repetitions, components and escapes as a plain split of
the text gives. The conversion to FHIR (points two and three) is not built yet and not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.suite import counts, main

from wardbridge.exchange.codecs.adt import read_adt
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.message import parse

SUITE = "hl7v2"


def problems(raw: bytes) -> Iterator[str]:
    message = parse(raw)
    if bytes(message) != raw:
        yield "written back it is another"
    rows = [row for row in re.split("\r\n|\n|\r", raw.decode("utf-8-sig", "replace")) if row]
    if message.rows != rows and message.charset.startswith("utf-8"):
        yield "other segments"
    for part, row in zip(message.segments, rows, strict=False):
        wanted = row.split(message.separators.field)
        shift = 1 if wanted[0] == "MSH" else 0
        if message.charset.startswith("utf-8") and [part.raw(n + shift) for n in range(1, len(wanted))] != wanted[1:]:
            yield f"other fields in {part.name}"
    if message.type == "ADT":
        event, _ = read_adt(message)
        if not event.ids and not event.merges:
            yield "an ADT message of no patient"


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    why = {}
    files = sorted((folder / "messages").glob("*.hl7"))
    for file in files:
        try:
            said = "; ".join(problems(file.read_bytes()))
        except Hl7Error as error:
            said = f"refused: {error}"
        if said:
            why[file.name] = said
    return counts(SUITE, len(files), why, judged="reading without loss"), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
