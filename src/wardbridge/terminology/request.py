"""What an operation was asked: by a Parameters resource or a query string (R4 operations.html#executing)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.fhir.rest.call import Call
from wardbridge.terminology.languages import Languages, parse
from wardbridge.terminology.rules import Rules, table
from wardbridge.terminology.values import dicts


@dataclass(frozen=True)
class Request:
    """``parameters`` in order, each (name, value): a value is text, a bool, a number or an object."""

    parameters: tuple[tuple[str, Any], ...]
    accept_language: str = ""

    def all(self, name: str) -> list[Any]:
        return [value for key, value in self.parameters if key == name]

    def get(self, *names: str) -> Any:
        """The first value of the first of these names that is there."""
        for name in names:
            for key, value in self.parameters:
                if key == name and value is not None:
                    return value
        return None

    def text(self, *names: str) -> str:
        """Raises Invalid where it is an object."""
        value = self.get(*names)
        if isinstance(value, dict | list):
            raise Invalid(f"{names[0]}: a simple value is expected", names[0])
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)

    def flag(self, name: str, default: bool | None = None) -> bool | None:
        """Raises Invalid for what is neither true nor false."""
        value = self.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        if value in ("true", "false"):
            return bool(value == "true")
        raise Invalid(f"{name}: expected true or false, not {str(value)[:60]!r}", name)

    def number(self, name: str) -> int | None:
        """Raises Invalid for what is no whole number from 0."""
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        if isinstance(value, str) and value.isdecimal() and len(value) < 10:
            return int(value)
        raise Invalid(f"{name}: expected a whole number from 0, not {str(value)[:60]!r}", name)

    def object(self, name: str) -> dict[str, Any] | None:
        """Raises Invalid for what is no object."""
        value = self.get(name)
        if value is None or isinstance(value, dict):
            return value
        raise Invalid(f"{name}: expected a {name[0].upper() + name[1:]}, not a simple value", name)

    def texts(self, *names: str) -> list[str]:
        return [str(value) for name in names for value in self.all(name) if not isinstance(value, dict | list)]

    @property
    def resources(self) -> list[dict[str, Any]]:
        """What was sent along to be known for this request."""
        return [r for r in self.all("tx-resource") if isinstance(r, dict)]

    def rules(self) -> Rules:
        return Rules(
            table(self.texts("system-version")),
            table(self.texts("check-system-version")),
            table(self.texts("force-system-version")),
            table(self.texts("default-valueset-version", "default-valueset-version")),
            table(self.texts("check-valueset-version")),
            table(self.texts("force-valueset-version")),
        )

    def languages(self, of_set: str = "", own: str = "") -> Languages:
        """Asked for by parameter, by the value set's expansion parameter, by header, else the value set's language."""
        return parse(self.text("displayLanguage") or of_set or self.accept_language or own)

    def with_defaults(self, more: Request) -> Request:
        """This request, and what another says that this one does not."""
        named = {name for name, _ in self.parameters}
        extra = tuple((name, value) for name, value in more.parameters if name not in named or name == "tx-resource")
        return replace(self, parameters=(*self.parameters, *extra))


def read(call: Call) -> Request:
    """The request of a call. Raises Invalid for a body that is no Parameters."""
    given: list[tuple[str, Any]] = [(k, v) for k, v in call.parameters if not k.startswith("_")]
    if call.method == "POST" and (call.body or call.resource is not None):
        given += list(parameters(call.json()))
    return Request(tuple(given), call.headers.get("accept-language", ""))


def parameters(resource: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The (name, value) of a Parameters resource. Raises Invalid."""
    kind = resource.get("resourceType")
    if kind in ("ValueSet", "CodeSystem", "ConceptMap"):
        yield str(kind)[0].lower() + str(kind)[1:], resource
        return
    if kind != "Parameters":
        raise Invalid("the body must be a Parameters resource", "Parameters")
    for at, entry in enumerate(dicts(resource.get("parameter"))):
        name = entry.get("name")
        if not isinstance(name, str):
            raise Invalid("a parameter has no name", f"Parameters.parameter[{at}].name")
        value = next((v for k, v in entry.items() if k.startswith("value")), None)
        if value is None and isinstance(entry.get("resource"), dict):
            value = entry["resource"]
        if value is None and "part" in entry:
            value = {"part": entry["part"]}
        if value is not None:
            yield name, value
