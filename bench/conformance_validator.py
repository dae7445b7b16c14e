"""The base R4 cases of the official validator tests: valid or invalid as the reference validator says.

    python -m bench.conformance_validator [--suites FOLDER] [--why]

Each case is validated with the options that stand for the reference validator's own setting, and with the case's
(`examples`, `validateContains`, `security-checks`, `allow-comments`, `allowed-extension-domain`, `validateReference`);
`supporting` and `profiles` are loaded first, and `profile.source` makes a second verdict.  Prints one JSON object:
passed, failed, total, strict (the same errors at the same elements), skipped (no expectation or no input) and the
names that fail.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from bench.scratch import database
from bench.suite import counts, main

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.terms import Terms
from wardbridge.fhir.validate import Issue
from wardbridge.fhir.validate.options import STRICT, Options
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.source import read
from wardbridge.fhir.validate.validator import Validator
from wardbridge.terminology.service import Service

SUITE = "fhir-validator-r4"
# How the reference validator decorates a path: /*Patient/1*/, [url='...'].
_DECORATION = re.compile(r"/\*.*?\*/|\[url='[^']*'\]")


def outcome(java: Any, folder: Path) -> list[dict[str, Any]] | bool | None:
    """The issues that the reference validator gives; a bool where only that there are errors is said; None: nothing."""
    if isinstance(java, dict):
        if "errorCount" in java:
            return bool(java["errorCount"])
        java = java.get("outcome")
    if isinstance(java, str):
        path = next((p for p in (folder / "outcomes" / java, folder / java) if p.exists()), None)
        java = loads(path.read_bytes()) if path is not None else None
    return list(java.get("issue", ())) if isinstance(java, dict) else None


def options(case: dict[str, Any]) -> Options:
    """The reference validator's setting for a case, as ours."""
    domain = case.get("allowed-extension-domain")
    domains = [*case.get("allowed-extension-domains", ()), *([domain] if domain else [])]
    return msgspec.structs.replace(
        STRICT,
        examples=case.get("examples", True) is not False,
        contained=case.get("validateContains") != "IGNORE",
        html=bool(case.get("security-checks")),
        exists="EXISTS" in str(case.get("validateReference", "")),
        domains=tuple(domains),
    )


def definitions(case: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """The definitions that a case brings along."""
    given = [case, case.get("profile") or {}]
    names = [n for part in given for key in ("supporting", "supporting5", "profiles") for n in part.get(key, ())]
    source = (case.get("profile") or {}).get("source")
    for name in [*names, *([source] if source else [])]:
        path = folder / "input" / name
        data = path.read_bytes() if path.exists() else b""
        try:
            yield read_xml(data) if data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" else loads(data)
        except Invalid:
            continue


async def found(case: dict[str, Any], folder: Path, terms: Terms | None) -> dict[str, list[Issue]]:
    """Our issues for a case: without a profile and, where it names one, with it."""
    data = (folder / "input" / case["file"]).read_bytes()
    resource, unread = read(data, comments=bool(case.get("allow-comments")))
    if resource is None:
        return {"": unread}
    profiles = Profiles()
    loaded = list(definitions(case, folder))
    for definition in loaded:
        profiles.add(definition)
    validator = Validator(profiles, terms, options=options(case))
    out = {"": unread + await validator.check(resource)}
    if "profile" in case and loaded:
        out["profile"] = unread + await validator.check(resource, str(loaded[-1].get("url")))
    return out


def errors(issues: list[Issue]) -> list[Issue]:
    return [i for i in issues if i.severity in ("error", "fatal")]


def expressions(issues: list[dict[str, Any]]) -> list[str]:
    rows = [i for i in issues if i["severity"] in ("error", "fatal")]
    return sorted(_DECORATION.sub("", (i.get("expression") or i.get("location") or [""])[0]) for i in rows)


async def run(folder: Path, terms: Terms | None) -> tuple[dict[str, Any], dict[str, str]]:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    why: dict[str, str] = {}
    skipped = []
    total = strict = 0
    for case in manifest["test-cases"]:
        wanted = {"": outcome(case.get("java"), folder)}
        if isinstance(case.get("profile"), dict):
            wanted["profile"] = outcome(case["profile"].get("java"), folder)
        there = (folder / "input" / case["file"]).exists() and case.get("use-test") is not False
        ours = await found(case, folder, terms) if there and any(w is not None for w in wanted.values()) else {}
        for kind, want in wanted.items():
            name = f"{case['name']} ({kind})" if kind else case["name"]
            if want is None or kind not in ours:
                skipped.append(name)
                continue
            total += 1
            issues = errors(ours[kind])
            invalid = want if isinstance(want, bool) else bool(expressions(want))
            if not isinstance(want, bool):
                strict += sorted(i.expression for i in issues) == expressions(want)
            if bool(issues) != invalid:
                seen = "; ".join(f"{i.expression}: {i.details} [{i.diagnostics}]" for i in issues[:3])
                why[name] = f"expected {'an error' if invalid else 'valid'} ({case.get('module', 'base')}); {seen}"
    return counts(SUITE, total, why, skipped=skipped, strict=strict), why


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """With the terminology that comes with the product: the code systems of R4 itself, no licensed ones."""

    async def work() -> tuple[dict[str, Any], dict[str, str]]:
        async with database() as dsn:
            pool = await open_pool(dsn, size=2)
            clock = SystemClock()
            record = Record(pool, clock)
            await record.load()
            try:
                return await run(folder, Service(pool, record, clock))
            finally:
                await pool.close()

    return asyncio.run(work())


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
