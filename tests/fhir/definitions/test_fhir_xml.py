"""FHIR XML is read into the JSON that the same resource has, and written from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.fhir.definitions.xml import XmlError, read_xml
from wardbridge.fhir.definitions.xml_write import write_xml
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.validate import validate

NS = 'xmlns="http://hl7.org/fhir"'
OBSERVATION = f"""<?xml version="1.0" encoding="UTF-8"?>
<Observation {NS}>
  <!-- comments do not count -->
  <id value="o1"/>
  <text><status value="generated"/>
    <div xmlns="http://www.w3.org/1999/xhtml"><p id="x">a &lt; b &amp; c<br/></p></div></text>
  <contained><Patient><id value="p"/><active value="true"/></Patient></contained>
  <status value="final"/>
  <code id="c1">
    <coding><system value="http://loinc.org"/><code value="8867-4"/></coding><text value="a &quot;b&quot;"/></code>
  <subject><reference value="#p"/></subject>
  <effectiveDateTime value="2026-01-01"><extension url="u:x"><valueCode value="m"/></extension></effectiveDateTime>
  <valueQuantity><value value="72.50"/><unit value="/min"/></valueQuantity>
  <note><text value="one"/></note>
  <note><text value="two"/></note>
</Observation>"""


def test_a_resource_becomes_its_json() -> None:
    found = read_xml(OBSERVATION.encode())
    assert found == {
        "resourceType": "Observation",
        "id": "o1",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p id="x">a &lt; b &amp; c<br/></p></div>',
        },
        "contained": [{"resourceType": "Patient", "id": "p", "active": True}],
        "status": "final",
        "code": {"id": "c1", "coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": 'a "b"'},
        "subject": {"reference": "#p"},
        "effectiveDateTime": "2026-01-01",
        "_effectiveDateTime": {"extension": [{"url": "u:x", "valueCode": "m"}]},
        "valueQuantity": {"value": Decimal("72.50"), "unit": "/min"},
        "note": [{"text": "one"}, {"text": "two"}],
    }
    assert str(found["valueQuantity"]["value"]) == "72.50"
    assert [i for i in validate(found) if i.severity == "error"] == []


def test_repeated_primitives_keep_their_extensions_beside_them() -> None:
    found = read_xml(
        f'<Patient {NS}><name><given value="a"/><given><extension url="u"><valueCode value="c"/></extension></given>'
        f'</name><name><given value="b"/></name><multipleBirthInteger value="2"/></Patient>'.encode()
    )
    assert found["name"] == [
        {"given": ["a", None], "_given": [None, {"extension": [{"url": "u", "valueCode": "c"}]}]},
        {"given": ["b"]},
    ]
    assert found["multipleBirthInteger"] == 2


BROKEN = [
    ("<Patient>", "malformed"),
    (f"<Nonsense {NS}/>", "unknown resource"),
    ("<Patient/>", "unknown resource"),
    (f"<Patient {NS}><foo/></Patient>", "unknown element foo"),
    (f'<Patient {NS}><name value="x"/></Patient>', "no primitive"),
    (f'<Patient {NS}><active valu="true"/></Patient>', "unknown attribute valu"),
    (f"<Patient {NS}>text</Patient>", "unexpected text"),
    (f'<Patient {NS}><active value="true"/><active value="true"/></Patient>', "twice"),
    (f"<Patient {NS}><contained/></Patient>", "one resource"),
    (f'<!DOCTYPE x [<!ENTITY a "b">]><Patient {NS}><id value="&a;"/></Patient>', "document type"),
    (f'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Patient {NS}/>', "document type"),
    (f"<Patient {NS}>" + "<contact>" * 300, "nested"),
]


@pytest.mark.parametrize(("text", "says"), BROKEN, ids=[t[:40] for t, _ in BROKEN])
def test_what_is_no_fhir_xml_is_refused(text: str, says: str) -> None:
    with pytest.raises(XmlError, match=says):
        read_xml(text.encode())


def test_what_is_read_is_written_again() -> None:
    found = read_xml(OBSERVATION.encode())
    for pretty in (False, True):
        again = write_xml(found, pretty=pretty)
        assert read_xml(again) == found
        assert b'<value value="72.50"/>' in again
    text = again.decode()
    order = [
        text.index(f"<{name}")
        for name in ("id ", "text", "contained", 'status value="final', "code id", "subject", "note")
    ]
    assert order == sorted(order)
    assert '<extension url="u:x">' in text


XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, range(32))) + "\ufffe\uffff")
)
SPACED = st.builds("".join, st.lists(XML_TEXT | st.sampled_from(["\t", "\n", "\r", "\r\n", "<", "&amp;", "]]>", '"'])))
ELEMENT = st.fixed_dictionaries({}, optional={"id": SPACED, "extension": st.just([{"url": "u:x", "valueDecimal": 1}])})


@given(
    given=st.lists(st.tuples(st.none() | SPACED, st.none() | ELEMENT.filter(bool)), max_size=4),
    birth=st.none() | ELEMENT.filter(bool),
    count=st.none() | st.integers(-(10**18), 10**18),
    bundled=st.booleans(),
)
def test_json_to_xml_and_back_changes_nothing(
    given: list[tuple[str | None, dict[str, Any] | None]], birth: Any, count: int | None, bundled: bool
) -> None:
    given = [pair for pair in given if pair != (None, None)]
    name: dict[str, Any] = {"use": "usual"}
    if any(value is not None for value, _ in given):
        name["given"] = [value for value, _ in given]
    if any(extra for _, extra in given):
        name["_given"] = [extra for _, extra in given]
    resource: dict[str, Any] = {"resourceType": "Patient", "active": False, "name": [name]}
    if birth is not None:
        resource["_birthDate"] = birth
    if count is not None:
        resource["multipleBirthInteger"] = count
    if bundled:
        resource = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": resource}, {"fullUrl": "u:1"}],
        }
    assert read_xml(write_xml(resource)) == resource


@pytest.mark.parametrize(
    "digits", [b"72.50", b"1.0e3", b"0.0000001", b"-0.0", b"1E+2", b"100", b"12345678901234567890.5"]
)
def test_decimals_keep_their_digits(digits: bytes) -> None:
    text = b'{"resourceType":"Observation","valueQuantity":{"value":' + digits + b"}}"
    assert dumps(read_xml(write_xml(loads(text)))) == text


@pytest.mark.parametrize(
    ("div", "back"),
    [
        ('<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;b</div>', "a&#160;b"),
        (
            "<div xmlns='http://www.w3.org/1999/xhtml'><!-- c --><p   class='x' >\r\n</p></div>",
            "<p   class='x' >\r\n</p>",
        ),
        ("<div>no namespace</div>", "&lt;div&gt;no namespace"),
        ('<div xmlns="http://www.w3.org/1999/xhtml"><p></div>', "&lt;p&gt;"),
        ("plain & simple \x01", "plain &amp; simple"),
    ],
)
def test_narrative_is_kept_or_made_harmless(div: str, back: str) -> None:
    found = read_xml(write_xml({"resourceType": "Patient", "text": {"status": "generated", "div": div}}))
    assert back in found["text"]["div"]


def test_narrative_with_a_prefix_is_written_without_it() -> None:
    text = f'<Patient {NS}><text><h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:b>x</h:b></h:div></text></Patient>'
    assert read_xml(text.encode())["text"]["div"] == '<div xmlns="http://www.w3.org/1999/xhtml"><b>x</b></div>'


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_encodings(encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    text = head + f'<Patient {NS}><gender value="m\xfc"/></Patient>'
    assert read_xml(text.encode(encoding)) == {"resourceType": "Patient", "gender": "m\xfc"}
    with pytest.raises(XmlError, match="utf-8"):
        read_xml(f'<Patient {NS}><gender value="m\xfc"/></Patient>'.encode("iso-8859-1"))


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Nonsense"},
        {"resourceType": "Patient", "foo": 1},
        {"resourceType": "Patient", "_name": [{}]},
        {"resourceType": "Patient", "name": ["x"]},
        {"resourceType": "Patient", "active": {}},
        {"resourceType": "Patient", "contained": [1]},
        {"resourceType": "Bundle", "entry": [{"resource": {}}]},
    ],
)
def test_what_xml_cannot_hold_is_refused(resource: dict[str, Any]) -> None:
    with pytest.raises(XmlError):
        write_xml(resource)
