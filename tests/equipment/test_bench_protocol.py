"""What tablets send, read without trust: nothing that is malformed applies, nothing that can be kept is lost."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.errors import Invalid
from wardbridge.equipment.bench import merge, protocol
from wardbridge.equipment.bench.protocol import JUMP, Sent

NOW = 1_800_000_000_000_000


def sent(counter: int, at: int, **more) -> Sent:
    return Sent(id=f"op-{counter}", person="p", counter=counter, at=at, kind="note", **more)


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(["", "a", "b"])), max_size=20),
    st.integers(0, 10**7),
)
def test_order_is_the_counters_and_no_moment_is_to_come(rows, clock: int) -> None:
    operations = [sent(n, at, up=up, boot=boot) for n, (at, up, boot) in enumerate(rows)]
    found = protocol.times(protocol.ordered(list(reversed(operations))), clock, NOW)
    moments = [one.happened for one in found]
    assert moments == sorted(moments)
    assert all(0 <= at <= NOW for at in moments)
    assert [one.at for one in found] == [one.at * 1000 for one in operations]
    assert all(one.offset == NOW - clock * 1000 for one in found)
    assert all(one.jumped for one in found if one.at + one.offset > NOW + JUMP)


def test_a_clock_that_jumps_is_noticed() -> None:
    hour = 3_600_000
    steady = [sent(1, 10 * hour, up=0, boot="x"), sent(2, 11 * hour, up=hour, boot="x")]
    assert [one.jumped for one in protocol.times(steady, 11 * hour, NOW)] == [False, False]
    back = [sent(1, 10 * hour, up=0, boot="x"), sent(2, 10 * hour, up=hour, boot="x")]
    assert [one.jumped for one in protocol.times(back, 10 * hour, NOW)] == [False, True]
    future = [sent(1, 30 * hour)]
    (only,) = protocol.times(future, 10 * hour, NOW)
    assert (only.jumped, only.happened) == (True, NOW)
    asleep = [sent(1, 10 * hour, up=0, boot="x"), sent(2, 20 * hour, up=60_000, boot="x")]
    assert not protocol.times(asleep, 20 * hour, NOW)[1].jumped


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", b'{"person":"p","tablet":"t"}', b'{"person":"","tablet":"t","clock":1}',
     b'{"person":"p","tablet":"t","clock":-1}', b'{"person":"p","tablet":"t","clock":1,"operations":[{}]}',
     b'{"person":"p","tablet":"t","clock":1e400}', b"[" * 5000,
     b'{"person":"p\\u0000","tablet":"t","clock":1}', b'{"person":"p","tablet":"t","clock":1,"teams":["\\u0001"]}',
     b'{"person":"p","tablet":"t","clock":1,"x":"' + b"y" * protocol.BODY_LIMIT + b'"}'],
)  # fmt: skip
def test_what_is_no_synchronisation_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Invalid):
        protocol.request(body)


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.integers(), st.text(max_size=8))),
       st.sampled_from([*protocol.KINDS, "nonsense"]))  # fmt: skip
def test_a_body_is_read_or_invalid(fields: dict, kind: str) -> None:
    one = msgspec.structs.replace(sent(1, 1), kind=kind, body=msgspec.Raw(msgspec.json.encode(fields)))
    try:
        found = protocol.body_of(one)
    except Invalid:
        return
    assert type(found) in merge.RULES


def test_every_kind_has_a_rule() -> None:
    assert {kind.__struct_config__.tag for kind in merge.RULES} == set(protocol.KINDS)


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", "1/2"])
def test_no_number_that_is_none(text: str) -> None:
    with pytest.raises(Invalid):
        protocol.decimal(text, "quantity")
    assert protocol.decimal(" 1,5 ", "quantity") == protocol.decimal("1.5", "quantity")
