"""Real HL7 v2 messages against the codec: no crash, no hang, no silent loss; one case a message.

python -m bench.conformance_hl7v2_corpus [--suites FOLDER] [--why] (about a minute)

Of every message: read within 50 ms, written back byte for byte, again with its line ends as CR, type, trigger and
separators as the record has them, odd lines told as problems. And cut at each byte, or with a bit of each byte
turned (evenly spread over at most 200 places of a message), it gives a result or the codec's own error.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.suite import counts, main

from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.message import Message, parse

SUITE = "hl7v2-corpus"
LIMIT = 0.05
PLACES = 200
LINE_END = re.compile("\r\n|\n|\r")
NAME = re.compile(r"[A-Z][A-Z0-9]{2}")


def everything(message: Message) -> list[str]:
    """Every component of every repetition, in order."""
    return [
        text
        for part in message.segments
        for number in range(len(part.fields))
        for nth in range(1, len(part.repetitions(number)) + 1)
        for text in part.components(number, nth)
    ]


def plain(code: str) -> str:
    """A code, where the component is one: a type with sub-components or repetitions is none."""
    return code if re.fullmatch(r"\w*", code) else ""


def whole(record: dict[str, Any], raw: bytes) -> Iterator[str]:
    text, began = record["text"], time.process_time()
    message = parse(raw)
    everything(message)
    taken = time.process_time() - began
    if taken > LIMIT:
        yield f"took {1000 * taken:.0f} ms"
    if bytes(message) != raw:
        yield "written back it is another"
    rows = [row for row in LINE_END.split(text) if row]
    as_cr = {"\r".join(rows) + "\r", text.replace("\r\n", "\r") + "\r"}
    told = any("line feed" in problem.what for problem in message.problems)
    if message.normal().decode() not in as_cr and not told:
        yield "another with its line ends as CR"
    if not text.startswith(f"MSH{message.separators.field}{message.header.raw(2)}"):
        yield "other separators"
    codes = [*message.header.raw(9).split(message.separators.component or "\0"), "", ""]
    if (plain(codes[0]), plain(codes[1])) != (record["type"], record["trigger"]):
        yield f"type and trigger {codes[:2]}"
    odd = [row for row in rows if not NAME.fullmatch(row.split(message.separators.field, 1)[0])]
    if odd and not message.problems:
        yield "odd lines, but no problem is told"


def broken(raw: bytes) -> Iterator[str]:
    """What is wrong with a damaged copy; nothing where each gives a result or the codec's error."""
    step = max(1, len(raw) // PLACES)
    for at in range(0, len(raw), step):
        turned = bytes([raw[at] ^ (1 << at % 8)])
        for what, copy in (("cut", raw[:at]), ("turned", raw[:at] + turned + raw[at + 1 :])):
            try:
                message = parse(copy)
            except Hl7Error:
                continue
            everything(message)
            if bytes(message) != copy:
                yield f"{what} at {at}: written back it is another"


def problem(record: dict[str, Any]) -> str:
    """'' when the message passes, else everything that is wrong."""
    raw = record["text"].encode()
    try:
        return "; ".join([*whole(record, raw), *broken(raw)][:5])
    except Exception as error:  # whatever a message can provoke is a failure of this case, not of the run
        return f"raised {type(error).__name__}: {error}"[:300]


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts, and the reason of each failure."""
    why, total = {}, 0
    with gzip.open(folder / "messages.ndjson.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            total += 1
            if said := problem(record):
                why[record["id"]] = said
    return counts(SUITE, total, why), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
