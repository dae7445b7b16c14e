"""What options add: codings, narratives, tags, examples, definitions, signatures, the form of a file."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey

from wardbridge.fhir.validate import validate
from wardbridge.fhir.validate.options import FULL, STRICT, Options
from wardbridge.fhir.validate.signatures import canonical
from wardbridge.fhir.validate.source import read

XHTML = "http://www.w3.org/1999/xhtml"


def div(inner: str = "x") -> dict[str, Any]:
    return {"status": "generated", "div": f'<div xmlns="{XHTML}">{inner}</div>'}


def of(kind: str, /, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "text": div()} | more


def errors(resource: dict[str, Any], options: Options = FULL) -> list[str]:
    """Places of the errors that the options add to those of a write."""
    plain = {(i.expression, i.details) for i in validate(resource) if i.severity == "error"}
    found = [i for i in validate(resource, options) if i.severity == "error"]
    return [i.expression for i in found if (i.expression, i.details) not in plain]


def coded(system: str, code: str) -> dict[str, Any]:
    coding = {"system": system, "code": code}
    return of("Observation", status="final", performer=[{"display": "x"}], code={"coding": [coding]})


def test_codings() -> None:
    assert errors(coded("http://snomed.info/sct", "80891009")) == []
    assert errors(coded("http://snomed.info/sct", "80891008")) == ["Observation.code.coding[0].code"]
    assert errors(coded("http://hl7.org/fhir/ValueSet/x", "a")) == ["Observation.code.coding[0].system"]
    value = {"value": 1, "system": "http://unitsofmeasure.org", "code": "mmHg"}
    assert errors(coded("u:s", "a") | {"valueQuantity": value}) == ["Observation.value.ofType(Quantity).code"]


def test_vital_signs_follow_their_profile() -> None:
    found = errors(coded("http://loinc.org", "8867-4"), Options(vital_signs=True))
    assert "Observation" in found
    special = errors(coded("http://loinc.org", "76534-7"), Options(vital_signs=True))
    assert "Observation.code" in special
    assert errors(coded("http://loinc.org", "718-7"), Options(vital_signs=True)) == []


def test_links_of_narratives() -> None:
    good = '<a href="https://x.test/">a</a><a href="#b">b</a><a href="p.html">c</a>'
    good += '<img src="data:image/png;base64,AA" alt="d"/>'
    assert errors(of("Patient") | {"text": div(good)}) == []
    assert errors(of("Patient") | {"text": div('<a href="urn:uuid:1">x</a>')}) == ["Patient.text.div"]


def test_a_narrative_may_be_what_uses_a_contained_resource() -> None:
    image = {"resourceType": "Binary", "id": "i", "contentType": "image/png", "data": "AAAA"}
    held = of("Patient", contained=[image])
    assert [i.expression for i in validate(held) if i.severity == "error"] == ["Patient.contained[0]"]
    held["text"] = div('<img src="#i" alt="x"/>')
    assert [i for i in validate(held) if i.severity == "error"] == []


def test_settings_of_what_may_be_right() -> None:
    unknown = of("Patient", extension=[{"url": "https://x.test/e", "valueString": "x"}])
    assert errors(unknown) == []
    assert errors(unknown, STRICT) == ["Patient.extension[0]"]
    assert errors(unknown, Options(unknown_extensions="error", domains=("https://x.test/",))) == []
    tagged = of("Patient", name=[{"text": "<b>x</b>"}])
    assert errors(tagged) == []
    assert errors(tagged, Options(html=True)) == ["Patient.name[0].text"]
    example = of("Patient", identifier=[{"system": "http://example.org/ids", "value": "1"}])
    assert errors(example) == []
    assert errors(example, Options(examples=False)) == ["Patient.identifier[0].system"]


def test_references_that_should_find_something() -> None:
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "text": div()}
    held = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "a", "resource": of("Patient", id="1")},
            {"name": "b", "resource": observation | {"subject": {"reference": "Patient/1"}}},
            {"name": "c", "resource": observation | {"subject": {"reference": "Patient/2"}}},
        ],
    }
    assert errors(held) == []
    assert errors(held, Options(exists=True)) == ["Parameters.parameter[2].resource.subject"]


def test_a_reference_of_a_bundle_that_means_another_type() -> None:
    name = "0d9c3c6e-7a3a-4a44-9d6b-0123456789ab"
    held = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:0d9c3c6e-7a3a-4a44-9d6b-0123456789ac",
                "resource": of("Patient", generalPractitioner=[{"reference": f"Practitioner/{name}"}]),
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "fullUrl": f"urn:uuid:{name}",
                "resource": of("Organization", name="x"),
                "request": {"method": "POST", "url": "Organization"},
            },
        ],
    }
    found = [i.expression for i in validate(held) if i.severity == "error"]
    assert found == ["Bundle.entry[0].resource.generalPractitioner[0]"]


def structure(*elements: dict[str, Any]) -> dict[str, Any]:
    return of(
        "StructureDefinition",
        url="https://x.test/p",
        name="P",
        status="draft",
        kind="resource",
        abstract=False,
        type="Patient",
        baseDefinition="http://hl7.org/fhir/StructureDefinition/Patient",
        derivation="constraint",
        differential={"element": [{"id": "Patient", "path": "Patient"}, *elements]},
    )


def test_a_differential_must_fit_its_base() -> None:
    assert errors(structure({"id": "Patient.name", "path": "Patient.name", "min": 1})) == []
    at = "StructureDefinition.differential.element[1]"
    assert errors(structure({"id": "Patient.nome", "path": "Patient.nome", "min": 1})) == [at]
    assert errors(structure({"id": "Patient.name", "path": "Patient.name", "type": [{"code": "Address"}]})) == [at]
    binding = {"strength": "required", "valueSet": "http://x.test/v"}
    born = {"id": "Patient.birthDate", "path": "Patient.birthDate", "type": [{"code": "date"}], "binding": binding}
    assert errors(structure(born)) == [at]


def valueset(**include: Any) -> dict[str, Any]:
    return of("ValueSet", url="https://x.test/v", name="V", status="draft", compose={"include": [include]})


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"property": "concept", "op": "is-a", "value": "138875005"}, False),
        ({"property": "concept", "op": "is-a", "value": "something"}, True),
        ({"property": "constraint", "op": "=", "value": "<< 138875005"}, False),
        ({"property": "constraint", "op": "=", "value": "1 << 2"}, True),
        ({"property": "concept", "op": "regex", "value": "("}, True),
        ({"property": "inactive", "op": "=", "value": "yes"}, True),
        ({"property": "inactive", "op": "=", "value": "false"}, False),
        ({"property": "363698007", "op": "not-in", "value": "80891009"}, True),
    ],
)
def test_filters_of_value_sets(row: dict[str, Any], wrong: bool) -> None:
    found = errors(valueset(system="http://snomed.info/sct", filter=[row]))
    assert found == (["ValueSet.compose.include[0].filter[0]"] if wrong else [])


def test_codes_of_value_sets() -> None:
    listed = valueset(system="http://loinc.org", concept=[{"code": "8867-4"}, {"code": "8867-5"}])
    assert errors(listed) == ["ValueSet.compose.include[0].concept[1]"]


def test_properties_of_code_systems() -> None:
    row = {"code": "x", "uri": "http://hl7.org/fhir/concept-properties#notSelectable", "type": "code"}
    held = of("CodeSystem", url="https://x.test/c", name="C", status="draft", content="complete", property=[row])
    assert errors(held) == ["CodeSystem.property[0]"]


def signed(content: dict[str, Any], form: str, *, detached: bool) -> dict[str, Any]:
    """The Bundle with a JWS by a key of its own certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ward.test")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    chain = [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()]
    token = jws.serialize_compact({"alg": "ES256", "x5c": chain}, canonical(content, form), ECKey.import_key(key))
    head, _, tail = token.split(".")
    data = f"{head}..{tail}" if detached else token
    mark = f"#{form}" if form else ""
    return content | {
        "signature": {
            "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
            "when": "2026-01-01T00:00:00Z",
            "who": {"display": "x"},
            "targetFormat": f"application/fhir+json;canonicalization=http://hl7.org/fhir/canonicalization/json{mark}",
            "sigFormat": "application/jose",
            "data": base64.b64encode(data.encode()).decode(),
        }
    }


BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "id": "b",
    "type": "collection",
    "entry": [{"fullUrl": "https://x.test/Patient/1", "resource": of("Patient", id="1", gender="female")}],
}


@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize("form", ["", "document"])
def test_signatures(form: str, detached: bool) -> None:
    bundle = signed(BUNDLE, form, detached=detached)
    assert errors(bundle) == []
    other = json.loads(json.dumps(bundle))
    other["entry"][0]["resource"]["gender"] = "male"
    assert set(errors(other)) == {"Bundle.signature"}
    renamed = bundle | {"id": "c"}
    assert bool(errors(renamed)) == (form != "document")


def test_a_signature_that_cannot_be_read_is_no_error() -> None:
    bundle = signed(BUNDLE, "", detached=True)
    bundle["signature"]["data"] = "AAAA"
    assert errors(bundle) == []
    assert any(i.code == "not-supported" for i in validate(bundle, FULL))


def test_files_with_comments() -> None:
    text = b'// a\n{"resourceType": "Patient", /* b */ "id": "http://x//y"}'
    found, issues = read(text)
    assert found == {"resourceType": "Patient", "id": "http://x//y"}
    assert [i.severity for i in issues] == ["error"]
    assert read(text, comments=True) == (found, [])


@pytest.mark.parametrize("data", [b"", b"{", b'{"a":1,"a":2}', b"<Patient", b"// only", b'{"resourceType":"Patient",}'])
def test_files_that_cannot_be_read(data: bytes) -> None:
    found, issues = read(data)
    assert found is None
    assert [i.severity for i in issues] == ["fatal"]
