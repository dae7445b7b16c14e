"""Small feeds of our own, in the shapes of CSAF 2.0, openFDA and KEV."""

from __future__ import annotations

from typing import Any


def csaf(
    number: str, *, vendor: str = "Acme", product: str = "Flow 3", version: str = "1", released: str = "2024-01-01",
    range_: str = "< 2.1", cve: str = "CVE-2024-1000", title: str = "Acme Flow 3 speaks to anyone",
    status: str = "known_affected", score: float = 9.8,
) -> dict[str, Any]:  # fmt: skip
    """A CSAF document on one product."""
    leaf = {"category": "product_version_range", "name": range_, "product": {"name": product, "product_id": "P-1"}}
    name = {"category": "product_name", "name": product, "branches": [leaf]}
    return {
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": title,
            "publisher": {"category": "coordinator", "name": "CISA", "namespace": "https://www.cisa.gov/"},
            "references": [{"category": "self", "summary": "web", "url": "https://example.org/" + number}],
            "tracking": {"id": number, "version": version, "status": "final",
                         "initial_release_date": "2023-12-01T00:00:00.000000Z",
                         "current_release_date": f"{released}T00:00:00.000000Z"},
        },
        "product_tree": {"branches": [{"category": "vendor", "name": vendor, "branches": [name]}]},
        "vulnerabilities": [{
            "cve": cve, "product_status": {status: ["P-1"]},
            "scores": [{"cvss_v3": {"baseScore": score, "vectorString": "CVSS:3.1/…"}, "products": ["P-1"]}],
            "remediations": [{"category": "vendor_fix", "details": "Update to 2.1", "product_ids": ["P-1"]}],
        }],
    }  # fmt: skip


def recall(number: str, **fields: Any) -> dict[str, Any]:
    """A record of openFDA device/recall."""
    return {
        "cfres_id": "1", "product_res_number": number, "res_event_number": "7", "recalling_firm": "Acme Medical, Inc.",
        "product_description": "Flow 3 infusion pump, Model 3000", "code_info": "All serial numbers",
        "reason_for_recall": "It may stop", "action": "Stop using it", "event_date_initiated": "2024-03-01",
        "recall_status": "Open", "product_code": "FRN", "openfda": {"device_name": "Pump, Infusion"},
    } | fields  # fmt: skip


def enforcement(number: str, **fields: Any) -> dict[str, Any]:
    """A record of openFDA device/enforcement."""
    return {
        "recall_number": number, "event_id": "7", "recalling_firm": "Acme Medical, Inc.", "classification": "Class II",
        "product_description": "Flow 3 infusion pump", "code_info": "All serial numbers", "status": "Ongoing",
        "recall_initiation_date": "20240301", "report_date": "20240320", "reason_for_recall": "It may stop",
    } | fields  # fmt: skip


def kev(cve: str, **fields: Any) -> dict[str, Any]:
    """An entry of the KEV catalogue."""
    return {
        "cveID": cve, "vendorProject": "Microsoft", "product": "Windows", "vulnerabilityName": "A hole",
        "dateAdded": "2022-01-01", "shortDescription": "s", "requiredAction": "Update", "dueDate": "2022-02-01",
        "knownRansomwareCampaignUse": "Known", "notes": "", "cwes": ["CWE-20"],
    } | fields  # fmt: skip
