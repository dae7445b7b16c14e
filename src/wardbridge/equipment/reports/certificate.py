"""The certificate of sanitisation on paper (NIST SP 800-88 Rev. 2): whose medium, what was done, who verified it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from wardbridge.core.errors import NotFound
from wardbridge.equipment.lifecycle.store import checks
from wardbridge.equipment.reports.inventory import moment
from wardbridge.equipment.reports.pdf import Facts, Report, Section, Table, Text
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal


async def certificate(shop: Shop, site: str, zone: ZoneInfo, by: Principal, certificate_id: str) -> Report:
    """One certificate, as it stands: to be verified, passed or failed. Raises NotFound."""
    one = await checks.certificate(shop.pool, certificate_id)
    if one is None:
        raise NotFound("there is no such certificate", certificate_id)
    machine = Facts((
        ("Manufacturer", one.manufacturer), ("Model", one.model), ("Serial number", one.serial),
        ("Asset number", one.tag), ("Source of the media", one.source),
        ("Classification before", one.before), ("Classification after", one.after),
    ))  # fmt: skip
    done = Facts((
        ("Method", one.method), ("Technique", one.technique), ("Tool", f"{one.tool} {one.tool_version}".strip()),
        ("Done by", one.done_name), ("Date", moment(one.done_at, zone)), ("Place", one.place),
        ("Destination", one.destination), ("Note", one.note),
    ))  # fmt: skip
    verified = Facts((
        ("Verification", one.verification), ("Sampled (%)", "" if one.sampled is None else str(one.sampled)),
        ("Result", one.result or "to be verified"), ("Verified by", one.verified_name),
        ("Date", moment(one.verified_at, zone) if one.verified_at else ""), ("Signature", one.signature_id),
    ))  # fmt: skip
    media = Table(("Medium", "Serial number"), tuple((medium.kind, medium.serial) for medium in one.media))
    standing = "" if one.result == "passed" else "Not verified: the machine may not be disposed of by this paper."
    return Report(
        title="Certificate of sanitisation", subtitle="after NIST SP 800-88 Rev. 2", site=site,
        made=moment(shop.clock.now(), zone), by=by.display,
        sections=(Section("Machine", (machine,)), Section("Media", (media,)), Section("What was done", (done,)),
                  Section("Verification", (verified, *((Text(standing),) if standing else ())))),
    )  # fmt: skip
