"""Profiles by table: what a profile says, a resource, and the errors that must come of it. All profiles are our own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from wardbridge.fhir.path.predicate import Holders
from wardbridge.fhir.validate.api import walk
from wardbridge.fhir.validate.options import Options
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.run import Run

BASE = "http://hl7.org/fhir/StructureDefinition/"
URL = "https://hospital.test/"
DIV = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}


def profile(name: str, kind: str, *elements: dict[str, Any], base: str = "", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "url": URL + name,
        "version": "1.0.0",
        "type": kind,
        "kind": "complex-type" if kind in ("Extension", "Quantity") else "resource",
        "derivation": "constraint",
        "baseDefinition": base or BASE + kind,
        "differential": {"element": [{"id": kind, "path": kind}, *elements]},
    } | more


def element(id_: str, **more: Any) -> dict[str, Any]:
    """An element by its id; path and slice name follow from it."""
    parts = [part.partition(":") for part in id_.split(".")]
    row = {"id": id_, "path": ".".join(part[0] for part in parts)} | more
    return row | {"sliceName": parts[-1][2]} if parts[-1][2] else row


def sliced(id_: str, *discriminators: tuple[str, str], rules: str = "open", **more: Any) -> dict[str, Any]:
    rows = [{"type": kind, "path": path} for kind, path in discriminators]
    return element(id_, slicing={"discriminator": rows, "rules": rules} | more)


def extension(name: str, *elements: dict[str, Any], context: str = "Patient", modifier: bool = False) -> dict[str, Any]:
    found = profile(name, "Extension", *elements, element("Extension.url", fixedUri=URL + name))
    found["context"] = [{"type": "element", "expression": context}]
    found["differential"]["element"][0]["isModifier"] = modifier
    return found


def errors(resource: dict[str, Any], *profiles: dict[str, Any], options: Options | None = None) -> list[str]:
    """`expression: details` of the errors, held against the first profile."""
    known = Profiles()
    for definition in profiles:
        known.add(definition)
    run = Run(Holders(resource, resource), options or Options(), known)
    walk(resource, run, [profiles[0]["url"]] if profiles and profiles[0]["type"] != "Extension" else [])
    return [f"{i.expression}: {i.details}" for i in run.issues if i.severity == "error"]


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "text": DIV} | more


def observation(**more: Any) -> dict[str, Any]:
    base = {"resourceType": "Observation", "text": DIV, "status": "final", "code": {"text": "x"}}
    return base | {"performer": [{"display": "x"}]} | more


def test_cardinality() -> None:
    held = profile("p", "Patient", element("Patient.name", min=1, max="1"), element("Patient.photo", max="0"))
    assert errors(patient(name=[{"text": "a"}]), held) == []
    assert errors(patient(), held) == ["Patient: Patient.name: 1 required, found 0"]
    assert errors(patient(name=[{"text": "a"}, {"text": "b"}], photo=[{"title": "x"}]), held) == [
        "Patient: Patient.name: at most 1 allowed, found 2",
        "Patient: Patient.photo: at most 0 allowed, found 1",
    ]


def test_a_primitive_with_only_an_extension_counts_as_there() -> None:
    held = profile("p", "Patient", element("Patient.birthDate", min=1))
    assert errors(patient(_birthDate={"extension": [{"url": "u:absent", "valueCode": "unknown"}]}), held) == []


def test_a_child_of_an_absent_element_is_not_missed() -> None:
    held = profile("p", "Patient", element("Patient.contact.name", min=1))
    assert errors(patient(), held) == []
    found = errors(
        patient(contact=[{"gender": "male", "name": {"text": "a"}}, {"gender": "male", "telecom": []}]), held
    )
    assert "Patient.contact[1]: Patient.contact.name: 1 required, found 0" in found


def test_fixed_is_exact_and_a_pattern_is_a_part() -> None:
    concept = {"coding": [{"system": "u:s", "code": "a"}]}
    fixed = profile("p", "Observation", element("Observation.code", fixedCodeableConcept=concept))
    pattern = profile("p", "Observation", element("Observation.code", patternCodeableConcept=concept))
    more = {"coding": [{"system": "u:t", "code": "b"}, {"system": "u:s", "code": "a", "display": "A"}]}
    assert errors(observation(code=concept), fixed) == []
    assert len(errors(observation(code=more), fixed)) == 1
    assert errors(observation(code=more), pattern) == []
    assert len(errors(observation(code={"coding": [{"system": "u:s", "code": "b"}]}), pattern)) == 1


def test_limits_and_length() -> None:
    held = profile(
        "p",
        "Observation",
        element("Observation.value[x]", type=[{"code": "integer"}], minValueInteger=1, maxValueInteger=10),
        element("Observation.method.text", maxLength=3),
    )
    assert errors(observation(valueInteger=10, method={"text": "abc"}), held) == []
    assert errors(observation(valueInteger=11), held) == ["Observation.value.ofType(integer): 11 is above the limit 10"]
    assert errors(observation(valueInteger=0, method={"text": "abcd"}), held) == [
        "Observation.value.ofType(integer): 0 is below the limit 1",
        "Observation.method.text: longer than 3 characters",
    ]


def test_types_are_narrowed() -> None:
    held = profile("p", "Observation", element("Observation.value[x]", type=[{"code": "Quantity"}, {"code": "string"}]))
    assert errors(observation(valueString="x"), held) == []
    assert errors(observation(valueInteger=1), held) == [
        "Observation.value.ofType(integer): Observation.value[x] must be a Quantity or string, not a integer"
    ]


def test_a_short_name_narrows_the_choice() -> None:
    held = profile("p", "Observation", element("Observation.valueQuantity.unit", min=1))
    assert errors(observation(valueQuantity={"value": Decimal("1.0"), "unit": "x"}), held) == []
    assert errors(observation(valueQuantity={"value": Decimal("1.0")}), held) == [
        "Observation.value.ofType(Quantity): Observation.value[x]:valueQuantity.unit: 1 required, found 0"
    ]
    assert len(errors(observation(valueString="x"), held)) == 1


def test_slices_of_a_choice_leave_the_other_types() -> None:
    held = profile(
        "p",
        "Observation",
        sliced("Observation.value[x]", ("type", "$this")),
        element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
        element("Observation.value[x]:valueQuantity.code", min=1),
    )
    assert errors(observation(valueString="x"), held) == []
    assert len(errors(observation(valueQuantity={"value": Decimal("1.0")}), held)) == 1


IDENTIFIERS = (
    sliced("Patient.identifier", ("value", "system"), rules="closed"),
    element("Patient.identifier:mrn", min=1, max="1"),
    element("Patient.identifier:mrn.system", min=1, fixedUri="urn:mrn"),
    element("Patient.identifier:mrn.value", min=1),
    element("Patient.identifier:visit", max="*"),
    element("Patient.identifier:visit.system", min=1, patternUri="urn:visit"),
)


def test_slices_by_value() -> None:
    held = profile("p", "Patient", *IDENTIFIERS)
    mrn, visit = {"system": "urn:mrn", "value": "1"}, {"system": "urn:visit", "value": "2"}
    assert errors(patient(identifier=[visit, mrn, visit]), held) == []
    assert errors(patient(identifier=[visit]), held) == ["Patient: Patient.identifier:mrn: 1 required, found 0"]
    assert errors(patient(identifier=[mrn, mrn]), held) == [
        "Patient: Patient.identifier:mrn: at most 1 allowed, found 2"
    ]
    assert errors(patient(identifier=[mrn, {"system": "urn:x"}]), held) == [
        "Patient.identifier[1]: Patient.identifier: fits no slice, and nothing else may stand here"
    ]
    assert errors(patient(identifier=[{"system": "urn:mrn"}]), held) == [
        "Patient.identifier[0]: Patient.identifier:mrn.value: 1 required, found 0"
    ]


@pytest.mark.parametrize(
    ("order", "found"),
    [("mv", []), ("vm", ["stands after a later slice"]), ("mxv", []), ("xm", [])],
)
def test_ordered_slices(order: str, found: list[str]) -> None:
    rows = [sliced("Patient.identifier", ("value", "system"), ordered=True), *IDENTIFIERS[1:]]
    held = profile("p", "Patient", *rows)
    systems = {"m": "urn:mrn", "v": "urn:visit", "x": "urn:x"}
    identifiers = [{"system": systems[sign], "value": "1"} for sign in order]
    seen = errors(patient(identifier=identifiers), held)
    assert [text.split(": ")[-1] for text in seen] == found


def test_open_at_end() -> None:
    held = profile(
        "p", "Patient", sliced("Patient.identifier", ("value", "system"), rules="openAtEnd"), *IDENTIFIERS[1:]
    )
    mrn, other = {"system": "urn:mrn", "value": "1"}, {"system": "urn:x"}
    assert errors(patient(identifier=[mrn, other]), held) == []
    assert errors(patient(identifier=[other, mrn]), held) == [
        "Patient.identifier[1]: Patient.identifier:mrn: stands after items of no slice"
    ]


def test_a_slice_of_a_slice() -> None:
    rows = [
        sliced("Patient.telecom", ("value", "system")),
        element("Patient.telecom:phone", min=1),
        element("Patient.telecom:phone.system", min=1, fixedCode="phone"),
        {
            "id": "Patient.telecom:phone",
            "path": "Patient.telecom",
            "sliceName": "phone",
            "slicing": {"discriminator": [{"type": "value", "path": "use"}], "rules": "closed"},
        },
        {"id": "Patient.telecom:phone/home", "path": "Patient.telecom", "sliceName": "phone/home", "min": 1},
        element("Patient.telecom:phone/home.use", min=1, fixedCode="home"),
    ]
    held = profile("p", "Patient", *rows)
    home = {"system": "phone", "value": "1", "use": "home"}
    assert errors(patient(telecom=[home, {"system": "email", "value": "a@b"}]), held) == []
    assert errors(patient(telecom=[home, home | {"use": "work"}]), held) == [
        "Patient.telecom[1]: Patient.telecom:phone: fits no slice, and nothing else may stand here"
    ]


def test_slices_by_pattern_exists_and_binding() -> None:
    pattern = {"coding": [{"system": "u:s", "code": "a"}]}
    held = profile(
        "p",
        "Observation",
        sliced("Observation.component", ("pattern", "code")),
        element("Observation.component:a", min=1),
        element("Observation.component:a.code", patternCodeableConcept=pattern),
        element("Observation.component:a.value[x]", min=1),
        sliced("Observation.note", ("exists", "time"), rules="closed"),
        element("Observation.note:dated"),
        element("Observation.note:dated.time", min=1),
        sliced("Observation.category", ("value", "coding.code")),
        element("Observation.category:kind", min=1),
        element(
            "Observation.category:kind.coding.code",
            min=1,
            binding={"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"},
        ),
    )
    right = observation(
        component=[{"code": {"coding": [{"system": "u:s", "code": "a", "display": "A"}]}, "valueInteger": 1}],
        note=[{"text": "x", "time": "2026-01-01"}],
        category=[{"coding": [{"code": "lab"}]}, {"coding": [{"code": "female"}]}],
    )
    assert errors(right, held) == []
    wrong = right | {"note": [{"text": "x"}], "category": [{"coding": [{"code": "lab"}]}]}
    assert errors(wrong, held) == [
        "Observation.note[0]: Observation.note: fits no slice, and nothing else may stand here",
        "Observation: Observation.category:kind: 1 required, found 0",
    ]
    assert errors(right | {"component": [{"code": pattern}]}, held) == [
        "Observation.component[0]: Observation.component:a.value[x]: 1 required, found 0"
    ]


ENTRIES = profile(
    "doc",
    "Bundle",
    sliced("Bundle.entry", ("type", "resource")),
    element("Bundle.entry:patient", min=1, max="1"),
    element("Bundle.entry:patient.resource", min=1, type=[{"code": "Patient", "profile": [URL + "named"]}]),
)
NAMED = profile("named", "Patient", element("Patient.name", min=1))


def test_profiles_on_the_entries_of_a_bundle() -> None:
    def bundle(resource: dict[str, Any]) -> dict[str, Any]:
        return {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:x:1", "resource": resource}]}

    assert errors(bundle(patient(name=[{"text": "a"}])), ENTRIES, NAMED) == []
    assert errors(bundle(patient()), ENTRIES, NAMED) == ["Bundle.entry[0].resource: Patient.name: 1 required, found 0"]
    assert errors(bundle(observation()), ENTRIES, NAMED) == ["Bundle: Bundle.entry:patient: 1 required, found 0"]


def test_a_target_profile_is_looked_at_where_the_target_is_at_hand() -> None:
    target = [{"code": "Reference", "targetProfile": [URL + "named"]}]
    held = profile("p", "Observation", element("Observation.subject", type=target))
    inside = observation(subject={"reference": "#a"}, contained=[{"resourceType": "Patient", "id": "a"}])
    assert len(errors(inside, held, NAMED)) == 1
    inside["contained"][0]["name"] = [{"text": "a"}]
    assert errors(inside, held, NAMED) == []
    assert errors(observation(subject={"reference": "Patient/1"}), held, NAMED) == []
    assert len(errors(observation(subject={"reference": "Group/1"}), held, NAMED)) == 1


def test_slices_by_the_resolved_target() -> None:
    held = profile(
        "p",
        "Observation",
        sliced("Observation.performer", ("type", "resolve()")),
        element(
            "Observation.performer:who",
            min=1,
            type=[{"code": "Reference", "targetProfile": [BASE + "Practitioner"]}],
        ),
    )
    assert errors(observation(performer=[{"reference": "Practitioner/1"}]), held) == []
    assert errors(observation(performer=[{"reference": "Patient/1"}]), held) == [
        "Observation: Observation.performer:who: 1 required, found 0"
    ]


def test_slices_by_profile() -> None:
    held = profile(
        "p",
        "Patient",
        sliced("Patient.contained", ("profile", "$this")),
        element("Patient.contained:named", min=1, type=[{"code": "Patient", "profile": [URL + "named"]}]),
    )
    link = {"link": [{"other": {"reference": "#a"}, "type": "seealso"}]}
    inside = {"resourceType": "Patient", "id": "a"}
    assert errors(patient(contained=[inside | {"name": [{"text": "a"}]}], **link), held, NAMED) == []
    assert errors(patient(contained=[inside], **link), held, NAMED) == [
        "Patient: Patient.contained:named: 1 required, found 0"
    ]


def test_a_derived_profile_adds_to_its_base() -> None:
    base = profile("named", "Patient", *IDENTIFIERS, element("Patient.name", min=1))
    derived = profile("d", "Patient", element("Patient.identifier:visit", min=1), base=URL + "named")
    mrn, visit = {"system": "urn:mrn", "value": "1"}, {"system": "urn:visit", "value": "2"}
    assert errors(patient(name=[{"text": "a"}], identifier=[mrn, visit]), derived, base) == []
    assert errors(patient(identifier=[mrn]), derived, base) == [
        "Patient: Patient.identifier:visit: 1 required, found 0",
        "Patient: Patient.name: 1 required, found 0",
    ]


def test_what_an_element_refers_to_by_content() -> None:
    held = profile("p", "Observation", element("Observation.component.referenceRange.text", min=1))
    right = observation(component=[{"code": {"text": "a"}, "referenceRange": [{"text": "x"}]}])
    assert errors(right, held) == []
    wrong = observation(component=[{"code": {"text": "a"}, "referenceRange": [{"age": {"low": {"value": 1}}}]}])
    assert any("referenceRange.text: 1 required" in text for text in errors(wrong, held))


def test_invariants_of_a_profile() -> None:
    rule = {"key": "h-1", "severity": "error", "expression": "given.exists() or text.exists()"}
    soft = {"key": "h-2", "severity": "warning", "expression": "false"}
    held = profile("p", "Patient", element("Patient.name", constraint=[rule, soft]))
    assert errors(patient(name=[{"text": "a"}]), held) == []
    assert errors(patient(name=[{"family": "a"}]), held) == ["Patient.name[0]: invariant h-1 does not hold"]


RACE = extension(
    "race",
    element("Extension.extension:category", min=0, max="2"),
    element("Extension.extension:category.url", fixedUri="category"),
    element("Extension.extension:category.value[x]", min=1, type=[{"code": "Coding"}]),
    element("Extension.extension:text", min=1, max="1"),
    element("Extension.extension:text.url", fixedUri="text"),
    element("Extension.extension:text.value[x]", min=1, type=[{"code": "string"}]),
    element("Extension.value[x]", max="0"),
)


def race(*parts: dict[str, Any]) -> dict[str, Any]:
    return patient(extension=[{"url": URL + "race", "extension": list(parts)}])


def test_a_complex_extension_wherever_it_stands() -> None:
    text = {"url": "text", "valueString": "x"}
    assert errors(race(text, {"url": "category", "valueCoding": {"code": "a"}}), RACE) == []
    assert errors(race({"url": "category", "valueCoding": {"code": "a"}}), RACE) == [
        "Patient.extension[0]: Extension.extension:text: 1 required, found 0"
    ]
    assert errors(race(text, {"url": "other", "valueString": "x"}), RACE) == [
        f"Patient.extension[0].extension[1]: 'other' is no part of {URL}race"
    ]
    assert errors(race(text, {"url": "category", "valueString": "x"}), RACE) == [
        "Patient.extension[0].extension[1].value.ofType(string): "
        "Extension.extension:category.value[x] must be a Coding, not a string"
    ]


def test_where_an_extension_may_stand() -> None:
    value = element("Extension.value[x]", min=1, type=[{"code": "string"}])
    contact = extension("e", value, context="Patient.contact")
    name = extension("e", value, context="HumanName")
    anywhere = extension("e", value, context="Element")
    held = [{"url": URL + "e", "valueString": "x"}]
    inside = patient(contact=[{"name": {"text": "a", "extension": held}}])
    assert errors(patient(contact=[{"extension": held, "name": {"text": "a"}}]), contact) == []
    assert len(errors(inside, contact)) == 1
    assert errors(inside, name) == []
    assert errors(inside, anywhere) == []
    assert errors(patient(extension=held), anywhere) == []


def test_extensions_that_modify() -> None:
    value = element("Extension.value[x]", type=[{"code": "string"}])
    modifies = extension("e", value, modifier=True)
    held = [{"url": URL + "e", "valueString": "x"}]
    assert errors(patient(modifierExtension=held), modifies) == []
    assert errors(patient(extension=held), modifies) == [
        f"Patient.extension[0]: {URL}e must be used as a modifierExtension"
    ]
    assert len(errors(patient(modifierExtension=held), extension("e", value))) == 1
    strict = Options(unknown_modifiers="error", unknown_extensions="error")
    assert len(errors(patient(modifierExtension=held, extension=held), options=strict)) == 2
    assert errors(patient(modifierExtension=held, extension=held)) == []


def test_extensions_in_slices_of_a_profile() -> None:
    held = profile(
        "p",
        "Patient",
        element("Patient.extension:race", min=1, max="1", type=[{"code": "Extension", "profile": [URL + "race"]}]),
        element("Patient.birthDate.extension:time", min=1, type=[{"code": "Extension", "profile": [URL + "time"]}]),
    )
    time = extension("time", element("Extension.value[x]", type=[{"code": "dateTime"}]), context="date")
    born = {"birthDate": "1970-01-01", "_birthDate": {"extension": [{"url": URL + "time", "valueDateTime": "1970"}]}}
    whole = race({"url": "text", "valueString": "x"})
    assert errors(whole | born, held, RACE, time) == []
    assert errors(whole | {"birthDate": "1970-01-01"}, held, RACE, time) == [
        "Patient.birthDate: Patient.birthDate.extension:time: 1 required, found 0"
    ]
    assert errors(patient(**born), held, RACE, time) == ["Patient: Patient.extension:race: 1 required, found 0"]


def test_without_ids_the_order_tells_the_slice() -> None:
    rows = [{k: v for k, v in row.items() if k != "id"} for row in IDENTIFIERS]
    held = profile("p", "Patient", *rows)
    assert errors(patient(identifier=[{"system": "urn:visit"}]), held) == [
        "Patient: Patient.identifier:mrn: 1 required, found 0"
    ]


def test_a_snapshot_does_where_the_base_is_not_known() -> None:
    held = profile("p", "Patient", base="https://elsewhere.test/base")
    held["snapshot"] = {"element": [{"id": "Patient", "path": "Patient"}, element("Patient.name", min=1, max="*")]}
    assert errors(patient(), held) == ["Patient: Patient.name: 1 required, found 0"]


def test_resources_that_point_to_each_other_end() -> None:
    target = [{"code": "Reference", "targetProfile": [URL + "p"]}]
    held = profile("p", "Patient", element("Patient.link.other", type=target), element("Patient.name", min=1))
    link = {"link": [{"other": {"reference": "Patient/b"}, "type": "seealso"}]}
    back = {"link": [{"other": {"reference": "Patient/a"}, "type": "seealso"}]}
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": "https://x.test/Patient/a", "resource": patient(id="a", name=[{"text": "a"}], **link)},
            {"fullUrl": "https://x.test/Patient/b", "resource": patient(id="b", name=[{"text": "b"}], **back)},
        ],
    }
    for entry in bundle["entry"]:
        entry["resource"]["meta"] = {"profile": [URL + "p"]}  # type: ignore[index]
    known = Profiles()
    known.add(held)
    run = Run(Holders(bundle, bundle), Options(), known)
    walk(bundle, run)
    assert [i for i in run.issues if i.severity == "error"] == []
