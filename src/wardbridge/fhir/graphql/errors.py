"""What goes wrong in a GraphQL request, as the members of its ``errors`` (GraphQL October 2021, section 7.1.2)."""

from __future__ import annotations

from typing import Any

from graphql import Node, get_location

Path = tuple[str | int, ...]


class RequestError(Exception):
    """The document cannot be run at all: there is no ``data``. ``node`` says where in the document."""

    def __init__(self, message: str, node: Node | None = None, path: Path = ()) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.path = path


class FieldError(Exception):
    """One field has no value; the others are answered. ``code`` is an R4 issue type."""

    def __init__(self, message: str, code: str = "processing") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def as_error(message: str, code: str, node: Node | None, path: Path) -> dict[str, Any]:
    out: dict[str, Any] = {"message": message}
    if node is not None and node.loc is not None:
        place = get_location(node.loc.source, node.loc.start)
        out["locations"] = [{"line": place.line, "column": place.column}]
    if path:
        out["path"] = list(path)
    out["extensions"] = {"code": code}
    return out
