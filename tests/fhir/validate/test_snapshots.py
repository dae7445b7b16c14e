"""Snapshots: ours are those that R4 publishes; and no definition, however broken, is more than an issue."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fhir.validate.test_profiles import IDENTIFIERS, RACE, errors, patient, profile

from bench import conformance_examples
from wardbridge.fhir.definitions.profiles import published
from wardbridge.fhir.json import loads
from wardbridge.fhir.validate.profiles import BUILT_IN
from wardbridge.fhir.validate.shapes import Shape


def shape_at(root: Shape, id_: str) -> Shape | None:
    """The shape of an element by its id; one that the profile says nothing of is as in the base."""
    at = root
    for part in id_.split(".")[1:]:
        name, _, slice_ = part.partition(":")
        found = at.find(name)
        if found is None:
            return None
        element = found[0]
        below = at.children.get(element.name) or Shape("", element, element.types, element.min, element.max)
        for inner in filter(None, slice_.split("/")):
            below = below.slices.get(inner) or Shape("", element, below.types)
        at = below
    return at


def differences(definition: dict[str, Any]) -> list[str]:
    found = BUILT_IN.find(definition["url"])
    assert found is not None
    assert not found.problems
    out = []
    for row in definition["snapshot"]["element"][1:]:
        at = shape_at(found.shape, row["id"])
        if at is None:
            out.append(f"{row['id']}: missing")
            continue
        top = None if row["max"] == "*" else int(row["max"])
        sliced = ":" in row["id"].rsplit(".", 1)[-1]
        fixed = [value for key, value in row.items() if key.startswith(("fixed", "pattern"))]
        ours = [given.value for given in (at.fixed, at.pattern) if given is not None]
        kinds = {t["code"] for t in row.get("type", ()) if t.get("code", "").isalnum()}
        if at.min != row["min"] or (not sliced and at.max != top) or ours != fixed:
            out.append(f"{row['id']}: {at.min}..{at.max} {ours}")
        elif kinds and not kinds & {"BackboneElement", "Element"} and kinds != set(at.types):
            out.append(f"{row['id']}: {at.types}")
    return out


# Where a published snapshot repeats in a slice what holds for all items, or unfolds the definition of an extension.
UNFOLDED = {"bp": 10, "elementdefinition-de": 7}


@pytest.mark.suite
def test_ours_are_the_published_ones(suites: Path) -> None:
    seen = 0
    for name, line in conformance_examples.examples(suites / conformance_examples.SUITE):
        if not name.startswith("StructureDefinition-"):
            continue
        definition = loads(line)
        if definition.get("url") not in published() or "snapshot" not in definition:
            continue
        seen += 1
        found = differences(definition)
        assert len(found) <= UNFOLDED.get(definition["id"], 0), (definition["id"], found)
    assert seen > 400


def test_every_published_definition_is_usable() -> None:
    for url in published():
        found = BUILT_IN.find(url)
        assert found is not None
        assert found.problems == []


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["path", "type", "code", "url"]), inner)
    ),
    max_leaves=4,
)
HELD = profile("p", "Patient", *IDENTIFIERS, base="http://hl7.org/fhir/StructureDefinition/Patient")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in rows for found in ((value, key), *places(inner))]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_broken_definition_is_no_crash(data: st.DataObject) -> None:
    definition = copy.deepcopy(data.draw(st.sampled_from([HELD, RACE])))
    for _ in range(data.draw(st.integers(1, 4))):
        found = [(at, key) for at, key in places(definition) if (at is not definition or key not in ("url", "type"))]
        container, key = data.draw(st.sampled_from(found))
        if data.draw(st.booleans()):
            container[key] = data.draw(JUNK)
        elif isinstance(container, dict):
            del container[key]
    resource = patient(
        identifier=[{"system": "urn:mrn", "value": "1"}, {"system": "urn:x"}],
        extension=[{"url": RACE["url"], "extension": [{"url": "text", "valueString": "x"}]}],
    )
    errors(resource, definition, RACE)
