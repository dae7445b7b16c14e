"""CPE 2.3 names: read in both bindings, compared as NISTIR 7696 has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe
from wardbridge.equipment.cyber.cpe import ANY, NA, Relation, relation


@pytest.mark.parametrize(
    ("uri", "formatted"),
    [  # pairs of NISTIR 7695, section 6
        ("cpe:/a:microsoft:internet_explorer:8.0.6001:beta",
         "cpe:2.3:a:microsoft:internet_explorer:8.0.6001:beta:*:*:*:*:*:*"),
        ("cpe:/a:microsoft:internet_explorer:8.%02:sp%01", "cpe:2.3:a:microsoft:internet_explorer:8.*:sp?:*:*:*:*:*:*"),
        ("cpe:/a:hp:insight_diagnostics:7.4.0.1570::~~online~win2003~x64~",
         "cpe:2.3:a:hp:insight_diagnostics:7.4.0.1570:*:*:*:online:win2003:x64:*"),
        ("cpe:/a:hp:openview_network_manager:7.51::~~~linux~~",
         "cpe:2.3:a:hp:openview_network_manager:7.51:*:*:*:*:linux:*:*"),
        ("cpe:/a:foo%5cbar:big%24money_2010:::~~special~ipod_touch~80gb~",
         "cpe:2.3:a:foo\\\\bar:big\\$money_2010:*:*:*:*:special:ipod_touch:80gb:*"),
    ],
)  # fmt: skip
def test_both_bindings_are_the_same_name(uri: str, formatted: str) -> None:
    assert str(cpe.parse(uri)) == formatted
    assert cpe.parse(formatted) == cpe.parse(uri)


def test_what_is_left_off_is_any_and_what_is_wrong_is_refused() -> None:
    assert cpe.parse("cpe:2.3:a:Acme:Flow").version == ANY
    assert cpe.parse("cpe:2.3:a:acme:a\\:b:1").product == "a\\:b"
    for bad in ("", "cpe:2.2:a", "cpe:2.3:x:a:b", "cpe:2.3:a:" + "b:" * 12, "cpe:2.3:a:b\\", "cpe:/a:b:c:d:e:f:g:h",
                "pkg:npm/a", "cpe:/a:b:c:d:e:~1~2"):  # fmt: skip
        with pytest.raises(Invalid):
            cpe.parse(bad)


TABLE = [
    (ANY, ANY, Relation.EQUAL), (ANY, NA, Relation.SUPERSET), (ANY, "1.0", Relation.SUPERSET),
    (ANY, "1.*", Relation.UNDEFINED), (NA, ANY, Relation.SUBSET), (NA, NA, Relation.EQUAL),
    (NA, "1.0", Relation.DISJOINT), (NA, "1.*", Relation.UNDEFINED), ("1.0", ANY, Relation.SUBSET),
    ("1.0", NA, Relation.DISJOINT), ("1.0", "1.0", Relation.EQUAL), ("1.0", "2.0", Relation.DISJOINT),
    ("1.0", "1.*", Relation.UNDEFINED), ("1.*", ANY, Relation.SUBSET), ("1.*", NA, Relation.DISJOINT),
    ("1.*", "1.0", Relation.SUPERSET), ("1.*", "2.0", Relation.DISJOINT), ("1.*", "1.?", Relation.UNDEFINED),
]  # fmt: skip


@pytest.mark.parametrize(("source", "target", "expected"), TABLE)
def test_attributes_relate_as_table_6_2_says(source: str, target: str, expected: Relation) -> None:
    assert relation(source, target) is expected


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [("8.*", "8.0.6001", True), ("sp?", "sp3", True), ("sp?", "sp", True), ("sp?", "sp12", False),
     ("*flow", "my_flow", True), ("a\\*", "ab", False), ("a\\*", "a\\*", True), ("8.*", "9.0", False)],
)  # fmt: skip
def test_wildcards(pattern: str, value: str, fits: bool) -> None:
    assert (relation(pattern, value) in (Relation.SUPERSET, Relation.EQUAL)) is fits


def test_a_name_includes_another_only_in_every_attribute() -> None:
    broad, narrow = cpe.parse("cpe:2.3:a:acme:flow:*"), cpe.parse("cpe:2.3:a:acme:flow:1.2:-")
    assert cpe.superset(broad, narrow)
    assert not cpe.superset(narrow, broad)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@given(TEXTS)
def test_a_literal_is_read_back_as_itself(text: str) -> None:
    value = cpe.literal(text)
    name = cpe.parse(f"cpe:2.3:a:acme:flow:{value}:*:*:*:*:*:*:*")
    assert name.version == value
    assert cpe.plain(name.version) == text.lower()
    assert not cpe.wild(name.version)


@given(st.text(max_size=60))
def test_anything_is_a_name_or_refused(text: str) -> None:
    for form in (text, f"cpe:2.3:a:{text}", f"cpe:/a:{text}"):
        try:
            name = cpe.parse(form)
        except Invalid:
            continue
        assert cpe.parse(str(name)) == name
