"""FHIRPath by table: expression and expected result on two small resources (https://hl7.org/fhirpath/N1/)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from wardbridge.fhir.path import Env, PathError, compile

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
ENV = Env(now=lambda: NOW)

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "name": [
        {"use": "official", "family": "Okafor", "given": ["Ada", "Chi"]},
        {"use": "usual", "given": ["Addy", None], "_given": [None, {"extension": [{"url": "u:x", "valueCode": "m"}]}]},
    ],
    "gender": "female",
    "birthDate": "1980-02-29",
    "_birthDate": {"extension": [{"url": "u:time", "valueDateTime": "1980-02-29T06:30:00+01:00"}]},
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b", "rank": 2}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Ward"}],
    "managingOrganization": {"reference": "#o"},
    "multipleBirthInteger": 2,
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
    "effectiveDateTime": "2026-01-01T08:00:00Z",
    "subject": {"reference": "Patient/p1"},
    "component": [
        {"code": {"text": "sys"}, "valueQuantity": {"value": Decimal("120.0"), "unit": "mmHg", "code": "mm[Hg]",
                                                    "system": "http://unitsofmeasure.org"}},
        {"code": {"text": "note"}, "valueString": "calm"},
    ],
}  # fmt: skip

ON_PATIENT: list[tuple[str, list[Any]]] = [
    # paths
    ("Patient.name.given", ["Ada", "Chi", "Addy", {"extension": [{"url": "u:x", "valueCode": "m"}]}]),
    ("name[0].given[1]", ["Chi"]),
    ("name[7].given", []),
    ("Observation.code", []),
    ("Resource.id", ["p1"]),
    ("DomainResource.contained.name", ["Ward"]),
    ("multipleBirth", [2]),
    ("multipleBirth is integer", [True]),
    ("`name`.`family`", ["Okafor"]),
    ("nothing.at.all", []),
    # primitives and what hangs beside them
    ("birthDate.extension('u:time').value", ["1980-02-29T06:30:00+01:00"]),
    ("birthDate.extension('u:time').value is dateTime", [True]),
    ("name.given.extension.value", ["m"]),
    ("name.given.where(hasValue()).count()", [3]),
    ("name.given.select(hasValue())", [True, True, True, False]),
    ("active.getValue()", [True]),
    # filters and lambdas
    ("name.where(use = 'usual').given.first()", ["Addy"]),
    ("name.select(given.first())", ["Ada", "Addy"]),
    ("telecom.where(rank.exists()).value", ["a@b"]),
    ("telecom.exists(system = 'fax')", [False]),
    ("telecom.all(value.exists())", [True]),
    ("name.given.select($index)", [0, 1, 2, 3]),
    ("(1 | 2 | 3).aggregate($this + $total, 0)", [6]),
    ("telecom.rank.aggregate(iif($total.empty(), $this, $total), {})", [2]),
    ("name.use.combine(gender).count()", [3]),
    ("name.select(use | given.first())", ["official", "Ada", "usual", "Addy"]),
    ("(3 | 1 | 2).sort()", [1, 2, 3]),
    ("telecom.sort(-system).system", ["phone", "email"]),
    ("name.given.first() in ('Ada' | 'Bo')", [True]),
    ("(1 | 2 | 3).tail() contains 2", [True]),
    ("(1|2|3|4).skip(1).take(2)", [2, 3]),
    ("(1|1|2).count()", [2]),
    ("1.combine(1).isDistinct()", [False]),
    ("(1|2).subsetOf(1|2|3) and (1|2|3).supersetOf(2|3)", [True]),
    ("(1|2|3).intersect(2|3|4).exclude(3)", [2]),
    ("repeat(contained).name", ["Ward"]),
    ("children().where($this is HumanName).count()", [2]),
    ("descendants().where($this is code).count()", [6]),
    ("name.use.iif(count() > 1, 'many', 'one')", PathError),
    ("iif(active, 'yes', 1/0)", ["yes"]),
    ("iif({}, 'yes')", []),
    ("name.trace('n', given).count()", [2]),
    ("defineVariable('g', gender).select(%g)", ["female"]),
    ("defineVariable('g', gender).name.use.select(%g & '-' & $this)", ["female-official", "female-usual"]),
    ("name.select(defineVariable('u', use).select(given.first() & %u))", ["Adaofficial", "Addyusual"]),
    ("name.defineVariable('n').use | %n.use", PathError),
    ("name.select(defineVariable('u', use).given.first() & %u)", PathError),
    ("defineVariable('a').defineVariable('a')", PathError),
    ("defineVariable('resource')", PathError),
    # references and types
    ("managingOrganization.resolve().name", ["Ward"]),
    ("managingOrganization.resolve() is Organization", [True]),
    ("gender is code and (gender is string) and (gender is id).not()", [True]),
    ("gender.ofType(string)", []),
    ("active is Boolean", [False]),
    ("active.is(FHIR.boolean) and true.is(System.Boolean)", [True]),
    ("gender.type().name", ["code"]),
    ("1.type().namespace & '.' & 1.type().name", ["System.Integer"]),
    ("conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')", [True]),
    ("gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')", [True]),
    ("%resource.id = %context.id", [True]),
    ("%`vs-x` & %ucum", ["http://hl7.org/fhir/ValueSet/xhttp://unitsofmeasure.org"]),
    # logic is three-valued
    ("({} and false) = false", [True]),
    ("({} or true)", [True]),
    ("{} implies true", [True]),
    ("true xor {}", []),
    ("{}.not()", []),
    ("gender", ["female"]),
    # equality and order
    ("name.given = name.given", [True]),
    ("'a b' ~ 'A  B'", [True]),
    ("1.10 = 1.1 and 1.10 ~ 1.1", [True]),
    ("{} = {}", []),
    ("{} ~ {}", [True]),
    ("birthDate = @1980-02-29", [True]),
    ("birthDate < @1980-03", [True]),
    ("@2012-01 = @2012-01-01", []),
    ("@2012-01-01T10:00Z = @2012-01-01T11:00+01:00", [True]),
    ("@2012-01-01T10:00:00 < @2012-01-01T10:00:00Z", []),
    ("@2012-01-01T10:00:00 < @2012-01-09T10:00:00Z", [True]),
    ("@T10:00 > @T09:59:59", [True]),
    ("'b' > 'a'", [True]),
    ("1 > 'a'", PathError),
    ("name > 1", PathError),
    # quantities
    ("1 'kg' = 1000 'g'", [True]),
    ("1 'kg' > 2 's'", []),
    ("1 'mg/dL' = 10 'mg/L'", [True]),
    ("1 year = 1 'a'", []),
    ("1 year ~ 1 'a'", [True]),
    ("7 days = 1 'wk'", [True]),
    ("3 'mm[Hg]' + 2 'mm[Hg]'", ["5 'mm[Hg]'"]),
    ("2 'm' * 3 'm' = 6 'm2'", [True]),
    ("6 'm' / 2 's' = 3 'm/s'", [True]),
    ("1 'foo' = 1 'foo'", [True]),
    ("1 'foo' = 1 'bar'", []),
    ("'4 days'.toQuantity() = 4 days", [True]),
    ("'4 wk'.toQuantity()", []),
    # arithmetic
    ("7 div 2 + 7 mod 2", [4]),
    ("1 / 3 * 3 ~ 1", [True]),
    ("0.1 + 0.2 = 0.3", [True]),
    ("1 / 0", []),
    ("-3.abs()", [-3]),
    ("(-3).abs()", [3]),
    ("2.5.round(0)", [3]),
    ("2.345.round(2)", [Decimal("2.35")]),
    ("2.power(-1)", [Decimal("0.5")]),
    ("(-1).sqrt()", []),
    ("16.log(2)", [Decimal(4)]),
    ("(-1.5).floor() | (-1.5).ceiling() | (-1.5).truncate()", [-2, -1]),
    # dates
    ("now() = @2026-01-01T00:00:00.000Z", [True]),
    ("today() - 1 day", ["2025-12-31"]),
    ("@2024-01-31 + 1 month", ["2024-02-29"]),
    ("@2024 + 13 months", ["2025"]),
    ("@2024-03-31 - 1 'month'", ["2024-02-29"]),
    ("@2026-01-01T23:59:59Z + 1.5 seconds", ["2026-01-02T00:00:00.5Z"]),
    ("@T23:30 + 45 minutes", ["00:15"]),
    ("@9999-12-31 + 1 day", []),
    ("@2026-01-01 + 1 'mo'", PathError),
    ("@2014.lowBoundary()", ["2014-01-01"]),
    ("@2014-02.highBoundary(8)", ["2014-02-28"]),
    ("72.50.precision()", [2]),
    ("1.5.lowBoundary(2)", [Decimal("1.45")]),
    ("birthDate.yearOf()", [1980]),
    # strings
    ("'abc'.substring(1, 1) & 'x'.upper()", ["bX"]),
    ("'a,b,,c'.split(',').count()", [4]),
    ("name.given.where(hasValue()).join('-')", ["Ada-Chi-Addy"]),
    ("'2026-01'.matches('^[0-9]{4}') and 'abc'.matchesFull('b').not()", [True]),
    ("'a1b2'.replaceMatches('([a-z])([0-9])', '$2$1')", ["1a2b"]),
    ("'abc'.indexOf('c') + 'abcabc'.lastIndexOf('c')", [7]),
    ("' x '.trim()", ["x"]),
    ("'héllo'.encode('base64').decode('base64')", ["héllo"]),
    ("'<a>'.escape('html').unescape('html')", ["<a>"]),
    ("'\\u0041\\'\\n'.length()", [3]),
    ("'a'.startsWith({})", []),
    ("1.startsWith('1')", PathError),
    ("'['.matches('[')", PathError),
    ("99999999999999999999999999999 div 0.0000001", []),
    ("'" + "9" * 5000 + "'.toInteger()", []),
    ("checkModifiers('u:m').id", ["p1"]),
    # conversions
    ("'1.5'.toDecimal() + '2'.toInteger()", [Decimal("3.5")]),
    ("'x'.toInteger()", []),
    ("'yes'.toBoolean()", [True]),
    ("'2014-13'.toDate()", []),
    ("'2014-02-29'.convertsToDate()", [False]),
    ("'14:30'.toTime()", ["14:30"]),
    ("(1.0).toString() & 1.toString() & true.toString()", ["1.01true"]),
    ("@2014-01-01.toDateTime().type().name", ["DateTime"]),
    # errors of the singleton rule
    ("name.given + 'x'", PathError),
    ("name.single()", PathError),
    ("name is HumanName", PathError),
]
ON_OBSERVATION: list[tuple[str, list[Any]]] = [
    ("component.value.ofType(Quantity).value", [Decimal("120.0")]),
    ("component.value.where($this is string)", ["calm"]),
    ("(component[0].value as Quantity).unit", ["mmHg"]),
    ("component[0].value > 100 'mm[Hg]'", [True]),
    ("component[0].value = 16 'kPa'", [False]),
    ("component[0].value ~ 16.00 'kPa'", [True]),
    ("value.empty()", [True]),
    ("effective < @2026-01-02", [True]),
    ("subject.resolve()", []),
    ("subject.resolve() is Patient", [True]),
    ("subject.resolve() is Device", [False]),
    ("subject.where(resolve() is Patient).reference", ["Patient/p1"]),
    ("component.select(code.text & ':' & value.ofType(string))", ["sys:", "note:calm"]),
]


@pytest.mark.parametrize(("expression", "expected"), ON_PATIENT, ids=[e for e, _ in ON_PATIENT])
def test_patient(expression: str, expected: Any) -> None:
    _check(expression, PATIENT, expected)


@pytest.mark.parametrize(("expression", "expected"), ON_OBSERVATION, ids=[e for e, _ in ON_OBSERVATION])
def test_observation(expression: str, expected: Any) -> None:
    _check(expression, OBSERVATION, expected)


def _check(expression: str, resource: dict[str, Any], expected: Any) -> None:
    if expected is PathError:
        with pytest.raises(PathError):
            compile(expression)(resource, ENV)
        return
    found = compile(expression)(resource, ENV)
    assert found == expected
    assert [type(v) for v in found] == [type(v) for v in expected]


BROKEN = [
    ("1 +", 3),
    ("a..b", 2),
    ("a.where(", 8),
    ("'open", 0),
    ("a b", 2),
    ("@2014-13-01", 0),
    ("@T25:00", 0),
    ("a.foo()", 2),
    ("a.where()", 2),
    ("a is Nonsense", 2),
    ("/* never", 0),
    ("{1}", 1),
    ("a[1", 3),
    ("%", 0),
    ("'\\q'", 0),
    ("9" * 5000, 0),
    ("a.``", 2),
]


@pytest.mark.parametrize(("expression", "position"), BROKEN, ids=[e for e, _ in BROKEN])
def test_an_expression_that_cannot_be_read_says_where(expression: str, position: int) -> None:
    with pytest.raises(PathError) as caught:
        compile(expression)
    assert caught.value.position == position
    assert str(position) in str(caught.value)


@pytest.mark.parametrize("expression", ["(" * 500 + "1" + ")" * 500, "-" * 500 + "1", "a" + "[b" * 300 + "]" * 300])
def test_deep_nesting_is_refused(expression: str) -> None:
    with pytest.raises(PathError, match="nested"):
        compile(expression)


def test_no_clock_is_read_unasked() -> None:
    with pytest.raises(PathError, match="clock"):
        compile("now()")(PATIENT)


def test_the_environment_answers() -> None:
    seen: list[tuple[str, list[Any]]] = []
    env = Env(
        resolve=lambda reference: {"resourceType": "Patient", "id": reference[8:], "active": False},
        member_of=lambda value, url: url == "u:set" and value["code"] == "85354-9",
        conforms_to=lambda value, url: url == "u:profile",
        variables={"limit": 100, "names": ["a", "b"]},
        trace=lambda name, values: seen.append((name, values)),
    )
    run = lambda e: compile(e)(OBSERVATION, env)  # noqa: E731
    assert run("subject.resolve().active") == [False]
    assert run("code.coding.memberOf('u:set')") == [True]
    assert run("conformsTo('u:profile')") == [True]
    assert run("component[0].value.value > %limit") == [True]
    assert run("%names") == ["a", "b"]
    assert run("status.trace('s')") == ["final"]
    assert seen == [("s", ["final"])]
    with pytest.raises(PathError):
        run("%unknown")


@pytest.mark.parametrize(
    "expression", ["name.given1", "Encounter.name", "name.where(foo = 1)", "(birthDate as date).unit"]
)
def test_strict_refuses_unknown_elements(expression: str) -> None:
    assert compile(expression, "Patient")(PATIENT) == []
    with pytest.raises(PathError) as caught:
        compile(expression, "Patient", strict=True)
    assert caught.value.kind == "semantic"


@pytest.mark.parametrize(
    "expression", ["name.given", "name.where(use = 'x')", "birthDate.extension('u').value", "contained.name"]
)
def test_strict_accepts_known_elements(expression: str) -> None:
    compile(expression, "Patient", strict=True)


def test_lenient_filters_where_strict_fails() -> None:
    with pytest.raises(PathError):
        compile("name.as(HumanName)")(PATIENT)
    assert len(compile("name.as(HumanName)", lenient=True)(PATIENT)) == 2
    assert compile("active is Boolean", lenient=True)(PATIENT) == [True]


def test_inputs_of_any_shape_give_items_or_an_error() -> None:
    odd: list[dict[str, Any]] = [
        {"resourceType": "Patient", "name": "text", "birthDate": 5, "telecom": [None, 1]},
        {"resourceType": "Unknown", "name": [{"given": ["x"]}]},
        {"resourceType": 5},
        {},
    ]
    for resource in odd:
        for expression, _ in ON_PATIENT:
            try:
                compile(expression)(resource, ENV)
            except PathError:
                continue


def test_huge_exponents_are_no_numbers() -> None:
    resource = {"resourceType": "Observation", "valueQuantity": {"value": Decimal("1E+999999999")}}
    assert compile("value.value.toString()")(resource) == []
