"""Fields of one resource: values, list navigation, result directives, fragments, variables."""

from __future__ import annotations

from typing import Any

import pytest

ADA = "Patient/ada"


async def test_values_come_as_they_are_stored_and_absent_ones_are_left_out(ward: Any) -> None:
    answer = await ward.ask("{ resourceType id active maritalStatus { text } multipleBirthInteger }", ADA)
    assert answer.json() == {
        "data": {"resourceType": "Patient", "id": "ada", "active": True, "multipleBirthInteger": 2}
    }
    answer = await ward.ask("{ valueQuantity { value unit } }", "Observation/hr0")
    assert b'"value":72.50' in answer.content


async def test_extensions_of_a_primitive(ward: Any) -> None:
    data = await ward.data('{ birthDate _birthDate { extension(url: "urn:time") { valueDateTime } } }', ADA)
    assert data == {"birthDate": "1980-05-06", "_birthDate": {"extension": [{"valueDateTime": "1980-05-06T10:00:00Z"}]}}


@pytest.mark.parametrize(
    ("arguments", "families"),
    [
        ("use: official", ["Okafor"]),
        ('use: "official"', ["Okafor"]),
        ("use: [official, maiden]", ["Okafor", "Eze"]),
        ("use: nickname", None),
        ('given: "Ada"', ["Okafor", "Eze"]),
        ('fhirpath: "family.exists()"', ["Okafor", "Eze"]),
        ('fhirpath: "family.exists()", use: maiden', ["Eze"]),
        ('fhirpath: "given.count() > 1"', ["Okafor"]),
        ("_count: 1", ["Okafor"]),
        ("_offset: 2", ["Eze"]),
        ("_offset: 3", None),
        ("_count: 0", None),
    ],
)
async def test_list_navigation(ward: Any, arguments: str, families: list[str] | None) -> None:
    data = await ward.data(f"{{ name({arguments}) {{ family }} }}", ADA)
    assert data == ({} if families is None else {"name": [{"family": family} for family in families]})


async def test_navigation_of_primitives(ward: Any) -> None:
    data = await ward.data("{ name(use: official) { given(fhirpath: \"$this.startsWith('N')\") } }", ADA)
    assert data == {"name": [{"given": ["Nneka"]}]}
    assert await ward.data("{ name { given(_offset: 1) } }", ADA) == {"name": [{"given": ["Nneka"]}, {}, {}]}


async def test_aliases_fragments_and_type_names(ward: Any) -> None:
    data = await ward.data(
        """query { ...basics official: name(use: official) { ...person } ... on Patient { kind: __typename } }
        fragment basics on Patient { id name(use: usual) { given } ...more }
        fragment more on DomainResource { id }
        fragment person on HumanName { family __typename }""",
        ADA,
    )
    assert data == {
        "id": "ada",
        "name": [{"given": ["Addie"]}],
        "official": [{"family": "Okafor", "__typename": "HumanName"}],
        "kind": "Patient",
    }


async def test_a_field_of_a_fragment_is_merged_with_the_same_field(ward: Any) -> None:
    data = await ward.data(
        "{ name(use: official) { use } ...f } fragment f on Patient { name(use: official) { family } }", ADA
    )
    assert data == {"name": [{"use": "official", "family": "Okafor"}]}
    found = await ward.errors("{ name(use: official) { use } ...f } fragment f on Patient { name { family } }", ADA)
    assert "alias" in found[0]["message"]


async def test_variables_with_defaults_and_types(ward: Any) -> None:
    query = "query q($use: Code = official, $no: Boolean!) { id @skip(if: $no) name(use: $use) { family } }"
    assert await ward.data(query, ADA, variables={"no": True}) == {"name": [{"family": "Okafor"}]}
    assert await ward.data(query, ADA, variables={"no": False, "use": "maiden"}) == {
        "id": "ada",
        "name": [{"family": "Eze"}],
    }
    for variables, said in (
        ({}, "$no is missing"),
        ({"no": "yes"}, "$no is no Boolean!"),
        ({"no": True, "use": {}}, "$use is no Code"),
    ):
        assert said in (await ward.errors(query, ADA, variables=variables))[0]["message"]
    assert "not declared" in (await ward.errors("{ name(use: $x) { family } }", ADA))[0]["message"]


async def test_one_of_several_operations(ward: Any) -> None:
    query = "query a { id } query b { active }"
    assert await ward.data(query, ADA, operationName="b") == {"active": True}
    assert "operationName" in (await ward.errors(query, ADA))[0]["message"]
    assert "no operation 'c'" in (await ward.errors(query, ADA, operationName="c"))[0]["message"]


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ name @flatten { family } }", {"family": ["Okafor", "Eze"]}),
        ("{ name @flatten { given @first } }", {"given": ["Ada", "Addie", "Ada"]}),
        ("{ name @first { family } }", {"name": {"family": "Okafor"}}),
        ("{ name @flatten @first { family given } }", {"family": "Okafor", "given": ["Ada", "Nneka"]}),
        ("{ name(use: maiden) @singleton { family } }", {"name": {"family": "Eze"}}),
        (
            '{ name @slice(path: "use") { family @first } }',
            {"name.official": [{"family": "Okafor"}], "name.usual": [{}], "name.maiden": [{"family": "Eze"}]},
        ),
        (
            '{ name @flatten @slice(path: "$index") { g: given @first @singleton } }',
            {"g.0": "Ada", "g.1": "Addie", "g.2": "Ada"},
        ),
        ("{ name @flatten { period @flatten { start } family @include(if: false) given @skip(if: true) } }", {}),
        (
            '{ telecom @flatten @slice(path: "system") { value @singleton } }',
            {"value.phone": "1", "value.email": "a@x"},
        ),
    ],
)
async def test_directives_on_the_result(ward: Any, query: str, data: Any) -> None:
    assert await ward.data(query, ADA) == data


async def test_a_singleton_of_several_is_an_error_at_its_place(ward: Any) -> None:
    answer = (await ward.ask("{ id name @flatten { family @singleton } }", ADA)).json()
    assert answer["data"] == {"id": "ada", "family": None}
    assert answer["errors"][0]["path"] == ["family"]
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 22}]


@pytest.mark.parametrize(
    ("query", "said", "path"),
    [
        ("{ nme { family } }", "did you mean name?", ["nme"]),
        ("{ photo { nothing } }", "no field 'nothing'", ["photo", "nothing"]),
        ("{ birthDate { x } }", "primitive", ["birthDate"]),
        ("{ name }", "object", ["name"]),
        ("{ name { } }", "nothing is selected", ["name"]),
        ("{ name(colour: red) { family } }", "no argument 'colour'", ["name"]),
        ("{ name(_count: -1) { family } }", "_count", ["name"]),
        ('{ name(_count: "1") { family } }', "_count", ["name"]),
        ('{ name(fhirpath: "family.nope(") { family } }', "FHIRPath", ["name"]),
        ("{ birthDate @flatten }", "@flatten", ["birthDate"]),
        ("{ name @slice { family } }", "@slice needs path", []),
        ('{ name @slice(path: "use") @first { family } }', "exclude each other", []),
        ("{ name @shuffle { family } }", "@shuffle is not known", []),
        ("{ id @skip }", "@skip needs if", []),
        ("{ ...nope }", "no fragment nope", []),
        ("{ ...a } fragment a on Patient { ...a }", "refers to itself", []),
        ("{ ... on Observation { id } }", "can never be", []),
        ("{ ... on Nonsense { id } }", "not a type", []),
        ("{ name(_count: " + "9" * 5000 + ") { family } }", "a number of more than", []),
        ("mutation { id }", "mutation operations are not supported", []),
        ("{ id", "Syntax Error", []),
        ("type Query { a: Int }", "no type definitions", []),
        ("{ a: id a: active }", "alias", []),
        ("{ ObservationList { id } }", "_reference", ["ObservationList"]),
    ],
)
async def test_a_document_that_cannot_be_run(ward: Any, query: str, said: str, path: list[str]) -> None:
    answer = await ward.ask(query, ADA)
    assert answer.status_code == 400
    body = answer.json()
    assert "data" not in body
    assert said in body["errors"][0]["message"]
    assert body["errors"][0].get("path", []) == path


async def test_depth_and_size_are_bounded(ward: Any) -> None:
    deep = "{ extension " * 30 + "{ url }" + " }" * 30
    assert "levels deep" in (await ward.errors(deep, ADA))[0]["message"]
    assert "nested too deeply" in (await ward.errors("{a" * 20_000, ADA))[0]["message"]
    wide = " ".join(f"a{n}: id" for n in range(2500))
    assert "fields" in (await ward.errors("{ " + wide + " }", ADA))[0]["message"]
    # Each fragment uses the one before it ten times: ten thousand million fields.
    bomb = "".join(
        f"fragment f{n} on Extension {{ {' '.join(f'a{m}: extension {{ ...f{n - 1} }}' for m in range(10))} }} "
        for n in range(1, 10)
    )
    said = await ward.errors(f"{{ extension {{ ...f9 }} }} fragment f0 on Extension {{ id }} {bomb}", ADA)
    assert said[0]["extensions"]["code"] == "invalid"
    assert "fields" in said[0]["message"]
    spread = "".join(f"fragment f{n} on Patient {{ {f'...f{n - 1} ' * 10} }} " for n in range(1, 15))
    assert await ward.data(f"{{ ...f14 }} fragment f0 on Patient {{ id }} {spread}", ADA) == {"id": "ada"}
    long = "{ id #" + "x" * 200_000 + "\n }"
    assert "characters" in (await ward.errors(long, ADA))[0]["message"]
