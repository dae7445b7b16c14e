"""Any label of any agency: scanned, as printed under the bar code, or a bare identifier as registers list it."""

from __future__ import annotations

import re

import msgspec

from wardbridge.equipment.udi import gs1, hibcc, iccbba
from wardbridge.equipment.udi.values import GS1, HIBCC, Udi


def parse(text: str, year: int, agency: str = "") -> Udi:
    """What a text says. ``year`` of today places dates of two digits. ``agency``: where a register says whose it is.

    Never raises; what is odd is in ``warnings``.
    """
    return msgspec.structs.replace(_parse(text.strip(), year, agency), text=text)


def _parse(body: str, year: int, agency: str) -> Udi:
    if re.match(r"\(\d{2,4}\)|\]", body) or gs1.FNC1 in body:
        return gs1.parse(body, year)
    if body.strip("*").startswith("+"):
        return hibcc.parse(body, year)
    if body.startswith(("=", "&")):
        return iccbba.parse(body)
    if agency != HIBCC:
        if agency == GS1 or re.fullmatch(r"\d{8}|\d{12,14}", body):
            return Udi(text=body, issuer=GS1, di=body, warnings=gs1.di_warnings(body))
        if re.match(r"01\d{14}", body):
            return gs1.parse(body, year)
    if agency == HIBCC or hibcc.looks_like_di(body):
        di, warnings = hibcc.primary(body)
        if agency == HIBCC or hibcc.FORM not in warnings:
            return Udi(text=body, issuer=HIBCC, di=di, warnings=warnings)
    return Udi(text=body, rest=body, warnings=("this is no label of GS1, HIBCC or ICCBBA",))
