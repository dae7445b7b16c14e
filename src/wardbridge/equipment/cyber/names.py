"""Makers and products as words that can be compared, and the keys by which candidates of a match are found."""

from __future__ import annotations

import re
from functools import lru_cache

from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.values import Body, Node

_FORMS = frozenset({"inc", "incorporated", "corp", "corporation", "company", "ltd", "limited", "llc", "gmbh", "ag",
                    "kg", "kgaa", "sa", "se", "ab", "bv", "nv", "plc", "spa", "oy", "as", "aps", "srl", "pty", "kk",
                    "group", "holding", "holdings", "the", "co"})  # fmt: skip


@lru_cache(maxsize=50_000)
def maker(text: str) -> str:
    """A company's name without its legal form: ``Acme, Inc.`` is ``acme``."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return " ".join(word for word in words if word not in _FORMS) or " ".join(words)


@lru_cache(maxsize=50_000)
def product(text: str, vendor: str = "") -> str:
    """A product's name as words, without its maker's in front."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    first = maker(vendor).split()
    if first and len(words) > len(first) and words[: len(first)] == first:
        words = words[len(first) :]
    return " ".join(words)


def of_text(vendor: str, name: str) -> str:
    """The key of vendor and product in words; '' where one of them is missing."""
    left, right = maker(vendor), product(name, vendor)
    return f"t:{left}:{right}" if left and right else ""


def of_package(package: str) -> str:
    """The key of a purl; '' where it is none."""
    found = purls.parse(package)
    return f"p:{found.key}" if found else ""


def of_criterion(name: str) -> str:
    """The key of a criterion: where vendor or product is no plain value it is left empty."""
    found = cpes.parse(name)
    vendor, item = (
        "" if value in (cpes.ANY, cpes.NA) or cpes.wild(value) else value for value in (found.vendor, found.product)
    )
    return f"c:{vendor}:{item}"


def asked(name: str) -> tuple[str, ...]:
    """The keys under which criteria for this name may lie; a criterion with neither vendor nor product is no match."""
    found = cpes.parse(name)
    if found.vendor in (cpes.ANY, cpes.NA) or found.product in (cpes.ANY, cpes.NA):
        return ()
    return (f"c:{found.vendor}:{found.product}", f"c::{found.product}", f"c:{found.vendor}:")


def keys(body: Body) -> list[str]:
    """Every key of a vulnerability, sorted."""
    found = {of_package(one.purl) for one in body.packages} | {of_text(one.vendor, one.product) for one in body.texts}
    for node in body.nodes:
        found |= _of_node(node)
    return sorted(found - {"", "c::"})


def _of_node(node: Node) -> set[str]:
    found = {of_criterion(leaf.cpe) for leaf in node.leaves}
    for inner in node.nodes:
        found |= _of_node(inner)
    return found
