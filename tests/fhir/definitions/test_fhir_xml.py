"""FHIR XML is read into the JSON that the same resource has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from wardbridge.fhir.definitions.xml import XmlError, read_xml
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
