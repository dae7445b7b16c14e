"""What the operations refuse with: each an OperationOutcome with the words and codes that clients know."""

from __future__ import annotations

from wardbridge.core.errors import Invalid, NotFound, WardbridgeError
from wardbridge.terminology.issues import Issue


class TooCostly(Invalid):
    """Too many concepts to list, or a filter that would take too long (R4 valueset-operation-expand.html)."""

    status = 422
    code = "too-costly"


class Unknown(NotFound):
    """A code, code system, value set or map that is not here."""


class Refusal(WardbridgeError):
    """An operation that ends with these issues. ``status`` is 4xx."""

    def __init__(self, *issues: Issue, status: int = 422) -> None:
        super().__init__("; ".join(issue.text for issue in issues), "")
        self.issues = issues
        self.status = status
        self.code = issues[0].code
