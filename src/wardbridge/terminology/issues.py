"""Issues as terminology servers tell them: severity, issue type, tx-issue-type and a message by its known id.

The ids and codes are those of the HL7 terminology ecosystem (http://hl7.org/fhir/tools/CodeSystem/tx-issue-type), so
that validators which speak to several servers can tell the same problem by the same name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

TYPES = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"
MESSAGE_ID = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"

Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True)
class Kind:
    """``said``: the text is also part of the ``message`` of an answer."""

    severity: Severity
    code: str
    type: str
    text: str
    said: bool = True


KINDS: dict[str, Kind] = {
    "None_of_the_provided_codes_are_in_the_value_set_one": Kind(
        "error", "code-invalid", "not-in-vs", "The provided code '{0}' was not found in the value set '{1}'"
    ),
    "TX_GENERAL_CC_ERROR_MESSAGE": Kind(
        "error", "code-invalid", "not-in-vs", "No valid coding was found for the value set '{0}'"
    ),
    "Unknown_Code_in_Version": Kind(
        "error", "code-invalid", "invalid-code", "Unknown code '{0}' in the CodeSystem '{1}' version '{2}'"
    ),
    "Unknown_Code_in": Kind("error", "code-invalid", "invalid-code", "Unknown code '{0}' in the CodeSystem '{1}'"),
    "UNKNOWN_CODE_IN_FRAGMENT": Kind(
        "warning",
        "code-invalid",
        "invalid-code",
        "Unknown Code '{0}' in the CodeSystem '{1}' version '{2}' - note that the code system is labeled as a "
        "fragment, so the code may be valid in some other fragment",
        said=False,
    ),
    "UNABLE_TO_INFER_CODESYSTEM": Kind(
        "error",
        "not-found",
        "cannot-infer",
        "The System URI could not be determined for the code '{0}' in the ValueSet '{1}'",
    ),
    "Unable_to_resolve_system__value_set_has_multiple_matches": Kind(
        "error",
        "not-found",
        "cannot-infer",
        "The System URI could not be determined for the code '{0}' in the ValueSet '{1}': value set expansion has "
        "multiple matches: [{2}]",
    ),
    "UNKNOWN_CODESYSTEM": Kind(
        "error",
        "not-found",
        "not-found",
        "A definition for CodeSystem '{0}' could not be found, so the code cannot be validated",
    ),
    "UNKNOWN_CODESYSTEM_VERSION": Kind(
        "error",
        "not-found",
        "not-found",
        "A definition for CodeSystem '{0}' version '{1}' could not be found, so the code cannot be validated. "
        "Valid versions: {2}",
    ),
    "UNKNOWN_CODESYSTEM_VERSION_NONE": Kind(
        "error",
        "not-found",
        "not-found",
        "A definition for CodeSystem '{0}' version '{1}' could not be found, so the code cannot be validated. "
        "No versions of this code system are known",
    ),
    "UNKNOWN_CODESYSTEM_EXP": Kind(
        "error",
        "not-found",
        "not-found",
        "A definition for CodeSystem '{0}' could not be found, so the value set cannot be expanded",
    ),
    "UNKNOWN_CODESYSTEM_VERSION_EXP": Kind(
        "error",
        "not-found",
        "not-found",
        "A definition for CodeSystem '{0}' version '{1}' could not be found, so the value set cannot be expanded. "
        "Valid versions: {2}",
    ),
    "Terminology_TX_System_ValueSet2": Kind(
        "error", "invalid", "invalid-data", "The Coding references a value set, not a code system ('{0}')"
    ),
    "Terminology_TX_System_Relative": Kind(
        "error", "invalid", "invalid-data", "Coding.system must be an absolute reference, not a local reference"
    ),
    "CODESYSTEM_CS_NO_SUPPLEMENT": Kind(
        "error",
        "invalid",
        "invalid-data",
        "CodeSystem {0} is a supplement, so can't be used as a value in Coding.system",
    ),
    "Coding_has_no_system__cannot_validate": Kind(
        "warning",
        "invalid",
        "invalid-data",
        "Coding has no system. A code with no system has no defined meaning, and it cannot be validated. "
        "A system should be provided",
    ),
    "Unable_to_resolve_value_Set_": Kind(
        "error", "not-found", "not-found", "A definition for the value Set '{0}' could not be found"
    ),
    "VS_EXP_IMPORT_UNK": Kind("error", "not-found", "not-found", "Unable to find included value set '{0}'"),
    "VS_EXP_IMPORT_UNK_PINNED": Kind(
        "error", "not-found", "not-found", "Unable to find included value set '{0}' version '{1}'"
    ),
    "VALUESET_CIRCULAR_REFERENCE": Kind(
        "error",
        "processing",
        "vs-invalid",
        "Found a circularity pointing to {0} processing ValueSet with pathway [{1}]",
    ),
    "VALUESET_TOO_COSTLY": Kind(
        "error",
        "too-costly",
        "too-costly",
        "The value set '{0}' expansion has too many codes to display ({1}); ask for pages with count and offset",
    ),
    "VALUESET_SUPPLEMENT_MISSING": Kind("error", "not-found", "not-found", "Required supplement not found: {0}"),
    "VALUESET_VALUE_MISMATCH": Kind(
        "error",
        "invalid",
        "vs-invalid",
        "The code system '{0}' version '{1}' in the ValueSet include is different to the one in the value ('{3}')",
    ),
    "VALUESET_VALUE_MISMATCH_CHANGED": Kind(
        "error",
        "invalid",
        "vs-invalid",
        "The code system '{0}' version '{1}' resulting from the version '{2}' in the ValueSet include is different to "
        "the one in the value ('{3}')",
    ),
    "VALUESET_VALUE_MISMATCH_DEFAULT": Kind(
        "warning",
        "invalid",
        "vs-invalid",
        "The code system '{0}' version '{1}' for the versionless include in the ValueSet include is different to the "
        "one in the value ('{3}')",
        said=False,
    ),
    "VALUESET_VERSION_CHECK": Kind(
        "error",
        "exception",
        "version-error",
        "The version '{1}' is not allowed for system '{0}': required to be '{2}' by a version-check parameter",
    ),
    "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE": Kind(
        "error", "invalid", "vs-invalid", "The system {0} filter with property = {1}, op = {2} has no value"
    ),
    "FILTER_NOT_UNDERSTOOD": Kind(
        "error",
        "not-supported",
        "vs-invalid",
        'The filter "{0} {1} {2}" from the value set {3} was not understood in the context of {4}',
    ),
    "Display_Name_for__should_be_one_of__instead_of": Kind(
        "error",
        "invalid",
        "invalid-display",
        "Wrong Display Name '{0}' for {1}#{2}. Valid display is {3} (for the language(s) '{4}')",
    ),
    "Display_Name_WS_for__should_be_one_of__instead_of": Kind(
        "error",
        "invalid",
        "invalid-display",
        "Wrong whitespace in Display Name '{0}' for {1}#{2}. Valid display is {3} (for the language(s) '{4}')",
    ),
    "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK": Kind(
        "information",
        "invalid",
        "invalid-display",
        "There are no valid display names found for the code {1}#{2} for language(s) '{4}'. The display is '{0}' which "
        "is a valid display for the default language",
    ),
    "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR": Kind(
        "error",
        "invalid",
        "invalid-display",
        "Wrong Display Name '{0}' for {1}#{2}. There are no valid display names found for language(s) '{4}'. "
        "Default display is '{3}'",
    ),
    "NO_VALID_DISPLAY_AT_ALL": Kind(
        "warning",
        "invalid",
        "invalid-display",
        "Cannot validate display Name '{0}' for {1}#{2}: No displays are known",
        said=False,
    ),
    "INACTIVE_DISPLAY_FOUND": Kind(
        "warning",
        "invalid",
        "display-comment",
        "'{0}' is no longer considered a correct display for code '{1}' (status = {2}). The correct display is one of "
        "{3}.",
        said=False,
    ),
    "INACTIVE_CONCEPT_FOUND": Kind(
        "warning",
        "business-rule",
        "code-comment",
        "The concept '{0}' has a status of {1} and its use should be reviewed",
    ),
    "DEPRECATED_CONCEPT_FOUND": Kind(
        "warning",
        "business-rule",
        "code-comment",
        "The concept '{0}' has a status of {1} and its use should be reviewed",
        said=False,
    ),
    "STATUS_CODE_WARNING_CODE": Kind(
        "error", "business-rule", "code-rule", "The concept '{0}' is valid but is not active"
    ),
    "ABSTRACT_CODE_NOT_ALLOWED": Kind(
        "error", "business-rule", "code-rule", "Code '{0}#{1}' is abstract, and not allowed in this context"
    ),
    "CODE_CASE_DIFFERENCE": Kind(
        "information",
        "business-rule",
        "code-rule",
        "The code '{0}' differs from the correct code '{1}' by case. Although the code system '{2}' is case "
        "insensitive, implementers are strongly encouraged to use the correct case anyway",
    ),
    "CONCEPT_DEPRECATED_IN_VALUESET": Kind(
        "warning",
        "business-rule",
        "code-comment",
        "The presence of the concept '{0}' in the system '{1}' in the value set {2} is marked with a status of {3} and "
        "its use should be reviewed",
        said=False,
    ),
    "MSG_DEPRECATED": Kind("information", "business-rule", "status-check", "Reference to deprecated {1} {0}", False),
    "MSG_WITHDRAWN": Kind("information", "business-rule", "status-check", "Reference to withdrawn {1} {0}", False),
    "MSG_RETIRED": Kind("information", "business-rule", "status-check", "Reference to retired {1} {0}", False),
    "MSG_EXPERIMENTAL": Kind(
        "information", "business-rule", "status-check", "Reference to experimental {1} {0}", False
    ),
    "MSG_DRAFT": Kind("information", "business-rule", "status-check", "Reference to draft {1} {0}", False),
}
"""Message id -> what it means. The wording is the ecosystem's, on which its clients rely."""


@dataclass(frozen=True)
class Issue:
    """``where`` is an expression ('' : none); ``id`` a key of :data:`KINDS` or ''."""

    id: str
    severity: Severity
    code: str
    type: str
    text: str
    where: str = ""
    said: bool = True

    def element(self) -> dict[str, Any]:
        """The OperationOutcome.issue."""
        out: dict[str, Any] = {}
        if self.id:
            out["extension"] = [{"url": MESSAGE_ID, "valueString": self.id}]
        out["severity"], out["code"] = self.severity, self.code
        out["details"] = {"coding": [{"system": TYPES, "code": self.type}]} if self.type else {}
        out["details"]["text"] = self.text
        if self.where:
            out["expression"] = [self.where]
        return out


def issue(id_: str, *words: str, where: str = "", severity: Severity | None = None) -> Issue:
    """The issue of a known message."""
    kind = KINDS[id_]
    return Issue(id_, severity or kind.severity, kind.code, kind.type, kind.text.format(*words), where, kind.said)


def plain(code: str, text: str, where: str = "", type_: str = "") -> Issue:
    """An error with words of our own."""
    return Issue("", "error", code, type_, text, where)


def not_in_set(code: str, valueset: str, where: str, *, one_of_several: bool = False) -> Issue:
    """A code that is not in a value set; of several codings each is only told of, the whole is the error."""
    found = issue("None_of_the_provided_codes_are_in_the_value_set_one", code, valueset, where=where)
    if one_of_several:
        return replace(found, severity="information", type="this-code-not-in-vs", said=False)
    return found


def outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [i.element() for i in issues]}


def message(issues: Iterable[Issue]) -> str:
    """The ``message`` of an answer: what is said, each once, in the order of the alphabet."""
    return "; ".join(sorted({i.text for i in issues if i.said}))
