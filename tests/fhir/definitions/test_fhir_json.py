"""JSON keeps what was written, and refuses with a place what is no JSON object."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.fhir.json import JsonError, Number, dumps, loads

WRITTEN = [
    "72.50", "0.10", "1.0", "-0.0", "1e5", "1E+5", "1.0e3", "-1.50E-3", "0.0000001", "1E400", "100", "0", "-7",
    "123456789012345678901234567890", "123456789012345678901234.5678901234567890", "18446744073709551616",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_numbers_go_out_as_they_came_in(text: str) -> None:
    data = f'{{"a":[{text}],"b":{{"value":{text}}}}}'.encode()
    found = loads(data)
    assert dumps(found) == data
    assert found["a"][0] == Decimal(text)


def test_a_number_tells_its_text() -> None:
    assert isinstance(loads(b'{"a":1.0e3}')["a"], Number)
    assert str(loads(b'{"a":1.0e3}')["a"]) == "1.0e3"
    assert loads(b'{"a":72.50}')["a"] == Decimal("72.5")
    assert isinstance(loads(b'{"a":72.50}')["a"], Decimal)
    assert type(loads(b'{"a":72}')["a"]) is int


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.text(), _VALUES, max_size=5))
def test_what_is_written_is_read_again(value: dict[str, object]) -> None:
    data = dumps(value)
    assert dumps(loads(data)) == data
    assert json.loads(data, parse_float=Decimal) == loads(data)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_decimal_keeps_its_digits(value: Decimal) -> None:
    text = str(value)
    assert dumps(loads(f'{{"a":{text}}}'.encode())) == f'{{"a":{text}}}'.encode()


BROKEN = [
    (b"", "truncated"),
    (b"{", "truncated"),
    (b"[1]", "object"),
    (b'"a"', "object"),
    (b'{"a":NaN}', "byte 5"),
    (b'{"a":Infinity}', "byte 5"),
    (b'{"a":01}', "byte"),
    (b'{"a":1.}', "byte"),
    (b'{"a":1,}', "byte"),
    (b'{"a":1} x', "trailing"),
    (b"{'a':1}", "byte"),
    (b'{"a":"\xff"}', "utf"),
    (b'{"a":"\\ud800"}', ""),
    (b'{"a":"\x01"}', "byte"),
    (b'{"a":1e99999999999999999999}', "range"),
    (b'{"a":' * 20_000, "nested"),
    (b"// x\n{}", "byte 0"),
]


@pytest.mark.parametrize(("data", "says"), BROKEN, ids=[repr(d[:20]) for d, _ in BROKEN])
def test_what_is_no_json_object_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(JsonError) as caught:
        loads(data)
    assert says in str(caught.value).lower()


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        loads(data)
    except JsonError:
        return


def test_a_key_given_twice() -> None:
    assert loads(b'{"a":1,"a":2}') == {"a": 2}
    with pytest.raises(JsonError, match="'a' is given twice"):
        loads(b'{"b":{"a":1,"a":2}}', unique=True)


def test_a_byte_order_mark_is_no_content() -> None:
    assert loads(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_what_is_no_json_value_is_not_written() -> None:
    with pytest.raises(TypeError):
        dumps({"a": object()})
