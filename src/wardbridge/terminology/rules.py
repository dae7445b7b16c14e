"""Which version is meant: the rules that a request gives (``system-version``, ``check-``, ``force-`` and value sets').

A rule is a canonical whose version may be a pattern: ``http://example.org/cs|1.0.x``. *force* overrides what a value
set says, *system-version* and *check* are defaults where it says nothing, and *check* also refuses every other version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wardbridge.terminology.issues import Issue, issue
from wardbridge.terminology.library import Library
from wardbridge.terminology.systems.system import System
from wardbridge.terminology.versions import fits, is_pattern, listed, split


def table(canonicals: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple(split(c) for c in canonicals if "|" in c)


def _of(rules: tuple[tuple[str, str], ...], url: str) -> str:
    return next((version for name, version in rules if name == url), "")


@dataclass(frozen=True)
class Rules:
    """(url, version pattern) of each kind."""

    default: tuple[tuple[str, str], ...] = ()
    check: tuple[tuple[str, str], ...] = ()
    force: tuple[tuple[str, str], ...] = ()
    default_sets: tuple[tuple[str, str], ...] = ()
    check_sets: tuple[tuple[str, str], ...] = ()
    force_sets: tuple[tuple[str, str], ...] = ()

    def system(self, url: str, included: str) -> tuple[str, tuple[str, str] | None]:
        """The version to look for, and the rule (parameter, canonical) that chose it."""
        if forced := _of(self.force, url):
            return forced, ("force-system-version", f"{url}|{forced}")
        if included:
            return included, None
        if default := _of(self.default, url):
            return default, ("system-version", f"{url}|{default}")
        if checked := _of(self.check, url):
            return checked, ("check-system-version", f"{url}|{checked}")
        return "", None

    def checked(self, url: str) -> str:
        return _of(self.check, url)

    def valueset(self, url: str, version: str) -> tuple[str, tuple[str, str] | None]:
        """The version of a value set to look for, and the rule that chose it."""
        if forced := _of(self.force_sets, url):
            return forced, ("force-valueset-version", f"{url}|{forced}")
        if version:
            return version, None
        if default := _of(self.default_sets, url):
            return default, ("default-valueset-version", f"{url}|{default}")
        if checked := _of(self.check_sets, url):
            return checked, ("check-valueset-version", f"{url}|{checked}")
        return "", None


@dataclass(frozen=True)
class Settled:
    """``system`` is None where the version that is meant is not known; ``shown`` is then one to take displays from.

    ``unknown`` are canonicals of what is missing.
    """

    system: System | None
    shown: System | None
    issues: tuple[Issue, ...] = ()
    unknown: tuple[str, ...] = ()
    rule: tuple[str, str] | None = None
    unversioned: bool = field(default=False)


async def settle(
    library: Library, rules: Rules, url: str, included: str, coded: str = "", path: str = "", *, expanding: bool = False
) -> Settled:
    """The version of a code system for an include that names ``included`` and a coding that names ``coded``."""
    wanted, rule = rules.system(url, included)
    known = library.versions(url)
    coded_known = any(fits(v, coded) for v in known) if coded else False
    if (coded and wanted and is_pattern(wanted) and fits(coded, wanted)) or (coded and not wanted and coded_known):
        wanted = coded
    system = await library.system(url, wanted)
    issues: list[Issue] = []
    unknown: list[str] = []
    version_at = f"{path}.version" if path else "version"
    system_at = f"{path}.system" if path else "system"
    if coded and system is not None and not fits(system.head.version, coded):
        if not wanted:
            issues.append(
                issue("VALUESET_VALUE_MISMATCH_DEFAULT", url, system.head.version, included, coded, where=version_at,
                      severity="error" if system.head.version_needed else None)
            )  # fmt: skip
        elif wanted != included:
            issues.append(issue("VALUESET_VALUE_MISMATCH_CHANGED", url, wanted, included, coded, where=version_at))
        else:
            issues.append(issue("VALUESET_VALUE_MISMATCH", url, wanted, "", coded, where=version_at))
        if not coded_known:
            issues.append(issue("UNKNOWN_CODESYSTEM_VERSION", url, coded, listed(known), where=system_at))
            unknown.append(f"{url}|{coded}")
    elif coded and system is None and known and wanted != coded:
        issues.append(issue("VALUESET_VALUE_MISMATCH", url, wanted, "", coded, where=version_at))
    if system is None:
        unknown.append(f"{url}|{wanted}" if wanted and known else url)
        issues.append(missing(url, wanted, known, system_at, expanding=expanding))
        fallback = coded if coded_known else rules.system(url, "")[0]
        return Settled(None, await library.system(url, fallback), tuple(issues), tuple(unknown), rule)
    checked = rules.checked(url)
    if checked and not fits(system.head.version, checked):
        where = "" if expanding else version_at
        issues.append(issue("VALUESET_VERSION_CHECK", url, system.head.version, checked, where=where))
    return Settled(system, system, tuple(issues), tuple(unknown), rule)


def missing(url: str, version: str, known: list[str], where: str, *, expanding: bool = False) -> Issue:
    """The issue of a code system, or a version of it, that is not here."""
    end = "_EXP" if expanding else ""
    where = "" if expanding else where
    if version and known:
        return issue(f"UNKNOWN_CODESYSTEM_VERSION{end}", url, version, listed(known), where=where)
    if version and not expanding:
        return issue("UNKNOWN_CODESYSTEM_VERSION_NONE", url, version, where=where)
    return issue(f"UNKNOWN_CODESYSTEM{end}", url, where=where)
