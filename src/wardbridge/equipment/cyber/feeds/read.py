"""Vulnerabilities out of any file: CVE records, answers of the NVD, OSV records; alone, as a list, or a line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.feeds import cve5, nvd, osv
from wardbridge.equipment.cyber.sbom.read import unpacked
from wardbridge.equipment.cyber.values import Refused, Vulnerability


def read(sent: bytes, name: str) -> Iterator[Vulnerability | Refused]:
    """Each vulnerability of a file, or why a part of it is none. ``name`` is the file's, for places."""
    try:
        sent = unpacked(sent)
        documents = [orjson.loads(sent)]
    except orjson.JSONDecodeError as error:
        lines = [line for line in sent.splitlines() if line.strip()]
        if len(lines) < 2:
            yield Refused(name, f"this is no JSON: {error.msg} at line {error.lineno}")
            return
        documents = []
        for at, line in enumerate(lines, 1):
            try:
                documents.append(orjson.loads(line))
            except orjson.JSONDecodeError as wrong:
                yield Refused(f"{name} line {at}", f"this is no JSON: {wrong.msg}")
    except Invalid as error:
        yield Refused(name, error.message)
        return
    for at, document in enumerate(documents, 1):
        where = name if len(documents) == 1 else f"{name} line {at}"
        for item in document if isinstance(document, list) else [document]:
            yield from _one(item, where)


def _one(item: Any, where: str) -> Iterator[Vulnerability | Refused]:
    try:
        if not isinstance(item, dict):
            raise Invalid("a record is an object")
        if cve5.recognised(item):
            yield cve5.read(item)
        elif osv.recognised(item):
            yield from osv.read(item)
        elif nvd.recognised(item):
            for one in nvd.items(item):
                try:
                    yield nvd.read(one)
                except Invalid as error:
                    yield Refused(f"{where} {error.where}".strip(), error.message)
        else:
            raise Invalid("this is neither a CVE record (format 5) nor an answer of the NVD (API 2.0) nor OSV")
    except Invalid as error:
        yield Refused(f"{where} {error.where}".strip(), error.message)
