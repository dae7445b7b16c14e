"""decide(): each role and scope against what it may and may not."""

from __future__ import annotations

import pytest

from wardbridge.security.policy import FEATURES, PAGES, decide
from wardbridge.security.principal import ROLES, Principal, Target
from wardbridge.security.scopes import grants, parse


def user(role: str, *scopes: str) -> Principal:
    return Principal("u", "U", "service" if role == "service" else "user", frozenset({role}), scopes)


@pytest.mark.parametrize("role", ["technician", "operator", "administrator"])
@pytest.mark.parametrize(
    "type_name", ["Patient", "Observation", "Condition", "MedicationRequest", "Encounter", "Flag", ""]
)
def test_technical_roles_see_no_clinical_content(role: str, type_name: str) -> None:
    for action in ("read", "search", "history", "create", "update", "delete"):
        assert not decide(user(role), action, Target("fhir", type_name)).permit


@pytest.mark.parametrize("role", ["nurse", "physician"])
def test_clinicians_read_and_chart(role: str) -> None:
    assert decide(user(role), "read", Target("fhir", "Observation")).permit
    assert decide(user(role), "create", Target("fhir", "Observation")).permit
    assert not decide(user(role), "update", Target("fhir", "Device")).permit
    assert not decide(user(role), "read", Target("fhir", "AuditEvent")).permit


def test_only_administrators_read_the_audit_record() -> None:
    permitted = {
        role for role in ROLES - {"service"} if decide(user(role), "search", Target("fhir", "AuditEvent")).permit
    }
    assert permitted == {"administrator"}


def test_a_token_needs_role_and_scope() -> None:
    assert decide(user("nurse", "user/Observation.rs"), "read", Target("fhir", "Observation")).permit
    assert not decide(user("nurse", "user/Observation.rs"), "create", Target("fhir", "Observation")).permit
    assert not decide(user("technician", "user/*.cruds"), "read", Target("fhir", "Patient")).permit
    assert decide(user("service", "system/*.rs"), "search", Target("fhir", "Patient")).permit
    assert not decide(user("service"), "read", Target("fhir", "Patient")).permit


def test_what_no_rule_names_is_refused() -> None:
    assert not decide(user("administrator"), "open", Target("page", "nowhere")).permit
    assert not decide(user("administrator"), "do", Target("feature", "nothing")).permit
    assert not decide(user("nurse"), "explode", Target("fhir", "Patient")).permit


def test_tables_name_known_roles_only() -> None:
    for allowed in (*PAGES.values(), *FEATURES.values()):
        assert allowed
        assert allowed <= ROLES


@pytest.mark.parametrize(
    ("scope", "letters"),
    [("system/*.cruds", "cruds"), ("user/Patient.rs", "rs"), ("user/Patient.read", "rs"), ("user/*.write", "cud")],
)
def test_scopes_of_both_versions_parse(scope: str, letters: str) -> None:
    parsed = parse(scope)
    assert parsed is not None
    assert parsed[2] == frozenset(letters)


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "openid",
        "user/Patient.",
        "user/Patient.sr",
        "user/patient.r",
        "user/Observation.rs?category=vital-signs",
        "root/*.cruds",
    ],
)
def test_what_cannot_be_enforced_grants_nothing(scope: str) -> None:
    assert parse(scope) is None
    assert not grants([scope], "read", "Observation")
