"""Package URLs (ECMA-427): read leniently, and the identity of a package without its version."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec
from packageurl import PackageURL


class Purl(msgspec.Struct, frozen=True):
    """``key`` is what packages are found by: type, namespace and name, lower case where the type says so."""

    type: str
    namespace: str
    name: str
    version: str
    vers: str
    key: str


@lru_cache(maxsize=200_000)
def parse(text: str) -> Purl | None:
    """The package that a purl names, None where it is no purl."""
    if not text.startswith("pkg:"):
        return None
    try:
        found = PackageURL.from_string(text)
    except ValueError:
        return None
    name, space = found.name, found.namespace or ""
    if found.type in ("pypi", "npm", "composer", "github", "deb", "rpm", "golang", "nuget", "apk", "alpm", "generic"):
        name, space = name.lower(), space.lower()
    if found.type == "pypi":
        name = re.sub(r"[-_.]+", "-", name)
    if found.type in ("deb", "rpm", "apk", "alpm"):
        # Distributions patch on their own: the distribution is part of what it is.
        space = space or "?"
    version, vers = found.version or "", dict(found.qualifiers or {}).get("vers", "")
    return Purl(found.type, space, name, version, vers, "/".join(filter(None, (found.type, space, name))))


def make(kind: str, space: str, name: str, version: str = "", **qualifiers: str) -> str:
    """A purl from its parts; '' where they make none."""
    try:
        return PackageURL(kind, space or None, name, version or None, qualifiers or None).to_string()
    except ValueError:
        return ""


_ECOSYSTEMS = {
    "npm": "npm", "pypi": "pypi", "maven": "maven", "nuget": "nuget", "go": "golang", "crates.io": "cargo",
    "rubygems": "gem", "packagist": "composer", "hex": "hex", "pub": "pub", "conan": "conan", "conancenter": "conan",
    "github actions": "github", "swifturl": "swift", "cran": "cran",
}  # fmt: skip
_DISTRIBUTIONS = {
    "debian": ("deb", "debian"), "ubuntu": ("deb", "ubuntu"), "alpine": ("apk", "alpine"),
    "red hat": ("rpm", "redhat"), "rocky linux": ("rpm", "rocky-linux"), "almalinux": ("rpm", "almalinux"),
    "suse": ("rpm", "suse"), "opensuse": ("rpm", "opensuse"), "chainguard": ("apk", "chainguard"),
    "wolfi": ("apk", "wolfi"),
}  # fmt: skip


def of_ecosystem(ecosystem: str, name: str) -> str:
    """The purl of a package of an OSV ecosystem (``Maven``, ``Debian:11``); '' where there is no such type."""
    base = ecosystem.partition(":")[0].strip().lower()
    if base in _DISTRIBUTIONS:
        return make(*_DISTRIBUTIONS[base], name)
    kind = _ECOSYSTEMS.get(base, "")
    if not kind:
        return ""
    space = ""
    if kind == "maven":
        space, _, name = name.rpartition(":")
    elif "/" in name and kind in ("npm", "golang", "composer", "github", "swift"):
        space, _, name = name.rpartition("/")
    return make(kind, space, name)


_COLLECTIONS = (
    ("repo.maven.apache.org", "Maven"), ("repo1.maven.org", "Maven"), ("registry.npmjs.org", "npm"),
    ("www.npmjs.com", "npm"), ("pypi.python.org", "PyPI"), ("pypi.org", "PyPI"), ("rubygems.org", "RubyGems"),
    ("www.nuget.org", "NuGet"), ("crates.io", "crates.io"), ("packagist.org", "Packagist"), ("pkg.go.dev", "Go"),
    ("hex.pm", "Hex"),
)  # fmt: skip


def of_collection(url: str, name: str) -> str:
    """The purl of a package that a CVE record names by ``collectionURL`` and ``packageName``; '' for others."""
    for host, ecosystem in _COLLECTIONS:
        if host in url.lower():
            return of_ecosystem(ecosystem, name)
    return ""
