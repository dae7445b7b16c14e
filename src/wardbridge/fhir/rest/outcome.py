"""Errors as OperationOutcome (R4 operationoutcome.html): each says what is wrong and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.errors import TooMany, Unauthenticated, Unavailable, WardbridgeError
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.answer import Answer

CODES = frozenset(
    {
        "invalid",
        "structure",
        "required",
        "value",
        "invariant",
        "security",
        "login",
        "unknown",
        "expired",
        "forbidden",
        "suppressed",
        "processing",
        "not-supported",
        "duplicate",
        "multiple-matches",
        "not-found",
        "deleted",
        "too-long",
        "code-invalid",
        "extension",
        "too-costly",
        "business-rule",
        "conflict",
        "transient",
        "lock-error",
        "no-store",
        "exception",
        "timeout",
        "incomplete",
        "throttled",
        "informational",
    }
)
"""R4 value set issue-type."""


def issue(code: str, text: str, where: str = "", severity: str = "error") -> dict[str, Any]:
    out: dict[str, Any] = {"severity": severity, "code": code if code in CODES else "processing", "diagnostics": text}
    if where:
        out["expression"] = [where]
    return out


def outcome(issues: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def refusal(status: int, code: str, text: str, where: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, dumps(outcome([issue(code, text, where)])), headers=headers)


def of_error(error: WardbridgeError) -> Answer:
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, Unauthenticated):
        headers = (("www-authenticate", 'Bearer realm="wardbridge"'),)
    elif isinstance(error, Unavailable | TooMany):
        headers = (("retry-after", "2"),)
    return refusal(error.status, error.code, error.message, error.where, headers)


def fine(text: str) -> dict[str, Any]:
    return outcome([issue("informational", text, severity="information")])


class Refused(Exception):
    """An interaction that ends here with this answer; ``attested``: it is on the audit record already."""

    def __init__(self, answer: Answer, *, attested: bool = False) -> None:
        super().__init__(answer.status)
        self.answer = answer
        self.attested = attested
