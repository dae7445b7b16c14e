"""All profiles that this process knows: those of R4 at once, others as their definitions are given to it.

A profile is compiled when it is first asked for.  Standard: https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wardbridge.fhir.definitions.profiles import BASE, facts, published
from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.validate.profile import Profile
from wardbridge.fhir.validate.run import NotLoaded
from wardbridge.fhir.validate.shapes import Shape, root_shape
from wardbridge.fhir.validate.snapshot import Problem, apply

MOST_DEPTH = 30
# URLs that nobody knows come from outside: they must not fill the memory.
MOST_LACKING = 10_000


class Profiles:
    """Profiles by canonical URL. With `open` there may be more elsewhere: :meth:`find` raises NotLoaded for a URL that
    nobody has looked up yet; say with :meth:`add` and :meth:`lack` what came of it."""

    def __init__(self, *, open: bool = False) -> None:
        self._open = open
        self._rows: dict[str, dict[str, Any]] = {}
        self._questionnaires: dict[str, dict[str, Any]] = {}
        self._ready: dict[str, Profile] = {}
        self._lacking: set[str] = set()

    def add(self, definition: dict[str, Any]) -> None:
        """Take a StructureDefinition or Questionnaire; the latest one given for a URL counts, each by `url|version`."""
        url, version = definition.get("url"), definition.get("version")
        if not isinstance(url, str):
            return
        asks = definition.get("resourceType") == "Questionnaire"
        row = definition if asks else facts(definition)
        rows = self._questionnaires if asks else self._rows
        rows[url] = row
        if isinstance(version, str):
            rows[f"{url}|{version}"] = row
        self._ready.clear()
        self._lacking.discard(url)

    def lack(self, urls: Iterable[str]) -> None:
        """Those URLs have been looked up in vain."""
        if len(self._lacking) > MOST_LACKING:
            self._lacking.clear()
        self._lacking.update(urls)

    def forget(self) -> None:
        """Definitions have changed elsewhere: look everything up anew."""
        self._rows.clear()
        self._questionnaires.clear()
        self._ready.clear()
        self._lacking.clear()

    def find(self, canonical: str) -> Profile | None:
        """The profile for a canonical URL (`url` or `url|version`), None where there is none.

        NotLoaded: it, or a profile that it is based on, has not been looked up yet.
        """
        ready = self._ready.get(canonical)
        if ready is not None:
            return ready
        row = self._row(canonical)
        if row is None:
            return None
        try:
            found = self._make(row)
        except NotLoaded:
            raise
        except (TypeError, AttributeError, KeyError, ValueError, IndexError, RecursionError):
            # Packages are loaded as they are: a definition that is none asks for nothing, and says so.
            problem = Problem(-1, "the definition is malformed")
            found = Profile(canonical, "", str(row.get("type")), root_shape("Element"), problems=[problem])
        self._ready[canonical] = found
        return found

    def questionnaire(self, canonical: str) -> dict[str, Any] | None:
        """The Questionnaire for a canonical URL, None where there is none. NotLoaded as of :meth:`find`."""
        found = self._questionnaires.get(canonical) or self._questionnaires.get(canonical.partition("|")[0])
        if found is None and self._open and canonical not in self._lacking:
            raise NotLoaded(canonical)
        return found

    def _row(self, canonical: str) -> dict[str, Any] | None:
        row = self._rows.get(canonical)
        if row is not None:
            return row
        url, _, version = canonical.partition("|")
        row = self._rows.get(url) or published().get(url)
        if row is not None and (not version or row.get("version") == version or not self._open):
            return row
        if url.startswith(BASE) and type_of(url.removeprefix(BASE)) is not None:
            return {"url": url, "type": url.removeprefix(BASE), "baseDefinition": url}
        if self._open and canonical not in self._lacking:
            raise NotLoaded(canonical)
        # A version that nobody has: the one there is stands in for it.
        return row

    def _make(self, row: dict[str, Any]) -> Profile:
        shape, problems = self._shape(row, 0)
        contexts = [(c.get("type", ""), c.get("expression", "")) for c in row.get("context", ()) if isinstance(c, dict)]
        root = _first(row)
        return Profile(
            row["url"],
            str(row.get("version", "")),
            str(row.get("type", "")),
            shape,
            contexts,
            [text for text in row.get("contextInvariant", ()) if isinstance(text, str)],
            modifier=root.get("isModifier") is True,
            problems=problems,
        )

    def _shape(self, row: dict[str, Any], depth: int) -> tuple[Shape, list[Problem]]:
        """The shape of a definition, upon that of its base; where the base is not to be had, its own snapshot."""
        type_name = str(row.get("type", ""))
        base_url = str(row.get("baseDefinition", ""))
        core = base_url.partition("|")[0].removeprefix(BASE)
        snapshot = row.get("snapshot", {}).get("element")
        differential = row.get("differential", {}).get("element")
        if type_of(core) is not None:
            base: Shape | None = root_shape(type_name if type_of(type_name) is not None else core)
        else:
            base = self._base(base_url, depth)
        if base is None:
            if type_of(type_name) is None:
                return root_shape("Element"), [Problem(-1, f"the base {base_url} is not known")]
            base = root_shape(type_name)
            if not snapshot:
                problems = apply(base, differential or ())
                return base, [Problem(-1, f"the base {base_url} is not known"), *problems]
            return base, apply(base, snapshot)
        return base, apply(base, differential or snapshot or ())

    def _base(self, url: str, depth: int) -> Shape | None:
        row = self._row(url) if depth < MOST_DEPTH else None
        return None if row is None else self._shape(row, depth + 1)[0]


def _first(row: dict[str, Any]) -> dict[str, Any]:
    for part in ("differential", "snapshot"):
        elements = row.get(part, {}).get("element")
        if elements and isinstance(elements[0], dict):
            first = elements[0]
            if "." not in str(first.get("path", ".")):
                return dict(first)
    return {}


BUILT_IN = Profiles()
"""The profiles and extensions of R4 itself."""
