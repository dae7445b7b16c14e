"""Framing: however the bytes arrive, the same messages come out and junk says why."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from wardbridge.exchange.mllp.frames import (
    CLOSED,
    EMPTY,
    MAX_JUNK,
    NO_END,
    OUTSIDE,
    TOO_LONG,
    FrameReader,
    Junk,
    frame,
)


def read(*chunks: bytes, limit: int = 1000) -> list[bytes | Junk]:
    reader = FrameReader(limit)
    found = [item for chunk in chunks for item in reader.feed(chunk)]
    return found + reader.close()


def test_several_in_one_packet_with_padding_between() -> None:
    assert read(frame(b"one") + b"\x00\x00\r\n" + frame(b"two") + frame(b"three")) == [b"one", b"two", b"three"]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"noise" + frame(b"one"), [Junk(OUTSIDE, b"noise", 5), b"one"]),
        (b"\x0bhalf" + frame(b"one"), [Junk(NO_END, b"half", 4), b"one"]),
        (b"\x0bone\x1c" + frame(b"two"), [b"one", b"two"]),
        (b"\x0bone\x1c\n" + frame(b"two"), [b"one", b"two"]),
        (b"\x0bone\x1ctwo\x1c\r", [b"one\x1ctwo"]),
        (b"\x0bone\x1c", [b"one"]),
        (b"\x0bone", [Junk(CLOSED, b"one", 3)]),
        (b"\x0b\x1c\r" + frame(b"x"), [Junk(EMPTY, b"", 0), b"x"]),
        (b"tail", [Junk(OUTSIDE, b"tail", 4)]),
        (b"\r\n\x00", []),
        (frame(b"y" * 1001) + frame(b"x"), [Junk(TOO_LONG, b"y" * 1001, 1001), b"x"]),
    ],
)
def test_odd_streams(stream: bytes, expected: list[bytes | Junk]) -> None:
    assert read(stream) == expected
    assert read(*[stream[i : i + 1] for i in range(len(stream))]) == expected


PIECES = st.one_of(
    st.binary(max_size=30).map(lambda b: frame(b.replace(b"\x0b", b"").replace(b"\x1c", b""))),
    st.binary(max_size=8),
    st.sampled_from([b"\x0b", b"\x1c", b"\x1c\r", b"\r", b"\x00"]),
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=8).map(b"".join), st.data())
def test_splits_change_nothing_and_no_byte_is_lost(stream: bytes, data: st.DataObject) -> None:
    whole = read(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    assert read(*[stream[a:b] for a, b in itertools.pairwise(edges)]) == whole
    kept = b"".join(item.data if isinstance(item, Junk) else item for item in whole)
    meant = stream
    for byte in b"\x00\r\n \t\x0b\x1c":
        kept, meant = kept.replace(bytes([byte]), b""), meant.replace(bytes([byte]), b"")
    assert kept == meant


def test_an_endless_frame_and_endless_noise_need_bounded_memory() -> None:
    reader = FrameReader(max_frame=1000)
    reader.feed(b"\x0bMSH|")
    for _ in range(200):
        assert reader.feed(b"x" * 10_000) == []
        assert len(reader._buffer) <= MAX_JUNK + 20_000
    (junk,) = reader.feed(b"\x1c\r")
    assert isinstance(junk, Junk)
    assert (junk.reason, junk.size, junk.data[:5]) == (TOO_LONG, 2_000_004, b"MSH|x")
    assert len(junk.data) <= MAX_JUNK
    assert reader.feed(frame(b"next")) == [b"next"]
    total = sum(item.size for _ in range(100) for item in reader.feed(b"noise" * 2000) if isinstance(item, Junk))
    assert total + sum(item.size for item in reader.close() if isinstance(item, Junk)) == 1_000_000


def test_block_characters_cannot_be_framed() -> None:
    with pytest.raises(ValueError, match="block character"):
        frame(b"a\x1cb")
