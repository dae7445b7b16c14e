"""A unique device identifier, taken apart."""

from __future__ import annotations

import msgspec

GS1, HIBCC, ICCBBA = "GS1", "HIBCC", "ICCBBA"
SYSTEMS = {
    GS1: "http://hl7.org/fhir/NamingSystem/gs1-di",
    HIBCC: "http://hl7.org/fhir/NamingSystem/hibcc",
    ICCBBA: "http://hl7.org/fhir/NamingSystem/iccbba-other-di",
}
"""Agency -> Device.udiCarrier.issuer (R4 device.html)."""


class Udi(msgspec.Struct, frozen=True, kw_only=True):
    """What a label or a typed text holds; '' for what it does not.

    ``di`` is the device identifier without check characters of HIBCC and without the agency's flags. Dates are ISO
    (``2026-03-31``), or as precise as the label is (``2026-03``). ``warnings`` say what is odd; nothing is rejected
    that has a device identifier. ``rest`` is what was not understood, as it stood.
    """

    text: str
    issuer: str = ""
    di: str = ""
    lot: str = ""
    serial: str = ""
    expiration: str = ""
    manufactured: str = ""
    donation: str = ""
    quantity: str = ""
    warnings: tuple[str, ...] = ()
    rest: str = ""
