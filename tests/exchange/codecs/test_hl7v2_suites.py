"""The codec against the public corpora: no crash, no hang, no silent loss."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from wardbridge.exchange.codecs.adt import read_adt
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.message import Message, parse

pytestmark = pytest.mark.suite

LINE_END = re.compile("\r\n|\n|\r")


def rows_of(text: str) -> list[str]:
    return [row for row in LINE_END.split(text) if row]


def everything(message: Message) -> list[str]:
    """Every raw component, in order."""
    found = []
    for part in message.segments:
        for number in range(len(part.fields)):
            for rep in range(1, len(part.repetitions(number)) + 1):
                found += part.components(number, rep)
    return found


def plain(code: str) -> str:
    """A code, where the component is one: a type with sub-components or repetitions is none."""
    return code if re.fullmatch(r"\w*", code) else ""


def test_corpus(suites: Path) -> None:
    file = suites / "hl7v2-corpus" / "messages.ndjson.gz"
    if not file.is_file():
        pytest.skip("suite hl7v2-corpus is absent")
    count = 0
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            text = record["text"]
            raw = text.encode()
            message = parse(raw)
            everything(message)
            assert bytes(message) == raw
            rows = rows_of(text)
            assert message.normal().decode() in {"\r".join(rows) + "\r", text.replace("\r\n", "\r") + "\r"} or any(
                "line feed" in p.what for p in message.problems
            ), record["id"]
            assert text.startswith(f"MSH{message.separators.field}{message.header.raw(2)}")
            codes = [*message.header.raw(9).split(message.separators.component or "\0"), "", ""]
            assert (plain(codes[0]), plain(codes[1])) == (record["type"], record["trigger"]), record["id"]
            mark = message.separators.field
            odd = [row for row in rows if not re.fullmatch(r"[A-Z][A-Z0-9]{2}", row.split(mark, 1)[0])]
            assert not odd or message.problems, record["id"]
            count += 1
    assert count == 737


def test_corpus_cut_and_flipped(suites: Path) -> None:
    file = suites / "hl7v2-corpus" / "messages.ndjson.gz"
    if not file.is_file():
        pytest.skip("suite hl7v2-corpus is absent")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"].encode() for line in lines]
    for number, raw in enumerate(texts):
        for step in range(1, 12):
            at = (number * 7919 + step * 104729) % len(raw)
            for broken in (raw[:at], raw[:at] + bytes([raw[at] ^ (1 << step % 8)]) + raw[at + 1 :]):
                try:
                    message = parse(broken)
                except Hl7Error:
                    continue
                assert bytes(message) == broken
                everything(message)


def test_microsoft_messages(suites: Path) -> None:
    folder = suites / "hl7v2" / "messages"
    if not folder.is_dir():
        pytest.skip("suite hl7v2 is absent")
    files = sorted(folder.glob("*.hl7"))
    assert len(files) == 87
    for file in files:
        raw = file.read_bytes()
        message = parse(raw)
        assert bytes(message) == raw
        text = raw.decode("utf-8-sig", "strict" if message.charset.startswith("utf-8") else "replace")
        if message.charset.startswith("utf-8"):
            assert message.rows == rows_of(text), file.name
        if message.type == "ADT":
            event, _ = read_adt(message)
            assert event.ids or event.merges, file.name


def test_pcd_round_trip(suites: Path) -> None:
    folder = suites / "pcd"
    if not folder.is_dir():
        pytest.skip("suite pcd is absent")
    for entry in json.loads((folder / "index.json").read_text(encoding="utf-8")):
        raw = (folder / entry["file"]).read_bytes()
        message = parse(raw)
        assert bytes(message) == message.normal() == raw
        names = [part.name for part in message.segments]
        assert len(names) == entry["segments"]
        assert (names.count("OBR"), names.count("OBX")) == (entry["obr"], entry["obx"])
        assert message.header.raw(9) == entry["message_type"]
        assert message.version == entry["version"]
        assert (message.header.raw(15), message.header.raw(16)) == (entry["accept_ack"], entry["application_ack"])
