"""The tests of the HL7 terminology ecosystem (suite ``tx``) against the record with its terminology service, over HTTP.

python -m bench.conformance_tx [--suites FOLDER] [--why]

The setup of each suite is stored in the record by PUT and deleted at its end; what is no valid R4, and is therefore
refused, goes along with each request as ``tx-resource``, as the suite allows. Requests and resources are converted from
R5 to R4 and answers back, as R4's cross-version extensions say; ``OperationOutcome.issue.location``, which R4 replaced
by ``expression`` and which only a part of the expected answers repeats, is left out of both sides.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
from bench.scratch import with_client
from bench.suite import counts, main

SUITE = "tx"
PATHS = {
    "expand": "/ValueSet/$expand",
    "validate-code": "/ValueSet/$validate-code",
    "cs-validate-code": "/CodeSystem/$validate-code",
    "lookup": "/CodeSystem/$lookup",
    "translate": "/ConceptMap/$translate",
    "batch-validate": "/ValueSet/$batch-validate-code",
}
KINDS = {
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "uuid": re.compile(r"(urn:uuid:)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "url": re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+"),
    "token": re.compile(r"[A-Za-z0-9_\-.]+"),
    "string": re.compile(r"\S(.*\S)?", re.DOTALL),
    "date": re.compile(r"\d{4}(-\d\d(-\d\d)?)?"),
    "instant": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "version": re.compile(r"\S+"),
    "semver": re.compile(r"\d+\.\d+\.\d+(-\S+)?"),
}
EQUIVALENCE = {
    "related-to": "relatedto",
    "equivalent": "equivalent",
    "source-is-narrower-than-target": "wider",
    "source-is-broader-than-target": "narrower",
    "not-related-to": "disjoint",
}
R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion."
RESPONSES = ("response", "response2", "response:flat", "response:tx.fhir.org")
UNSEEN = ("text", "meta", "diagnostics", "fhir_comments")
"""What is not compared: narrative, metadata of the server, its own words beside the issue's text."""


def load(file: Path) -> Any:
    return json.loads(file.read_text("utf-8-sig"))


# --- R5 to R4 and back --------------------------------------------------------------------------------------------


def to_r4(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource of the suite as R4 has it."""
    out = {k: v for k, v in _named(resource).items() if k not in ("versionAlgorithmCoding", "versionAlgorithmString")}
    if out.get("resourceType") == "ConceptMap":
        for side in ("source", "target"):
            for kind in ("Uri", "Canonical"):
                if f"{side}Scope{kind}" in out:
                    out[f"{side}{kind}"] = out.pop(f"{side}Scope{kind}")
        for group in out.get("group", []):
            group.get("unmapped", {}).pop("relationship", None)
            for element in group["element"]:
                for target in element.get("target", []):
                    target["equivalence"] = EQUIVALENCE[target.pop("relationship")]
    return out


def _named(value: Any) -> Any:
    """Without the keys with a language (``title:de``), which no version of FHIR has."""
    if isinstance(value, dict):
        return {k: _named(v) for k, v in value.items() if ":" not in k}
    return [_named(v) for v in value] if isinstance(value, list) else value


def from_r4(value: Any) -> Any:
    """An answer as R5 has it: expansion properties out of the extensions that carry them."""
    if isinstance(value, list):
        return [from_r4(v) for v in value]
    if not isinstance(value, dict):
        return value
    out = {k: from_r4(v) for k, v in value.items()}
    for url in (R5 + "property", R5 + "contains.property"):
        found = [e for e in out.get("extension", ()) if e["url"] == url]
        if found:
            out["extension"] = [e for e in out["extension"] if e["url"] != url]
            out["property"] = [_property(e) for e in found]
            if not out["extension"]:
                del out["extension"]
    return out


def _property(extension: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for part in extension["extension"]:
        name, value = next((k, v) for k, v in part.items() if k.startswith("value"))
        out[name if part["url"] == "value" else part["url"]] = value
    return out


# --- comparing ----------------------------------------------------------------------------------------------------


class Comparison:
    """``words``: the messages of the answer file, by number."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words

    def differs(self, expected: Any, actual: Any, path: str = "") -> str:
        """'' where they agree, else the first difference."""
        if isinstance(expected, dict):
            if not isinstance(actual, dict):
                return f"{path}: expected an object"
            return self._object(expected, actual, path)
        if isinstance(expected, list):
            if not isinstance(actual, list):
                return f"{path}: expected an array"
            return self._array(expected, actual, path)
        if isinstance(expected, str) and isinstance(actual, str):
            return "" if self._text(expected, actual) else f"{path}: expected {expected!r}, not {actual!r}"
        if isinstance(expected, bool) or isinstance(actual, bool):
            return "" if expected is actual else f"{path}: expected {expected!r}, not {actual!r}"
        return "" if expected == actual else f"{path}: expected {expected!r}, not {actual!r}"

    def _object(self, expected: dict[str, Any], actual: dict[str, Any], path: str) -> str:
        optional = {*expected.get("$optional-properties$", ()), *expected.get("$optional", ())}
        counted = expected.get("$count-arrays$", ())
        ignored = {*UNSEEN, *(("location",) if "severity" in expected else ())}
        for name, value in actual.items():
            if name in ignored:
                continue
            if name not in expected:
                if name in optional:
                    continue
                return f"{path}: unexpected {name} {str(value)[:200]}"
            if name in counted:
                if len(value) != len(expected[name]):
                    return f"{path}.{name}: expected {len(expected[name])} entries, not {len(value)}"
            elif found := self.differs(expected[name], value, f"{path}.{name}"):
                return found
        for name, value in expected.items():
            if name.startswith("$") or name in ignored or name in actual or name in optional:
                continue
            if isinstance(value, list) and all(_optional(item) for item in value):
                continue
            return f"{path}: missing {name} {str(value)[:200]}"
        return ""

    def _array(self, expected: list[Any], actual: list[Any], path: str) -> str:
        """Without order: each expected entry finds one of its own; those that must be there choose first."""
        left = list(actual)
        for entry in sorted(expected, key=_optional):
            found = next((item for item in left if not self.differs(entry, item)), None)
            if found is not None:
                left.remove(found)
            elif not _optional(entry):
                near = min((self.differs(entry, item) for item in left), key=len, default="nothing is left")
                return f"{path}: nothing matches {json.dumps(entry)[:400]} ({near[:400]})"
        return f"{path}: unexpected {json.dumps(left)[:400]}" if left else ""

    def _text(self, expected: str, actual: str) -> bool:
        if not (expected.startswith("$") and expected.endswith("$") and len(expected) > 1):
            return _templates(expected, actual)
        kind, _, rest = expected[1:-1].partition(":")
        if kind == "":
            return True
        if kind == "external":
            number, _, text = rest.partition(":")
            return actual == self._words.get(number) or bool(text and text in actual) or (not text and bool(actual))
        if kind == "choice":
            return actual in rest.split("|")
        if kind == "fragments":
            return all(part in actual for part in rest.split("|"))
        return _templates(expected, actual)


def _templates(expected: str, actual: str) -> bool:
    """A text with templates inside (``http://...|$version$``)."""
    parts = re.split(r"\$(" + "|".join(KINDS) + r")\$", expected)
    if len(parts) == 1:
        return expected == actual
    pattern = "".join(re.escape(p) if n % 2 == 0 else f"(?:{KINDS[p].pattern})" for n, p in enumerate(parts))
    return re.fullmatch(pattern, actual, re.DOTALL) is not None


def _optional(entry: Any) -> bool:
    return isinstance(entry, dict) and "$optional$" in entry


# --- running ------------------------------------------------------------------------------------------------------


def request_of(folder: Path, test: dict[str, Any]) -> dict[str, Any]:
    """The Parameters of a test with those of its profile, as R4."""
    request = load(folder / test["request"])
    parameters = list(request.get("parameter", ()))
    if "profile" in test:
        parameters += load(folder / test["profile"]).get("parameter", ())
    for parameter in parameters:
        if "resource" in parameter:
            parameter["resource"] = to_r4(parameter["resource"])
    return {"resourceType": "Parameters", "parameter": parameters}


async def judged(
    client: httpx.AsyncClient, folder: Path, test: dict[str, Any], words: dict[str, Any], along: list[dict[str, Any]]
) -> str:
    """'' where the answer is one of the allowed, else why not. ``along``: resources that go with the request."""
    headers = {"accept-language": test["Accept-Language"]} if "Accept-Language" in test else {}
    headers |= {test["header"]["name"]: test["header"]["value"]} if isinstance(test.get("header"), dict) else {}
    request = request_of(folder, test)
    request["parameter"] += [{"name": "tx-resource", "resource": resource} for resource in along]
    answer = await client.post(PATHS[test["operation"]], json=request, headers=headers)
    wanted = str(test.get("http-code", "200"))
    status = str(answer.status_code)
    if not (status == wanted or (wanted.endswith("xx") and status[0] == wanted[0])):
        responses = [k for k in ("response2",) if k in test]
        if not responses or status[0] != "4":
            return f"status {status}, expected {wanted}: {answer.text[:400]}"
    actual = from_r4(answer.json())
    allowed = [test[name] for name in RESPONSES if name in test]
    why = [Comparison(words.get(name, {})).differs(load(folder / name), actual) for name in allowed]
    return "" if "" in why else why[0]


async def run(client: httpx.AsyncClient, folder: Path) -> tuple[int, dict[str, str], dict[str, str]]:
    words = load(folder / "messages-tx.fhir.org.json")
    total, why, parts = 0, dict[str, str](), dict[str, str]()
    for suite in load(folder / "test-cases.json")["suites"]:
        stored, along = list[str](), list[dict[str, Any]]()
        for n, name in enumerate(suite.get("setup", ())):
            resource = to_r4(load(folder / name))
            place = f"/{resource['resourceType']}/setup-{n}"
            answer = await client.put(place, json={**resource, "id": f"setup-{n}"})
            if answer.status_code in (200, 201):
                stored.append(place)
            else:
                along.append(resource)
        failed = 0
        seen: dict[str, int] = {}
        for test in suite["tests"]:
            total += 1
            seen[test["name"]] = seen.get(test["name"], 0) + 1
            again = f"#{seen[test['name']]}" if seen[test["name"]] > 1 else ""
            said = await judged(client, folder, test, words, along)
            if said:
                failed += 1
                why[f"{suite['name']}/{test['name']}{again}"] = said
        parts[suite["name"]] = f"{len(suite['tests']) - failed}/{len(suite['tests'])}"
        for place in stored:
            await client.delete(place)
    return total, why, parts


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The counts with one of each suite, and the reason of each failure."""
    total, why, parts = with_client(lambda client: run(client, folder))
    return counts(SUITE, total, why, parts=parts), why


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
