"""States and justifications of CycloneDX, OpenVEX and CSAF in one vocabulary, and back.

Statuses are OpenVEX's (= CSAF's product status groups). Justifications stay in the words they came in; each has a
counterpart in the other vocabulary.
"""

from __future__ import annotations

STATUSES = ("affected", "under_investigation", "fixed", "not_affected")
"""The most cautious first."""

OF_CYCLONEDX = {
    "resolved": "fixed", "resolved_with_pedigree": "fixed", "exploitable": "affected",
    "in_triage": "under_investigation", "false_positive": "not_affected", "not_affected": "not_affected",
}  # fmt: skip
TO_CYCLONEDX = {"fixed": "resolved", "affected": "exploitable", "under_investigation": "in_triage",
                "not_affected": "not_affected"}  # fmt: skip

OPENVEX = ("component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
           "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist")  # fmt: skip
_FROM = {
    "code_not_present": "vulnerable_code_not_present", "code_not_reachable": "vulnerable_code_not_in_execute_path",
    "requires_configuration": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_dependency": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_environment": "vulnerable_code_cannot_be_controlled_by_adversary",
    "protected_by_compiler": "inline_mitigations_already_exist",
    "protected_at_runtime": "inline_mitigations_already_exist",
    "protected_at_perimeter": "inline_mitigations_already_exist",
    "protected_by_mitigating_control": "inline_mitigations_already_exist",
}  # fmt: skip
CYCLONEDX = tuple(_FROM)
_TO = {
    "component_not_present": "code_not_present", "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}  # fmt: skip


def openvex(justification: str) -> str:
    """A justification in the words of OpenVEX and CSAF; '' where there is none."""
    return justification if justification in OPENVEX else _FROM.get(justification, "")


def cyclonedx(justification: str) -> str:
    """A justification in the words of CycloneDX; '' where there is none."""
    return justification if justification in _FROM else _TO.get(justification, "")
