"""An entry of a public device catalogue, and the identifiers that lead to it."""

from __future__ import annotations

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``catalogue``. ``label``: which production identifiers its label carries (lot, serial, manufactured,
    expiration, donation); ``ended``: the date of its end of distribution, ISO."""

    entry_id: str
    manufacturer: str
    brand: str
    model: str = ""
    number: str = ""
    kind: str = ""
    gmdn: str = ""
    product_code: str = ""
    description: str = ""
    mri: str = ""
    label: tuple[str, ...] = ()
    ended: str = ""
    source: str = ""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``package``: ``level`` is Primary, Secondary, Package, Unit of Use, Direct Marking; ``warnings`` say
    what is odd about the identifier."""

    di: str
    entry_id: str
    agency: str = ""
    level: str = ""
    contains: str = ""
    quantity: str = ""
    warnings: tuple[str, ...] = ()
