"""Any document of statements: OpenVEX, or a CycloneDX document with vulnerabilities."""

from __future__ import annotations

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.sbom.read import of_json, parsed, unpacked
from wardbridge.equipment.cyber.sbom.read import read as read_bom
from wardbridge.equipment.cyber.values import Bom, Vex
from wardbridge.equipment.cyber.vex import openvex


def read(sent: bytes) -> Vex:
    """Raises Invalid for what holds no statements. CSAF comes as an advisory, by ``register load-advisories``."""
    sent = unpacked(sent)
    if not sent[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return of_bom(read_bom(sent))
    found = parsed(sent)
    if openvex.recognised(found):
        return openvex.read(found)
    if isinstance(found.get("document"), dict) and "csaf_version" in found["document"]:
        raise Invalid("this is CSAF: load it as an advisory (register load-advisories); its statuses count as VEX")
    return of_bom(of_json(found))


def of_bom(bom: Bom) -> Vex:
    """The statements of a bill. Raises Invalid where it has none."""
    if not bom.statements:
        raise Invalid("this document makes no statement on a vulnerability", "vulnerabilities")
    return Vex(
        format=bom.format, serial=bom.serial, revision=bom.revision, author=bom.author, made_at=bom.made_at,
        statements=bom.statements, refused=bom.refused,
    )  # fmt: skip
