"""The lazy codec: parts are found, nothing is lost, broken bytes give a problem or Hl7Error."""

from __future__ import annotations

import hl7
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from wardbridge.exchange.codecs.hl7v2.batch import declared_count, is_batch, split_messages
from wardbridge.exchange.codecs.hl7v2.build import Header, Rep, build, segment
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.escapes import escape, unescape
from wardbridge.exchange.codecs.hl7v2.message import Message, parse
from wardbridge.exchange.codecs.hl7v2.separators import STANDARD, Separators

ADMIT = (
    b"MSH|^~\\&|HIS^1.2.3^ISO|WARD|WB||20261122010203+0100||ADT^A01^ADT_A01|7|P|2.5|||AL|NE||UNICODE UTF-8\r"
    b"EVN|A01|20261122010203\r"
    b'PID|||4711^^^H&1.2.3&ISO^MR~0815^^^S^SS||M\xc3\xbcller^J\\T\\J^""||19700102|F\r'
    b"PV1||I|ICU^3^7\r"
)


def test_parts_are_found_by_hl7_number() -> None:
    message = parse(ADMIT)
    assert (message.type, message.trigger, message.control_id, message.version) == ("ADT", "A01", "7", "2.5")
    assert message.header.get(1) == "|"
    assert message.header.get(2) == "^~\\&"
    assert message.get("MSH", 3, 2) == "1.2.3"
    assert message.get("PID", 3, 1, rep=2) == "0815"
    assert message.get("PID", 3, 4, 2) == "1.2.3"
    assert message.get("PID", 5) == "Müller"
    assert message.get("PID", 5, 2) == "J&J"
    assert message.get("PID", 5, 3) == '""'
    assert message.get("PV1", 3, 3) == "7"
    assert message.get("PV1", 44) == message.get("ZZZ", 1) == ""
    assert message.problems == ()


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_any_line_end(end: bytes) -> None:
    raw = ADMIT.replace(b"\r", end)
    message = parse(raw)
    assert bytes(message) == raw
    assert [s.name for s in message.segments] == ["MSH", "EVN", "PID", "PV1"]
    assert message.normal() == ADMIT


def test_line_feed_inside_a_field_is_text() -> None:
    raw = b"MSH|^~\\&|A\rOBX|1|ST|X||first line\nsecond line\rNTE|1||n\r"
    message = parse(raw)
    assert [s.name for s in message.segments] == ["MSH", "OBX", "NTE"]
    assert message.get("OBX", 5) == "first line\nsecond line"
    assert any("line feed" in p.what for p in message.problems)
    assert message.normal() == raw


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("MSH*%$!?*A", Separators("*", "%", "$", "!", "?")),
        ("MSH^~|\\&^A", Separators("^", "~", "|", "\\", "&")),
        ("MSH|^~}|A", Separators("|", "^", "~", "}", "")),
        ("MSH|^~\\&#|A", Separators("|", "^", "~", "\\", "&", "#")),
        ("MSH|^~\\\\&|A", STANDARD),
    ],
)
def test_separators_come_from_the_message(header: str, expected: Separators) -> None:
    assert parse(header.encode()).separators == expected


@pytest.mark.parametrize("raw", [b"", b"PID|1", b"MSHa^~\\&", b"MSH", b"MSH\r|", b"\x00\x01\x02"])
def test_no_header_is_an_error_with_a_code(raw: bytes) -> None:
    with pytest.raises(Hl7Error) as caught:
        parse(raw)
    assert caught.value.code == "100"
    assert caught.value.where


def test_junk_before_the_header_is_kept_and_reported() -> None:
    raw = b"GARBAGE\x00" + ADMIT
    message = parse(raw)
    assert message.junk == b"GARBAGE\x00"
    assert bytes(message) == raw
    assert message.problems[0].where == "byte 0"


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("", "utf-8", "Zoë"),
        ("UNICODE UTF-8", "utf-8", "Zoë 李"),
        ("8859/1", "latin-1", "Zoë"),
        ("8859/15", "iso8859-15", "5 €"),
        ("GB 18030-2000", "gb18030", "李明"),
        ("BIG-5", "big5", "許功蓋"),
        ("ISO IR14", "shift_jis", "表示"),
    ],
)
def test_charset_by_msh_18(declared: str, codec: str, text: str) -> None:
    raw = f"MSH|^~\\&|A|B|C|D|||ADT^A08|1|P|2.6||||||{declared}\rPID|||1||{text}^X\r".encode(codec)
    message = parse(raw)
    assert message.get("PID", 5) == text
    assert message.get("PID", 5, 2) == "X"
    assert message.problems == ()
    assert message.normal() == raw


@pytest.mark.parametrize(("declared", "worked"), [("ASCII", "utf-8"), ("", "latin-1"), ("klingon", "utf-8")])
def test_a_wrong_charset_is_reported_and_nothing_lost(declared: str, worked: str) -> None:
    codec = "latin-1" if worked == "latin-1" else "utf-8"
    raw = f"MSH|^~\\&|A|B|C|D|||ADT^A08|1|P|2.6||||||{declared}\rPID|||1||Zoë\r".encode(codec)
    message = parse(raw)
    assert message.get("PID", 5) == "Zoë"
    assert len(message.problems) == 1
    assert bytes(message) == message.normal() == raw


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_wide_text_and_byte_order_marks(codec: str) -> None:
    raw = "MSH|^~\\&|A\rPID|||1||李\r".encode(codec)
    message = parse(raw)
    assert message.get("PID", 5) == "李"
    assert bytes(message) == raw


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n"), max_size=40)
MARKS = st.permutations("|^~\\&*%$!?#").map(lambda m: Separators(*m[:5]))


@given(TEXT, MARKS)
def test_escape_and_back(text: str, marks: Separators) -> None:
    written = escape(text, marks)
    assert not {marks.field, marks.component, marks.repetition, marks.subcomponent} & set(written) - set(text)
    assert unescape(written, marks) == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\\F\\b\\S\\c\\R\\d\\T\\e\\E\\f", "a|b^c~d&e\\f"),
        ("one\\.br\\two", "one\ntwo"),
        ("\\H\\bold\\N\\", "bold"),
        ("\\X41C3BC\\", "Aü"),
        ("\\Xzz\\ \\Q1\\ 5\\", "\\Xzz\\ \\Q1\\ 5\\"),
        ("c:\\temp\\F\\x", "c:\\temp|x"),
        ("\\.sp2\\x", "\n\nx"),
    ],
)
def test_unescape_keeps_what_it_does_not_know(text: str, plain: str) -> None:
    assert unescape(text) == plain


FIELD = st.one_of(
    TEXT,
    st.lists(TEXT, min_size=1, max_size=4).map(tuple),
    st.lists(st.lists(TEXT, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple),
    st.lists(st.lists(TEXT, min_size=2, max_size=3).map(tuple), min_size=2, max_size=3).map(
        lambda reps: Rep(tuple(reps))
    ),
)


@given(st.dictionaries(st.integers(1, 30), FIELD, max_size=8), MARKS)
def test_what_is_built_reads_back(fields: dict[int, object], marks: Separators) -> None:
    row = segment("ZZZ", fields, marks)  # type: ignore[arg-type]
    header = Header(("ADT", "A08"), "1", 0, charset="UNICODE UTF-8")
    message = parse(build(header, [row], marks))
    found = message.first("ZZZ")
    for number, value in fields.items():
        parts = value.items if isinstance(value, Rep) else (value,)
        for rep, item in enumerate(parts, 1):
            for at, component in enumerate((item,) if isinstance(item, str) else item, 1):
                for sub, text in enumerate((component,) if isinstance(component, str) else component, 1):
                    got = found.get(number, at, sub, rep) if found else ""
                    assert got == text.replace("\r\n", "\n")


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    data = bytearray(ADMIT)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        if draw(st.booleans()):
            data[at : at + draw(st.integers(0, 12))] = draw(st.binary(max_size=6))
        else:
            del data[at:]
    return bytes(data)


def walk(message: Message) -> int:
    count = 0
    for part in message.segments:
        for number in range(len(part.fields)):
            for rep in range(1, len(part.repetitions(number)) + 1):
                count += len(part.components(number, rep))
    return count


@settings(max_examples=300)
@given(st.one_of(broken(), st.binary(max_size=60), st.binary(max_size=60).map(lambda b: b"MSH|" + b)))
def test_broken_bytes_give_a_message_or_the_error(raw: bytes) -> None:
    try:
        message = parse(raw)
    except Hl7Error:
        return
    assert bytes(message) == raw
    walk(message)
    again = parse(message.normal())
    assert again.rows == message.rows


def test_cut_at_every_byte() -> None:
    for end in range(len(ADMIT)):
        try:
            message = parse(ADMIT[:end])
        except Hl7Error:
            assert end < 4
        else:
            assert bytes(message) == ADMIT[:end]


WORD = st.text("abcXYZ0189 .-", max_size=6)


@settings(max_examples=150)
@given(st.lists(st.lists(st.lists(WORD, min_size=1, max_size=3), min_size=1, max_size=6), min_size=1, max_size=5))
def test_the_same_as_python_hl7(rows: list[list[list[str]]]) -> None:
    lines = ["MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.6"]
    lines += ["ZZ1|" + "|".join("^".join(parts) for parts in row) + "|end" for row in rows]
    text = "\r".join(lines) + "\r"
    ours, theirs = parse(text.encode()), hl7.parse(text)
    for at, row in enumerate(rows, 1):
        for number, parts in enumerate(row, 1):
            assert ours.segments[at].raw(number) == str(theirs[at][number])
            for component in range(1, len(parts) + 1):
                expected = theirs[at].extract_field(field_num=number, component_num=component)
                assert ours.segments[at].get(number, component) == (expected or "")


def test_batches_are_split_without_their_envelope() -> None:
    raw = b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + ADMIT + ADMIT.replace(b"|7|", b"|8|") + b"BTS|2\rFTS|1\r"
    assert is_batch(raw)
    assert not is_batch(ADMIT)
    parts = list(split_messages(raw))
    assert [parse(part).control_id for part in parts] == ["7", "8"]
    assert parts[1].endswith(b"7\r")
    assert declared_count(raw) == 2
